"""Recalls over HTTP: a provider corrects what it gave, each consumer says what it did about that."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from gdbos.bus.permissions import RECALL, RECALLS
from gdbos.bus.recall import Recall, Task, Tasks, acknowledge, recall, tasks
from gdbos.kernel import Kernel
from gdbos.unit import Run

Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class Acknowledgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was done about a recalled value."""

    action: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class RecallRoutes(Controller):
    """Recalls."""

    path = "/api/bus/recalls"
    tags = ("bus",)

    @get(permission=RECALLS)
    async def tasks(
        self, run: NamedDependency[Run], after: FromQuery[UUID | None] = None, limit: FromQuery[Limit] = 50
    ) -> Tasks:
        """What one's own body has to look at again, and what became of the recalls it started."""
        return await run.read(tasks, after, limit)

    @post(permission=RECALL)
    async def recall(self, data: JSONBody[Recall], run: NamedDependency[Run], kernel: NamedDependency[Kernel]) -> Tasks:
        """Tell everyone who received a value of one's own service that it has been corrected."""
        await kernel.book.settle()
        return await run(recall, data, kernel.directory.provider(data.service))

    @post("/{task_id:uuid}/acknowledge", permission=RECALLS, status_code=200)
    async def acknowledge(
        self, task_id: FromPath[UUID], data: JSONBody[Acknowledgement], run: NamedDependency[Run]
    ) -> Task:
        """Say what was done about a recalled value."""
        return await run(acknowledge, task_id, data.action)


ROUTES = [RecallRoutes]
