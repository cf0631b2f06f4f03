"""The generation of rights: a number that grows whenever someone's access ends or changes.

What was found out about a credential may be kept in memory only together with the generation it was found in. Where several
workers share a database each asks for the number on every request; a node that is alone with its database hears of every change
itself. Either way ending a session ends it everywhere at the next request.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Integer, Table, select, text

from gdbos.actor import Actor
from gdbos.storage.metadata import kernel_metadata
from gdbos.together import Together
from gdbos.unit import Unit, Units

generation = Table(
    "identity_generation",
    kernel_metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)


CHANGED = "rights"
"""Topic of a unit after which remembered rights may be wrong."""


def advance(unit: Unit) -> None:
    """Make every worker look again at who may do what; part of this unit, so it holds once that has committed."""
    # Written as text: SQLAlchemy has this statement once per database, and both understand these words.
    unit.execute(
        text(
            "INSERT INTO identity_generation (id, value) VALUES (1, 1)"
            " ON CONFLICT (id) DO UPDATE SET value = identity_generation.value + 1"
        )
    )
    unit.announce(CHANGED)


def read(unit: Unit) -> int:
    """The generation now."""
    return unit.execute(select(generation.c.value)).scalar() or 0


class Generations:
    """The generation as a worker has to know it: never older than the question."""

    def __init__(self, units: Units, actor: Actor) -> None:
        self._units = units
        self._actor = actor
        self._read = Together(self._look)
        self._known: int | None = None
        self._heard = 0
        units.committed.append(self._hear)

    async def current(self) -> int:
        """The generation, read after this call began; where the node is alone, also one that has not changed since it was read."""
        if self._known is not None:
            return self._known
        heard, found = self._heard, await self._read(None)
        if self._units.lane.alone and heard == self._heard:
            self._known = found
        return found

    async def _hear(self, topics: frozenset[str]) -> None:
        if CHANGED in topics:
            self._heard += 1
            self._known = None

    async def _look(self, asked: Sequence[None]) -> list[int]:
        return [await self._units.read(self._actor, read)] * len(asked)
