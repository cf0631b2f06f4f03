"""Deadlines (期限): when something is due, and why, in words a clerk can read aloud. Pure functions over a calendar.

The day of the event is not counted (民法典 art. 201); periods of the Administrative Licensing Law are working days (art. 82); time for
hearings, tests, expert reviews is left out (art. 45); a period in calendar days that ends on a day off ends on the next working day
(民法典 art. 203). Suspensions run from ``since`` (``from``) until the day before ``until``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from gdbos.errors import Invalid, Violation
from gdbos.text import Text

from .calendar import DAY, WEEKEND, Calendar
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
    reasons: str = ""
    """The code list that says what the reasons are called."""
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


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be counted."""

    start: date
    deadline: Deadline
    days: int
    calendar: Calendar
    suspensions: tuple[Suspension, ...] = ()
    extensions: tuple[Extension, ...] = ()
    words: Mapping[str, Text] = {}
    """Reasons for suspensions, in words."""

    def stands(self, day: date) -> Suspension | None:
        """The suspension that stops the clock on ``day``; one without an end before others."""
        found = [one for one in self.suspensions if one.since <= day and (one.until is None or day < one.until)]
        return next((one for one in found if one.until is None), found[0] if found else None)


class Walk(msgspec.Struct):
    """How far the count has come."""

    counted: int = 0
    first: date | None = None
    last: date | None = None
    skipped: list[tuple[date, Text, Literal["off", "suspended"]]] = []
    open: Suspension | None = None
    """The suspension without an end at which the count stopped."""


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
    _check_suspensions(deadline, suspensions)
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
        raise _wrong("$.days", "range", "A deadline has from 0 to 3660 days.")
    return Deadline(id="", title=Text(""), days=days)


def _wrong(path: str, broken: str, detail: str, /, **facts: object) -> Invalid:
    return Invalid(detail, violations=[Violation(path, broken, detail, facts=facts)], **facts)


def _check_suspensions(deadline: Deadline, suspensions: Sequence[Suspension]) -> None:
    for number, one in enumerate(suspensions):
        path = f"$.suspensions[{number}]"
        if one.until is not None and one.until <= one.since:
            raise _wrong(f"{path}.until", "range", "A suspension ends after the day it begins.")
        if deadline.id and one.reason not in deadline.suspends:
            detail = "The deadline {rule} does not stop for this reason; it stops for: {allowed}."
            raise _wrong(
                f"{path}.reason", "suspension", detail, rule=deadline.id, allowed=", ".join(deadline.suspends) or "-"
            )


def _check_extension(count: Count, one: Extension, path: str) -> None:
    """An extension is approved by whom the rule names, by no more days than it says, and before the deadline has passed."""
    if count.deadline.id:
        _allow_extension(count.deadline, one, count.days - count.deadline.days, path)
    before = _walk(count).last if one.on is not None else None
    if before is not None and one.on is not None and one.on > before:
        raise _wrong(f"{path}.on", "late", "The deadline had passed on {due}; it cannot be extended after.", due=before)


def _allow_extension(deadline: Deadline, one: Extension, already: int, path: str) -> None:
    rule = deadline.extension
    if rule is None:
        raise _wrong(path, "extension", "The deadline {rule} cannot be extended.", rule=deadline.id)
    if already + one.days > rule.days:
        detail = "The deadline {rule} can be extended by {days} days at most."
        raise _wrong(f"{path}.days", "range", detail, rule=deadline.id, days=rule.days)
    if one.approver != rule.approver:
        detail = "An extension of {rule} is approved by: {approver}."
        raise _wrong(f"{path}.approver", "approver", detail, rule=deadline.id, approver=rule.approver)


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
    off = (last + number * DAY for number in range((walk.last - last).days))
    walk.skipped += [(day, calendar.title(day), "off") for day in off]


