"""Pages of cases: applying and following for people, tasks and deciding for officials. All of them look through the bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos import N_, Actor, Bus, Forbidden, Invalid, Page, Permission, Problem, Run, Standards, Unit, Violation

from . import case
from .clock import PROCEDURES
from .lists import EndedList, MineList, TaskList
from .permission import ACCEPT, APPLY, CORRECT, DECIDE, EXTEND, READ, SUSPEND
from .routes import look
from .showing import askable, facts, progress, result_words, task_tabs, tone
from .state import FINAL, Act, State

Word = Annotated[str, msgspec.Meta(max_length=120)]
Words = Annotated[str, msgspec.Meta(max_length=2000)]
After = FromQuery[Annotated[str, QueryParameter(max_length=60)]]


class Acted(msgspec.Struct, frozen=True, kw_only=True):
    """What one of the workbench's forms sent."""

    act: Word
    reason: Words = ""
    items: Annotated[tuple[Word, ...], msgspec.Meta(max_length=100)] = ()
    procedure: Word = ""
    days: Annotated[str, msgspec.Meta(max_length=4)] = ""

    def chosen(self) -> tuple[str, ...]:
        """What was ticked. :raises Invalid: nothing was."""
        if not self.items:
            detail = N_("Tick everything that is missing; it is told once.")
            raise Invalid(detail, violations=[Violation("$.items", "required", detail)])
        return self.items

    def number(self) -> int:
        """The days of an extension. :raises Invalid: no number from 1 to 365."""
        if not self.days.isascii() or not self.days.isdigit() or not 1 <= int(self.days) <= 365:
            detail = N_("Say by how many working days, from 1 to 365.")
            raise Invalid(detail, violations=[Violation("$.days", "range", detail)])
        return int(self.days)


def acted(posted: FormMultiDict) -> Acted:
    """The posted form. Each act has a reason field of its own (``reason_reject``), since ids on a page are unique.

    :raises Invalid: a value is longer than any button or box of the page sends.
    """
    act = str(posted.get("act", ""))
    plain = {
        "act": act,
        "reason": str(posted.get(f"reason_{act}", "")).strip(),
        "items": [one for one in posted.getall("items", []) if isinstance(one, str)],
        "procedure": str(posted.get("procedure", "")),
        "days": str(posted.get("days", "")).strip(),
    }
    try:
        return msgspec.convert(plain, Acted)
    except msgspec.ValidationError:
        detail = N_("The form holds more than the page asks for; go back and try again.")
        raise Invalid(detail, violations=[Violation("$", "length", detail)]) from None


class CasePages(Controller):
    """``/portal/cases`` and ``/workbench``."""

    @get("/portal/cases", permission=APPLY)
    async def my_cases(self, bus: NamedDependency[Bus], after: After = "") -> Page:
        """Everything one has applied for, newest first."""
        reply = await bus.call("services.cases.mine", {"after": after, "limit": 20})
        found = msgspec.convert(reply.value, MineList)
        return Page("services.cases/mine.html", {"cases": found.cases, "next": found.next, "after": after})

    @get("/portal/cases/{case_id:uuid}", permission=APPLY)
    async def my_case(
        self,
        case_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        run: NamedDependency[Run],
        standards: NamedDependency[Standards],
    ) -> Page | Redirect:
        """How one's own case stands: progress, dates, result, and what to do next."""
        shown = await look(case_id, bus, run)
        if shown.state is State.DRAFT and not shown.bundle:
            return Redirect(f"/portal/cases/{case_id}/form", status_code=HTTP_303_SEE_OTHER)
        context = {
            "case": shown,
            "progress": progress(shown),
            "facts": facts(shown, standards),
            "results": result_words(shown, standards),
        }
        return Page("services.cases/own.html", context)

    @get("/workbench", permission=READ)
    async def my_tasks(
        self,
        bus: NamedDependency[Bus],
        stage: FromQuery[Annotated[str, QueryParameter(max_length=12)]] = "",
        after: After = "",
    ) -> Page:
        """The live cases of one's body, the most urgent first."""
        reply = await bus.call("services.cases.tasks", {"state": stage, "after": after, "limit": 20})
        found = msgspec.convert(reply.value, TaskList)
        context = {"cases": found.cases, "next": found.next, "after": after, "stage": stage, "stages": task_tabs(stage)}
        return Page("services.cases/tasks.html", context)

    @get("/workbench/ended", permission=READ)
    async def ended_cases(
        self, bus: NamedDependency[Bus], after: FromQuery[Annotated[str, QueryParameter(max_length=80)]] = ""
    ) -> Page:
        """What one's body has ended, the latest first."""
        reply = await bus.call("services.cases.ended", {"after": after, "limit": 20})
        found = msgspec.convert(reply.value, EndedList)
        context = {"cases": found.ended, "next": found.next, "after": after, "stages": task_tabs("ended")}
        return Page("services.cases/ended.html", context)

    @get("/workbench/cases/{case_id:uuid}", permission=READ)
    async def task(
        self,
        case_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        standards: NamedDependency[Standards],
    ) -> Page:
        """One case with its form, materials, clock and history, and what may be done with it."""
        return await _task(case_id, bus, run, actor, standards)

    @post("/workbench/cases/{case_id:uuid}", permission=READ)
    async def act_on(
        self,
        case_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        standards: NamedDependency[Standards],
        request: Request[Any, Any, Any],
    ) -> Page | Redirect:
        """Do what a button of the page says, and come back to it; what was wrong is said there."""
        try:
            ended = await _act(case_id, run, actor, acted(await request.form()))
        except Problem as problem:
            if problem.status not in (403, 409, 422):
                raise
            return await _task(case_id, bus, run, actor, standards, problem=problem)
        return Redirect("/workbench" if ended else f"/workbench/cases/{case_id}", status_code=HTTP_303_SEE_OTHER)


