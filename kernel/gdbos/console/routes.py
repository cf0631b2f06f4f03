"""The console over HTTP: dead letters, plugins, and where the ledger stands."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from gdbos.console.epochs import ROUTES as EPOCH_ROUTES
from gdbos.console.letter import (
    Letters,
    LetterShown,
    Settled,
    drop_letter,
    list_letters,
    retry_letter,
    show_letter,
)
from gdbos.console.permissions import LETTERS_DROP, LETTERS_READ, LETTERS_RETRY
from gdbos.unit import Run

After = FromQuery[Annotated[str, QueryParameter(max_length=240)]]
Limit = FromQuery[Annotated[int, QueryParameter(ge=1, le=100)]]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Dropping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the event need not be handled."""

    reason: Reason


class LetterRoutes(Controller):
    """Events that a handler could not take."""

    path = "/api/kernel/letters"
    tags = ("letters",)

    @get(permission=LETTERS_READ)
    async def list_letters(self, run: NamedDependency[Run], after: After = "", limit: Limit = 50) -> Letters:
        """Dead letters, oldest first."""
        return await run.read(list_letters, after, limit)

    @get("/{event_id:uuid}/{handler:str}", permission=LETTERS_READ)
    async def show_letter(
        self, event_id: FromPath[UUID], handler: FromPath[str], run: NamedDependency[Run]
    ) -> LetterShown:
        """One dead letter with the facts of its event."""
        return await run.read(show_letter, event_id, handler)

    @post("/{event_id:uuid}/{handler:str}/retry", permission=LETTERS_RETRY, status_code=200)
    async def retry_letter(
        self, event_id: FromPath[UUID], handler: FromPath[str], run: NamedDependency[Run]
    ) -> Settled:
        """Have it delivered again."""
        return await run(retry_letter, event_id, handler)

    @post("/{event_id:uuid}/{handler:str}/drop", permission=LETTERS_DROP, status_code=200)
    async def drop_letter(
        self,
        event_id: FromPath[UUID],
        handler: FromPath[str],
        data: JSONBody[Dropping],
        run: NamedDependency[Run],
    ) -> Settled:
        """Give it up for good, saying why."""
        return await run(drop_letter, event_id, handler, data.reason)


ROUTES = [*EPOCH_ROUTES, LetterRoutes]
