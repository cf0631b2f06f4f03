"""Delivery: every event reaches each of its handlers at least once, with effect exactly once, in order per key."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from opentelemetry import propagate
from sqlalchemy import Connection, and_, exists, func, or_, select, update

from gdbos.actor import Actor, Link, plugin_actor
from gdbos.bus.outbox import delivery, outbox
from gdbos.errors import ProviderFailed, ProviderTimeout, TooMany, Unavailable
from gdbos.events import Event, Fetch, Handler
from gdbos.telemetry import span
from gdbos.unit import Unit, Units

log = logging.getLogger("gdbos.delivery")

OURS = 3
"""Failures of our own code before an event is parked as a dead letter."""
THEIRS = 200
"""Failures of another system before giving up: with the waits below, about five hours."""
LEASE = timedelta(seconds=90)
FETCHED_IN = 30.0
"""Seconds a handler's fetch may take; well within the lease, or another worker would fetch the same beside it."""
MOST = 64
"""Deliveries that one look finds."""
IDLE = 1.0
"""Seconds between looks when nothing wakes us; a lost wake-up costs this much and nothing else."""


class Route(msgspec.Struct, frozen=True):
    """One handler as it is delivered to."""

    name: str
    plugin: str
    event: type[Event]
    handler: Handler
    fetch: Fetch | None


class Claim(msgspec.Struct, frozen=True):
    """One event on its way to one handler."""

    event: UUID
    handler: str
    attempts: int
    body: bytes
    chain: bytes
    traceparent: str


BusFor = Callable[[Actor, str], Any]
"""``bus_for(actor, plugin)``: the bus as a plugin's fetch sees it."""


