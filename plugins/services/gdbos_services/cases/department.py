"""How a decision is carried out: the department's own system is asked, waited for, and its answer ends the case.

The question goes through the bus like everybody's: under the grant of the handling body, on the case as its basis, and with the
case number as business number, so that however often it is asked, the department acts once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from gdbos import (
    N_,
    Bus,
    Gone,
    Invalid,
    NoBasis,
    NoGrant,
    NotFound,
    ProviderFailed,
    ProviderTimeout,
    TooMany,
    Unavailable,
    Unit,
    on,
)

from .case import Result, finish, get, wait_for_department
from .config import Config
from .events import CaseApproved, DepartmentAwaited
from .question import OUTCOME, REASON, by_element
from .state import State

NOT_NOW = (ProviderFailed, ProviderTimeout, Unavailable, TooMany, NoGrant, NoBasis, NotFound, Gone, Invalid)
"""What may be well again later: a system that is down, a grant not yet approved, a service not yet registered; and that the
case is closed already, which the unit that follows sees for itself."""
PURPOSE = N_("Carry out the decision on this case")
LONGEST = timedelta(minutes=15)


class Answered(msgspec.Struct, frozen=True):
    """What the department's system said."""

    value: dict[str, Any]


class Unanswered(msgspec.Struct, frozen=True):
    """That it said nothing we can use, and the code of the problem."""

    why: str


async def ask(event: CaseApproved | DepartmentAwaited, bus: Bus) -> Answered | Unanswered | None:
    """Ask the system that carries the decision out; None where the body needs none."""
    if not event.handled_by:
        return None
    place: dict[str, Any] = {"matter": event.matter, "case": event.case, "body": event.body, "purpose": PURPOSE}
    try:
        question = await bus.call("services.cases.question", {"case": event.case}, **place)
        reply = await bus.call(event.handled_by, question.value["request"], **place, business=event.number)
    except NOT_NOW as failure:
        return Unanswered(failure.code)
    return Answered(reply.value)


@on(CaseApproved, fetch=ask)
def carry_out(unit: Unit, event: CaseApproved, answer: Answered | Unanswered | None) -> None:
    """End the approved case with the department's answer, or wait for it."""
    _carried(unit, event, answer)


@on(DepartmentAwaited, fetch=ask)
def carry_out_later(unit: Unit, event: DepartmentAwaited, answer: Answered | Unanswered | None) -> None:
    """End the case that was waiting for the department's answer, or wait on."""
    _carried(unit, event, answer)


def _carried(unit: Unit, event: CaseApproved | DepartmentAwaited, answer: Answered | Unanswered | None) -> None:
    case_id = UUID(event.case)
    if get(unit, case_id, lock=True).state is not State.APPROVED:
        return  # another delivery of the same answer was first
    match answer:
        case None:
            finish(unit, case_id, Result(outcome="granted"))
        case Unanswered(why):
            again = DepartmentAwaited(
                case=event.case,
                number=event.number,
                matter=event.matter,
                body=event.body,
                division=event.division,
                bundle=event.bundle,
                handled_by=event.handled_by,
                asked=event.asked + 1,
            )
            wait_for_department(unit, case_id, why, again, unit.now + _patience(unit, event.asked))
        case Answered(value):
            finish(unit, case_id, result(unit, event.handled_by, value))


def result(unit: Unit, service: str, reply: dict[str, Any]) -> Result:
    """The department's answer as the case's result."""
    values = by_element(unit.standards, service, reply, unit.today)
    outcome, reason = values.pop(OUTCOME, ""), values.pop(REASON, "")
    if outcome == "refused":
        return Result(outcome="refused", reason=reason)
    return Result(outcome="granted", values=values)


def _patience(unit: Unit, asked: int) -> timedelta:
    first = unit.config(Config).ask_again_seconds
    return min(timedelta(seconds=first * 2 ** min(asked, 12)), LONGEST)
