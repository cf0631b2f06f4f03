"""The cases under supervision: what was heard of their limits, and the alarms that are set for them.

Suspensions and resumptions are counted, for they may cross on their way; all else is merged (see :func:`gdbos_enablement.heard.merged`).
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import msgspec
from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite

from gdbos import Calendar, NotFound, Unit, on
from gdbos_enablement.heard import (
    CaseAccepted,
    CaseApproved,
    CaseClosed,
    CaseExtended,
    CaseHeard,
    CaseLimitPassed,
    CaseNearLimit,
    CaseResumed,
    CaseSubmitted,
    CaseSuspended,
    CorrectionAsked,
    Limit,
    Stage,
    merged,
)

from .events import CardDue
from .rule import earned_from, rules
from .tables import oversight_case

LIMITS: tuple[Limit, ...] = ("acceptance", "legal", "promise")


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A case, as far as its limits go."""

    case: str
    number: str = ""
    matter: str = ""
    body: str = ""
    division: str = ""
    stage: int = Stage.DRAFT
    suspended: int = 0
    resumed: int = 0
    received_on: date | None = None
    accepted_on: date | None = None
    acceptance_due: date | None = None
    legal_due: date | None = None
    promise_due: date | None = None

    def due(self, limit: Limit) -> date | None:
        """The last day of ``limit``, as far as it is known."""
        found: date | None = getattr(self, f"{limit}_due")
        return found

    def start(self, limit: Limit) -> date | None:
        """The day from which ``limit`` is counted."""
        return self.received_on if limit == "acceptance" else self.accepted_on

    def runs(self, limit: Limit) -> bool:
        """Whether ``limit`` is being counted now: neither met, nor standing still."""
        if limit == "acceptance":
            return self.stage in (Stage.SUBMITTED, Stage.RESUBMITTED)
        return self.stage == Stage.ACCEPTED and self.suspended <= self.resumed


# What is heard.


@on(CaseSubmitted)
def watch_acceptance(unit: Unit, event: CaseSubmitted) -> None:
    """From receipt on the body has so many days to accept, or to say what is missing."""
    hear(unit, event, event.stage, received_on=event.received_on, acceptance_due=event.acceptance_due)


@on(CorrectionAsked)
def pause_acceptance(unit: Unit, event: CorrectionAsked) -> None:
    """It is the applicant's turn."""
    hear(unit, event, Stage.CORRECTION)


@on(CaseAccepted)
def watch_limits(unit: Unit, event: CaseAccepted) -> None:
    """From acceptance on the limits of law and promise run."""
    hear(
        unit,
        event,
        Stage.ACCEPTED,
        accepted_on=event.accepted_on,
        legal_due=event.legal_due,
        promise_due=event.promise_due,
    )


@on(CaseSuspended)
def stop_watching(unit: Unit, event: CaseSuspended) -> None:
    """While the clock stands still there are no cards."""
    before = _locked(unit, event.case)
    _store(unit, merged(before, event, Stage.ACCEPTED, suspended=before.suspended + 1))


@on(CaseResumed)
def watch_again(unit: Unit, event: CaseResumed) -> None:
    """The limits have moved, or an alarm rang while the clock stood still: set them all anew."""
    before = _locked(unit, event.case)
    after = merged(
        before,
        event,
        Stage.ACCEPTED,
        resumed=before.resumed + 1,
        legal_due=event.legal_due,
        promise_due=event.promise_due,
    )
    _store(unit, after)
    for limit in ("legal", "promise"):
        _set_alarms(unit, after, limit)


@on(CaseExtended)
def watch_extended(unit: Unit, event: CaseExtended) -> None:
    """The limits have moved."""
    hear(unit, event, Stage.ACCEPTED, legal_due=event.legal_due, promise_due=event.promise_due)


@on(CaseApproved)
def let_decided_go(unit: Unit, event: CaseApproved) -> None:
    """It has been decided; no limit runs."""
    hear(unit, event, Stage.APPROVED)


@on(CaseClosed)
def let_closed_go(unit: Unit, event: CaseClosed) -> None:
    """It has ended; no limit runs."""
    hear(unit, event, Stage.CLOSED)


@on(CaseNearLimit)
def heed_near_limit(unit: Unit, event: CaseNearLimit) -> None:
    """The case's own clock says so; this also makes cases known that were accepted before supervision was enabled."""
    hear(unit, event, _stage_of(event.limit), **{f"{event.limit}_due": event.due})


@on(CaseLimitPassed)
def heed_passed_limit(unit: Unit, event: CaseLimitPassed) -> None:
    """As :func:`heed_near_limit`."""
    hear(unit, event, _stage_of(event.limit), **{f"{event.limit}_due": event.due})


def _stage_of(limit: Limit) -> Stage:
    return Stage.SUBMITTED if limit == "acceptance" else Stage.ACCEPTED


# How it is kept.


def hear(unit: Unit, event: CaseHeard, stage: Stage, **facts: Any) -> Watched:
    """Take in what ``event`` says and set the alarms of each limit that it moves."""
    before = _locked(unit, event.case)
    after = merged(before, event, stage, **facts)
    _store(unit, after)
    for limit in LIMITS:
        if after.due(limit) != before.due(limit):
            _set_alarms(unit, after, limit)
    return after


def watched(unit: Unit, case: str) -> Watched | None:
    """What is known of a case, locked until the unit ends; None where nothing is."""
    row = unit.execute(unit.rows(oversight_case).where(oversight_case.c.case == case).with_for_update()).first()
    return Watched(**row._mapping) if row else None


def _locked(unit: Unit, case: str) -> Watched:
    dialect = postgresql if unit.connection.dialect.name == "postgresql" else sqlite
    new = msgspec.structs.asdict(Watched(case=case))
    unit.execute(dialect.insert(oversight_case).values(new).on_conflict_do_nothing())
    found = watched(unit, case)
    assert found is not None, "it was just written"
    return found


def _store(unit: Unit, one: Watched) -> None:
    this = oversight_case.c.case == one.case
    unit.execute(update(oversight_case).where(this).values(msgspec.structs.asdict(one)))


def _set_alarms(unit: Unit, one: Watched, limit: Limit) -> None:
    """Set an alarm for each rule on ``limit``; those set for another due day find that they are stale."""
    due, calendar = one.due(limit), calendar_of(unit, one.division)
    if due is None or calendar is None:
        return
    for rule in rules(unit.standards, unit.today):
        day = earned_from(rule, calendar, one.start(limit), due) if limit in rule.limits else None
        if day is not None:
            at = datetime.combine(day, time(), unit.around.zone)
            unit.emit(CardDue(case=one.case, rule=rule.id, limit=limit, due=due), at=max(at, unit.now))


def calendar_of(unit: Unit, division: str) -> Calendar | None:
    """The calendar of a division; None where the packs of the node hold none."""
    try:
        return unit.standards.calendar(division)
    except NotFound:
        return None