class Delivery:
    """Carries events from the outbox to handlers, on one worker; several workers share the work through the database."""

    def __init__(self, units: Units, routes: Sequence[Route], bus_for: BusFor, *, at_once: int = 8) -> None:
        self.units = units
        self.routes = {route.name: route for route in routes}
        self.bus_for = bus_for
        self._slots = asyncio.Semaphore(at_once)
        self._shares = {route.name: asyncio.Semaphore(max(1, at_once // 2)) for route in routes}
        """Half of the slots are as many as one handler may hold: while it waits for another system the others go on."""
        self._awake = asyncio.Event()
        self._flying: dict[tuple[UUID, str], asyncio.Task[None]] = {}
        self._launched = 0

    def wake(self) -> None:
        """Look at the outbox now rather than at the next idle tick."""
        self._awake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._awake.clear()
            try:
                found = [] if self.units.shut() else await self._look()
            except Exception:
                log.exception("the outbox could not be read; trying again")
                found = []
            for claim in found:
                self._launch(claim)
            if not found or len(self._flying) >= MOST:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), IDLE)

    async def drain(self) -> None:
        """Wait until what is in flight has landed."""
        while self._flying:
            await asyncio.gather(*self._flying.values(), return_exceptions=True)

    async def settle(self, timeout: float = 30.0) -> None:
        """Wait until no delivery is due, for demos and tests."""
        async with asyncio.timeout(timeout):
            while not await self._settled():
                self.wake()
                await asyncio.sleep(0.02)

    async def _settled(self) -> bool:
        launched = self._launched
        # What is launched during the look may hold a lease already, which is not due, or have left others behind.
        return not self._flying and not await self._look(everything=True) and launched == self._launched

    async def _look(self, everything: bool = False) -> list[Claim]:
        now, under_way = self.units.around.clock(), Counter(handler for _, handler in self._flying)
        # What waits for a handler that is busy must not fill the look: the others' events would not be seen behind it.
        free = [name for name in self.routes if everything or under_way[name] < MOST // 2]
        due = await self.units.lane.read(lambda connection: _due(connection, now, free))
        return due if everything else [c for c in due if (c.event, c.handler) not in self._flying]

    def _launch(self, claim: Claim) -> None:
        key = (claim.event, claim.handler)
        task = asyncio.create_task(self._deliver(claim), name=f"deliver {claim.handler}")
        self._flying[key] = task
        self._launched += 1

        def landed(_: asyncio.Task[None]) -> None:
            self._flying.pop(key, None)
            self.wake()

        task.add_done_callback(landed)

    async def _deliver(self, claim: Claim) -> None:
        route = self.routes[claim.handler]
        actor = plugin_actor(route.plugin, tuple(msgspec.json.decode(claim.chain, type=list[Link])))
        context = propagate.extract({"traceparent": claim.traceparent})
        async with self._shares[route.name], self._slots:
            with span(f"deliver {claim.handler}", context=context):
                try:
                    event = msgspec.json.decode(claim.body, type=route.event)
                    value = await self._fetched(route, claim, event, actor)
                    await self.units.write(actor, _apply, claim, route, event, value)
                except _NotOurs:
                    return
                except Exception as failure:
                    await self._failed(claim, failure)

    async def _fetched(self, route: Route, claim: Claim, event: Event, actor: Actor) -> Any:
        if route.fetch is None:
            return None
        await self.units.lane.write(lambda connection: _lease(connection, claim, self.units.around.clock()))
        within = asyncio.timeout(FETCHED_IN)
        try:
            async with within:
                return await route.fetch(event, self.bus_for(actor, route.plugin))
        except TimeoutError:
            if within.expired():
                raise ProviderTimeout("The provider did not answer in time.") from None
            raise

    async def _failed(self, claim: Claim, failure: Exception) -> None:
        theirs = isinstance(failure, ProviderFailed | ProviderTimeout | TooMany | Unavailable)
        attempts = claim.attempts + 1
        dead = attempts >= (THEIRS if theirs else OURS)
        # An exception's text may quote the data it failed on: keep its kind, and a Problem's own template.
        error = f"{type(failure).__name__}: {getattr(failure, 'detail', '')}".rstrip(": ")
        log.log(
            logging.ERROR if dead else logging.WARNING, "%s failed (attempt %d): %s", claim.handler, attempts, error
        )
        if not theirs:
            log.debug("traceback", exc_info=failure)
        now = self.units.around.clock()
        wait = timedelta(seconds=min(0.2 * 2 ** min(attempts, 9), 90))
        await self.units.lane.write(
            lambda connection: _settle(
                connection,
                claim,
                state="dead" if dead else "pending",
                attempts=attempts,
                next_at=now + wait,
                error=error,
            )
        )


class _NotOurs(Exception):
    """Another worker holds or has finished this delivery."""


def _due(connection: Connection, now: datetime, handlers: Sequence[str]) -> list[Claim]:
    earlier = delivery.alias()
    waiting = exists().where(
        earlier.c.handler == delivery.c.handler,
        earlier.c.key == delivery.c.key,
        earlier.c.state.in_(("pending", "dead")),
        or_(
            earlier.c.due_at < delivery.c.due_at,
            and_(earlier.c.due_at == delivery.c.due_at, earlier.c.event < delivery.c.event),
        ),
    )
    d, o = delivery.c, outbox.c
    query = (
        select(d.event, d.handler, d.attempts, o.body, o.chain, o.traceparent)
        .join_from(delivery, outbox, d.event == o.id)
        .where(d.state == "pending", d.next_at <= now, d.handler.in_(handlers), ~waiting)
        .order_by(d.next_at)
        .limit(MOST)
    )
    return [Claim(*row) for row in connection.execute(query)]


def _this(claim: Claim) -> Any:
    return and_(delivery.c.event == claim.event, delivery.c.handler == claim.handler, delivery.c.state == "pending")


def _lease(connection: Connection, claim: Claim, now: datetime) -> None:
    held = update(delivery).where(_this(claim), delivery.c.next_at <= now).values(next_at=now + LEASE)
    if connection.execute(held).rowcount != 1:
        raise _NotOurs


def _apply(unit: Unit, claim: Claim, route: Route, event: Event, value: Any) -> None:
    mine = select(delivery.c.event).where(_this(claim)).with_for_update(skip_locked=True)
    if unit.execute(mine).first() is None:
        raise _NotOurs
    if route.fetch is None:
        route.handler(unit, event)
    else:
        route.handler(unit, event, value)
    _settle(unit.connection, claim, state="done", attempts=claim.attempts + 1, settled_at=unit.now, error="")


def _settle(connection: Connection, claim: Claim, **values: Any) -> None:
    connection.execute(update(delivery).where(_this(claim)).values(**values))


def dead_letters(connection: Connection) -> Sequence[Any]:
    """Every parked delivery, oldest first: event, type, handler, key, attempts, error, emitted."""
    d, o = delivery.c, outbox.c
    query = (
        select(d.event, o.type, d.handler, d.key, d.attempts, d.error, o.emitted_at)
        .join_from(delivery, outbox, d.event == o.id)
        .where(d.state == "dead")
        .order_by(o.emitted_at)
    )
    return connection.execute(query).all()


def retry(unit: Unit, event: UUID, handler: str) -> bool:
    """Deliver a dead letter again; false when there is none such."""
    letter = and_(delivery.c.event == event, delivery.c.handler == handler, delivery.c.state == "dead")
    found = unit.execute(update(delivery).where(letter).values(state="pending", attempts=0, next_at=unit.now)).rowcount
    if found:
        unit.record("dead-letter.retry", event=str(event), handler=handler)
    return bool(found)


def drop(unit: Unit, event: UUID, handler: str, reason: str) -> bool:
    """Give a dead letter up for good, saying why; false when there is none such."""
    letter = and_(delivery.c.event == event, delivery.c.handler == handler, delivery.c.state == "dead")
    found = unit.execute(update(delivery).where(letter).values(state="dropped", settled_at=unit.now)).rowcount
    if found:
        unit.record("dead-letter.drop", event=str(event), handler=handler, reason=reason)
    return bool(found)


def backlog(connection: Connection) -> dict[str, int]:
    """How many deliveries stand in each state."""
    counted = select(delivery.c.state, func.count()).group_by(delivery.c.state)
    return {row[0]: row[1] for row in connection.execute(counted)}
