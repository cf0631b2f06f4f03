"""``/api/services/cases``: applying, handling, deciding. Cases are read through the bus, so that every look leaves its receipt."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from gdbos import N_, Actor, Bus, Run, Unit

from . import case
from .case import Done, Handed
from .lists import EndedList, MineList, TaskList
from .permission import ACCEPT, APPLY, CORRECT, DECIDE, EXTEND, READ, SUSPEND
from .record import get as get_case
from .view import CaseView

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Reason = Annotated[str, msgspec.Meta(min_length=2, max_length=2000)]
Words = Annotated[str, msgspec.Meta(max_length=2000)]
Answers = Annotated[dict[Code, Any], msgspec.Meta(max_length=500)]
Materials = Annotated[tuple[Handed, ...], msgspec.Meta(max_length=100)]
OTHER_STATE = {409: ResponseSpec(None, description="The case is in another state than the act needs")}
LOOK = N_("Look at one case")


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request brings in."""


class NewCase(Asked, frozen=True, kw_only=True):
    """An application to begin."""

    matter: Code


class Answered(Asked, frozen=True, kw_only=True):
    """Answers by element."""

    answers: Answers


class HandedIn(Asked, frozen=True, kw_only=True):
    """What is handed in: further answers, and materials."""

    answers: Answers = {}
    materials: Materials = ()


class Reasoned(Asked, frozen=True, kw_only=True):
    """A reason, which the applicant is told."""

    reason: Reason


class Opinion(Asked, frozen=True, kw_only=True):
    """What the applicant is told with a decision in their favour."""

    reason: Words = ""


class Missing(Asked, frozen=True, kw_only=True):
    """All that is missing, told once: ids of elements or materials."""

    items: Annotated[tuple[Code, ...], msgspec.Meta(min_length=1, max_length=100)]
    explanation: Words = ""


class Stopped(Asked, frozen=True, kw_only=True):
    """For what the clock stops (code of ``case.special-procedure-name``), and how long it is expected to take."""

    procedure: Code
    explanation: Reason


class Longer(Asked, frozen=True, kw_only=True):
    """By how many working days the limit is extended, and why."""

    days: Annotated[int, msgspec.Meta(ge=1, le=365)]
    reason: Reason


