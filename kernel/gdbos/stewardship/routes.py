"""``/api/standards/proposals``: elements brought in, what they resemble, and what a steward decides."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import IO, Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from gdbos.sheet import rows
from gdbos.standards import Element
from gdbos.standards.element_sheet import elements_of
from gdbos.standards.importing import of_form
from gdbos.standards.upload import form_of, sent_table
from gdbos.unit import Run

from .accepted import accepted
from .permissions import STEWARD
from .proposal import (  # fmt: skip
    Imported,
    Proposal,
    Proposals,
    State,
    add,
    listed,
    look_through,
    merge,
    propose,
    refuse,
)
from .proposal import get as get_proposal

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Limit = FromQuery[Annotated[int, QueryParameter(ge=1, le=200)]]
TOML = {
    200: ResponseSpec(str, generate_examples=False, media_type="application/toml", description="Elements of a pack")
}


class Bringing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Elements to propose, and what they come from."""

    source: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    elements: Annotated[list[Element], msgspec.Meta(min_length=1, max_length=5000)]


class Merging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The element that means the same, and why."""

    into: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    reason: Reason


class Deciding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: Reason


class ProposalController(Controller):
    """Proposals of data elements."""

    path = "/api/standards/proposals"
    tags = ("standards",)

    @get(permission=STEWARD)
    async def listed(self, run: NamedDependency[Run], of: FromQuery[State] = "open", after: FromQuery[UUID | None] = None, limit: Limit = 50) -> Proposals:  # fmt: skip
        """Proposals in one state, in the order they came."""
        return await run.read(listed, of, after, limit)

    @get("/accepted", permission=STEWARD, media_type="application/toml", responses=TOML)
    async def accepted(self, run: NamedDependency[Run]) -> str:
        """What was decided, as an elements file for a standards pack."""
        return await run.read(accepted)

    @get("/{proposal_id:uuid}", permission=STEWARD)
    async def one(self, run: NamedDependency[Run], proposal_id: FromPath[UUID]) -> Proposal:
        """One proposal."""
        return await run.read(get_proposal, proposal_id)

    @post(permission=STEWARD, status_code=200)
    async def propose(self, run: NamedDependency[Run], data: JSONBody[Bringing]) -> Imported:
        """Propose elements. Those that this source brought before are passed over: what was decided of them stands."""
        return await run(propose, data.source, data.elements)

    @post("/file", permission=STEWARD, file=True, status_code=200, operation_class=form_of("source"))
    async def file(self, run: NamedDependency[Run], request: Request[Any, Any, Any]) -> Imported:
        """Propose the elements of a workbook or CSV file with headings, or of a form (.toml); `source` names it."""
        source, elements = await brought(request)
        return await run(propose, source, elements)

    @post("/library", permission=STEWARD, status_code=200)
    async def look_through(self, run: NamedDependency[Run]) -> Imported:
        """Look through the elements in force for such as resemble each other, and propose to merge them."""
        return await run(look_through)

    @post("/{proposal_id:uuid}/merge", permission=STEWARD, status_code=200)
    async def merge(self, run: NamedDependency[Run], proposal_id: FromPath[UUID], data: JSONBody[Merging]) -> Proposal:
        """Decide that it means what an element in force means."""
        return await run(merge, proposal_id, data.into, data.reason)

    @post("/{proposal_id:uuid}/add", permission=STEWARD, status_code=200)
    async def add(self, run: NamedDependency[Run], proposal_id: FromPath[UUID], data: JSONBody[Deciding]) -> Proposal:
        """Decide that it is an element of its own."""
        return await run(add, proposal_id, data.reason)

    @post("/{proposal_id:uuid}/refuse", permission=STEWARD, status_code=200)
    async def refuse(
        self, run: NamedDependency[Run], proposal_id: FromPath[UUID], data: JSONBody[Deciding]
    ) -> Proposal:
        """Decide that it is not worth keeping."""
        return await run(refuse, proposal_id, data.reason)


ROUTES = [ProposalController]


async def brought(request: Request[Any, Any, Any]) -> tuple[str, list[Element]]:
    """The elements of the file sent, and what its sender calls it."""
    sent, fields = await sent_table(request, "source")
    name = (fields["source"] or sent.filename.replace("\\", "/").rpartition("/")[2]).strip()[:120]
    read = of_form_file if sent.filename.lower().endswith(".toml") else of_sheet
    return name, await asyncio.to_thread(lambda: list(read(sent.file)))


def of_sheet(file: IO[bytes]) -> Iterable[Element]:
    """Elements of a workbook or CSV file."""
    return elements_of(rows(file))


def of_form_file(file: IO[bytes]) -> Iterable[Element]:
    """Elements of a form's fields."""
    return of_form(file.read())
