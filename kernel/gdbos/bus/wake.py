"""Wake-ups between the workers of one node. NATS carries them quickly; losing all of it costs a second and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, Final

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from sqlalchemy import Column, func, select

from gdbos.bus.freshness import bus_freshness
from gdbos.bus.grant import CHANGED as GRANTS
from gdbos.bus.grant import bus_grant
from gdbos.bus.notice import bus_notice
from gdbos.bus.service import CHANGED as SERVICES
from gdbos.bus.service import bus_service
from gdbos.ledger.erasure import ERASED
from gdbos.ledger.tables import erased
from gdbos.standards.edition import CHANGED as STANDARDS
from gdbos.standards.edition import standards_edition
from gdbos.unit import EVENTS, KERNEL, Unit, Units

log = logging.getLogger("gdbos.wake")

Heard = Callable[[frozenset[str]], Awaitable[None]]
LOOK = 0.5
"""Seconds between looks at what another worker may have changed unheard."""
WATCHED: Final = {
    GRANTS: (bus_grant.c.changed_at,),
    SERVICES: (bus_service.c.changed_at, bus_notice.c.changed_at, bus_freshness.c.changed_at),
    STANDARDS: (standards_edition.c.changed_at,),
    ERASED: (erased.c.at,),
}
"""When something of a topic changed last, as the database has it."""
TOPICS = frozenset({EVENTS, *WATCHED})


class Wakeups:
    """Tells the node's other workers what has changed, and hears it from them.

    What is said is a topic's name, never data. Workers of a node share a database, so its name is part of the subject.
    """

    def __init__(self, url: str, node: str, units: Units, heard: Heard, today: Callable[[], date]) -> None:
        self.url = url
        self.subject = f"gdbos.{node}.wake"
        self.units = units
        self.heard = heard
        self.today = today
        self._client: Client | None = None
        self._seen: dict[str, tuple[Any, ...]] = {}

    async def tell(self, topics: frozenset[str]) -> None:
        """Say that ``topics`` changed; nobody waits for it, and nothing depends on it."""
        if self._client is None or not self._client.is_connected:
            return
        try:
            await self._client.publish(self.subject, ",".join(sorted(topics)).encode())
        except NatsError as failure:
            log.warning("a wake-up was not sent (%s); the others look by themselves", type(failure).__name__)

    async def run(self) -> None:
        """Listen where the deployment names a NATS server, and look twice a second in any case, until cancelled."""
        try:
            async with asyncio.TaskGroup() as together:
                if self.url:
                    together.create_task(self._listen(), name="listen")
                together.create_task(self._watch(), name="watch")
        finally:
            if self._client is not None:
                await self._client.close()

    async def _listen(self) -> None:
        while True:
            try:
                self._client = await nats.connect(
                    self.url,
                    no_echo=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=1,
                    error_cb=_quiet,
                    disconnected_cb=_quiet,
                )
                await self._client.subscribe(self.subject, cb=self._woken)
                await asyncio.Event().wait()
            except (NatsError, OSError) as failure:
                log.warning("no NATS server answers (%s); workers look by themselves", type(failure).__name__)
                await asyncio.sleep(5)

    async def _woken(self, message: Msg) -> None:
        if topics := TOPICS & set(message.data.decode("ascii", "replace").split(",")):
            await self.heard(topics)

    async def _watch(self) -> None:
        """What another worker changed is known here within a second, heard or not; so is a new day, on which editions begin and end."""
        while True:
            try:
                seen = await self.units.read(KERNEL, _fingerprints, self.today())
                if changed := frozenset(topic for topic in seen if seen[topic] != self._seen.get(topic)):
                    await self.heard(changed)
                self._seen = seen
            except Exception:
                log.exception("the database could not be looked at; trying again")
            await asyncio.sleep(LOOK)


def _fingerprints(unit: Unit, today: date) -> dict[str, tuple[Any, ...]]:
    """What changes with each topic: states only move forward, and each move is dated. A new day may begin or end an edition."""
    found = {topic: tuple(_moved(unit, moment) for moment in moments) for topic, moments in WATCHED.items()}
    return found | {STANDARDS: (*found[STANDARDS], today)}


def _moved(unit: Unit, moment: Column[Any]) -> tuple[Any, ...]:
    return tuple(unit.connection.execute(select(func.count(moment), func.max(moment))).one())


async def _quiet(*_: object) -> None:
    """Reconnecting is the client's work; its lost connection is no news worth a line each second."""
