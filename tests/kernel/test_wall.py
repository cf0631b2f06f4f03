"""The second wall: PostgreSQL keeps rows apart by itself, under roles of its own, whatever SQL reaches it."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from importlib.metadata import entry_points
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.exc import DBAPIError, ProgrammingError

from gdbos.actor import Actor
from gdbos.bus.basis import Basis, bus_basis
from gdbos.config import Database, Deployment, Node, Settings
from gdbos.decision import Context, decide, resource_of
from gdbos.errors import Misconfigured
from gdbos.identity.account import get_account, open_account
from gdbos.identity.person import Person, find_person, person, register_person
from gdbos.identity.post import posts_of
from gdbos.kernel import Kernel
from gdbos.loading import described
from gdbos.plugin import KNOWN
from gdbos.reach import reach_of
from gdbos.storage.breach import escapes, weaknesses
from gdbos.storage.engine import engine_for
from gdbos.storage.migrate import lineages, tables_of
from gdbos.storage.scope import within
from gdbos.storage.wall import rule_of
from gdbos.text import Text
from gdbos.unit import Unit

from .walled import BODIES, OURS, TABLES, Roles, World, made_database, made_world

DIVISIONS = ("450000", "450100", "450103", "450107", "450200", "440000", "")
PLACES = DIVISIONS[:-1]
SUBJECTS = ("person:a1", "person:b2", "enterprise:91450103MADEM00112", "")
MATTERS = ("place.hygiene-licence", "tax.invoice", "wages.report", "")


POOL = {
    "place": DIVISIONS,
    "by": BODIES,
    "asker": BODIES,
    "giver": BODIES,
    "about": SUBJECTS,
    "holder": SUBJECTS,
    "what": MATTERS,
}


def may_see(actor: Actor, table: str, row: dict[str, str]) -> bool:
    """The rule as a reader of DESIGN §4 and §7 would write it down, row by row; knows nothing of ranges or of SQL."""

    def lies_in(place: str, upper: str) -> bool:
        cut = 0 if upper == "000000" else 2 if upper.endswith("0000") else 4 if upper.endswith("00") else 6
        return place != "" and place[:cut] == upper[:cut]

    if actor.kind in ("anonymous", "plugin"):
        return actor.kind == "plugin"
    if actor.matters and table == "cases" and row["what"] not in actor.matters:
        return False
    if actor.kind == "person":
        whose = actor.acts_for if actor.acts_for != "" else actor.subject  # never both: rights are not added up
        return whose != "" and whose in (row.get("about"), row.get("holder"))
    if (
        actor.area
        and actor.reach not in ("node", "division")
        and "place" in row
        and not lies_in(row["place"], actor.area)
    ):
        return False
    if actor.reach == "node":
        return True
    if not actor.body:
        return False  # a post is at a body
    if actor.reach == "division" and "place" in row:
        return lies_in(row["place"], actor.division)
    return bool(actor.body) and actor.body in {row.get(column) for column in ("by", "asker", "giver")}


def some_actor(rng: random.Random) -> Actor:
    kind = rng.choice(
        ("anonymous", "person", "person", "official", "official", "official", "official", "system", "plugin")
    )
    if kind == "anonymous":
        return Actor()
    if kind == "plugin":
        return Actor(kind="plugin", id="x", reach="node")
    if kind == "person":
        return Actor(kind="person", id="p", subject=rng.choice(SUBJECTS), acts_for=rng.choice(SUBJECTS))
    limits: dict[str, Any] = {
        "area": rng.choice(("", "", *PLACES)),
        "matters": tuple(rng.sample(MATTERS[:-1], rng.choice((0, 0, 1, 2)))),
    }
    return Actor(
        kind=kind,  # type: ignore[arg-type]
        id="o",
        body=rng.choice(BODIES),
        division=rng.choice(PLACES),
        reach="body" if kind == "system" else rng.choice(("own", "body", "body", "division", "division", "node")),
        **(limits if kind == "official" else {}),
    )


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with made_world() as made:
        yield made


ROUNDS = 16 if os.environ.get("GDBOS_PROVE") else 3
ACTORS, ROWS, WRITTEN = 25, 600, 6


def test_policies_predicate_and_decision_all_agree_with_the_model(world: World) -> None:
    """Per round: random rows in every table, random actors, every row decided four ways, and some written."""
    read, written, wrong = 0, 0, []
    for seed in range(ROUNDS):
        rng = random.Random(seed)
        rows = {table: some_rows(rng, table, ROWS) for table in TABLES}
        fill(world, rows)
        for actor, table in product([some_actor(rng) for _ in range(ACTORS)], TABLES):
            found = allowed(world, actor, table, rows[table])
            read += ROWS
            over = miswritten(world, actor, table, some_rows(rng, table, WRITTEN))
            written += WRITTEN
            if over or any(ids != found["model"] for ids in found.values()):
                wrong.append((actor, table.name, found, over))
    assert wrong == []
    assert read >= (900_000 if ROUNDS == 16 else 180_000)
    assert written >= 1_800


def some_rows(rng: random.Random, table: Table, many: int) -> list[dict[str, Any]]:
    names = [column.name for column in table.columns if column.name != "id"]
    return [{"id": n, **{name: rng.choice(POOL[name]) for name in names}} for n in range(many)]


def fill(world: World, rows: dict[Table, list[dict[str, Any]]]) -> None:
    with world.owner.begin() as connection:
        world.wall.enter_all(connection)
        for table in TABLES:
            connection.execute(table.delete())
            connection.execute(insert(table), rows[table])


def allowed(world: World, actor: Actor, table: Table, rows: list[dict[str, Any]]) -> dict[str, set[int]]:
    """The rows that ``actor`` may read, as each of the four says."""
    with world.app.begin() as connection:
        world.wall.enter(connection, reach_of(actor))
        policy = set(connection.execute(select(table.c.id)).scalars())
        world.wall.enter_all(connection)
        predicate = set(connection.execute(select(table.c.id).where(within(table, actor))).scalars())
    known = actor.kind != "anonymous"
    resources = ((row["id"], resource_of(table, row)) for row in rows)
    return {
        "model": {row["id"] for row in rows if may_see(actor, table.name, row)},
        "policy": policy,
        "predicate": predicate,
        "decision": {n for n, one in resources if known and decide(actor, KNOWN, one, Context()).allowed},
    }


def miswritten(world: World, actor: Actor, table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of new ``rows`` that the policy lets ``actor`` write though the model does not, or keeps from it though it does."""
    new = [{**row, "id": ROWS + row["id"]} for row in rows]
    may = [row for row in new if may_see(actor, table.name, row)]
    with world.app.connect() as connection:
        world.wall.enter(connection, reach_of(actor))
        wrong = may if may and not writes(connection, table, may) else []
        wrong = wrong + [row for row in new if row not in may and writes(connection, table, [row])]
        connection.rollback()
    return wrong


