"""What this family hears of cases: its own views of the events of services.cases, holding only the fields it reads."""

from __future__ import annotations

from datetime import date
from enum import IntEnum
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from gdbos import Event

Limit = Literal["acceptance", "legal", "promise"]


class Stage(IntEnum):
    """How far a case has come. Events of different types arrive in any order; the furthest stage heard of holds."""

    DRAFT = 0
    SUBMITTED = 10
    CORRECTION = 20
    RESUBMITTED = 30
    """What had been asked for was supplied; there is one correction only (一次告知)."""
    ACCEPTED = 40
    APPROVED = 60
    """Decided, and with the department's own system."""
    CLOSED = 100


class CaseHeard(Event):
    """What every event of a case says."""

    case: str
    number: str = ""
    matter: str = ""
    body: str = ""
    division: str = ""
    bundle: str = ""


class CaseSubmitted(CaseHeard, kw_only=True, tag="services.cases.case-submitted/1"):
    """An application was received."""

    received_on: date
    acceptance_due: date | None = None
    corrected: bool = False

    @property
    def stage(self) -> Stage:
        return Stage.RESUBMITTED if self.corrected else Stage.SUBMITTED


class CorrectionAsked(CaseHeard, tag="services.cases.correction-asked/1"):
    """The applicant was told what is missing."""


class CaseAccepted(CaseHeard, kw_only=True, tag="services.cases.case-accepted/1"):
    """An application was accepted; its limits run."""

    accepted_on: date
    legal_due: date | None = None
    promise_due: date | None = None


class CaseSuspended(CaseHeard, tag="services.cases.case-suspended/1"):
    """The clock stands still."""


class CaseResumed(CaseHeard, tag="services.cases.case-resumed/1"):
    """The clock runs again."""

    legal_due: date | None = None
    promise_due: date | None = None


class CaseExtended(CaseHeard, tag="services.cases.case-extended/1"):
    """The limit was extended."""

    legal_due: date | None = None
    promise_due: date | None = None


class CaseApproved(CaseHeard, tag="services.cases.case-approved/1"):
    """It was decided in the applicant's favour."""


class CaseClosed(CaseHeard, kw_only=True, tag="services.cases.case-closed/1"):
    """A case has ended, whichever way."""

    outcome: Literal["granted", "refused", "void"]
    state: str = ""
    received_on: date | None = None
    accepted_on: date | None = None
    closed_on: date
    working_days: int = 0
    legal_days: int | None = None
    promise_days: int | None = None
    legal_due: date | None = None
    promise_due: date | None = None
    materials: int = 0
    trips: int = 0


class CaseNearLimit(CaseHeard, kw_only=True, tag="services.cases.case-near-limit/1"):
    """A limit is near, says the case's own clock."""

    limit: Limit
    due: date


class CaseLimitPassed(CaseHeard, kw_only=True, tag="services.cases.case-limit-passed/1"):
    """A limit has passed, says the case's own clock."""

    limit: Limit
    due: date


class ChildOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One case of a finished bundle."""

    case: str
    matter: str


class BundleFinished(Event, kw_only=True, tag="services.bundles.bundle-finished/1"):
    """Every case of a bundle has ended."""

    bundle: str
    plan: str = ""
    body: str = ""
    division: str = ""
    finished_on: date
    materials: int
    trips: int
    steps: int
    working_days: int
    children: tuple[ChildOutcome, ...]


class Known(Protocol):
    """What a projection knows of a case; a msgspec struct with at least these fields."""

    @property
    def stage(self) -> int: ...


K = TypeVar("K", bound=Known)


def merged(known: K, event: CaseHeard, stage: Stage, **facts: Any) -> K:
    """What is known of a case after ``event``.

    Events of different types may cross on their way, so every field only ever grows: the furthest stage, the latest day, the greater
    count. Whatever the order they arrive in, and however often, the same is known in the end.
    """
    named = {name: getattr(event, name) or getattr(known, name) for name in ("number", "matter", "body", "division")}
    grown = {name: later(getattr(known, name), said) for name, said in facts.items()}
    changed: K = msgspec.structs.replace(known, stage=max(known.stage, stage), **named, **grown)  # type: ignore[type-var]
    return changed


def later(known: Any, said: Any) -> Any:
    """The later of two days, or the greater of two counts; either may be missing."""
    return said if known is None else known if said is None else max(known, said)
