"""Batches: one service asked about many subjects at once, each item a call of its own with its own record, receipts and outcome."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from gdbos.answers import ProblemDocument, document
from gdbos.bus.bus import Bus, Item
from gdbos.bus.call import Reply
from gdbos.bus.entrance import Cited, deadline_of, key_of
from gdbos.bus.permissions import CALL
from gdbos.errors import Problem
from gdbos.reading import headers_of

MOST: Final = 200


class ItemRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One item: the request as the service's standard has it; matter and case where they differ from the batch's."""

    value: dict[str, Any]
    matter: Annotated[str, msgspec.Meta(max_length=120)] = ""
    case: Annotated[str, msgspec.Meta(max_length=50)] = ""


class BatchRequest(Cited, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many requests to one service, and why they are made."""

    items: Annotated[list[ItemRequest], msgspec.Meta(min_length=1, max_length=MOST)]


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one item: a reply, or a problem."""

    reply: Reply | None = None
    problem: ProblemDocument | None = None


class BatchReply(msgspec.Struct, frozen=True):
    """One answer for each item, in the order of the items."""

    answers: list[Answer]


class BatchRoutes(Controller):
    """Many calls in one request."""

    path = "/api/bus/calls"
    tags = ("bus",)

    @post("/{service:str}/batch", permission=CALL, status_code=200)
    async def batch(
        self,
        service: FromPath[str],
        data: JSONBody[BatchRequest],
        request: Request[Any, Any, Any],
        bus: NamedDependency[Bus],
    ) -> BatchReply:
        """Call a service about many subjects, each by its own case; what is refused for one does not stop the others."""
        headers = headers_of(request.scope)
        outcomes = await bus.call_many(
            service,
            [Item(one.value, one.matter, one.case) for one in data.items],
            matter=data.matter,
            case=data.case,
            purpose=data.purpose,
            version=data.version,
            business=data.business,
            deadline=deadline_of(headers),
            ask=data.ask,
            key=key_of(headers),
        )
        return BatchReply([_answer(request, one) for one in outcomes])


ROUTES = [BatchRoutes]


def _answer(request: Request[Any, Any, Any], outcome: Reply | Problem) -> Answer:
    if isinstance(outcome, Problem):
        return Answer(problem=document(request, outcome))
    return Answer(reply=outcome)
