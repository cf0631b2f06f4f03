"""Erasure of subjects over HTTP: an order, its confirmation by a second official, and the list of orders."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from gdbos.bus.permissions import ERASE, ERASURES_READ
from gdbos.ledger.erasure import Erasure, ErasureOrder, Erasures, ask, confirm, erasures
from gdbos.unit import Run

Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class ErasureRoutes(Controller):
    """Orders that subjects be erased."""

    path = "/api/ledger/erasures"
    tags = ("ledger",)

    @get(permission=ERASURES_READ)
    async def erasures(
        self, run: NamedDependency[Run], after: FromQuery[UUID | None] = None, limit: FromQuery[Limit] = 50
    ) -> Erasures:
        """The orders; none says whom."""
        return await run.read(erasures, after, limit)

    @post(permission=ERASE)
    async def ask(self, data: JSONBody[ErasureOrder], run: NamedDependency[Run]) -> Erasure:
        """Ask that a subject be erased."""
        return await run(ask, data)

    @post("/{erasure_id:uuid}/confirm", permission=ERASE, status_code=200)
    async def confirm(self, erasure_id: FromPath[UUID], run: NamedDependency[Run]) -> Erasure:
        """Erase the subject for good, as another official asked."""
        return await run(confirm, erasure_id)


ROUTES = [ErasureRoutes]
