"""The steward's pages: what was brought, what it resembles and why, and the decision."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.pages.render import Page
from gdbos.standards import Element
from gdbos.standards.similar import Likeness
from gdbos.unit import Run, Unit

from .permissions import STEWARD
from .proposal import Proposal, Proposals, State, add, counts, listed, look_through, merge, propose, refuse  # fmt: skip
from .proposal import get as get_proposal
from .routes import Reason, brought

PAGE = 25
HOME = "/console/standards/proposals"


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form on a proposal's page sends."""

    decision: Annotated[str, msgspec.Meta(pattern=r"\A(?:add|refuse|merge:.{1,120})\Z")]
    reason: Reason


class ProposalPages(Controller):
    """Proposals of data elements."""

    path = HOME

    @get(permission=STEWARD)
    async def home(
        self,
        run: NamedDependency[Run],
        of: FromQuery[State] = "open",
        after: FromQuery[UUID | None] = None,
        proposed: FromQuery[Annotated[int | None, QueryParameter(ge=0)]] = None,
    ) -> Page:
        """Proposals by what became of them, and the ways to bring more."""
        found, number = await run.read(_overview, of, after)
        following = f"{HOME}?{urlencode({'of': of, 'after': found.after})}" if found.after else ""
        first = f"{HOME}?{urlencode({'of': of})}" if after else ""
        context = {"found": found, "of": of, "counts": number, "next": following, "first": first, "proposed": proposed}
        return Page("stewardship/proposals.html", context)

    @post("/file", permission=STEWARD, file=True)
    async def file(self, run: NamedDependency[Run], request: Request[Any, Any, Any]) -> Redirect:
        """Bring a table or a form."""
        source, elements = await brought(request)
        return _to(f"{HOME}?proposed={(await run(propose, source, elements)).proposed}")

    @post("/library", permission=STEWARD)
    async def look_through(self, run: NamedDependency[Run]) -> Redirect:
        """Look through what is in force."""
        return _to(f"{HOME}?proposed={(await run(look_through)).proposed}")

    @get("/{proposal_id:uuid}", permission=STEWARD)
    async def proposal(self, run: NamedDependency[Run], proposal_id: FromPath[UUID]) -> Page:
        """One proposal beside what it resembles."""
        return Page("stewardship/proposal.html", await run.read(_beside, proposal_id))

    @post("/{proposal_id:uuid}", permission=STEWARD)
    async def decide(
        self, run: NamedDependency[Run], proposal_id: FromPath[UUID], data: URLEncodedBody[Choice]
    ) -> Redirect:
        """Decide; a decision stands."""
        verb, _, into = data.decision.partition(":")
        if verb == "merge":
            await run(merge, proposal_id, into, data.reason)
        else:
            await run(add if verb == "add" else refuse, proposal_id, data.reason)
        return _to(f"{HOME}/{proposal_id}")


PAGES = [ProposalPages]


def _overview(unit: Unit, of: State, after: UUID | None) -> tuple[Proposals, dict[str, int]]:
    return listed(unit, of, after, PAGE), counts(unit)


def _beside(unit: Unit, id: UUID) -> dict[str, Any]:
    proposal: Proposal = get_proposal(unit, id)
    near: list[tuple[Likeness, Element]] = []
    ids = unit.standards.ids("elements")
    for one in proposal.near:
        if one.element in ids:
            near.append((one, unit.standards.element(one.element)))
    return {"proposal": proposal, "element": proposal.value, "near": near}


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)
