"""Rules of electronic supervision (电子监察规则): from which day on a running case earns which card. Pure functions over the calendar.

Rules are documents of the kind ``oversight``: thresholds differ from place to place and are never written in code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Annotated, Literal

import msgspec

from gdbos import Calendar, Kind, NotFound, NotPublished, Standards, Text
from gdbos_enablement.heard import Limit

Signal = Literal["yellow", "red"]
"""Codes of ``supervision.card`` that are issued as cards."""
_SIGNALS, _TRIGGERS = "supervision.card", "supervision.trigger"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of supervision."""

    id: str
    title: Text
    signal: Signal
    trigger: str
    """``supervision.trigger``: which of the triggers it is reported as."""
    limits: tuple[Limit, ...]
    """The time limits it watches: until acceptance, by law, by promise."""
    when: Literal["near", "passed"]
    share: Annotated[int, msgspec.Meta(ge=0, le=100)] = 20
    """Near: at most this many per cent of the limit's working days are left …"""
    days: Annotated[int, msgspec.Meta(ge=0, le=60)] = 1
    """… or at most this many working days."""
    explain_days: Annotated[int, msgspec.Meta(ge=0, le=60)] = 3
    """Working days the body has to explain itself before the card may be reviewed without its word."""
    urges: Text
    """What the body is urged to do (督办内容)."""


def complaints(rule: Rule, standards: Standards) -> Iterable[str]:
    """What is wrong with one rule beyond its shape."""
    for name, code in ((_SIGNALS, rule.signal), (_TRIGGERS, rule.trigger)):
        table = standards.table(name)
        if table is None or code not in table.rows:
            yield f'"{code}" is not a code of the list {name}'
    if not rule.limits:
        yield "a rule watches at least one limit"


KIND = Kind("oversight", Rule, complaints)


def rules(standards: Standards, on: date) -> Iterator[Rule]:
    """The rules in force on that day."""
    return (document.value for document in standards.documents(KIND.name, on))


def find(standards: Standards, rule_id: str, on: date) -> Rule | None:
    """The rule as it stands on that day; None once it is not in force any more."""
    try:
        found: Rule = standards.document(KIND.name, rule_id, on).value
    except NotFound:
        return None
    return found


def earned_from(rule: Rule, calendar: Calendar, start: date | None, due: date) -> date | None:
    """The first day on which a case whose limit runs from ``start`` to ``due`` earns the rule's card.

    None where it never does: a limit that ends the day it starts is never near, and beyond the published calendar nobody can count.
    """
    if rule.when == "passed":
        return due + timedelta(days=1)
    try:
        return _near(rule, calendar, start, due)
    except NotPublished:
        return None


def _near(rule: Rule, calendar: Calendar, start: date | None, due: date) -> date | None:
    if start is None:
        return calendar.add(due, -rule.days) if rule.days else due
    whole = calendar.between(start, due)
    if whole <= 0:
        return None
    left = max(rule.days, whole * rule.share // 100)
    if left >= whole:
        return calendar.add(start, 1)
    return max(calendar.add(due, -left) if left else due, calendar.add(start, 1))
