"""Sealed inquiries over HTTP: an order, its confirmation by a second official, and the list of orders that auditors read."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from gdbos.bus.permissions import SEAL, SEALS_READ
from gdbos.bus.seal import Seal, SealOrder, Seals, ask, confirm, seals
from gdbos.unit import Run

Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class SealRoutes(Controller):
    """Orders that receipts wait."""

    path = "/api/bus/seals"
    tags = ("bus",)

    @get(permission=SEALS_READ)
    async def seals(
        self, run: NamedDependency[Run], after: FromQuery[UUID | None] = None, limit: FromQuery[Limit] = 50
    ) -> Seals:
        """The orders of one's own body; for auditors, of every body."""
        return await run.read(seals, after, limit)

    @post(permission=SEAL)
    async def seal(self, data: JSONBody[SealOrder], run: NamedDependency[Run]) -> Seal:
        """Ask that the receipts of one's own investigation wait until a day; they never vanish."""
        return await run(ask, data)

    @post("/{seal_id:uuid}/confirm", permission=SEAL, status_code=200)
    async def confirm(self, seal_id: FromPath[UUID], run: NamedDependency[Run]) -> Seal:
        """Have them wait from now on, as another official of one's body asked."""
        return await run(confirm, seal_id)


ROUTES = [SealRoutes]
