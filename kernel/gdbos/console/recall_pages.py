"""The console page of recalls: what one's own body has to look at again, and what became of the recalls it started."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.actor import Actor
from gdbos.bus.permissions import RECALL, RECALLS
from gdbos.bus.recall import Recall, Tasks, acknowledge, recall, tasks
from gdbos.bus.recall_routes import Acknowledgement
from gdbos.entered import Wrong, decoded, filled, wrong_of
from gdbos.errors import Problem
from gdbos.identity.body import names as body_names
from gdbos.kernel import Kernel
from gdbos.pages.render import Page
from gdbos.text import Text
from gdbos.unit import Run, Unit

HOME = "/console/recalls"
PAGE = 20
Asked = Request[Any, Any, Any]


class RecallPages(Controller):
    """Recalls in the console."""

    path = HOME

    @get(permission=RECALLS)
    async def recalls(
        self,
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
        after: FromQuery[UUID | None] = None,
    ) -> Page:
        """The tasks that concern one's body."""
        return await _page(run, actor, kernel, after)

    @post(permission=RECALL)
    async def recall(
        self, request: Asked, run: NamedDependency[Run], actor: NamedDependency[Actor], kernel: NamedDependency[Kernel]
    ) -> Page | Redirect:
        """Tell everyone who received a value that has been corrected."""
        values = filled(await request.form())
        try:
            wanted = decoded(values | _read(values, kernel.units.around.zone), Recall)
            await kernel.book.settle()
            await run(recall, wanted, kernel.directory.provider(wanted.service))
        except Problem as problem:
            return await _page(run, actor, kernel, None, values, wrong_of(problem))
        return _home()

    @post("/{task_id:uuid}/acknowledge", permission=RECALLS)
    async def acknowledge(
        self,
        task_id: FromPath[UUID],
        request: Asked,
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> Page | Redirect:
        """Say what was done about a recalled value."""
        try:
            said = decoded(filled(await request.form()), Acknowledgement)
            await run(acknowledge, task_id, said.action)
        except Problem as problem:
            return await _page(run, actor, kernel, None, {}, wrong_of(problem))
        return _home()


PAGES = [RecallPages]


def _read(values: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Fields as a list, and the moment, which the browser sends without a zone, where the node stands."""
    found: dict[str, Any] = {"fields": values.get("fields", "").replace(",", " ").split()}
    with suppress(ValueError):
        found["since"] = datetime.fromisoformat(values.get("since", "")).replace(tzinfo=zone).isoformat()
    return found


def _listed(unit: Unit, after: UUID | None) -> tuple[Tasks, dict[str, Text], date]:
    found = tasks(unit, after, PAGE)
    bodies = sorted({body for task in found.tasks for body in (task.body, task.provider)})
    return found, body_names(unit, bodies), unit.today


async def _page(
    run: Run,
    actor: Actor,
    kernel: Kernel,
    after: UUID | None,
    values: dict[str, Any] | None = None,
    wrong: Wrong | None = None,
) -> Page:
    found, names, today = await run.read(_listed, after)
    own = [s for s in kernel.directory.all() if s.provider == actor.body and s.registered and s.registered.subject]
    context = {
        "found": found,
        "names": names,
        "today": today,
        "body": actor.body,
        "own": [(one.code, one.title) for one in own] if actor.may(RECALL) else [],
        "values": {name: value for name, value in (values or {}).items() if name != "number"},
        "wrong": wrong or Wrong(),
        "next": f"{HOME}?after={found.next}" if found.next else "",
        "first": HOME if after else "",
    }
    return Page("console/recalls.html", context, status=422 if wrong else 200)


def _home() -> Redirect:
    return Redirect(HOME, status_code=HTTP_303_SEE_OTHER)
