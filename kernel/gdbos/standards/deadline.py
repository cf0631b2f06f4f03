"""Deadlines (期限): when something is due, and why, in words a clerk can read aloud. Pure functions over a calendar.

The day of the event is not counted (民法典 art. 201); periods of the Administrative Licensing Law are working days (art. 82); time for
hearings, tests, expert reviews is left out (art. 45); a period in calendar days that ends on a day off ends on the next working day
(民法典 art. 203). Suspensions run from ``since`` (``from``) until the day before ``until``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Literal

import msgspec

from gdbos.errors import Invalid, Violation
from gdbos.text import Text

from .calendar import DAY, Calendar
from .document import Item

Unit = Literal["working-days", "days"]
Days = Annotated[int, msgspec.Meta(ge=0, le=3660)]


class ExtensionRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By how much a deadline may be extended, and who must approve it."""

    days: Days
    approver: str
    """The post that approves, as extensions name it (``head-of-body``)."""
    title: Text | None = None
    """The approver in words."""
    basis: tuple[str, ...] = ()
    note: Text | None = None


class Deadline(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deadline rule of a statute, a standard or a jurisdiction."""

    title: Text
    days: Days
    unit: Unit = "working-days"
    starts: Literal["day-after", "same-day"] = "day-after"
    extension: ExtensionRule | None = None
    suspends: tuple[str, ...] = ()
    """Reasons for which the clock may stop."""
    deemed: Literal["", "accepted-from-receipt", "accepted", "approved", "refused"] = ""
    """What silence means when it has passed."""
    next: str = ""
    """The deadline that starts when this one's act is done (second clock)."""


class Suspension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """The clock stands still from ``since`` (``from``) until the day before ``until``; without ``until``, still."""

    since: date
    until: date | None = None
    reason: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Extension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days added by somebody who may."""

    days: Annotated[int, msgspec.Meta(ge=1, le=3660)]
    approver: Annotated[str, msgspec.Meta(max_length=100)] = ""
    """The approver's post, as the rule names it (``head-of-body``)."""
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""
    on: date | None = None
    """When it was approved; it must have been in time."""


class Skipped(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from"}):
    """Days that were not counted: from ``since`` (``from``) until the day before ``until``."""

    since: date
    until: date
    title: Text
    kind: Literal["off", "suspended"]


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """When it is due, and how that was counted."""

    due: date | None
    """None while a suspension without an end is running."""
    explanation: Text
    start: date
    first: date | None
    """The first day that counts."""
    days: int
    """Days allowed, extensions included."""
    unit: Unit
    remaining: int = 0
    """Days still to run when an open suspension ends."""
    skipped: tuple[Skipped, ...] = ()
    rule: str = ""
    basis: tuple[str, ...] = ()


def due(
    start: date,
    rule: Deadline | int,
    calendar: Calendar,
    suspensions: Sequence[Suspension] = (),
    extensions: Sequence[Extension] = (),
) -> Due:
    """When ``rule`` (or that many working days) falls due if the clock starts on ``start``.

    Raises:
        Invalid: a suspension or extension is not one that the rule allows, or ends before it begins.
        NotPublished: the answer lies beyond the published calendar.
    """
    deadline = rule if isinstance(rule, Deadline) else _plain(rule)
    _check_suspensions(deadline, suspensions)
    days = deadline.days + _extended(start, deadline, calendar, suspensions, extensions)
    return _count(start, deadline, days, calendar, suspensions, tuple(extensions))


def _plain(days: int) -> Deadline:
    if not 0 <= days <= 3660:
        raise _wrong("$.days", "range", "A deadline has from 0 to 3660 days.")
    return Deadline(id="", title=Text(""), days=days)


def _wrong(path: str, broken: str, detail: str, /, **facts: object) -> Invalid:
    return Invalid(detail, violations=[Violation(path, broken, detail, facts=facts)], **facts)


def _check_suspensions(deadline: Deadline, suspensions: Sequence[Suspension]) -> None:
    for number, one in enumerate(suspensions):
        if one.until is not None and one.until <= one.since:
            raise _wrong(f"$.suspensions[{number}].until", "range", "A suspension ends after the day it begins.")
        if deadline.id and one.reason not in deadline.suspends:
            raise _wrong(
                f"$.suspensions[{number}].reason", "suspension",
                "The deadline {rule} does not stop for this reason; it stops for: {allowed}.",
                rule=deadline.id, allowed=", ".join(deadline.suspends) or "-",
            )  # fmt: skip


def _extended(
    start: date,
    deadline: Deadline,
    calendar: Calendar,
    suspensions: Sequence[Suspension],
    extensions: Sequence[Extension],
) -> int:
    """The days that extensions add, each having been approved in time by whom the rule names, and not too many."""
    total = 0
    for number, one in enumerate(extensions):
        path = f"$.extensions[{number}]"
        if deadline.id:
            _check_extension(deadline, one, total, path)
        if one.on is not None:
            before = _count(start, deadline, deadline.days + total, calendar, suspensions, ()).due
            if before is not None and one.on > before:
                raise _wrong(
                    f"{path}.on", "late", "The deadline had passed on {due}; it cannot be extended after.", due=before
                )
        total += one.days
    return total


def _check_extension(deadline: Deadline, one: Extension, already: int, path: str) -> None:
    rule = deadline.extension
    if rule is None:
        raise _wrong(path, "extension", "The deadline {rule} cannot be extended.", rule=deadline.id)
    if already + one.days > rule.days:
        raise _wrong(f"{path}.days", "range", "The deadline {rule} can be extended by {days} days at most.", rule=deadline.id, days=rule.days)  # fmt: skip
    if one.approver != rule.approver:
        raise _wrong(f"{path}.approver", "approver", "An extension of {rule} is approved by: {approver}.", rule=deadline.id, approver=rule.approver)  # fmt: skip


class _Walk(msgspec.Struct):
    counted: int = 0
    first: date | None = None
    last: date | None = None
    skipped: list[tuple[date, Text, Literal["off", "suspended"]]] = []


def _count(
    start: date,
    deadline: Deadline,
    days: int,
    calendar: Calendar,
    suspensions: Sequence[Suspension],
    extensions: tuple[Extension, ...],
) -> Due:
    walk = _Walk()
    spans = sorted(suspensions, key=lambda one: one.since)
    day = start if deadline.starts == "same-day" or days == 0 else start + DAY
    wanted = max(days, 1)
    while walk.counted < wanted:
        span = next((one for one in spans if one.since <= day and (one.until is None or day < one.until)), None)
        if span is not None and span.until is None:
            return _open(start, deadline, days, wanted - walk.counted, walk, span, extensions)
        _step(walk, day, deadline.unit, calendar, span)
        day += DAY
    last = walk.last or start
    if deadline.unit == "days" and not calendar.is_working(last):
        last = _roll(walk, last, calendar)
    return _answer(start, deadline, days, last, walk, extensions, None)


def _step(walk: _Walk, day: date, unit: Unit, calendar: Calendar, span: Suspension | None) -> None:
    working = calendar.is_working(day)
    if span is not None:
        walk.skipped.append((day, Text(f"中止({span.reason})" if span.reason else "中止", f"suspended ({span.reason})" if span.reason else "suspended"), "suspended"))  # fmt: skip
    elif unit == "working-days" and not working:
        walk.skipped.append((day, calendar.title(day), "off"))
    else:
        walk.counted += 1
        walk.first = walk.first or day
        walk.last = day


def _roll(walk: _Walk, last: date, calendar: Calendar) -> date:
    """The next working day after a last day that is off."""
    end = calendar.next(last)
    walk.skipped += [
        (last + number * DAY, calendar.title(last + number * DAY), "off") for number in range((end - last).days)
    ]
    return end


def _open(
    start: date,
    deadline: Deadline,
    days: int,
    remaining: int,
    walk: _Walk,
    span: Suspension,
    extensions: tuple[Extension, ...],
) -> Due:
    answer = _answer(start, deadline, days, None, walk, extensions, span)
    return msgspec.structs.replace(answer, remaining=remaining if days else 0)


def _answer(
    start: date,
    deadline: Deadline,
    days: int,
    last: date | None,
    walk: _Walk,
    extensions: tuple[Extension, ...],
    span: Suspension | None,
) -> Due:
    skipped = tuple(_spans(walk.skipped))
    return Due(
        due=last,
        explanation=_explanation(start, deadline, days, last, walk, skipped, extensions, span),
        start=start,
        first=walk.first,
        days=days,
        unit=deadline.unit,
        skipped=skipped,
        rule=deadline.id,
        basis=deadline.basis,
    )


def _spans(days: Iterable[tuple[date, Text, Literal["off", "suspended"]]]) -> Iterator[Skipped]:
    """Neighbouring days of one title as one span."""
    current: Skipped | None = None
    for day, title, kind in days:
        if current is not None and current.until == day and (current.title, current.kind) == (title, kind):
            current = msgspec.structs.replace(current, until=day + DAY)
            continue
        if current is not None:
            yield current
        current = Skipped(since=day, until=day + DAY, title=title, kind=kind)
    if current is not None:
        yield current


WEEKDAYS = (("星期一", "Monday"), ("星期二", "Tuesday"), ("星期三", "Wednesday"), ("星期四", "Thursday"), ("星期五", "Friday"), ("星期六", "Saturday"), ("星期日", "Sunday"))  # fmt: skip
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")  # fmt: skip
UNITS = {"working-days": ("个工作日", "working day"), "days": ("日", "calendar day")}


def spoken(day: date, *, weekday: bool = False) -> Text:
    """A date as it is read aloud in either language."""
    zh, en = WEEKDAYS[day.weekday()]
    return Text(
        f"{day.year}年{day.month}月{day.day}日" + (f"({zh})" if weekday else ""),
        (f"{en}, " if weekday else "") + f"{day.day} {MONTHS[day.month - 1]} {day.year}",
    )


def _explanation(
    start: date, deadline: Deadline, days: int, last: date | None, walk: _Walk, skipped: tuple[Skipped, ...],
    extensions: tuple[Extension, ...], span: Suspension | None,
) -> Text:  # fmt: skip
    sentences = [
        _begin(start, deadline, days, walk.first),
        *map(_extension, extensions),
        _left_out(skipped),
        _end(last, span, days, walk, deadline),
    ]
    told = [one for one in sentences if one.zh]
    return Text("".join(one.zh for one in told), " ".join(one.en for one in told))


def _begin(start: date, deadline: Deadline, days: int, first: date | None) -> Text:
    zh_unit, en_unit = UNITS[deadline.unit]
    title, began = deadline.title, spoken(start, weekday=True)
    name = Text(
        f"“{title.zh}”期限" if title.zh else "期限",
        f"The time limit “{title.into('en')}”" if title.zh else "The time limit",
    )
    if days == 0:
        return Text(f"{name.zh}为当场办理,起始日为{began.zh}。", f"{name.en} is on the spot; it starts on {began.en}.")
    counted = "当日计入" if deadline.starts == "same-day" else "当日不计入"
    counts = "that day counts" if deadline.starts == "same-day" else "that day is not counted"
    from_zh = f",从{spoken(first).zh}起算" if first else ""
    from_en = f", so the first day is {spoken(first).en}" if first else ""
    return Text(
        f"{name.zh}共{days}{zh_unit},起始日为{began.zh},{counted}{from_zh}。",
        f"{name.en} is {days} {en_unit}{'s' if days != 1 else ''}, starting on {began.en}; {counts}{from_en}.",
    )


def _extension(one: Extension) -> Text:
    by = (f"经{one.approver}批准", f" with the approval of {one.approver}") if one.approver else ("经批准", "")
    why = (f",理由:{one.reason}", f" because: {one.reason}") if one.reason else ("", "")
    return Text(f"其中{by[0]}延长{one.days}日{why[0]}。", f"{one.days} of these days were added{by[1]}{why[1]}.")


def _left_out(skipped: tuple[Skipped, ...]) -> Text:
    """Holidays and suspensions by name; ordinary weekends together, or nobody would listen to the end."""
    told = [one for one in skipped if one.title.zh != "周末"]
    weekends = sum((one.until - one.since).days for one in skipped if one.title.zh == "周末")
    zh = [f"{_range(one).zh}{one.title.zh}" for one in told] + ([f"周末{weekends}天"] if weekends else [])
    en = [f"{one.title.into('en')} ({_range(one).en})" for one in told] + (
        [f"{weekends} weekend day{'s' if weekends != 1 else ''}"] if weekends else []
    )
    return Text(f"其间不计:{'、'.join(zh)}。", f"Not counted: {'; '.join(en)}.") if zh else Text("")


def _range(one: Skipped) -> Text:
    last = one.until - timedelta(days=1)
    if last == one.since:
        return spoken(last)
    return Text(f"{spoken(one.since).zh}至{spoken(last).zh}", f"{spoken(one.since).en} to {spoken(last).en}")


def _end(last: date | None, span: Suspension | None, days: int, walk: _Walk, deadline: Deadline) -> Text:
    if last is None:
        left, since = days - walk.counted, spoken(span.since) if span else Text("")
        zh_unit, en_unit = UNITS[deadline.unit]
        return Text(
            f"自{since.zh}起计时中止,恢复后还剩{left}{zh_unit},届满日待恢复后确定。",
            f"The clock has stood still since {since.en}; {left} {en_unit}{'s' if left != 1 else ''} will be left when it resumes.",
        )
    end = spoken(last, weekday=True)
    return Text(f"届满日为{end.zh}。", f"It is due on {end.en}.")


class Correction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A notice that something is missing or wrong (补正通知), and when it was supplied."""

    noticed: date
    supplied: date | None = None
    items: tuple[str, ...] = ()


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """From which day an application counts as accepted (受理)."""

    on: date | None
    """None while it is still open."""
    deemed: bool
    """Accepted by silence, from the day of receipt."""
    limit: date
    """The last day for telling the applicant what is missing."""
    unlawful: tuple[int, ...] = ()
    """Positions of correction notices that ask for something new after the first: the list is told once, all of it."""
    explanation: Text


def accepted_on(
    received: date, corrections: Sequence[Correction], calendar: Calendar, today: date, rule: Deadline | int = 5
) -> Acceptance:
    """When an application received on ``received`` counts as accepted. Law: 行政许可法 art. 32(1)(4).

    What is missing is told once, all of it, within five working days. Not told in time: accepted from the day of receipt. Told in time:
    accepted when it has been supplied. A later notice that asks for something new delays nothing.

    Raises:
        NotPublished: the limit lies beyond the published calendar.
    """
    limit = due(received, rule, calendar).due
    assert limit is not None, "without suspensions there is always a day"
    ordered = sorted(enumerate(corrections), key=lambda one: one[1].noticed)
    if not ordered:
        return _silent(received, limit, today)
    first = ordered[0][1]
    if first.noticed > limit:
        return _deemed(received, limit, tuple(at for at, _ in ordered))
    unlawful = tuple(at for at, one in ordered[1:] if not one.items or not set(one.items) <= set(first.items))
    lawful = [one for at, one in ordered if at not in unlawful]
    return _supplied(lawful, limit, unlawful)


def _silent(received: date, limit: date, today: date) -> Acceptance:
    if today > limit:
        return _deemed(received, limit, ())
    until = spoken(limit)
    return Acceptance(on=None, deemed=False, limit=limit, explanation=Text(f"须于{until.zh}前(含当日)一次告知需要补正的全部内容。", f"Whatever is missing must be told, all at once, by {until.en}."))  # fmt: skip


def _deemed(received: date, limit: date, unlawful: tuple[int, ...]) -> Acceptance:
    day, until = spoken(received), spoken(limit)
    return Acceptance(
        on=received,
        deemed=True,
        limit=limit,
        unlawful=unlawful,
        explanation=Text(
            f"未在{until.zh}前(含当日)一次告知补正内容,依照行政许可法第三十二条,自收到申请材料之日即{day.zh}起视为受理。",
            f"What was missing was not told by {until.en}; under article 32 of the Administrative Licensing Law the application counts as accepted from its receipt on {day.en}.",
        ),
    )


def _supplied(lawful: list[Correction], limit: date, unlawful: tuple[int, ...]) -> Acceptance:
    extra = (
        Text("此后要求补正新内容的通知不影响受理日。", "A later notice asking for something new delays nothing.")
        if unlawful
        else Text("")
    )
    waiting = any(one.supplied is None for one in lawful)
    on = None if waiting else max(one.supplied for one in lawful if one.supplied)
    if on is None:
        told = Text(
            "已按期告知补正,等待申请人补齐材料。",
            "The applicant was told in time what is missing; it has not been supplied yet.",
        )
    else:
        told = Text(
            f"申请人于{spoken(on).zh}补齐材料,自该日起受理。",
            f"The applicant supplied what was missing on {spoken(on).en}; it is accepted from that day.",
        )
    explanation = Text(told.zh + extra.zh, f"{told.en} {extra.en}".strip())
    return Acceptance(on=on, deemed=False, limit=limit, unlawful=unlawful, explanation=explanation)
