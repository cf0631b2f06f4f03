"""What happens to cases, as others hear of it. Facts of procedure only, never personal data."""

from __future__ import annotations

from datetime import date
from typing import Literal

from gdbos import Event

Outcome = Literal["granted", "refused", "void"]


class CaseEvent(Event):
    """What every event of a case says."""

    case: str
    number: str = ""
    matter: str = ""
    body: str = ""
    division: str = ""
    bundle: str = ""


class CaseDrafted(CaseEvent, tag="services.cases.case-drafted/1"):
    """A draft was opened; the body has a basis to see the subject from now on."""


class CaseSubmitted(CaseEvent, kw_only=True, tag="services.cases.case-submitted/1"):
    """An application was received, and has its number."""

    received_on: date
    acceptance_due: date | None = None
    """The last day for telling what is missing."""
    instant: str = ""
    """The rule that may decide it at once."""
    corrected: bool = False
    """What had been asked for was supplied."""


class CaseAccepted(CaseEvent, kw_only=True, tag="services.cases.case-accepted/1"):
    """An application was accepted (受理); the clock runs."""

    accepted_on: date
    deemed: bool = False
    legal_due: date | None = None
    promise_due: date | None = None


class CorrectionAsked(CaseEvent, tag="services.cases.correction-asked/1"):
    """The applicant was told, once and for all, what is missing (一次告知)."""

    items: tuple[str, ...] = ()


class CaseDeclined(CaseEvent, tag="services.cases.case-declined/1"):
    """An application was not accepted (不予受理)."""


class CaseSuspended(CaseEvent, tag="services.cases.case-suspended/1"):
    """The clock stands still for a special procedure (特别程序)."""

    reason: str = ""
    """Code of ``case.special-procedure-name``."""


class CaseResumed(CaseEvent, tag="services.cases.case-resumed/1"):
    """The clock runs again."""

    legal_due: date | None = None
    promise_due: date | None = None


class CaseExtended(CaseEvent, tag="services.cases.case-extended/1"):
    """The time limit was extended (延长审批)."""

    days: int = 0
    legal_due: date | None = None
    promise_due: date | None = None


class CaseApproved(CaseEvent, tag="services.cases.case-approved/1"):
    """It was decided in the applicant's favour; the department's own system carries it out."""

    handled_by: str = ""
    """Bus service of that system; empty: nothing more is to be carried out."""
    asked: int = 0
    """How often it has been asked before."""
    rule: str = ""


class CaseRejected(CaseEvent, tag="services.cases.case-rejected/1"):
    """It was decided against the applicant (不予许可), with reasons."""


class CaseVoided(CaseEvent, tag="services.cases.case-voided/1"):
    """The case came to nothing: its draft lapsed, or what it depended on was refused."""

    why: str = ""
    """``lapsed``, ``withdrawn`` or ``prerequisite``."""


class CaseClosed(CaseEvent, kw_only=True, tag="services.cases.case-closed/1"):
    """A case has ended, whichever way; nobody has a basis to see it any more."""

    outcome: Outcome
    state: str = ""
    received_on: date | None = None
    accepted_on: date | None = None
    closed_on: date
    working_days: int = 0
    """Working days from acceptance to the end, suspensions left out."""
    legal_days: int | None = None
    promise_days: int | None = None
    legal_due: date | None = None
    promise_due: date | None = None
    materials: int = 0
    """How many the applicant handed in."""
    trips: int = 0
    rule: str = ""


class CaseNearLimit(CaseEvent, kw_only=True, tag="services.cases.case-near-limit/1"):
    """At most a fifth of a time limit, or one working day, is left."""

    limit: Literal["legal", "promise", "acceptance"]
    due: date


class CaseLimitPassed(CaseEvent, kw_only=True, tag="services.cases.case-limit-passed/1"):
    """A time limit has passed and the case is still with the body."""

    limit: Literal["legal", "promise", "acceptance"]
    due: date


class ClockRang(CaseEvent, kw_only=True, tag="services.cases.clock-rang/1"):
    """A moment set earlier has come; what it means depends on how the case stands now."""

    what: Literal["draft", "near", "passed"]
    limit: Literal["", "legal", "promise", "acceptance"] = ""
    due: date | None = None


class DepartmentAwaited(CaseEvent, tag="services.cases.department-awaited/1"):
    """The department's system did not answer and is to be asked again."""

    handled_by: str = ""
    asked: int = 0


OWN: list[type[Event]] = [
    CaseDrafted,
    CaseSubmitted,
    CaseAccepted,
    CorrectionAsked,
    CaseDeclined,
    CaseSuspended,
    CaseResumed,
    CaseExtended,
    CaseApproved,
    CaseRejected,
    CaseVoided,
    CaseClosed,
    CaseNearLimit,
    CaseLimitPassed,
    ClockRang,
    DepartmentAwaited,
]
