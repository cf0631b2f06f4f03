"""A grant's rate is one for the node: its workers tell one another twice a second what each has let through.

In between each knows its own calls exactly and the others' as of their last look, so a burst over several workers at once can exceed a
rate by what the others let through within that half second, and no more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Column, Index, Integer, Table, Uuid, delete, func, insert, select

from gdbos.bus.grant import Grants
from gdbos.bus.wake import LOOK
from gdbos.ids import new_id
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.unit import KERNEL, Unit, Units

log = logging.getLogger("gdbos.rates")

MINUTE: Final = timedelta(minutes=1)
AGAIN: Final = 20.0
"""Seconds after which a number that did not change is told again: what is older than a minute counts no more."""

bus_spent = Table(
    "bus_spent",
    kernel_metadata,
    Column("worker", Uuid, primary_key=True),
    Column("grant", Uuid, primary_key=True),
    Column("calls", Integer, nullable=False),  # in the minute before ``at``
    Column("at", Instant, nullable=False),
    Index("bus_spent_at", "at"),
)
t = bus_spent.c


class Rates:
    """What this worker tells of its grants' use, and hears of the others'."""

    def __init__(self, units: Units, grants: Grants) -> None:
        self.units = units
        self.grants = grants
        self.worker = new_id()
        self._told: dict[UUID, tuple[int, float]] = {}

    async def run(self) -> None:
        """Tell and hear twice a second, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the use of grants was not exchanged with other workers; trying again")
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Tell what is new, and hear."""
        spent = self.grants.spent()
        if (news := self._news(spent)) and not self.units.shut():
            await self.units.write(KERNEL, tell, self.worker, news)
            now = time.monotonic()
            self._told = {one: kept for one, kept in self._told.items() if one in spent}
            self._told |= {one: (calls, now) for one, calls in news.items() if calls}
        self.grants.hear(await self.units.read(KERNEL, elsewhere, self.worker))

    def _news(self, spent: Mapping[UUID, int]) -> dict[UUID, int]:
        old = time.monotonic() - AGAIN
        over = {one: 0 for one in self._told if one not in spent}
        return over | {one: calls for one, calls in spent.items() if not self._known(one, calls, old)}

    def _known(self, grant: UUID, calls: int, old: float) -> bool:
        told = self._told.get(grant)
        return told is not None and told[0] == calls and told[1] > old


def tell(unit: Unit, worker: UUID, news: Mapping[UUID, int]) -> None:
    """Write down what ``worker`` let through in the last minute, by grant."""
    unit.execute(delete(bus_spent).where(t.worker == worker, t.grant.in_(news)))
    rows = [{"worker": worker, "grant": one, "calls": calls, "at": unit.now} for one, calls in news.items() if calls]
    if rows:
        unit.execute(insert(bus_spent), rows)


def elsewhere(unit: Unit, worker: UUID) -> dict[UUID, int]:
    """What all workers but ``worker`` let through in the last minute, by grant."""
    others = select(t.grant, func.sum(t.calls).label("sum")).where(t.worker != worker, t.at > unit.now - MINUTE)
    return {row["grant"]: int(row["sum"]) for row in unit.execute(others.group_by(t.grant)).mappings()}


def forget_spent(unit: Unit) -> None:
    """Remove what workers that are no more let through."""
    unit.execute(delete(bus_spent).where(t.at <= unit.now - MINUTE))
