"""Standing in (代理): an official's page of the delegations given and received."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.errors import BadRequest, Problem
from gdbos.identity.delegation import delegate, delegations, revoke_delegation
from gdbos.identity.entries import Word
from gdbos.identity.matter_choice import Chosen, listed, matter_choice, matter_titles
from gdbos.identity.permission import DELEGATE
from gdbos.identity.post import posts_of
from gdbos.pages.render import Page
from gdbos.unit import Run, Unit

ROOT = "/workbench/delegations"


class DelegationForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A delegation as the form sends it."""

    post: Word = ""
    to: Word = ""
    until: Word = ""
    matters: Chosen = ()
    words: Word = ""
    do: Word = ""


class DelegationPages(Controller):
    """Who stands in for whom."""

    path = ROOT

    @get(permission=DELEGATE)
    async def home(
        self, run: NamedDependency[Run], done: FromQuery[Annotated[str, QueryParameter(max_length=10)]] = ""
    ) -> Page:
        """The delegations one has given and received, and a form for another."""
        return await _page(run, done=done)

    @post(permission=DELEGATE)
    async def give(self, run: NamedDependency[Run], data: URLEncodedBody[DelegationForm]) -> Page | Redirect:
        """Let a colleague stand in, or look for matters to limit it to."""
        if data.do == "find":
            return await _page(run, entered=data)
        try:
            await run(give, data)
        except Problem as problem:
            return await _page(run, problem=problem, entered=data)
        return _to(f"{ROOT}?done=given")

    @post("/{delegation_id:uuid}/revoke", permission=DELEGATE)
    async def revoke(self, delegation_id: FromPath[UUID], run: NamedDependency[Run]) -> Redirect:
        """End a delegation at once."""
        await run(revoke_delegation, delegation_id)
        return _to(f"{ROOT}?done=revoked")


def give(unit: Unit, form: DelegationForm) -> UUID:
    """Give the delegation the form describes. :raises BadRequest: a field is not what it should be."""
    try:
        chosen, until = UUID(form.post), date.fromisoformat(form.until)
    except ValueError:
        raise BadRequest("Choose a post and a last day.") from None
    return delegate(unit, chosen, form.to, until=until, matters=listed(form.matters))


async def _page(run: Run, *, done: str = "", problem: Problem | None = None, entered: Any = None) -> Page:
    context = await run.read(_look, entered) | {"done": done, "problem": problem, "entered": entered}
    return Page("identity/delegations.html", context, status=problem.status if problem else 200)


def _look(unit: Unit, entered: DelegationForm | None) -> dict[str, Any]:
    found = delegations(unit)
    return {
        "posts": posts_of(unit, UUID(unit.actor.id)) if unit.actor.kind == "official" else [],
        "found": found,
        "titles": matter_titles(unit, {id for one in found for id in one.matters}),
        "choice": matter_choice(unit, entered.words, listed(entered.matters)) if entered else matter_choice(unit),
    }


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)