class Cases(Controller):
    """Cases (办件)."""

    tags = ("cases",)

    @get(permission=READ.of_officials())
    async def list_cases(
        self,
        bus: NamedDependency[Bus],
        actor: NamedDependency[Actor],
        stage: FromQuery[Annotated[str, QueryParameter(max_length=12)]] = "",
        after: FromQuery[Annotated[str, QueryParameter(max_length=60)]] = "",
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=100)]] = 20,
    ) -> MineList | TaskList:
        """One's own cases, newest first; for an official, the tasks of their body, the most urgent first."""
        if actor.kind == "official":
            reply = await bus.call("services.cases.tasks", {"state": stage, "after": after, "limit": limit})
            return msgspec.convert(reply.value, TaskList)
        reply = await bus.call("services.cases.mine", {"after": after, "limit": limit})
        return msgspec.convert(reply.value, MineList)

    @get("/ended", permission=READ)
    async def list_ended(
        self,
        bus: NamedDependency[Bus],
        after: FromQuery[Annotated[str, QueryParameter(max_length=80)]] = "",
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=100)]] = 20,
    ) -> EndedList:
        """What one's body received and has ended (已办结), the latest first."""
        reply = await bus.call("services.cases.ended", {"after": after, "limit": limit})
        return msgspec.convert(reply.value, EndedList)

    @post(permission=APPLY, responses=OTHER_STATE)
    async def draft_case(self, run: NamedDependency[Run], data: JSONBody[NewCase]) -> Done:
        """Begin an application, for oneself or for whom one acts."""
        return await run(case.draft_own, data.matter)

    @get("/{case_id:uuid}", permission=READ.of_officials())
    async def get_case(self, case_id: FromPath[UUID], bus: NamedDependency[Bus], run: NamedDependency[Run]) -> CaseView:
        """One case, whole. Its subject is told who looked, unless they looked themselves."""
        return await look(case_id, bus, run)

    @put("/{case_id:uuid}/answers", permission=APPLY, responses=OTHER_STATE)
    async def answer_case(self, case_id: FromPath[UUID], run: NamedDependency[Run], data: JSONBody[Answered]) -> Done:
        """Keep answers in a draft, complete or not."""
        return await run(case.answer, case_id, data.answers)

    @post("/{case_id:uuid}/submit", permission=APPLY, status_code=200, responses=OTHER_STATE)
    async def submit_case(self, case_id: FromPath[UUID], run: NamedDependency[Run], data: JSONBody[HandedIn]) -> Done:
        """Hand the application in; it gets its number."""
        return await run(case.submit, case_id, data.answers, data.materials)

    @post("/{case_id:uuid}/accept", permission=ACCEPT, status_code=200, responses=OTHER_STATE)
    async def accept_case(self, case_id: FromPath[UUID], run: NamedDependency[Run]) -> Done:
        """Accept a submitted case (受理); the clock runs."""
        return await run(case.accept, case_id)

    @post("/{case_id:uuid}/decline", permission=ACCEPT, status_code=200, responses=OTHER_STATE)
    async def decline_case(self, case_id: FromPath[UUID], run: NamedDependency[Run], data: JSONBody[Reasoned]) -> Done:
        """Do not accept (不予受理), with the reason."""
        return await run(case.decline, case_id, data.reason)

    @post("/{case_id:uuid}/corrections", permission=CORRECT, status_code=200, responses=OTHER_STATE)
    async def ask_correction(self, case_id: FromPath[UUID], run: NamedDependency[Run], data: JSONBody[Missing]) -> Done:
        """Tell the applicant, once and all of it, what is missing (一次告知)."""
        return await run(case.ask_correction, case_id, data.items, data.explanation)

    @post("/{case_id:uuid}/corrections/supply", permission=APPLY, status_code=200, responses=OTHER_STATE)
    async def supply_correction(
        self, case_id: FromPath[UUID], run: NamedDependency[Run], data: JSONBody[HandedIn]
    ) -> Done:
        """Hand in what was missing (补正)."""
        return await run(case.supply_correction, case_id, data.answers, data.materials)

    @post("/{case_id:uuid}/suspend", permission=SUSPEND, status_code=200, responses=OTHER_STATE)
    async def suspend_case(self, case_id: FromPath[UUID], run: NamedDependency[Run], data: JSONBody[Stopped]) -> Done:
        """Stop the clock for a special procedure (特别程序)."""
        return await run(case.suspend, case_id, data.procedure, data.explanation)

    @post("/{case_id:uuid}/resume", permission=SUSPEND, status_code=200, responses=OTHER_STATE)
    async def resume_case(self, case_id: FromPath[UUID], run: NamedDependency[Run]) -> Done:
        """Let the clock run again."""
        return await run(case.resume, case_id)

    @post("/{case_id:uuid}/extend", permission=EXTEND, status_code=200, responses=OTHER_STATE)
    async def extend_case(self, case_id: FromPath[UUID], run: NamedDependency[Run], data: JSONBody[Longer]) -> Done:
        """Extend the time limit of a case that someone else handles (延长审批)."""
        return await run(case.extend, case_id, data.days, data.reason)

    @post("/{case_id:uuid}/approve", permission=DECIDE, status_code=200, responses=OTHER_STATE)
    async def approve_case(self, case_id: FromPath[UUID], run: NamedDependency[Run], data: JSONBody[Opinion]) -> Done:
        """Decide for the applicant (准予)."""
        return await run(case.approve, case_id, data.reason)

    @post("/{case_id:uuid}/reject", permission=DECIDE, status_code=200, responses=OTHER_STATE)
    async def reject_case(self, case_id: FromPath[UUID], run: NamedDependency[Run], data: JSONBody[Reasoned]) -> Done:
        """Decide against the applicant (不予许可), with reasons."""
        return await run(case.reject, case_id, data.reason)


async def look(case_id: UUID, bus: Bus, run: Run) -> CaseView:
    """One case through the bus, citing it as its own basis. :raises NotFound: it is not the caller's to see."""
    matter = await run.read(_matter, case_id)
    reply = await bus.call(
        "services.cases.case", {"case": str(case_id)}, matter=matter, case=str(case_id), purpose=LOOK
    )
    return msgspec.convert(reply.value, CaseView)


def _matter(unit: Unit, case_id: UUID) -> str:
    return get_case(unit, case_id).matter
