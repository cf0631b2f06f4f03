"""Two workers of one node on one database: what one learns the other knows within moments, with NATS and without."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest

from gdbos.actor import plugin_actor
from gdbos.bus import wake
from gdbos.bus.grant import Grant, decide, draft, new_grant, revoke
from gdbos.errors import NoGrant, TooMany
from gdbos.kernel import Kernel
from gdbos.testing import deployment, postgres_database, require
from gdbos.unit import Unit

NATS = "nats://127.0.0.1:4222"
BODY = "11450100MADEM0011Y"
KERNEL = plugin_actor("kernel")
ASKED = {"body": BODY, "system": "desk", "service": "test.rows.list", "provider": BODY, "matter": ""}


def nats_there() -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", 4222)) == 0


@asynccontextmanager
async def two_workers(folder: Path, database: str, nats: str) -> AsyncIterator[tuple[Kernel, Kernel]]:
    """Two processes' worth of one node; they share the keys, as workers of a node do."""
    chosen = deployment(folder, database=database, extra=f'[nats]\nurl = "{nats}"\n')
    first, second = Kernel(chosen), Kernel(chosen)
    first.migrate()
    async with first.running(), second.running():
        yield first, second


def granted(unit: Unit, rate: int = 600) -> Grant:
    grant = new_grant(body=BODY, system="desk", service="test.rows.list", provider=BODY, rate=rate)
    return decide(unit, draft(unit, grant), approve=True, reason="for the test")


async def until_refused(kernel: Kernel) -> float:
    """Seconds until ``kernel`` finds no grant any more."""
    started = time.monotonic()
    async with asyncio.timeout(10):
        while True:
            try:
                kernel.grants.find(**ASKED, now=kernel.clock())
                await asyncio.sleep(0.01)
            except NoGrant:
                return time.monotonic() - started


async def until_known(kernel: Kernel, grant: UUID) -> float:
    """Seconds until ``kernel`` finds the grant."""
    started = time.monotonic()
    async with asyncio.timeout(10):
        while True:
            try:
                found = kernel.grants.find(**ASKED, now=kernel.clock())
                assert found.id == grant
                return time.monotonic() - started
            except NoGrant:
                await asyncio.sleep(0.01)


def learn(folder: Path, nats: str, prepare: Callable[[Kernel, Kernel], None] = lambda *_: None) -> float:
    async def go(database: str) -> float:
        async with two_workers(folder, database, nats) as (first, second):
            prepare(first, second)
            await asyncio.sleep(0.5)
            grant = await first.units.write(KERNEL, granted)
            return await until_known(second, grant.id)

    with postgres_database() as database:
        return asyncio.run(go(database))


def test_a_grant_is_known_to_the_other_worker_through_nats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("nats", nats_there(), "start nats-server at 127.0.0.1:4222")
    monkeypatch.setattr(wake, "LOOK", 3600.0)  # only what is heard can tell
    learn(tmp_path, NATS)


@pytest.mark.parametrize("nats", ["", "nats://127.0.0.1:1"], ids=["none named", "none answers"])
def test_without_nats_the_workers_look_by_themselves(tmp_path: Path, nats: str) -> None:
    assert learn(tmp_path, nats) < wake.LOOK + 8


def test_what_one_worker_revokes_the_other_refuses_within_a_second(tmp_path: Path) -> None:
    """Of five revocations, each seen by the worker that did not hear of it: most within a second."""

    async def go(database: str) -> list[float]:
        took = []
        async with two_workers(tmp_path, database, "") as (first, second):
            for _ in range(5):
                grant = await first.units.write(KERNEL, granted)
                await until_known(second, grant.id)
                await first.units.write(KERNEL, revoke, grant.id, "for the test")
                assert await until_refused(first) < 0.01  # where it was revoked nothing has to be heard
                took.append(await until_refused(second))
        return took

    with postgres_database() as database:
        took = sorted(asyncio.run(go(database)))
    assert took[2] <= 1
    assert took[-1] <= wake.LOOK + 2  # a busy machine


def let_through(kernel: Kernel, calls: int) -> int:
    """How many of so many calls a worker lets through."""
    through = 0
    for _ in range(calls):
        with suppress(TooMany):
            kernel.grants.spend(kernel.grants.find(**ASKED, now=kernel.clock()))
            through += 1
    return through


def test_a_grants_rate_is_one_for_all_workers(tmp_path: Path) -> None:
    async def go(database: str) -> tuple[int, int, int]:
        async with two_workers(tmp_path, database, "") as (first, second):
            grant = await first.units.write(KERNEL, granted, 3)
            await until_known(second, grant.id)
            two = let_through(first, 2)
            await until_told(second, grant.id, 2)
            one = let_through(second, 6)
            await until_told(first, grant.id, 1)
            return two, one, let_through(first, 6)

    with postgres_database() as database:
        assert asyncio.run(go(database)) == (2, 1, 0)


async def until_told(kernel: Kernel, grant: UUID, calls: int) -> None:
    """Wait until ``kernel`` knows what the other worker let through: it looks twice a second."""
    async with asyncio.timeout(10):
        while kernel.grants._elsewhere.get(grant, 0) != calls:
            await asyncio.sleep(0.05)
