"""Delivery: at least once, with effect exactly once, in order per key; poison parks only its key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from gdbos.actor import plugin_actor
from gdbos.bus import delivery as delivering
from gdbos.bus.delivery import Delivery, Route, backlog, dead_letters, drop, retry
from gdbos.errors import Unavailable
from gdbos.events import Event, on, tag
from gdbos.kernel import Kernel
from gdbos.unit import Unit

tables = MetaData()
seen = Table("seen", tables, Column("n", Integer, primary_key=True), Column("key", String), Column("value", Integer))
KERNEL = plugin_actor("kernel")


class Counted(Event, tag="test.delivery.thing-counted/1"):
    """A thing was counted."""

    thing: str
    number: int = 0


@on(Counted)
def note(unit: Unit, event: Counted) -> None:
    if event.number < 0:
        raise ValueError("poison")
    unit.execute(insert(seen).values(key=event.thing, value=event.number))


def deliver(
    kernel: Kernel, work: Callable[[Kernel, Delivery], Awaitable[Any]], *, handlers: list[Any] | None = None
) -> Any:
    async def go() -> Any:
        async with kernel.running(background=False):
            tables.create_all(kernel.lane.engine)
            routes = [Route(h.__name__, "test", Counted, h, h.__gdbos_subscription__.fetch) for h in handlers or [note]]
            kernel.units.around.subscribers[tag(Counted)] = [r.name for r in routes]  # type: ignore[index]
            delivery = kernel.delivery = Delivery(kernel.units, routes, kernel.bus_for)
            task = asyncio.create_task(delivery.run())
            try:
                return await work(kernel, delivery)
            finally:
                task.cancel()

    return asyncio.run(go())


def emit(unit: Unit, *events: Event) -> None:
    for event in events:
        unit.emit(event)


def values(unit: Unit, key: str) -> list[int]:
    return list(unit.execute(select(seen.c.value).where(seen.c.key == key).order_by(seen.c.n)).scalars())


def test_events_of_one_key_arrive_in_order_and_once(new_node: Callable[..., Kernel]) -> None:
    async def work(kernel: Kernel, delivery: Delivery) -> list[int]:
        for n in range(0, 60, 3):
            await kernel.units.write(KERNEL, emit, *(Counted(thing="a", number=n + k) for k in range(3)))
        await delivery.settle()
        return await kernel.units.read(KERNEL, values, "a")

    assert deliver(new_node(), work) == list(range(60))


def test_poison_parks_only_its_key_and_an_operator_can_drop_or_retry_it(new_node: Callable[..., Kernel]) -> None:
    async def work(kernel: Kernel, delivery: Delivery) -> tuple[Any, ...]:
        await kernel.units.write(KERNEL, emit, Counted(thing="bad", number=-1), Counted(thing="bad", number=2))
        await kernel.units.write(KERNEL, emit, Counted(thing="good", number=7))
        while not (letters := await kernel.lane.read(dead_letters)):
            await asyncio.sleep(0.05)
        held = await kernel.units.read(KERNEL, values, "bad")
        good = await kernel.units.read(KERNEL, values, "good")
        assert "poison" not in letters[0].error
        assert await kernel.units.write(KERNEL, drop, letters[0].event, "note", "spoilt by a test")
        assert not await kernel.units.write(KERNEL, retry, letters[0].event, "note")
        delivery.wake()
        await delivery.settle()
        return held, good, await kernel.units.read(KERNEL, values, "bad"), await kernel.lane.read(backlog)

    held, good, after, states = deliver(new_node(), work)
    assert (held, good, after) == ([], [7], [2])
    assert states == {"done": 2, "dropped": 1}


def test_a_timer_fires_when_it_is_due_and_not_before(new_node: Callable[..., Kernel]) -> None:
    async def work(kernel: Kernel, delivery: Delivery) -> tuple[list[int], list[int]]:
        def set_timer(unit: Unit) -> None:
            unit.emit(Counted(thing="t", number=2), at=unit.now + timedelta(seconds=2.5))
            unit.emit(Counted(thing="t", number=1))

        await kernel.units.write(KERNEL, set_timer)
        await delivery.settle()
        early = await kernel.units.read(KERNEL, values, "t")
        await asyncio.sleep(3.0)
        await delivery.settle()
        return early, await kernel.units.read(KERNEL, values, "t")

    assert deliver(new_node(), work) == ([1], [1, 2])


def test_another_system_that_is_down_is_waited_for_and_its_answer_used_once(new_node: Callable[..., Kernel]) -> None:
    asked = 0

    async def ask(event: Counted, bus: Any) -> int:
        nonlocal asked
        asked += 1
        if asked < 5:
            raise Unavailable("down")
        return event.number * 10

    @on(Counted, fetch=ask)
    def keep(unit: Unit, event: Counted, value: int) -> None:
        unit.execute(insert(seen).values(key=event.thing, value=value))

    async def work(kernel: Kernel, delivery: Delivery) -> list[int]:
        await kernel.units.write(KERNEL, emit, Counted(thing="x", number=4))
        async with asyncio.timeout(20):
            while not (found := await kernel.units.read(KERNEL, values, "x")):
                await asyncio.sleep(0.1)
        return found

    assert deliver(new_node(), work, handlers=[keep]) == [40]
    assert asked == 5


def test_settled_is_only_what_has_no_more_to_follow(new_node: Callable[..., Kernel]) -> None:
    async def ask(event: Counted, bus: Any) -> int:
        await asyncio.sleep(0.005)
        return event.number

    @on(Counted, fetch=ask)
    def chain(unit: Unit, event: Counted, value: int) -> None:
        unit.execute(insert(seen).values(key=event.thing, value=value))
        if value % 40 < 39:
            unit.emit(Counted(thing=event.thing, number=value + 1))

    async def work(kernel: Kernel, delivery: Delivery) -> list[int]:
        counts = []
        for turn in range(4):
            await kernel.units.write(KERNEL, emit, Counted(thing="c", number=turn * 40))
            await delivery.settle()
            counts.append(len(await kernel.units.read(KERNEL, values, "c")))
        return counts

    assert deliver(new_node(), work, handlers=[chain]) == [40, 80, 120, 160]


def test_two_workers_share_the_outbox_without_doing_anything_twice(new_node: Callable[..., Kernel]) -> None:
    async def work(kernel: Kernel, delivery: Delivery) -> list[int]:
        other = Delivery(kernel.units, list(delivery.routes.values()), kernel.bus_for)
        task = asyncio.create_task(other.run())
        for n in range(40):
            await kernel.units.write(KERNEL, emit, *(Counted(thing=f"k{k}", number=n) for k in range(4)))
            delivery.wake()
            other.wake()
        await delivery.settle()
        await other.settle()
        task.cancel()
        return [n for k in range(4) for n in await kernel.units.read(KERNEL, values, f"k{k}")]

    assert deliver(new_node(), work) == list(range(40)) * 4


def keeping(fetch: Callable[[Counted, Any], Awaitable[int]]) -> Any:
    """A handler that asks another system first."""

    @on(Counted, fetch=fetch)
    def keep(unit: Unit, event: Counted, value: int) -> None:
        unit.execute(insert(seen).values(key=f"kept {event.thing}", value=value))

    return keep


async def hang(event: Counted, bus: Any) -> int:
    if event.thing.startswith("hung"):
        await asyncio.Event().wait()
    return event.number


async def until(kernel: Kernel, key: str) -> list[int]:
    async with asyncio.timeout(15):
        while not (found := await kernel.units.read(KERNEL, values, key)):
            await asyncio.sleep(0.1)
    return found


def test_a_handler_that_waits_for_a_system_that_hangs_keeps_no_other_handler_waiting(
    new_node: Callable[..., Kernel],
) -> None:
    async def work(kernel: Kernel, delivery: Delivery) -> list[int]:
        hung = [Counted(thing=f"hung {n}", number=1) for n in range(2 * delivering.MOST)]
        await kernel.units.write(KERNEL, emit, *hung)
        delivery.wake()
        await asyncio.sleep(1)
        await kernel.units.write(KERNEL, emit, Counted(thing="good", number=7))
        delivery.wake()
        return await until(kernel, "good")

    assert deliver(new_node(), work, handlers=[keeping(hang), note]) == [7]


def test_a_system_that_hangs_has_failed_and_the_next_key_is_tried(
    new_node: Callable[..., Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "FETCHED_IN", 0.2)

    async def work(kernel: Kernel, delivery: Delivery) -> tuple[list[int], dict[str, int]]:
        await kernel.units.write(KERNEL, emit, *(Counted(thing=f"hung {n}", number=1) for n in range(10)))
        await kernel.units.write(KERNEL, emit, Counted(thing="good", number=7))
        return await until(kernel, "kept good"), await kernel.lane.read(backlog)

    found, states = deliver(new_node(), work, handlers=[keeping(hang)])
    assert found == [7]
    assert states == {"done": 1, "pending": 10}, "they are tried again, as any system that is away"
