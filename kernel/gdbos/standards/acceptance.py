"""Acceptance (受理): from which day an application counts as accepted, by the packs' deadline for telling what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from msgspec.structs import replace

from gdbos.text import Text

from .calendar import Calendar
from .counting import due
from .deadline import Deadline
from .explanation import cautious, spoken

NOTHING = Text("")


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
    received: date,
    corrections: Sequence[Correction],
    calendar: Calendar,
    today: date,
    rule: Deadline,
    law: Text = NOTHING,
) -> Acceptance:
    """When an application received on ``received`` counts as accepted.

    What is missing is told once, all of it, within the days of ``rule``. Not told in time: accepted from the day of receipt. Told in
    time: accepted when it has been supplied. A later notice that asks for something new delays nothing.

    ``law``: what the explanation cites, such as ``standards.cited(rule.basis)``.

    Raises:
        NotPublished: the limit lies beyond the published calendar.
    """
    counted = due(received, rule, calendar)
    assert counted.due is not None, "without suspensions there is always a day"
    found = _found(received, corrections, counted.due, today, law)
    told = [found.explanation, *map(cautious, counted.caveats)]
    return replace(found, explanation=Text("".join(one.zh for one in told), " ".join(one.en for one in told)))


def _found(received: date, corrections: Sequence[Correction], limit: date, today: date, law: Text) -> Acceptance:
    ordered = sorted(enumerate(corrections), key=lambda one: one[1].noticed)
    if not ordered:
        return _silent(received, limit, today, law)
    first = ordered[0][1]
    if first.noticed > limit:
        return _deemed(received, limit, tuple(at for at, _ in ordered), law)
    unlawful = tuple(at for at, one in ordered[1:] if not one.items or not set(one.items) <= set(first.items))
    lawful = [one for at, one in ordered if at not in unlawful]
    return _supplied(lawful, limit, unlawful)


def _silent(received: date, limit: date, today: date, law: Text) -> Acceptance:
    if today > limit:
        return _deemed(received, limit, (), law)
    until = spoken(limit)
    return Acceptance(on=None, deemed=False, limit=limit, explanation=Text(f"须于{until.zh}前(含当日)一次告知需要补正的全部内容。", f"Whatever is missing must be told, all at once, by {until.en}."))  # fmt: skip


def _deemed(received: date, limit: date, unlawful: tuple[int, ...], law: Text) -> Acceptance:
    day, until = spoken(received), spoken(limit)
    under = Text(f"依照{law.zh},", f"under {law.into('en')}, ") if law.zh else NOTHING
    return Acceptance(
        on=received,
        deemed=True,
        limit=limit,
        unlawful=unlawful,
        explanation=Text(
            f"未在{until.zh}前(含当日)一次告知补正内容,{under.zh}自收到申请材料之日即{day.zh}起视为受理。",
            f"What was missing was not told by {until.en}; {under.en}the application counts as accepted from its receipt on {day.en}.",
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
