"""Console pages of quality: tickets, rules, a check, an answer."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos import N_, Actor, Bus, Invalid, Page, Problem, Run, Violation, Wrong, decoded, filled, wrong_of
from gdbos_governance.catalogue.resource import find

from . import inspection, ticket
from .inspection import Inspection, Outcome
from .permissions import ANSWER, CHECK, READ
from .routes import Side, rules_in_force
from .ticket import Answer

HOME = "/console/quality"
Asked = Request[Any, Any, Any]
Notice = FromQuery[Annotated[str, msgspec.Meta(max_length=20)]]


class QualityPages(Controller):
    """Quality in the console."""

    path = HOME

    @get("/", permission=READ)
    async def desk(
        self, run: NamedDependency[Run], side: FromQuery[Side] = "source", after: FromQuery[UUID | None] = None
    ) -> Page:
        """Tickets at our body, or those we opened."""
        listed = await run.read(ticket.at_source if side == "source" else ticket.found_by_us, after)
        return Page("governance.quality/list.html", {"listed": listed, "side": side, "after": after})

    @get("/rules", permission=READ)
    async def rules(self, run: NamedDependency[Run]) -> Page:
        """The rules in force."""
        return Page("governance.quality/rules.html", {"rules": await run.read(rules_in_force)})

    @get("/check", permission=CHECK)
    async def form(self, resource: FromQuery[UUID], run: NamedDependency[Run], actor: NamedDependency[Actor]) -> Page:
        """The form for a check of one resource."""
        return await _form(run, actor, resource, {})

    @post("/check", permission=CHECK)
    async def check(
        self,
        resource: FromQuery[UUID],
        request: Asked,
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        bus: NamedDependency[Bus],
    ) -> Page:
        """Check, and say what it came to."""
        values = filled(await request.form())
        try:
            wanted = decoded({**values, "requests": _requests(values.get("requests", ""))}, Inspection)
            outcome = await inspection.inspect(bus, run, resource, wanted)
        except Problem as problem:
            return await _form(run, actor, resource, values, wrong=wrong_of(problem))
        return await _form(run, actor, resource, values, outcome=outcome)

    @get("/{ticket_id:uuid}", permission=READ)
    async def show(
        self, ticket_id: FromPath[UUID], run: NamedDependency[Run], actor: NamedDependency[Actor], done: Notice = ""
    ) -> Page:
        """One ticket."""
        return await _page(run, actor, ticket_id, done=done)

    @post("/{ticket_id:uuid}/compare", permission=ANSWER)
    async def compare(
        self, ticket_id: FromPath[UUID], request: Asked, run: NamedDependency[Run], actor: NamedDependency[Actor]
    ) -> Page:
        """Whether a record of the source is the one the ticket is about."""
        key = str(filled(await request.form()).get("key", ""))
        same = await run.read(ticket.concerns, ticket_id, key)
        return await _page(run, actor, ticket_id, done="same" if same else "other")

    @post("/{ticket_id:uuid}/answer", permission=ANSWER)
    async def answer(
        self, ticket_id: FromPath[UUID], request: Asked, run: NamedDependency[Run], actor: NamedDependency[Actor]
    ) -> Page | Redirect:
        """Answer a ticket."""
        try:
            await run(ticket.answer, ticket_id, decoded(filled(await request.form()), Answer))
        except Problem as problem:
            return await _page(run, actor, ticket_id, wrong=wrong_of(problem))
        return _to(f"{HOME}/{ticket_id}?done=answered")

    @post("/{ticket_id:uuid}/close", permission=ANSWER)
    async def close(self, ticket_id: FromPath[UUID], run: NamedDependency[Run]) -> Redirect:
        """Close a ticket."""
        await run(ticket.close, ticket_id)
        return _to(f"{HOME}/{ticket_id}?done=closed")


def _requests(text: str) -> Any:
    """Records as JSON, one object or a list. :raises Invalid: it is not JSON."""
    if not text.strip():
        return []
    try:
        found = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        detail = N_('Write the records as JSON, for example {{"uscc": "…"}}.')
        raise Invalid(violations=[Violation("$.requests", "json", detail)]) from None
    return found if isinstance(found, list) else [found]


async def _form(
    run: Run,
    actor: Actor,
    resource: UUID,
    values: dict[str, Any],
    *,
    wrong: Wrong | None = None,
    outcome: Outcome | None = None,
) -> Page:
    shown = await run.read(find, resource)
    context = {
        "it": shown,
        "own": shown.body == actor.body,
        "values": values,
        "wrong": wrong or Wrong(),
        "outcome": outcome,
        "rules": [one for one in await run.read(rules_in_force) if one.service == shown.service],
    }
    return Page("governance.quality/check.html", context, status=422 if wrong else 200)


async def _page(run: Run, actor: Actor, ticket_id: UUID, *, done: str = "", wrong: Wrong | None = None) -> Page:
    it = await run.read(ticket.get, ticket_id)
    context = {
        "it": it,
        "done": done,
        "wrong": wrong or Wrong(),
        "answers": it.body == actor.body and actor.may(ANSWER),
        "closes": it.finder == actor.body and actor.may(ANSWER) and not actor.answers_for(it.answered_by),
    }
    return Page("governance.quality/ticket.html", context, status=422 if wrong else 200)


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)
