"""Console pages of sharing: ask, decide, end."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos import Actor, BadRequest, Conflict, NotFound, Page, Problem, Run, Unit, Wrong, decoded, filled, wrong_of
from gdbos_governance.catalogue.resource import Shown, find

from . import looks
from . import request as requests
from .permissions import DECIDE, READ, REQUEST
from .request import Approval, Refusal, Wanted
from .routes import Side

HOME = "/console/sharing"
Asked = Request[Any, Any, Any]
Notice = FromQuery[Annotated[str, msgspec.Meta(max_length=20)]]


class SharingPages(Controller):
    """Sharing in the console."""

    path = HOME

    @get("/", permission=READ)
    async def desk(
        self, run: NamedDependency[Run], side: FromQuery[Side] = "asked", after: FromQuery[UUID | None] = None
    ) -> Page:
        """What we asked for, or what we have to decide."""
        listed = await run.read(looks.asked_by_us if side == "asked" else looks.asked_of_us, after)
        return Page("governance.sharing/list.html", {"listed": listed, "side": side, "after": after})

    @get("/ask", permission=REQUEST)
    async def form(self, resource: FromQuery[UUID], run: NamedDependency[Run]) -> Page:
        """The form for a resource of the catalogue."""
        return await _form(run, resource, {})

    @post("/ask", permission=REQUEST)
    async def ask(self, resource: FromQuery[UUID], request: Asked, run: NamedDependency[Run]) -> Page | Redirect:
        """Ask; what is wrong is said on the same page."""
        values = filled(await request.form(), lists=("fields", "clear"))
        matters = values.get("matters", "").replace(",", " ").replace("，", " ").split()
        try:
            done = await run(requests.ask, decoded({**values, "resource": str(resource), "matters": matters}, Wanted))
        except Problem as problem:
            return await _form(run, resource, values, wrong_of(problem))
        return _to(f"{HOME}/{done.id}?done=asked")

    @get("/{request_id:uuid}", permission=READ)
    async def show(
        self, request_id: FromPath[UUID], run: NamedDependency[Run], actor: NamedDependency[Actor], done: Notice = ""
    ) -> Page:
        """One request, with what may be done next."""
        return await _page(run, actor, request_id, done=done)

    @post("/{request_id:uuid}/decide", permission=DECIDE)
    async def decide(
        self, request_id: FromPath[UUID], request: Asked, run: NamedDependency[Run], actor: NamedDependency[Actor]
    ) -> Page | Redirect:
        """Agree to the fields left ticked, refuse, or end what was agreed."""
        values = filled(await request.form(), lists=("fields",))
        act = values.pop("act", "")
        try:
            await run(_decide, request_id, act, values)
        except Problem as problem:
            return await _page(run, actor, request_id, wrong=wrong_of(problem))
        return _to(f"{HOME}/{request_id}?done={act}")


def _decide(unit: Unit, request_id: UUID, act: str, values: dict[str, Any]) -> None:
    if act == "approve":
        if not values["fields"]:
            raise Conflict("No field is left ticked; refuse the request instead.")
        requests.approve(unit, request_id, decoded(values, Approval))
    elif act in ("refuse", "revoke"):
        end = requests.refuse if act == "refuse" else requests.revoke
        end(unit, request_id, decoded({"reason": values.get("reason", "")}, Refusal))
    else:
        raise BadRequest("The form does not say what to do: approve, refuse or revoke.")


class Around(msgspec.Struct, frozen=True):
    """A resource and what its items are called."""

    shown: Shown
    titles: dict[str, Any]


def _around(unit: Unit, resource_id: UUID) -> Around:
    shown = find(unit, resource_id)
    return Around(shown, {item.field: unit.standards.element(item.element).title for item in shown.entry.items})


def _titled(unit: Unit, request_id: UUID) -> tuple[looks.Request, dict[str, Any]]:
    """A request, and what its fields are called; their names alone where the resource has left the catalogue."""
    it = looks.get(unit, request_id)
    try:
        return it, _around(unit, it.resource).titles
    except NotFound:
        return it, {}


async def _form(run: Run, resource: UUID, values: dict[str, Any], wrong: Wrong | None = None) -> Page:
    context = {"around": await run.read(_around, resource), "values": values, "wrong": wrong or Wrong()}
    return Page("governance.sharing/ask.html", context, status=422 if wrong else 200)


async def _page(run: Run, actor: Actor, request_id: UUID, *, done: str = "", wrong: Wrong | None = None) -> Page:
    it, titles = await run.read(_titled, request_id)
    context = {
        "it": it,
        "titles": titles,
        "done": done,
        "wrong": wrong or Wrong(),
        "decides": it.owner == actor.body and actor.may(DECIDE) and not actor.answers_for(it.asked_by),
    }
    return Page("governance.sharing/request.html", context, status=422 if wrong else 200)


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)
