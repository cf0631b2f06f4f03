"""``/api/governance/quality``: rules, checks, tickets."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from gdbos import Bus, Run, Unit
from gdbos_governance.catalogue.resource import Done

from . import inspection, ticket
from .inspection import Delivered, Inspection, Outcome
from .permissions import ANSWER, CHECK, READ
from .rule import Rules
from .ticket import Answer, Listed, Ticket

Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]
Side = Literal["source", "found"]


class RuleList(msgspec.Struct, frozen=True):
    """The quality rules in force."""

    rules: list[Rules]


class Quality(Controller):
    """The quality of data (数据质量)."""

    tags = ("governance.quality",)

    @get("/rules", permission=READ)
    async def list_rules(self, run: NamedDependency[Run]) -> RuleList:
        """The quality rules in force today."""
        return RuleList(await run.read(rules_in_force))

    @post("/resources/{resource_id:uuid}/checks", permission=CHECK, status_code=200)
    async def check(
        self,
        resource_id: FromPath[UUID],
        data: JSONBody[Inspection],
        run: NamedDependency[Run],
        bus: NamedDependency[Bus],
    ) -> Outcome:
        """Fetch records of a resource over the bus and check them."""
        return await inspection.inspect(bus, run, resource_id, data)

    @post("/resources/{resource_id:uuid}/values", permission=CHECK, status_code=200)
    async def check_values(
        self, resource_id: FromPath[UUID], data: JSONBody[Delivered], run: NamedDependency[Run]
    ) -> Outcome:
        """Check values of a resource that one's body was delivered."""
        return await run(inspection.check_delivered, resource_id, data)

    @get("/tickets", permission=READ)
    async def list_tickets(
        self,
        run: NamedDependency[Run],
        side: FromQuery[Side] = "source",
        after: FromQuery[UUID | None] = None,
        limit: FromQuery[Limit] = 20,
    ) -> Listed:
        """The tickets at one's own body (``source``), or those it has opened (``found``), newest first."""
        return await run.read(ticket.at_source if side == "source" else ticket.found_by_us, after, limit)

    @get("/tickets/{ticket_id:uuid}", permission=READ)
    async def get_ticket(self, ticket_id: FromPath[UUID], run: NamedDependency[Run]) -> Ticket:
        """One ticket."""
        return await run.read(ticket.get, ticket_id)

    @post("/tickets/{ticket_id:uuid}/answer", permission=ANSWER, status_code=200)
    async def answer(self, ticket_id: FromPath[UUID], data: JSONBody[Answer], run: NamedDependency[Run]) -> Done:
        """Say what became of a value of one's own body."""
        return await run(ticket.answer, ticket_id, data)

    @post("/tickets/{ticket_id:uuid}/close", permission=ANSWER, status_code=200)
    async def close(self, ticket_id: FromPath[UUID], run: NamedDependency[Run]) -> Done:
        """Be content with the answer to a ticket of one's own."""
        return await run(ticket.close, ticket_id)


def rules_in_force(unit: Unit) -> list[Rules]:
    """The quality rules in force today, by id."""
    return [found.value for found in unit.standards.documents("quality", unit.today)]
