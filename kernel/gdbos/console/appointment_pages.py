"""The console page of administrators' appointments that wait for a second official."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.errors import Problem
from gdbos.identity.appointment import confirm, waiting
from gdbos.identity.permission import APPOINT, CONFIRM
from gdbos.identity.post import end_post
from gdbos.pages.render import Page
from gdbos.unit import Run

HOME = "/console/appointments"
Done = FromQuery[Annotated[str, QueryParameter(max_length=20)]]


class AppointmentPages(Controller):
    """Appointments that wait, in the console."""

    path = HOME

    @get(permission=CONFIRM)
    async def appointments(self, run: NamedDependency[Run], done: Done = "") -> Page:
        """Who is to become an administrator, and who asked for it."""
        return await _page(run, done=done)

    @post("/{post_id:uuid}/confirm", permission=CONFIRM)
    async def confirm(self, post_id: FromPath[UUID], run: NamedDependency[Run]) -> Page | Redirect:
        """Confirm what another official asked for."""
        try:
            await run(confirm, post_id)
        except Problem as problem:
            return await _page(run, problem=problem)
        return _home("confirmed")

    @post("/{post_id:uuid}/withdraw", permission=APPOINT)
    async def withdraw(self, post_id: FromPath[UUID], run: NamedDependency[Run]) -> Page | Redirect:
        """Withdraw an appointment before anybody confirms it."""
        try:
            await run(end_post, post_id)
        except Problem as problem:
            return await _page(run, problem=problem)
        return _home("withdrawn")


async def _page(run: Run, *, done: str = "", problem: Problem | None = None) -> Page:
    found = await run.read(waiting)
    context = {"found": found, "done": done, "problem": problem, "may_appoint": run.actor.may(APPOINT)}
    return Page("console/appointments.html", context, status=problem.status if problem else 200)


def _home(done: str) -> Redirect:
    return Redirect(f"{HOME}?done={done}", status_code=HTTP_303_SEE_OTHER)
