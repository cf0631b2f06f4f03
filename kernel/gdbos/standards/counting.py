"""Counting a deadline: pure functions over a calendar.

The day of the event is not counted (民法典 art. 201); periods of the Administrative Licensing Law are working days (art. 82); time for
hearings, tests, expert reviews is left out (art. 45); a period in calendar days that ends on a day off ends on the next working day
(民法典 art. 203). Suspensions run from ``since`` (``from``) until the day before ``until``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Literal

from msgspec.structs import replace

from gdbos.errors import Invalid, Violation
from gdbos.text import N_, Text

from .calendar import DAY, Calendar
from .deadline import Count, Deadline, Due, Extension, Skipped, Suspension, Walk
from .explanation import explanation, length, spoken


def due(
    start: date,
    rule: Deadline | int,
    calendar: Calendar,
    suspensions: Sequence[Suspension] = (),
    extensions: Sequence[Extension] = (),
    words: Mapping[str, Text] = MappingProxyType({}),
) -> Due:
    """When ``rule`` (or that many working days) falls due if the clock starts on ``start``.

    ``words``: what the explanation calls the suspensions' reasons, such as ``standards.words(rule.reasons)``.

    Raises:
        Invalid: a suspension or extension is not one that the rule allows, or ends before it begins.
        NotPublished: the start or the answer lies outside the published calendar.
    """
    deadline = rule if isinstance(rule, Deadline) else _plain(rule)
    _check_suspensions(deadline, suspensions, words)
    calendar.is_working(start)
    count = Count(
        start=start,
        deadline=deadline,
        days=deadline.days,
        calendar=calendar,
        suspensions=tuple(suspensions),
        words=words,
    )
    for number, one in enumerate(extensions):
        _check_extension(count, one, f"$.extensions[{number}]")
        count = replace(count, days=count.days + one.days, extensions=(*count.extensions, one))
    return _answer(count, _walk(count))


def _plain(days: int) -> Deadline:
    if not 0 <= days <= 3660:
        raise _wrong("$.days", "range", N_("A deadline has from 0 to 3660 days."))
    return Deadline(id="", title=Text(""), days=days)


def _wrong(path: str, broken: str, detail: str, /, **facts: object) -> Invalid:
    return Invalid(detail, violations=[Violation(path, broken, detail, facts=facts)], **facts)


def _check_suspensions(deadline: Deadline, suspensions: Sequence[Suspension], words: Mapping[str, Text]) -> None:
    for number, one in enumerate(suspensions):
        path = f"$.suspensions[{number}]"
        if one.until is not None and one.until <= one.since:
            raise _wrong(f"{path}.until", "range", N_("A suspension ends after the day it begins."))
        if deadline.id and one.reason not in deadline.suspends:
            detail = N_("The deadline “{rule}” does not stop for this reason; it stops for: {allowed}.")
            allowed = _called(deadline.suspends, words)
            raise _wrong(f"{path}.reason", "suspension", detail, rule=deadline.title, allowed=allowed)


def _called(codes: Sequence[str], words: Mapping[str, Text]) -> Text:
    """Codes with their words, as those who write them and those who read them need: ``听证 (hearing)``."""
    zh = [f"{words[code].zh} ({code})" if code in words else code for code in codes]
    en = [f"{words[code].into('en')} ({code})" if code in words else code for code in codes]
    return Text("、".join(zh), ", ".join(en)) if codes else Text("无", "nothing")


def _check_extension(count: Count, one: Extension, path: str) -> None:
    """An extension is approved by whom the rule names, by no more days than it says, and before the deadline has passed."""
    if count.deadline.id:
        _allow_extension(count.deadline, one, count.days - count.deadline.days, path)
    before = _walk(count).last if one.on is not None else None
    if before is not None and one.on is not None and one.on > before:
        late = N_("The deadline had passed on {due}; it cannot be extended after.")
        raise _wrong(f"{path}.on", "late", late, due=spoken(before))


def _allow_extension(deadline: Deadline, one: Extension, already: int, path: str) -> None:
    rule = deadline.extension
    if rule is None:
        raise _wrong(path, "extension", N_("The deadline “{rule}” cannot be extended."), rule=deadline.title)
    if already + one.days > rule.days:
        detail = N_("The deadline “{rule}” can be extended by {days} at most.")
        raise _wrong(f"{path}.days", "range", detail, rule=deadline.title, days=length(rule.days, deadline.unit))
    if one.approver != rule.approver:
        detail = N_("An extension of “{rule}” is approved by {approver}; name who approved it.")
        approver = _called([rule.approver], {rule.approver: rule.title} if rule.title else {})
        raise _wrong(f"{path}.approver", "approver", detail, rule=deadline.title, approver=approver)


def _walk(count: Count) -> Walk:
    """Count day by day, up to the last day or to a suspension without an end."""
    walk = Walk()
    day = count.start if count.deadline.starts == "same-day" or count.days == 0 else count.start + DAY
    while walk.counted < max(count.days, 1):
        span = count.stands(day)
        if span is not None and span.until is None:
            walk.open, walk.last = span, None
            return walk
        _step(walk, day, count, span)
        day += DAY
    if count.deadline.unit == "days" and walk.last is not None:
        _roll(walk, walk.last, count.calendar)
    return walk


def _step(walk: Walk, day: date, count: Count, span: Suspension | None) -> None:
    working = count.calendar.is_working(day)
    if span is not None:
        walk.skipped.append((day, count.words.get(span.reason, Text(span.reason)), "suspended"))
    elif count.deadline.unit == "working-days" and not working:
        walk.skipped.append((day, count.calendar.title(day), "off"))
    else:
        walk.counted += 1
        walk.first = walk.first or day
        walk.last = day


def _roll(walk: Walk, last: date, calendar: Calendar) -> None:
    """A period in calendar days whose last day is off ends on the next working day."""
    walk.last = calendar.next(last)
    for day in (last + number * DAY for number in range((walk.last - last).days)):
        walk.skipped.append((day, calendar.title(day), "off"))


def _answer(count: Count, walk: Walk) -> Due:
    skipped = tuple(_spans(walk.skipped))
    reached = walk.last or (walk.open.since if walk.open else count.start)
    caveats = count.calendar.caveats(count.start, max(reached, count.start))
    return Due(
        due=walk.last,
        explanation=explanation(count, walk, skipped, caveats),
        start=count.start,
        first=walk.first,
        days=count.days,
        unit=count.deadline.unit,
        remaining=count.days - walk.counted if walk.open and count.days else 0,
        skipped=skipped,
        rule=count.deadline.id,
        basis=count.deadline.basis,
        caveats=caveats,
    )


def _spans(days: Iterable[tuple[date, Text, Literal["off", "suspended"]]]) -> Iterator[Skipped]:
    """Neighbouring days of one title as one span."""
    current: Skipped | None = None
    for day, title, kind in days:
        if current is not None and current.until == day and (current.title, current.kind) == (title, kind):
            current = replace(current, until=day + DAY)
            continue
        if current is not None:
            yield current
        current = Skipped(since=day, until=day + DAY, title=title, kind=kind)
    if current is not None:
        yield current