def writes(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> bool:
    """Whether the policy lets ``rows`` in."""
    try:
        with connection.begin_nested():
            connection.execute(insert(table), rows)
    except ProgrammingError as refused:
        assert "row-level security" in str(refused.orig)
        return False
    return True


# A node behind it.


@pytest.fixture(scope="module")
def served() -> Iterator[Roles]:
    with made_database() as made:
        yield made


@pytest.fixture(scope="module")
def node(served: Roles, tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    home = tmp_path_factory.mktemp("walled") / "home"
    place = Node(id="nanning", title=Text("试验", "Test"), division="450100", level="city", home=str(home), body=OURS)
    urls = Database(url=served.app, owner_url=served.owner, sequencer_url=served.sequencer)
    kernel = Kernel(Deployment(home / "node.toml", Settings(node=place, database=urls), {}))
    kernel.migrate()
    return kernel


def test_a_node_serves_behind_it_with_the_least_rights(node: Kernel, served: Roles) -> None:
    async def run() -> None:
        async with node.running():
            await node.units.write(
                Actor(kind="plugin", id="x", reach="node"), lambda unit: unit.record("kernel.tested")
            )
            await node.book.catch_up()

    asyncio.run(run())
    for url, statement in (
        (served.app, "DELETE FROM ledger_leaf"),
        (served.app, "UPDATE ledger_checkpoint SET note = ''"),
        (served.app, "DELETE FROM ledger_pending"),
        (served.sequencer, "SELECT * FROM identity_person"),
        (served.sequencer, "DELETE FROM ledger_leaf"),
        (served.audit, "SELECT * FROM identity_person"),
        (served.audit, "DELETE FROM ledger_pending"),
        (served.app, "CREATE TABLE more (id int)"),
    ):
        engine = engine_for(url)
        with engine.connect() as connection, pytest.raises(DBAPIError, match=r"permission denied"):
            connection.exec_driver_sql(statement)
        engine.dispose()
    auditor = engine_for(served.audit)
    with auditor.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ledger_leaf WHERE log = 'audit'").scalar_one() >= 1
    auditor.dispose()


def test_a_node_does_not_start_where_rows_get_around_it(node: Kernel, served: Roles) -> None:
    start_refused(node, served, "CREATE VIEW everybody AS SELECT * FROM identity_person", "view everybody")
    owner = engine_for(served.owner)
    with owner.begin() as connection:
        connection.exec_driver_sql("DROP VIEW everybody")
    owner.dispose()


def test_migrating_takes_back_what_would_let_a_unit_lay_an_ambush(node: Kernel, served: Roles) -> None:
    database = served.app.rpartition("/")[2]
    start_refused(node, served, f"GRANT TEMPORARY ON DATABASE {database} TO PUBLIC", "may make temporary tables")
    node.migrate()
    asyncio.run(start(node))


def start_refused(node: Kernel, served: Roles, made: str, words: str) -> None:
    owner = engine_for(served.owner)
    with owner.begin() as connection:
        connection.exec_driver_sql(made)
    owner.dispose()
    with pytest.raises(Misconfigured, match=words):
        asyncio.run(start(node))


async def start(node: Kernel) -> None:
    async with node.running(background=False):
        pass


def test_what_must_be_decided_past_the_reach_is_one_statement_wide(node: Kernel) -> None:
    clerk = Actor(kind="official", id="o", body=OURS, reach="body")

    def look(unit: Unit) -> tuple[int, int]:
        known = register_person(unit, Person(name="韦示例", citizen_id="450103198503129995"))
        found = find_person(unit, known.subject)
        bare = len(unit.connection.execute(select(person.c.id)).all())
        return int(found is not None), bare

    async def run() -> tuple[int, int]:
        async with node.running(background=False):
            return await node.units.write(clerk, look)

    assert asyncio.run(run()) == (1, 0)


def test_every_walled_table_of_the_node_has_its_policy(node: Kernel, served: Roles) -> None:
    app = engine_for(served.app)
    with app.connect() as connection:
        assert escapes(connection, tables_of(lineages(node.plugins))) == []
        assert weaknesses(connection) == []
    app.dispose()


PEOPLE = {"subject", "person", "account", "principal", "applicant", "holder", "delegate", "login", "secret"}
"""Columns that tie a row to somebody, besides those that are sealed."""
UNWALLED = {
    "ledger_erased": "whose keys must not exist: keys of subjects, which say nothing to whoever has not the node's own key",
    "licence_register": "what anybody who holds a licence may check: its face is masked, and sealed",
}


def test_every_table_that_ties_rows_to_somebody_is_walled_or_says_why_not() -> None:
    plugins = [described(entry.name, entry.load()) for entry in entry_points(group="gdbos.plugins")]
    tied = {
        table.name: table
        for table in tables_of(lineages(plugins))
        if any(column.name in PEOPLE or "sealed" in column.info for column in table.columns)
    }
    assert len(tied) > 25
    assert sorted(name for name, table in tied.items() if rule_of(table) is None) == sorted(UNWALLED)


DECIDING = {
    "identity_account": "(id, login, password, password_at, password_due, kind, name, disabled, opened_at)"
    " VALUES (gen_random_uuid(), 'x', 'y', now(), false, 'official', '', false, now())",
    "identity_session": "(id, secret, device, method, trust, proven_at, authenticated_at, created_at, seen_at, expires_at, acts_for, system)"
    " VALUES (gen_random_uuid(), 'x', '', 'password', 'L4', now(), now(), now(), now(), now(), '', '')",
    "identity_post": "(id, account, body, role, area, matters, since, asked_by, asked_at, confirmed_by)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), 'x', 'security-administrator', '', '[]', now(), '', now(), '')",
    "identity_delegation": "(id, post, holder, delegate, matters, since, until, given_at)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '[]', now(), now(), now())",
    "bus_basis": '(id, subject, body, matter, "case", kind, permission, opened_at)'
    " VALUES (gen_random_uuid(), 'person:x', 'b', 'm', 'c', 'inspection', '', now())",
    "bus_repeat": "(body, system, key, asked, reply, at) VALUES ('b', 's', 'k', '', '', now())",
    "ledger_pending": "(id, log, at, leaf, rows) VALUES (gen_random_uuid(), 'calls', now(), '', '[]')",
}
"""Tables by which a node decides who may do what, with a row for each."""


@pytest.mark.parametrize("table", DECIDING)
def test_sql_that_got_in_neither_reads_nor_writes_what_decides(node: Kernel, served: Roles, table: str) -> None:
    insertion, count = f"INSERT INTO {table} {DECIDING[table]}", f"SELECT count(*) FROM {table}"
    app, wall = engine_for(served.app), node.wall
    assert wall is not None
    with app.connect() as connection:
        wall.enter_all(connection)
        connection.exec_driver_sql(insertion)
        assert connection.exec_driver_sql(count).scalar_one() > 0
        wall.enter(connection, reach_of(Actor(kind="official", id="o", body=OURS, reach="body")))
        assert connection.exec_driver_sql(count).scalar_one() == 0
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.exec_driver_sql(insertion)
        connection.rollback()
    app.dispose()


def test_a_unit_of_less_reach_still_decides_by_them(node: Kernel) -> None:
    clerk = Actor(kind="official", id="o", body=OURS, reach="body")

    def act(unit: Unit) -> tuple[bool, int, bool, bool]:
        account = open_account(unit, login="clerk", password_hash="x", name="Clerk", kind="official")
        before = unit.connection.execute(select(bus_basis.c.id)).all()
        unit.open_basis(Basis(subject="person:x", body=OURS, matter="m", case="c1"))
        unit.record("kernel.tested")
        bare = unit.connection.execute(select(bus_basis.c.id)).all()
        return get_account(unit, account).disabled, len(posts_of(unit, account)), bool(before), bool(bare)

    async def run() -> tuple[bool, int, bool, bool]:
        async with node.running(background=False):
            return await node.units.write(clerk, act)

    assert asyncio.run(run()) == (False, 0, False, False)
