"""The bus over HTTP: calls, one's own call log and one's own receipts; services and grants have files of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from gdbos.bus.batch import ROUTES as BATCH
from gdbos.bus.bus import Bus
from gdbos.bus.entrance import ROUTES as ENTRANCE
from gdbos.bus.exchange import ROUTES as EXCHANGE
from gdbos.bus.grant_routes import ROUTES as GRANTS
from gdbos.bus.permissions import CALLS
from gdbos.bus.recall_routes import ROUTES as RECALLS
from gdbos.bus.receipts import Receipts
from gdbos.bus.record import bus_call
from gdbos.bus.seal_routes import ROUTES as SEALS
from gdbos.bus.service_routes import ROUTES as SERVICES
from gdbos.bus.statement import own_statement
from gdbos.kernel import Kernel
from gdbos.plugin import KNOWN
from gdbos.unit import Run, Unit


class CallEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One call in the log of a body: what happened, not what was said."""

    id: UUID
    at: datetime
    body: str
    system: str
    provider: str
    service: str
    version: int
    matter: str
    case: str
    purpose: str
    grant: UUID | None
    outcome: str
    fields: list[str]
    subjects: int
    micros: int


class Calls(msgspec.Struct, frozen=True):
    """Calls of one's body, newest first; ``next`` is the key of the following page."""

    calls: list[CallEntry]
    next: UUID | None = None


Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class BusRoutes(Controller):
    """Calls and receipts."""

    path = "/api/bus"
    tags = ("bus",)

    @get("/calls", permission=CALLS)
    async def calls(
        self,
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        after: FromQuery[UUID | None] = None,
        limit: FromQuery[Limit] = 50,
    ) -> Calls:
        """The calls that one's own body made or answered."""
        await kernel.book.settle()
        return await run.read(_calls, after, limit)

    @get("/receipts", permission=KNOWN)
    async def receipts(
        self, bus: NamedDependency[Bus], after: FromQuery[UUID | None] = None, limit: FromQuery[Limit] = 50
    ) -> Receipts:
        """Who looked at the caller's own data, which fields, for which matter and case."""
        reply = await bus.call(
            "kernel.bus.receipts", {"after": after and str(after), "limit": limit}, purpose="own data"
        )
        return msgspec.convert(reply.value, Receipts)

    @get("/receipts/statement", permission=KNOWN, media_type=MediaType.TEXT)
    async def statement(
        self, bus: NamedDependency[Bus], kernel: NamedDependency[Kernel], after: FromQuery[UUID | None] = None
    ) -> str:
        """One's own receipts as a note signed with the node's key, to be checked offline by ``gdbos ledger statement``."""
        return await own_statement(bus, kernel, after)


ROUTES = [*ENTRANCE, *EXCHANGE, *BATCH, *SERVICES, *GRANTS, *RECALLS, *SEALS, BusRoutes]


def _calls(unit: Unit, after: UUID | None, limit: int) -> Calls:
    names = [bus_call.c[name] for name in CallEntry.__struct_fields__]
    statement = unit.rows(bus_call, *names).order_by(bus_call.c.id.desc()).limit(limit + 1)
    rows = unit.execute(statement.where(bus_call.c.id < after) if after else statement).mappings().all()
    shown = [CallEntry(**{str(name): value for name, value in row.items()}) for row in rows[:limit]]
    return Calls(shown, shown[-1].id if len(rows) > limit else None)
