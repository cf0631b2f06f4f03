"""The generation of rights: a number that grows whenever someone's access ends or changes.

What was found out about a credential may be kept in memory only together with the generation it was found in. Every worker
asks for the number on every request, so ending a session ends it everywhere at the next request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import BigInteger, Column, Integer, Table, select, text

from gdbos.storage.metadata import kernel_metadata
from gdbos.unit import Unit

generation = Table(
    "identity_generation",
    kernel_metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)


def advance(unit: Unit) -> None:
    """Make every worker look again at who may do what; part of this unit, so it holds once that has committed."""
    # Written as text: SQLAlchemy has this statement once per database, and both understand these words.
    unit.execute(
        text(
            "INSERT INTO identity_generation (id, value) VALUES (1, 1)"
            " ON CONFLICT (id) DO UPDATE SET value = identity_generation.value + 1"
        )
    )


def read(unit: Unit) -> int:
    """The generation now."""
    return unit.execute(select(generation.c.value)).scalar() or 0


class Freshness:
    """Tells the generation, reading it once for all who ask at the same time.

    Whoever asks while a read is under way waits for the next one: the answer is never older than the question.
    """

    def __init__(self, look: Callable[[], Awaitable[int]]) -> None:
        self._look = look
        self._running: asyncio.Task[int] | None = None
        self._waiting: asyncio.Task[int] | None = None

    async def current(self) -> int:
        """The generation, read after this call began."""
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._waiting)

    async def _after(self, running: asyncio.Task[int] | None) -> int:
        if running is not None and not running.done():
            await asyncio.wait([running])
        self._running, self._waiting = self._waiting, None
        return await self._look()
