"""The projection: what was heard of each case and bundle, kept so that the cockpit can count it. Twice is once, in any order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite

from gdbos import Text, Unit, on
from gdbos_enablement.heard import (
    BundleFinished,
    CaseAccepted,
    CaseApproved,
    CaseClosed,
    CaseExtended,
    CaseHeard,
    CaseResumed,
    CaseSubmitted,
    CaseSuspended,
    CorrectionAsked,
    Stage,
    merged,
)
from gdbos_enablement.matter import matter

from .tables import indicator_bundle, indicator_case


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A case, as far as it is counted."""

    case: str
    number: str = ""
    matter: str = ""
    matter_type: str = ""
    body: str = ""
    division: str = ""
    level: str = ""
    bundle: str = ""
    stage: int = Stage.DRAFT
    suspended: int = 0
    resumed: int = 0
    received_on: date | None = None
    accepted_on: date | None = None
    legal_due: date | None = None
    promise_due: date | None = None
    closed_on: date | None = None
    end: str = ""
    outcome: str = ""
    working_days: int = 0
    legal_days: int | None = None
    promise_days: int | None = None


def level_of(division: str) -> str:
    """The exercise level (``gbt39046.exercise-level``) of a body that serves ``division`` (GB/T 2260)."""
    if division.endswith("0000"):
        return "1" if division == "000000" else "2"
    return "3" if division.endswith("00") else "4"


@on(CaseSubmitted)
def count_received(unit: Unit, event: CaseSubmitted) -> None:
    """A case counts from its receipt."""
    hear(unit, event, event.stage, received_on=event.received_on)


@on(CorrectionAsked)
def count_correction(unit: Unit, event: CorrectionAsked) -> None:
    """It waits for the applicant."""
    hear(unit, event, Stage.CORRECTION)


@on(CaseAccepted)
def count_accepted(unit: Unit, event: CaseAccepted) -> None:
    """It is being examined."""
    dues = {"legal_due": event.legal_due, "promise_due": event.promise_due}
    hear(unit, event, Stage.ACCEPTED, accepted_on=event.accepted_on, **dues)


@on(CaseSuspended)
def count_suspended(unit: Unit, event: CaseSuspended) -> None:
    """Its clock stands still."""
    before = _locked(unit, event.case)
    _store(unit, event, merged(before, event, Stage.ACCEPTED, suspended=before.suspended + 1))


@on(CaseResumed)
def count_resumed(unit: Unit, event: CaseResumed) -> None:
    """Its clock runs again."""
    before = _locked(unit, event.case)
    dues = {"legal_due": event.legal_due, "promise_due": event.promise_due}
    _store(unit, event, merged(before, event, Stage.ACCEPTED, resumed=before.resumed + 1, **dues))


@on(CaseExtended)
def count_extended(unit: Unit, event: CaseExtended) -> None:
    """Its limits have moved."""
    hear(unit, event, Stage.ACCEPTED, legal_due=event.legal_due, promise_due=event.promise_due)


@on(CaseApproved)
def count_approved(unit: Unit, event: CaseApproved) -> None:
    """It is decided and being carried out."""
    hear(unit, event, Stage.APPROVED)


@on(CaseClosed)
def count_closed(unit: Unit, event: CaseClosed) -> None:
    """It has ended. A draft that lapsed was never received, and is no case."""
    if event.received_on is None:
        return
    hear(
        unit,
        event,
        Stage.CLOSED,
        received_on=event.received_on,
        accepted_on=event.accepted_on,
        legal_due=event.legal_due,
        promise_due=event.promise_due,
        closed_on=event.closed_on,
        end=event.state,
        outcome=event.outcome,
        working_days=event.working_days,
        legal_days=event.legal_days,
        promise_days=event.promise_days,
    )


@on(BundleFinished)
def count_bundle(unit: Unit, event: BundleFinished) -> None:
    """A bundle has ended: what it took, and what its matters would have taken before the reform."""
    before = [matter(unit.standards, one.matter, event.finished_on).before for one in event.children]
    row = {
        "bundle": event.bundle,
        "plan": event.plan,
        "body": event.body,
        "division": event.division,
        "finished_on": event.finished_on,
        "steps": event.steps,
        "materials": event.materials,
        "trips": event.trips,
        "days": event.working_days,
        "steps_before": sum(one.steps for one in before),
        "materials_before": sum(one.materials for one in before),
        "trips_before": sum(one.trips for one in before),
        "days_before": sum(one.days for one in before),
        "source": msgspec.json.encode(_sources(one.source for one in before)).decode(),
    }
    unit.execute(_dialect(unit).insert(indicator_bundle).values(row).on_conflict_do_nothing())


def _sources(found: Iterable[Text | None]) -> Text:
    once = dict.fromkeys(one for one in found if one)
    return Text("；".join(one.zh for one in once), "; ".join(one.into("en") for one in once))


def hear(unit: Unit, event: CaseHeard, stage: Stage, **facts: Any) -> None:
    """Take in what ``event`` says."""
    _store(unit, event, merged(_locked(unit, event.case), event, stage, **facts))


def _locked(unit: Unit, case: str) -> Counted:
    new = msgspec.structs.asdict(Counted(case=case))
    unit.execute(_dialect(unit).insert(indicator_case).values(new).on_conflict_do_nothing())
    chosen = unit.rows(indicator_case).where(indicator_case.c.case == case).with_for_update()
    return Counted(**unit.execute(chosen).one()._mapping)


def _store(unit: Unit, event: CaseHeard, one: Counted) -> None:
    known = matter(unit.standards, one.matter, one.accepted_on or one.received_on or unit.today)
    one = msgspec.structs.replace(
        one,
        matter_type=one.matter_type or known.type,
        level=level_of(one.division) if one.division else "",
        bundle=event.bundle or one.bundle,
    )
    this = indicator_case.c.case == one.case
    unit.execute(update(indicator_case).where(this).values(msgspec.structs.asdict(one)))


def _dialect(unit: Unit) -> Any:
    return postgresql if unit.connection.dialect.name == "postgresql" else sqlite
