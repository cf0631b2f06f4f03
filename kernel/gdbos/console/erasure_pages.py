"""The console page of erasures: subjects whose keys go, asked for by one official and confirmed by another."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.actor import Actor
from gdbos.bus.permissions import ERASE, ERASURES_READ
from gdbos.entered import Wrong, decoded, filled, wrong_of
from gdbos.errors import Problem
from gdbos.ledger.erasure import ErasureOrder, ask, confirm, erasures
from gdbos.pages.render import Page
from gdbos.unit import Run

HOME = "/console/erasures"
PAGE = 20
Asked = Request[Any, Any, Any]


class ErasurePages(Controller):
    """Erasure of subjects in the console."""

    path = HOME

    @get(permission=ERASURES_READ)
    async def erasures(
        self, run: NamedDependency[Run], actor: NamedDependency[Actor], after: FromQuery[UUID | None] = None
    ) -> Page:
        """The orders; none says whom."""
        return await _page(run, actor, after)

    @post(permission=ERASE)
    async def ask(self, request: Asked, run: NamedDependency[Run], actor: NamedDependency[Actor]) -> Page | Redirect:
        """Ask that a subject be erased; what is wrong is said on the same page."""
        values = filled(await request.form())
        try:
            await run(ask, decoded(values, ErasureOrder))
        except Problem as problem:
            return await _page(run, actor, None, values, wrong_of(problem))
        return _home()

    @post("/{erasure_id:uuid}/confirm", permission=ERASE)
    async def confirm(
        self, erasure_id: FromPath[UUID], run: NamedDependency[Run], actor: NamedDependency[Actor]
    ) -> Page | Redirect:
        """Confirm what another official asked for."""
        try:
            await run(confirm, erasure_id)
        except Problem as problem:
            return await _page(run, actor, None, {}, wrong_of(problem))
        return _home()


async def _page(
    run: Run, actor: Actor, after: UUID | None, values: dict[str, Any] | None = None, wrong: Wrong | None = None
) -> Page:
    found = await run.read(erasures, after, PAGE)
    context = {
        "found": found,
        "may": actor.may(ERASE),
        "own": {one.id for one in found.erasures if actor.answers_for(one.asked_by)},
        # Whom it is about was typed in and is not shown again.
        "values": {name: value for name, value in (values or {}).items() if name != "number"},
        "wrong": wrong or Wrong(),
        "next": f"{HOME}?after={found.next}" if found.next else "",
        "first": HOME if after else "",
    }
    return Page("console/erasures.html", context, status=422 if wrong else 200)


def _home() -> Redirect:
    return Redirect(HOME, status_code=HTTP_303_SEE_OTHER)