Doing = Callable[[Unit, UUID, Acted], case.Done]


class Offered(msgspec.Struct, frozen=True):
    """An act that the workbench offers: who may do it, how it is done, and whether a reason is needed."""

    permission: Permission
    do: Doing
    reasoned: bool = False


OFFERED: Mapping[Act, Offered] = MappingProxyType(
    {
        Act.ACCEPT: Offered(ACCEPT, lambda unit, case_id, _: case.accept(unit, case_id)),
        Act.DECLINE: Offered(ACCEPT, lambda unit, case_id, data: case.decline(unit, case_id, data.reason), True),
        Act.ASK: Offered(
            CORRECT, lambda unit, case_id, data: case.ask_correction(unit, case_id, data.chosen(), data.reason)
        ),
        Act.SUSPEND: Offered(
            SUSPEND, lambda unit, case_id, data: case.suspend(unit, case_id, data.procedure, data.reason), True
        ),
        Act.RESUME: Offered(SUSPEND, lambda unit, case_id, _: case.resume(unit, case_id)),
        Act.EXTEND: Offered(
            EXTEND, lambda unit, case_id, data: case.extend(unit, case_id, data.number(), data.reason), True
        ),
        Act.APPROVE: Offered(DECIDE, lambda unit, case_id, data: case.approve(unit, case_id, data.reason)),
        Act.REJECT: Offered(DECIDE, lambda unit, case_id, data: case.reject(unit, case_id, data.reason), True),
    }
)


async def _task(
    case_id: UUID, bus: Bus, run: Run, actor: Actor, standards: Standards, problem: Problem | None = None
) -> Page:
    shown = await look(case_id, bus, run)
    context: dict[str, Any] = {
        "case": shown,
        "facts": facts(shown, standards),
        "askable": askable(shown, standards),
        "may": [act for act in shown.acts if act in OFFERED and actor.may(OFFERED[act].permission)],
        "procedures": sorted(standards.words(PROCEDURES).items()),
        "tone": tone(shown.clock),
        "problem": problem,
    }
    return Page("services.cases/task.html", context, status=problem.status if problem else 200)


async def _act(case_id: UUID, run: Run, actor: Actor, data: Acted) -> bool:
    """Do one act; whether the body is done with the case. :raises Problem: it cannot be done, or the form lacks something."""
    offered = _offered(data.act)
    if not actor.may(offered.permission):
        detail = N_("You lack the permission {permission}; ask your body's administrator for a post that has it.")
        raise Forbidden(detail, permission=offered.permission.name)
    if offered.reasoned and len(data.reason) < 2:
        detail = N_("Say why; the applicant is told.")
        raise Invalid(detail, violations=[Violation("$.reason", "required", detail)])
    done = await run(offered.do, case_id, data)
    return done.state in FINAL or done.state is State.APPROVED


def _offered(act: str) -> Offered:
    found = next((offered for known, offered in OFFERED.items() if known == act), None)
    if found is None:
        detail = N_("The page offers no such act; go back and choose one of its buttons.")
        raise Invalid(detail, violations=[Violation("$.act", "code", detail)])
    return found
