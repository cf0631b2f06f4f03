"""The limits of a case as they stand, and the moments at which someone must look at them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from gdbos import Unit

from .clock import FAR, Limit, alarms, clock
from .events import ClockRang
from .record import Case, calendar_of, case_of, matter_of, store
from .state import State
from .tables import case


def timed(unit: Unit, one: Case) -> Case:
    """The case with its limits counted anew."""
    assert one.accepted_on is not None, "a clock runs from acceptance"
    counted = clock(
        matter_of(unit, one),
        unit.standards,
        calendar_of(unit, one),
        start=one.accepted_on,
        suspensions=one.suspensions,
        extensions=one.extensions,
    )
    nearer = min((day for day in (counted.legal, counted.promise) if day), default=None)
    return msgspec.structs.replace(
        one, legal_due=counted.legal, promise_due=counted.promise, due_key=nearer.isoformat() if nearer else FAR
    )


def set_alarms(unit: Unit, one: Case) -> None:
    """Set the alarms of the limits for a decision; those set before find that they are stale."""
    assert one.accepted_on is not None, "a clock runs from acceptance"
    limits: tuple[tuple[Limit, date | None], ...] = (("legal", one.legal_due), ("promise", one.promise_due))
    for limit, day in limits:
        if day is not None:
            for each in alarms(limit, one.accepted_on, day, calendar_of(unit, one), unit.around.zone):
                ring(unit, one, each.what, each.limit, each.due, each.at)


def ring(unit: Unit, one: Case, what: Any, limit: Any, due: date, at: datetime) -> None:
    """Set one alarm, at once where its moment has passed."""
    unit.emit(ClockRang(**one.facts, what=what, limit=limit, due=due), at=max(at, unit.now))


def recount(unit: Unit) -> None:
    """Count anew the limits that could not be counted before: the holidays they need may have been published meanwhile."""
    t = case.c
    open_ended = unit.rows(case).where(t.state == str(State.ACCEPTED), t.legal_due.is_(None) | t.promise_due.is_(None))
    for row in unit.execute(open_ended.order_by(t.id).limit(500).with_for_update(skip_locked=True)).mappings().all():
        before = case_of(row)
        counted = timed(unit, before)
        if (counted.legal_due, counted.promise_due) != (before.legal_due, before.promise_due):
            after = msgspec.structs.replace(counted, version=before.version + 1)
            store(unit, before, after)
            set_alarms(unit, after)
            unit.record("case.recount", case=str(after.id))
