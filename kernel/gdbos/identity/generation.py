"""The generation of rights: a number that grows whenever someone's access ends or changes.

What was found out about a credential may be kept in memory only together with the generation it was found in. Where several
workers share a database each asks for the number on every request; a node that is alone with its database hears of every change
itself. Either way ending a session ends it everywhere at the next request; only systems that call the bus in quick succession are
believed for :data:`LASTS` longer on workers that did not end it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Final

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


LASTS: Final = 0.5
"""Seconds for which a call of a system may go by what was read before: asking at each would cost as much as the call."""


class Generations:
    """The generation as a worker has to know it."""

    def __init__(self, units: Units, actor: Actor) -> None:
        self._units = units
        self._actor = actor
        self._read = Together(self._look)
        self._known: int | None = None
        self._until = 0.0
        self._heard = 0
        units.committed.append(self._hear)

    @property
    def known(self) -> int | None:
        """The generation as it was less than :data:`LASTS` ago, where that is known without asking the database."""
        return self._known if time.monotonic() < self._until else None

    async def current(self) -> int:
        """The generation, read after this call began; where the node is alone, also one that has not changed since it was read."""
        if self._units.lane.alone and (known := self.known) is not None:
            return known
        heard, asked = self._heard, time.monotonic()
        found = await self._read(None)
        if heard == self._heard:
            self._known, self._until = found, math.inf if self._units.lane.alone else asked + LASTS
        return found

    async def _hear(self, topics: frozenset[str]) -> None:
        if CHANGED in topics:
            self._heard += 1
            self._known = None

    async def _look(self, asked: Sequence[None]) -> list[int]:
        return [await self._units.read(self._actor, read)] * len(asked)
