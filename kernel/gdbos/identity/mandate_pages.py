"""The pages on which a mandate (委托) is given and ended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.errors import Problem
from gdbos.identity.entries import Asked, Entered, Phrase, Word
from gdbos.identity.mandate import revoke
from gdbos.identity.matter_choice import Chosen, MatterChoice, listed, matter_choice
from gdbos.identity.principal import Principal, principals
from gdbos.identity.routes import MandateGiven, give
from gdbos.kernel import Kernel
from gdbos.pages.language import locale_of
from gdbos.pages.render import Page
from gdbos.plugin import KNOWN
from gdbos.text import N_
from gdbos.unit import Run, Unit

FIND = "find"


class MandateForm(Entered, frozen=True, kw_only=True):
    """What the form for a mandate sends."""

    agent_citizen_id: Word = ""
    principal: Word = ""
    matters: Chosen = ()
    words: Phrase = ""
    """What the names of the matters to choose from have in them."""
    until: Word = ""
    do: Word = ""
    """``find``: show the matters that fit the words; nothing is given yet."""


@get("/account/mandates/new", permission=KNOWN)
async def mandate_page(request: Asked, run: NamedDependency[Run]) -> Page:
    """A form for a mandate."""
    return await _page(request, run, MandateForm())


@post("/account/mandates", permission=KNOWN)
async def give_mandate(request: Asked, run: NamedDependency[Run], data: URLEncodedBody[MandateForm]) -> Page | Redirect:
    """Let another person act for oneself or for one's enterprise."""
    if data.do == FIND:
        return await _page(request, run, data)
    try:
        await run(give, _mandate(data))
    except (Problem, msgspec.ValidationError) as problem:
        return await _page(request, run, data, problem)
    return Redirect("/account?done=mandate", status_code=HTTP_303_SEE_OTHER)


@post("/account/mandates/{mandate_id:uuid}/revoke", permission=KNOWN)
async def revoke_mandate(mandate_id: FromPath[UUID], run: NamedDependency[Run]) -> Redirect:
    """End a mandate at once."""
    await run(revoke, mandate_id)
    return Redirect("/account?done=revoked", status_code=HTTP_303_SEE_OTHER)


async def _page(
    request: Asked, run: Run, form: MandateForm, problem: Problem | msgspec.ValidationError | None = None
) -> Page:
    own, choice = await run.read(_look, form)
    errors = {}
    if problem is not None:
        wrong = problem if isinstance(problem, Problem) else None
        kernel: Kernel = request.app.state.kernel
        detail = wrong.detail if wrong else N_("The last day is not a date.")
        field = "agent_citizen_id" if wrong else "until"
        errors = {field: kernel.pages.translate(detail, locale_of(request), wrong.facts if wrong else None)}
    context = {"principals": own, "choice": choice, "form": form, "errors": errors}
    return Page("identity/mandate.html", context, status=422 if errors else 200)


def _look(unit: Unit, form: MandateForm) -> tuple[list[Principal], MatterChoice]:
    own = principals(unit, UUID(unit.actor.id)) if unit.actor.kind == "person" else []
    return own, matter_choice(unit, form.words, listed(form.matters))


def _mandate(form: MandateForm) -> MandateGiven:
    given = {"agent_citizen_id": form.agent_citizen_id, "principal": form.principal, "until": form.until or None}
    return msgspec.convert({**given, "matters": listed(form.matters)}, MandateGiven)


MANDATE_PAGES: list[Any] = [mandate_page, give_mandate, revoke_mandate]
