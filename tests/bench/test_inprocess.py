"""What the kernel's own steps cost, without HTTP: a call, and a record of the ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import node
import pytest
import uvloop
from sqlalchemy import Connection

from gdbos.actor import Actor, Link
from gdbos.ids import new_id
from gdbos.kernel import Kernel
from gdbos.ledger.leaf import CALLS, Act, append, encode
from gdbos.storage.lane import Lane
from gdbos.together import Together

from .conftest import Report, ratios

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
ROUNDS, CALLERS, EACH = 5, 64, 40


def played(scene: Awaitable[Any]) -> Any:
    async def run() -> Any:
        return await scene

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


async def cost(one: Callable[[], Awaitable[object]], callers: int = CALLERS, each: int = EACH) -> tuple[float, float]:
    """Microseconds of processor time per turn, and turns a second, of so many callers at a time."""

    async def caller() -> None:
        for _ in range(each):
            await one()

    started, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    turns = callers * each
    return (time.process_time() - used) * 1e6 / turns, turns / (time.perf_counter() - started)


async def nothing(records: Sequence[object]) -> list[None]:
    """In place of what a door does in the database."""
    return [None] * len(records)


def test_call_inprocess(report: Report, system: tuple[str, str], tmp_path: Path) -> None:
    """The steps of a call, without the database and with it."""

    async def scene() -> list[list[tuple[float, float]]]:
        made = node.measured(tmp_path, system[1], 1)
        kernel: Kernel = node.node(made)
        kernel.migrate()
        await node.prepared(node.node(made))
        async with kernel.running():
            chain = (Link("node", "test"), Link("system", "desk-0.bench"))
            actor = Actor(kind="system", id="desk-0.bench", body=node.MARKET, chain=chain)
            bus, question = kernel.bus_for(actor, "kernel"), msgspec.json.encode(node.QUESTION)
            door, found = kernel.door, []
            real = door._permitted, door._recorded

            async def call() -> None:
                await bus.call(node.SERVICE, question, matter=node.MATTER, case=node.CASE, purpose="speed")

            await cost(call, each=5)
            for _ in range(ROUNDS):
                door._permitted, door._recorded = Together(nothing), Together(nothing)  # type: ignore[assignment]
                without = await cost(call)
                door._permitted, door._recorded = real
                found.append([without, await cost(call)])
            return found

    found = played(scene())
    without, logged = ([median(one[at][part] for one in found) for part in (0, 1)] for at in (0, 1))
    report(
        "call_inprocess",
        logged[0] / without[0],
        database=system[0],
        without_log={"cpu_us": round(without[0], 1), "per_second": round(without[1]), "aim_us": 10},
        with_log={"cpu_us": round(logged[0], 1), "per_second": round(logged[1]), "aim_us": 25},
    )


@pytest.mark.parametrize("writers", [64, 512])
def test_ledger_append(report: Report, system: tuple[str, str], tmp_path: Path, writers: int) -> None:
    """Durable records a second ÷ a bare group-committed insert of the same bytes."""

    async def scene() -> tuple[list[float], list[float]]:
        made = node.measured(tmp_path, system[1], 1)
        kernel: Kernel = node.node(made)
        kernel.migrate()
        async with kernel.running(background=False):
            await kernel.lane.write(_bare_table)
            record = Act(id=new_id(), at=datetime.now(UTC), act="speed", facts={"filling": "x" * 300})
            ledger, bare = Together(_appended(kernel.lane)), Together(_inserted(kernel.lane))
            content = encode(record)
            ours, theirs = [], []
            for _ in range(ROUNDS):
                ours.append((await cost(lambda: ledger(record), writers, 20))[1])
                theirs.append((await cost(lambda: bare(content), writers, 20))[1])
            return ours, theirs

    ours, theirs = played(scene())
    rates = ratios(ours, theirs)
    absolute = {"ours_per_second": round(median(ours)), "theirs_per_second": round(median(theirs))}
    report("ledger_append", rates["median"], 0.7, database=system[0], writers=writers, ratios=rates, **absolute)


def _bare_table(connection: Connection) -> None:
    kind = "bytea" if connection.dialect.name == "postgresql" else "blob"
    connection.exec_driver_sql(f"CREATE TABLE bare (content {kind} NOT NULL)")


def _appended(lane: Lane) -> Callable[[Sequence[Act]], Awaitable[list[None]]]:
    async def act(records: Sequence[Act]) -> list[None]:
        now = datetime.now(UTC)
        await lane.write(lambda connection: append(connection, CALLS, [encode(one) for one in records], at=now))
        return [None] * len(records)

    return act


def _inserted(lane: Lane) -> Callable[[Sequence[bytes]], Awaitable[list[None]]]:
    def work(connection: Connection, contents: Sequence[bytes]) -> None:
        mark = "%s" if connection.dialect.name == "postgresql" else "?"
        connection.exec_driver_sql(f"INSERT INTO bare VALUES ({mark})", [(one,) for one in contents])

    async def act(contents: Sequence[bytes]) -> list[None]:
        await lane.write(lambda connection: work(connection, contents))
        return [None] * len(contents)

    return act
