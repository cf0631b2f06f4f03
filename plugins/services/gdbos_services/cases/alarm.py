"""What is done when an alarm of a case rings: only what is still true then."""

from __future__ import annotations

from uuid import UUID

from gdbos import Unit, on

from .case import Case, State, deem_accepted, get, void
from .events import CaseLimitPassed, CaseNearLimit, ClockRang

LAPSED = "草稿逾期未提交 (the draft was not handed in within its time)"
"""Kept with the case, so in both languages."""


@on(ClockRang)
def heed_alarm(unit: Unit, event: ClockRang) -> None:
    """Tell that a limit is near or has passed, accept by silence, or let a draft lapse; nothing where the alarm is stale."""
    case = get(unit, UUID(event.case), lock=True)
    if event.what == "draft":
        if case.state is State.DRAFT and case.expires_at is not None and case.expires_at <= unit.now:
            void(unit, case.id, LAPSED, "lapsed")
        return
    if event.due is None or not event.limit or not _stands(case, event):
        return
    if event.what == "near":
        unit.emit(CaseNearLimit(**case.facts, limit=event.limit, due=event.due))
        return
    unit.emit(CaseLimitPassed(**case.facts, limit=event.limit, due=event.due))
    if event.limit == "acceptance":
        deem_accepted(unit, case.id)


def _stands(case: Case, event: ClockRang) -> bool:
    """Whether the limit is still the one the alarm was set for, and still running."""
    match event.limit:
        case "acceptance":
            return case.state is State.SUBMITTED and case.acceptance_due == event.due
        case "legal":
            return case.state is State.ACCEPTED and case.legal_due == event.due
        case _:
            return case.state is State.ACCEPTED and case.promise_due == event.due
