"""Units: all or nothing, acknowledged only when on disk, scoped by whoever acts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select

from gdbos.actor import ANONYMOUS, Actor, plugin_actor
from gdbos.errors import Conflict
from gdbos.kernel import Kernel
from gdbos.ledger.tables import pending
from gdbos.storage.scope import Scope, within
from gdbos.unit import Unit

tables = MetaData()
note = Table("note", tables, Column("id", Integer, primary_key=True), Column("text", String(50)))
paper = Table(
    "paper",
    tables,
    Column("id", Integer, primary_key=True),
    Column("body", String(18)),
    Column("division", String(6)),
    Column("subject", String(80)),
    info={"scope": Scope(body=("body",), division="division", subject=("subject",))},
)

KERNEL = plugin_actor("kernel")
CLERK = Actor(kind="official", id="clerk", body="A", division="450103", reach="body")
LEADER = Actor(kind="official", id="leader", body="A", division="450100", reach="division")
CITIZEN = Actor(kind="person", id="citizen", subject="person:1", acts_for="enterprise:9")


def running(kernel: Kernel, work: Callable[[Kernel], Any]) -> Any:
    async def go() -> Any:
        async with kernel.running(background=False):
            tables.create_all(kernel.lane.engine)
            return await work(kernel)

    return asyncio.run(go())


def write_note(unit: Unit, text: str) -> None:
    unit.execute(insert(note).values(text=text))
    unit.record("note.write", length=len(text))


def write_and_fail(unit: Unit, text: str) -> None:
    write_note(unit, text)
    raise Conflict("no")


def count(unit: Unit, table: Table) -> int:
    found: int = unit.execute(select(func.count()).select_from(table)).scalar_one()
    return found


def test_a_failing_unit_leaves_neither_its_rows_nor_its_record(new_node: Callable[..., Kernel]) -> None:
    async def work(kernel: Kernel) -> tuple[int, int]:
        with pytest.raises(Conflict):
            await kernel.units.write(KERNEL, write_and_fail, "gone")
        await kernel.units.write(KERNEL, write_note, "kept")
        return await kernel.units.read(KERNEL, count, note), await kernel.units.read(KERNEL, count, pending)

    assert running(new_node(), work) == (1, 1)


def test_units_that_share_a_commit_succeed_and_fail_each_for_itself(new_node: Callable[..., Kernel]) -> None:
    async def work(kernel: Kernel) -> tuple[int, int]:
        acts = [
            kernel.units.write(KERNEL, write_and_fail if n % 3 == 0 else write_note, f"note {n}") for n in range(300)
        ]
        outcomes = await asyncio.gather(*acts, return_exceptions=True)
        failed = sum(isinstance(outcome, Conflict) for outcome in outcomes)
        return failed, await kernel.units.read(KERNEL, count, note)

    assert running(new_node(), work) == (100, 200)


def test_a_commit_that_fails_reaches_every_caller_as_an_error(new_node: Callable[..., Kernel]) -> None:
    """A deferred constraint breaks at COMMIT: nobody may hear success for what is not stored."""

    async def work(kernel: Kernel) -> tuple[list[bool], int]:
        def with_deferred_break(unit: Unit) -> str:
            unit.connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS parent (id INTEGER PRIMARY KEY)")
            unit.connection.exec_driver_sql(
                "CREATE TABLE IF NOT EXISTS child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
            )
            unit.connection.exec_driver_sql("INSERT INTO child VALUES (404)")
            return "stored"

        outcomes = await asyncio.gather(kernel.units.write(KERNEL, with_deferred_break), return_exceptions=True)
        await kernel.units.write(KERNEL, write_note, "the lane goes on")
        return [isinstance(o, Exception) for o in outcomes], await kernel.units.read(KERNEL, count, note)

    assert running(new_node(), work) == ([True], 1)


def test_a_read_unit_cannot_write(new_node: Callable[..., Kernel]) -> None:
    async def work(kernel: Kernel) -> int:
        with pytest.raises(Exception, match=r"readonly|read-only"):
            await kernel.units.read(KERNEL, write_note, "no")
        return await kernel.units.read(KERNEL, count, note)

    assert running(new_node(), work) == 0


def test_reading_a_scoped_table_without_rows_is_refused(new_node: Callable[..., Kernel]) -> None:
    async def work(kernel: Kernel) -> None:
        for statement in (select(paper), select(paper.c.id).union(select(note.c.id))):
            with pytest.raises(TypeError, match="scoped table paper"):
                await kernel.units.read(KERNEL, lambda unit, s=statement: unit.execute(s))

    running(new_node(), work)


PAPERS = [
    {"id": 1, "body": "A", "division": "450103", "subject": "person:1"},
    {"id": 2, "body": "B", "division": "450105", "subject": "enterprise:9"},
    {"id": 3, "body": "C", "division": "450200", "subject": "person:2"},
]


@pytest.mark.parametrize(
    ("actor", "seen"),
    [(CLERK, [1]), (LEADER, [1, 2]), (CITIZEN, [2]), (ANONYMOUS, []), (KERNEL, [1, 2, 3])],
    ids=["own body", "division and below", "the represented alone", "nobody", "the kernel"],
)
def test_rows_reach_as_far_as_the_actor_does(new_node: Callable[..., Kernel], actor: Actor, seen: list[int]) -> None:
    async def work(kernel: Kernel) -> list[int]:
        await kernel.units.write(KERNEL, lambda unit: unit.execute(insert(paper), PAPERS))
        return await kernel.units.read(actor, lambda u: [r.id for r in u.execute(u.rows(paper).order_by(paper.c.id))])

    assert running(new_node(), work) == seen


@given(
    st.integers(11, 82),
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(11, 82),
    st.integers(0, 99),
    st.integers(0, 99),
)
def test_a_division_reaches_exactly_its_subtree(p: int, c: int, d: int, q: int, e: int, f: int) -> None:
    own, other = f"{p:02d}{c:02d}{d:02d}", f"{q:02d}{e:02d}{f:02d}"
    stem = own.rstrip("0")
    stem += "0" * (len(stem) % 2)
    actor = Actor(kind="official", id="x", body="A", division=own, reach="division")
    rendered = str(within(paper, actor).compile(compile_kwargs={"literal_binds": True}))
    low, high = rendered.split("'")[1], rendered.split("'")[3]
    assert (low <= other <= high) == other.startswith(stem)
