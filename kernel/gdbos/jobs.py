"""Work that recurs: each job at its interval, on one worker at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Column, Connection, String, Table, insert, select, update

from gdbos.actor import plugin_actor
from gdbos.plugin import Job
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.unit import Units

log = logging.getLogger("gdbos.jobs")

kernel_job = Table(
    "kernel_job",
    kernel_metadata,
    Column("name", String(120), primary_key=True),
    Column("next_at", Instant, nullable=False),
)


class Owned(msgspec.Struct, frozen=True):
    """A job and the plugin it belongs to."""

    plugin: str
    job: Job

    @property
    def name(self) -> str:
        return f"{self.plugin}.{self.job.name}"


class Clockwork:
    """Runs the node's jobs until cancelled."""

    def __init__(self, units: Units, jobs: Sequence[Owned]) -> None:
        self.units = units
        self.jobs = jobs

    async def run(self) -> None:
        """One task per job; a job that fails is logged and tried again at its next turn."""
        async with asyncio.TaskGroup() as together:
            for job in self.jobs:
                together.create_task(self._repeat(job), name=job.name)

    async def _repeat(self, owned: Owned) -> None:
        while True:
            try:
                if not self.units.shut() and await self._claimed(owned):
                    await self.units.write(plugin_actor(owned.plugin), owned.job.run)
            except Exception:
                log.exception("job %s failed; it runs again at its next turn", owned.name)
            await asyncio.sleep(owned.job.every.total_seconds())

    async def _claimed(self, owned: Owned) -> bool:
        now = self.units.around.clock()
        return await self.units.lane.write(lambda connection: _claim(connection, owned, now))


def _claim(connection: Connection, owned: Owned, now: datetime) -> bool:
    """Whether this worker is the one to run ``owned`` at this turn."""
    t = kernel_job.c
    after = now + owned.job.every * 0.9
    if connection.execute(select(t.name).where(t.name == owned.name)).first() is None:
        connection.execute(insert(kernel_job).values(name=owned.name, next_at=after))
        return True
    turn = update(kernel_job).where(t.name == owned.name, t.next_at <= now).values(next_at=after)
    return connection.execute(turn).rowcount == 1
