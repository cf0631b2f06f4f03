"""The console page of sealed inquiries: orders asked for by one official, confirmed by another, and how long they hold."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.actor import Actor
from gdbos.bus.permissions import SEAL, SEALS_READ
from gdbos.bus.seal import SealOrder, Seals, ask, confirm, seals
from gdbos.entered import Wrong, decoded, filled, wrong_of
from gdbos.errors import Problem
from gdbos.identity.body import names as body_names
from gdbos.pages.render import Page
from gdbos.text import Text
from gdbos.unit import Run, Unit

HOME = "/console/seals"
PAGE = 20
Asked = Request[Any, Any, Any]


class SealPages(Controller):
    """Sealed inquiries in the console."""

    path = HOME

    @get(permission=SEALS_READ)
    async def seals(
        self, run: NamedDependency[Run], actor: NamedDependency[Actor], after: FromQuery[UUID | None] = None
    ) -> Page:
        """The orders of one's own body; for auditors, of every body."""
        return await _page(run, actor, after)

    @post(permission=SEAL)
    async def ask(self, request: Asked, run: NamedDependency[Run], actor: NamedDependency[Actor]) -> Page | Redirect:
        """Ask that the receipts of a case wait; what is wrong is said on the same page."""
        values = filled(await request.form())
        try:
            await run(ask, decoded(values, SealOrder))
        except Problem as problem:
            return await _page(run, actor, None, values, wrong_of(problem))
        return _home()

    @post("/{seal_id:uuid}/confirm", permission=SEAL)
    async def confirm(
        self, seal_id: FromPath[UUID], run: NamedDependency[Run], actor: NamedDependency[Actor]
    ) -> Page | Redirect:
        """Confirm what another official asked for."""
        try:
            await run(confirm, seal_id)
        except Problem as problem:
            return await _page(run, actor, None, {}, wrong_of(problem))
        return _home()


def _listed(unit: Unit, after: UUID | None) -> tuple[Seals, dict[str, Text], Any]:
    found = seals(unit, after, PAGE)
    return found, body_names(unit, sorted({one.body for one in found.seals})), unit.today


async def _page(
    run: Run, actor: Actor, after: UUID | None, values: dict[str, Any] | None = None, wrong: Wrong | None = None
) -> Page:
    found, names, today = await run.read(_listed, after)
    context = {
        "found": found,
        "names": names,
        "today": today,
        "body": actor.body,
        "may": actor.may(SEAL),
        "own": {one.id for one in found.seals if actor.answers_for(one.asked_by)},
        "values": values or {},
        "wrong": wrong or Wrong(),
        "next": f"{HOME}?after={found.next}" if found.next else "",
        "first": HOME if after else "",
    }
    return Page("console/seals.html", context, status=422 if wrong else 200)


def _home() -> Redirect:
    return Redirect(HOME, status_code=HTTP_303_SEE_OTHER)
