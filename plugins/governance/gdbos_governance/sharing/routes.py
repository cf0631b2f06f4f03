"""``/api/governance/sharing``: requests for shared data and their decisions."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from gdbos import Run
from gdbos_governance.catalogue.resource import Done

from . import looks, request
from .looks import Listed, Request
from .permissions import DECIDE, READ, REQUEST
from .request import Approval, Refusal, Wanted

Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]
Side = Literal["asked", "owned"]


class Requests(Controller):
    """Requests for shared data (共享申请)."""

    path = "/requests"
    tags = ("governance.sharing",)

    @get(permission=READ)
    async def list_requests(
        self,
        run: NamedDependency[Run],
        side: FromQuery[Side] = "asked",
        after: FromQuery[UUID | None] = None,
        limit: FromQuery[Limit] = 20,
    ) -> Listed:
        """The requests one's body has made (``asked``), or those for its own data (``owned``), newest first."""
        return await run.read(looks.asked_by_us if side == "asked" else looks.asked_of_us, after, limit)

    @post(permission=REQUEST)
    async def ask(self, data: JSONBody[Wanted], run: NamedDependency[Run]) -> Done:
        """Ask the owner of a resource for it."""
        return await run(request.ask, data)

    @get("/{request_id:uuid}", permission=READ)
    async def get_request(self, request_id: FromPath[UUID], run: NamedDependency[Run]) -> Request:
        """One request."""
        return await run.read(looks.get, request_id)

    @post("/{request_id:uuid}/approve", permission=DECIDE, status_code=200)
    async def approve(self, request_id: FromPath[UUID], data: JSONBody[Approval], run: NamedDependency[Run]) -> Done:
        """Agree, to all that was asked or to fewer fields."""
        return await run(request.approve, request_id, data)

    @post("/{request_id:uuid}/refuse", permission=DECIDE, status_code=200)
    async def refuse(self, request_id: FromPath[UUID], data: JSONBody[Refusal], run: NamedDependency[Run]) -> Done:
        """Refuse, with reasons."""
        return await run(request.refuse, request_id, data)

    @post("/{request_id:uuid}/revoke", permission=DECIDE, status_code=200)
    async def revoke(self, request_id: FromPath[UUID], data: JSONBody[Refusal], run: NamedDependency[Run]) -> Done:
        """End what was agreed."""
        return await run(request.revoke, request_id, data)