def _answer(count: Count, walk: Walk) -> Due:
    skipped = tuple(_spans(walk.skipped))
    return Due(
        due=walk.last,
        explanation=_explanation(count, walk, skipped),
        start=count.start,
        first=walk.first,
        days=count.days,
        unit=count.deadline.unit,
        remaining=count.days - walk.counted if walk.open and count.days else 0,
        skipped=skipped,
        rule=count.deadline.id,
        basis=count.deadline.basis,
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


def _explanation(count: Count, walk: Walk, skipped: tuple[Skipped, ...]) -> Text:
    extended = (_extended(one, count.deadline) for one in count.extensions)
    sentences = [_begin(count, walk.first), *extended, _left_out(skipped), _end(count, walk)]
    told = [one for one in sentences if one.zh]
    return Text("".join(one.zh for one in told), " ".join(one.en for one in told))


def _begin(count: Count, first: date | None) -> Text:
    title, began = count.deadline.title, spoken(count.start, weekday=True)
    zh = f"“{title.zh}”期限" if title.zh else "期限"
    en = f"The time limit “{title.into('en')}”" if title.zh else "The time limit"
    if count.days == 0:
        return Text(f"{zh}为当场办理,起始日为{began.zh}。", f"{en} is on the spot; it starts on {began.en}.")
    same = count.deadline.starts == "same-day"
    counted = Text("当日计入", "that day counts") if same else Text("当日不计入", "that day is not counted")
    since = Text(f",从{spoken(first).zh}起算", f", so the first day is {spoken(first).en}") if first else Text("")
    days = _days(count.days, count.deadline.unit)
    return Text(
        f"{zh}共{days.zh},起始日为{began.zh},{counted.zh}{since.zh}。",
        f"{en} is {days.en}, starting on {began.en}; {counted.en}{since.en}.",
    )


def _days(number: int, unit: Unit) -> Text:
    zh, en = UNITS[unit]
    return Text(f"{number}{zh}", f"{number} {en}{'s' if number != 1 else ''}")


def _extended(one: Extension, deadline: Deadline) -> Text:
    rule = deadline.extension
    approver = rule.title if rule is not None and rule.title is not None else Text(one.approver)
    by = Text(f"经{approver.zh}批准", f" with the approval of {approver.into('en')}") if approver.zh else Text("经批准")
    why = Text(f",理由:{one.reason}", f" because: {one.reason}") if one.reason else Text("")
    return Text(
        f"其中{by.zh}延长{_days(one.days, deadline.unit).zh}{why.zh}。",
        f"{one.days} of these days were added{by.en}{why.en}.",
    )


def _left_out(skipped: tuple[Skipped, ...]) -> Text:
    """Holidays and suspensions by name; ordinary weekends together, or nobody would listen to the end."""
    told = [_run(run) for run in _runs(skipped) if not _ordinary(run)]
    weekends = sum((one.until - one.since).days for run in _runs(skipped) if _ordinary(run) for one in run)
    if weekends:
        told.append(Text(f"周末{weekends}天", f"{weekends} weekend day{'s' if weekends != 1 else ''}"))
    if not told:
        return Text("")
    return Text(f"其间不计:{'、'.join(one.zh for one in told)}。", f"Not counted: {'; '.join(one.en for one in told)}.")


def _runs(skipped: tuple[Skipped, ...]) -> list[list[Skipped]]:
    """Neighbouring days off together, so that a weekend inside a holiday is told as part of it."""
    runs: list[list[Skipped]] = []
    for one in skipped:
        if runs and runs[-1][-1].until == one.since and runs[-1][-1].kind == one.kind == "off":
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _ordinary(run: list[Skipped]) -> bool:
    return all(one.title == WEEKEND for one in run)


def _run(run: list[Skipped]) -> Text:
    days = _range(run[0].since, run[-1].until)
    if run[0].kind == "suspended":
        why = run[0].title
        return Text(
            f"{days.zh}计时中止" + (f"({why.zh})" if why.zh else ""),
            f"the clock stood still{' for: ' + why.into('en') if why.zh else ''} ({days.en})",
        )
    titles = list(dict.fromkeys(one.title for one in run if one.title != WEEKEND))
    return Text(
        days.zh + "、".join(title.zh for title in titles),
        f"{', '.join(title.into('en') for title in titles)} ({days.en})",
    )


def _range(since: date, until: date) -> Text:
    first, last = spoken(since), spoken(until - DAY)
    return first if until - DAY == since else Text(f"{first.zh}至{last.zh}", f"{first.en} to {last.en}")


def _end(count: Count, walk: Walk) -> Text:
    if walk.open is not None:
        left, since = _days(count.days - walk.counted, count.deadline.unit), spoken(walk.open.since)
        return Text(
            f"自{since.zh}起计时中止,恢复后还剩{left.zh},届满日待恢复后确定。",
            f"The clock has stood still since {since.en}; {left.en} will be left when it resumes.",
        )
    end = spoken(walk.last or count.start, weekday=True)
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
