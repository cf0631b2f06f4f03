"""The clocks of a case: until when it must be accepted and decided, by law and by promise. Pure functions over the standards.

Acceptance: what is missing is told within the days of the packs' deadline (``licence-correction``: five working days), or the application
counts as accepted from its receipt (行政许可法 art. 32(4)). Decision: the matter's legal limit, and the body's own promise, both from acceptance; both stop for special
procedures (art. 45) and both move with an extension (art. 42).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from gdbos import (
    Acceptance,
    Calendar,
    Conflict,
    Correction,
    Deadline,
    Extension,
    NotPublished,
    Standards,
    Suspension,
    Text,
    accepted_on,
    due,
)
from gdbos_services.matters.matter import Matter

DECISION = "licence-decision"
"""Deadline rule of administrative licences that name none of their own."""
LICENCE = "01"
"""Matter type: administrative licence (行政许可)."""
PROCEDURES = "case.special-procedure-name"
"""Code list of what a clock stops for (art. 45)."""
FAR = "9999-12-31"
"""Sorts after every date: nobody in the body has to act."""

Limit = Literal["legal", "promise", "acceptance"]
NEVER = Text(
    "该期限所需的节假日安排尚未公布，公布后确定届满日。",
    "The holidays this limit needs are not published yet; it is set when they are.",
)


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """When a case is due."""

    legal: date | None = None
    promise: date | None = None
    """None: there is no such limit, it stands still, or it lies beyond the published calendar."""
    legal_days: int | None = None
    promise_days: int | None = None
    why: Text = Text("")
    """How the nearer limit was counted, in words a clerk can read aloud."""


class Alarm(msgspec.Struct, frozen=True):
    """A moment at which someone must look at a limit."""

    what: Literal["near", "passed"]
    limit: Limit
    due: date
    at: datetime


def legal_rule(matter: Matter, standards: Standards, on: date) -> Deadline | None:
    """The statutory rule of ``matter``; None where the law sets no limit."""
    if matter.deadline:
        return standards.deadline(matter.deadline, on)
    if matter.legal_days is None:
        return None
    if matter.type == LICENCE:
        return msgspec.structs.replace(standards.deadline(DECISION, on), days=matter.legal_days)
    return Deadline(id="", title=matter.title, days=matter.legal_days)


def clock(
    matter: Matter,
    standards: Standards,
    calendar: Calendar,
    *,
    start: date,
    suspensions: Sequence[Suspension] = (),
    extensions: Sequence[Extension] = (),
) -> Clock:
    """When a case of ``matter`` accepted on ``start`` is due.

    :raises Invalid: a suspension or an extension is not one that the matter's rule allows.
    """
    rule, words = legal_rule(matter, standards, start), standards.words(PROCEDURES)
    legal, why = _due(start, rule, calendar, suspensions, extensions, words) if rule else (None, Text(""))
    promise, nearer = _promised(start, _promise(matter), calendar, suspensions, extensions, words)
    return Clock(
        legal=legal,
        promise=promise,
        legal_days=rule.days if rule else None,
        promise_days=matter.promise_days,
        why=nearer if nearer.zh else why,
    )


def _promise(matter: Matter) -> Deadline:
    title = Text(f"{matter.title.zh}（承诺）", f"{matter.title.into('en')} (promised)")
    return Deadline(id="", title=title, days=matter.promise_days)


def _promised(
    start: date,
    rule: Deadline,
    calendar: Calendar,
    suspensions: Sequence[Suspension],
    extensions: Sequence[Extension],
    words: Mapping[str, Text],
) -> tuple[date | None, Text]:
    """As the law's limit, but a promise that was broken before an extension stays broken."""
    kept: list[Extension] = []
    found = _due(start, rule, calendar, suspensions, kept, words)
    for one in extensions:
        if found[0] is None or one.on is None or one.on <= found[0]:
            kept.append(one)
            found = _due(start, rule, calendar, suspensions, kept, words)
    return found


def _due(
    start: date,
    rule: Deadline,
    calendar: Calendar,
    suspensions: Sequence[Suspension],
    extensions: Sequence[Extension],
    words: Mapping[str, Text],
) -> tuple[date | None, Text]:
    try:
        found = due(start, rule, calendar, suspensions, extensions, words)
    except NotPublished:
        return None, NEVER
    return found.due, found.explanation


def refuse_extension(rule: Deadline | None, approvers_day: date, legal: date | None) -> Deadline:
    """The rule an extension rests on. :raises Conflict: there is none, or the limit has passed already."""
    if rule is None or rule.extension is None:
        raise Conflict("The law lets nobody extend the time limit of this matter; decide within it.")
    if legal is not None and approvers_day > legal:
        raise Conflict("The time limit passed on {due}; it cannot be extended any more.", due=legal)
    return rule


def acceptance(
    received: date, corrections: Sequence[Correction], calendar: Calendar, today: date, rule: Deadline
) -> Acceptance | None:
    """From which day an application counts as accepted; None where the calendar does not reach that far."""
    try:
        return accepted_on(received, corrections, calendar, today, rule)
    except NotPublished:
        return None


def alarms(limit: Limit, start: date, due_on: date, calendar: Calendar, zone: ZoneInfo) -> Iterable[Alarm]:
    """When ``limit`` is near (at most a fifth or one working day is left) and when it has passed.

    A limit is never near on the day its clock starts, nor one that ends that day: that would warn of every case.
    """
    days = calendar.between(start, due_on)
    if days > 0:
        near = max(calendar.add(due_on, -max(1, days // 5)), calendar.add(start, 1))
        yield Alarm("near", limit, due_on, _midnight(near, zone))
    yield Alarm("passed", limit, due_on, _midnight(due_on + timedelta(days=1), zone))


def working_days(calendar: Calendar, start: date, end: date, suspensions: Iterable[Suspension] = ()) -> int:
    """Working days after ``start`` up to and with ``end``, without those on which the clock stood still.

    The count stops where the published calendar does.
    """
    spans = tuple(suspensions)
    if not calendar.published(start):
        return 0
    days = 0
    for day in calendar.after(start):
        if day > end:
            break
        days += not any(one.since <= day and (one.until is None or day < one.until) for one in spans)
    return days


def left(calendar: Calendar, today: date, due_on: date | None) -> int | None:
    """Working days from today to ``due_on``; negative once it has passed; None where nobody can count them."""
    try:
        return None if due_on is None else calendar.between(today, due_on)
    except NotPublished:
        return None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
