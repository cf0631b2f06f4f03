"""The cases behind a figure: procedural facts only, by key; and the matters behind a promise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from gdbos import Text, Unit, body_names
from gdbos_enablement.matter import matter

from .group import STANDINGS, Chosen, condition, standing_of
from .summary import promised
from .tables import indicator_case

t = indicator_case.c


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One case: its number, matter, body, state and dates."""

    case: str
    number: str
    matter: str
    matter_title: Text
    body: str
    body_name: Text
    division: str
    standing: str
    standing_title: Text
    received_on: date | None
    accepted_on: date | None
    due: date | None
    """The nearer limit."""
    closed_on: date | None
    working_days: int
    legal_days: int | None


class CaseRows(msgspec.Struct, frozen=True):
    """A page of cases, newest first; ``next`` is the key of the following page."""

    cases: list[CaseRow]
    next: str = ""


class MatterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One matter behind a promise speed-up."""

    matter: str
    title: Text
    legal_days: int
    promise_days: int


class MatterRows(msgspec.Struct, frozen=True):
    """A page of matters by id; ``next`` is the key of the following page."""

    matters: list[MatterRow]
    next: str = ""


def list_cases(unit: Unit, chosen: Chosen, after: str, limit: int) -> CaseRows:
    """A page of the cases that ``chosen`` means, within the reader's reach."""
    wanted = unit.rows(indicator_case).where(condition(unit, chosen)).order_by(t.case.desc()).limit(limit + 1)
    rows = unit.execute(wanted.where(t.case < after) if after else wanted).all()
    shown = _rows(unit, rows[:limit])
    return CaseRows(shown, shown[-1].case if len(rows) > limit else "")


def list_matters(unit: Unit, level: str, after: str, limit: int) -> MatterRows:
    """A page of the matters that the promise speed-up of ``level`` is measured over."""
    found = sorted((one for one in promised(unit, level) if one.id > after), key=lambda one: one.id)[: limit + 1]
    shown = [
        MatterRow(matter=one.id, title=one.title, legal_days=one.legal_days or 0, promise_days=one.promise_days)
        for one in found[:limit]
    ]
    return MatterRows(shown, shown[-1].matter if len(found) > limit else "")


def _rows(unit: Unit, rows: Sequence[Any]) -> list[CaseRow]:
    names = body_names(unit, sorted({row.body for row in rows}))
    return [_row(unit, row, names) for row in rows]


def _row(unit: Unit, row: Any, names: dict[str, Text]) -> CaseRow:
    standing = standing_of(row.stage, row.suspended > row.resumed, row.end)
    return CaseRow(
        case=row.case,
        number=row.number,
        matter=row.matter,
        matter_title=matter(unit.standards, row.matter, unit.today).title,
        body=row.body,
        body_name=names.get(row.body, Text(row.body, row.body)),
        division=row.division,
        standing=standing,
        standing_title=STANDINGS[standing],
        received_on=row.received_on,
        accepted_on=row.accepted_on,
        due=min((day for day in (row.legal_due, row.promise_due) if day), default=None),
        closed_on=row.closed_on,
        working_days=row.working_days,
        legal_days=row.legal_days,
    )
