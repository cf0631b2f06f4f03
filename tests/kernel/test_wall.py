"""The second wall: PostgreSQL keeps rows apart by itself, under roles of its own, whatever SQL reaches it."""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, insert, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from gdbos.actor import Actor
from gdbos.config import Database, Deployment, Node, Settings
from gdbos.decision import Context, decide, resource_of
from gdbos.errors import Misconfigured
from gdbos.identity.person import Person, find_person, person, register_person
from gdbos.kernel import Kernel
from gdbos.plugin import KNOWN
from gdbos.reach import EVERYTHING, reach_of
from gdbos.storage.engine import engine_for
from gdbos.storage.metadata import kernel_metadata
from gdbos.storage.migrate import lineages, tables_of
from gdbos.storage.scope import Scope, within
from gdbos.storage.wall import Wall, escapes, raise_wall, weaknesses
from gdbos.testing import postgres_there, require
from gdbos.text import Text
from gdbos.unit import Unit

from .conftest import POSTGRES, administer

GUIDE = Path(__file__).parents[2] / "docs" / "integrators.md"
SECRET = b"w" * 32
BODIES = ("11450100MADEM0011Y", "11450100MADEM002XN", "11450103MADEM0046H", "11450000MADEM01265", "")
DIVISIONS = ("450000", "450100", "450103", "450107", "450200", "440000", "")
PLACES = DIVISIONS[:-1]
SUBJECTS = ("person:a1", "person:b2", "enterprise:91450103MADEM00112", "")
MATTERS = ("place.hygiene-licence", "tax.invoice", "wages.report", "")


def roles_sql() -> str:
    """The SQL that the integrators' guide tells to run."""
    found = re.search(r"```sql roles\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert found is not None, "docs/integrators.md shows the roles in a block marked `sql roles`"
    return found[1]


class Roles(NamedTuple):
    """One database, and how each of its roles reaches it."""

    owner: str
    app: str
    sequencer: str
    audit: str


@contextmanager
def made_database() -> Iterator[Roles]:
    """A database with the roles that the guide makes."""
    name = f"gdbos_wall_{uuid4().hex[:10]}"
    made = Roles(*(f"postgresql+psycopg://{name}_{role}@127.0.0.1/{name}" for role in Roles._fields))
    require("postgres", postgres_there(), "start PostgreSQL at 127.0.0.1:5432 with trust for postgres")
    for statement in roles_sql().split(";\n"):
        if statement.strip():
            with suppress(ProgrammingError) if "NOLOGIN" in statement else nullcontext():  # the server has it already
                administer(re.sub(r"\bnode(?=\b|_)", name, statement))
    yield made
    administer(f"DROP DATABASE {name} WITH (FORCE)")
    for role in Roles._fields:
        administer(f"DROP ROLE {name}_{role}")


@pytest.fixture(scope="module")
def database() -> Iterator[Roles]:
    with made_database() as made:
        yield made


# The policies against a model written without them.

metadata = MetaData()


def _table(name: str, scope: Scope, *columns: str) -> Table:
    texts = [Column(column, String(80)) for column in columns]
    return Table(name, metadata, Column("id", Integer, primary_key=True), *texts, info={"scope": scope})


TABLES = (
    _table(
        "cases",
        Scope(division="place", body=("by",), subject=("about",), matter="what"),
        "place",
        "by",
        "about",
        "what",
    ),
    _table("calls", Scope(body=("asker", "giver")), "asker", "giver"),
    _table("receipts", Scope(subject=("about",)), "about"),
    _table(
        "licences", Scope(division="place", body=("by",), subject=("about", "holder")), "place", "by", "about", "holder"
    ),
)
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
def worlds(database: Roles) -> Iterator[tuple[Engine, Engine, Wall]]:
    """Tables of every shape of scope: an engine for their owner, one for the serving role, and the wall between."""
    owner, app, wall = engine_for(database.owner), engine_for(database.app), Wall(SECRET)
    with owner.begin() as connection:
        metadata.create_all(connection)
        kernel_metadata.create_all(connection)
        raise_wall(connection, TABLES, SECRET)
    yield owner, app, wall
    owner.dispose()
    app.dispose()


def test_policies_predicate_and_decision_all_agree_with_the_model(worlds: tuple[Engine, Engine, Wall]) -> None:
    """Per world: random rows in every table, random actors, every row decided four ways."""
    owner, app, wall = worlds
    rounds, decided, wrong = (40, 0, []) if os.environ.get("GDBOS_PROVE") else (3, 0, [])
    for seed in range(rounds):
        rng = random.Random(seed)
        rows = {
            t: [{"id": n, **{c.name: rng.choice(POOL[c.name]) for c in t.columns if c.name != "id"}} for n in range(60)]
            for t in TABLES
        }
        with owner.begin() as connection:
            wall.enter_all(connection)
            for table in TABLES:
                connection.execute(table.delete())
                connection.execute(insert(table), rows[table])
        for _ in range(25):
            actor = some_actor(rng)
            for table in TABLES:
                model = {row["id"] for row in rows[table] if may_see(actor, table.name, row)}
                with app.begin() as connection:
                    wall.enter(connection, reach_of(actor))
                    policy = set(connection.execute(select(table.c.id)).scalars())
                    wall.enter_all(connection)
                    predicate = set(connection.execute(select(table.c.id).where(within(table, actor))).scalars())
                known = actor.kind != "anonymous"
                resources = ((row["id"], resource_of(table, row)) for row in rows[table])
                pure = {n for n, one in resources if known and decide(actor, KNOWN, one, Context()).allowed}
                decided += 3 * len(rows[table])
                if not model == policy == predicate == pure:
                    wrong.append((actor, table.name, model, policy, predicate, pure))
    assert wrong == []
    assert decided >= (700_000 if rounds == 40 else 50_000)


# What injected SQL may try. Each statement runs as it stands, in a transaction whose context is one body's.

OURS, THEIRS = BODIES[0], BODIES[1]
ALL = "SELECT id FROM calls"


def attacks(wall: Wall) -> Iterator[str]:
    """Statements that would read another body's rows if anything but the signature kept them."""
    now, honest = time.time(), reach_of(Actor(kind="official", id="o", body=OURS, reach="body"))
    mine = wall.context(honest, 1)
    widened = mine.replace("v1|f|", "v1|t|")
    forged = [
        "",
        "t",
        "v1|t",
        "v1|t||||||||||9999999999|{pid}",
        widened,
        widened[:-64] + "0" * 64,
        mine.replace(OURS, THEIRS),
        Wall(b"x" * 32).context(EVERYTHING, 0).replace("|0", "|{pid}"),
        wall.context(EVERYTHING, 0),
        wall.context(EVERYTHING, 1, until=now - 1),
        "\\x00",
        "v1|t" + "|" * 10 + "a" * 64,
        mine + mine,
        "null",
        "{}",
    ]
    for one in forged:
        said = f"replace('{one}', '{{pid}}', pg_backend_pid()::text)"
        yield f"WITH a AS (SELECT set_config('gdbos.scope', {said}, true)) SELECT id FROM calls, a"
        yield f"SELECT id FROM calls WHERE set_config('gdbos.scope', {said}, true) IS NOT NULL OR true"
        yield f"SELECT set_config('gdbos.scope', {said}, false); {ALL}"
    yield from (
        f"{ALL} WHERE asker = '{OURS}' OR true",
        f"{ALL} WHERE asker = '' OR '1'='1'",
        f"{ALL} UNION {ALL} ORDER BY 1",
    )
    yield from (f"RESET gdbos.scope; {ALL}", f"SET gdbos.scope = ''; {ALL}", f"RESET ALL; {ALL}", f"DISCARD ALL; {ALL}")
    yield from (
        f"SET LOCAL row_security = off; {ALL}",
        f"SET ROLE postgres; {ALL}",
        f"RESET SESSION AUTHORIZATION; {ALL}",
    )
    yield f"ROLLBACK; BEGIN; {ALL}"
    yield f"COMMIT; {ALL}"
    yield f"SAVEPOINT a; SELECT set_config('gdbos.scope', '', true); ROLLBACK TO a; {ALL}"
    yield f"CREATE VIEW stolen AS {ALL}; SELECT id FROM stolen"
    yield f"CREATE TEMP VIEW stolen AS {ALL}; SELECT id FROM stolen"
    yield f"CREATE TEMP TABLE stolen AS {ALL}; SELECT id FROM stolen"
    yield f"CREATE FUNCTION pg_temp.scope() RETURNS text[] LANGUAGE sql AS $$SELECT array['v1','t']$$; SET search_path = pg_temp, gdbos_wall, public; {ALL}"
    yield f"CREATE OR REPLACE FUNCTION gdbos_wall.scope() RETURNS text[] LANGUAGE sql AS $$SELECT array['v1','t']$$; {ALL}"
    yield f"ALTER TABLE calls DISABLE ROW LEVEL SECURITY; {ALL}"
    yield f"ALTER TABLE calls NO FORCE ROW LEVEL SECURITY; {ALL}"
    yield f"DROP POLICY gdbos_scope ON calls; {ALL}"
    yield f"CREATE POLICY more ON calls USING (true); {ALL}"
    yield "SELECT id FROM calls FOR UPDATE"
    yield "UPDATE calls SET giver = asker RETURNING id"
    yield "DELETE FROM calls RETURNING id"
    yield f"INSERT INTO calls (id, asker) VALUES (900, '{THEIRS}') RETURNING id"
    yield "COPY calls (id) TO STDOUT"
    yield f"DO $$ BEGIN PERFORM set_config('gdbos.scope', 'v1|t', true); END $$; {ALL}"
    yield "SELECT id FROM calls TABLESAMPLE SYSTEM (100)"
    yield "TABLE calls"
    yield "SELECT (c).id FROM (SELECT c FROM calls c) q"
    yield "SELECT count(*) FILTER (WHERE id >= 100) + 0 FROM calls HAVING count(*) FILTER (WHERE id >= 100) > 0"
    yield "SELECT inner_pad FROM gdbos_wall.key"
    yield "SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'calls'"


def test_injected_sql_reads_no_foreign_row(worlds: tuple[Engine, Engine, Wall]) -> None:
    owner, app, wall = worlds
    calls = TABLES[1]
    with owner.begin() as connection:
        wall.enter_all(connection)
        connection.execute(calls.delete())
        connection.execute(insert(calls), [{"id": n, "asker": OURS, "giver": OURS} for n in range(5)])
        connection.execute(insert(calls), [{"id": 100 + n, "asker": THEIRS, "giver": THEIRS} for n in range(5)])
        connection.exec_driver_sql("ANALYZE calls")
    wrong, tried = [], 0
    for attack in attacks(wall):
        tried += 1
        if foreign := [one for one in tried_rows(app, wall, attack) if one >= 100]:
            wrong.append((attack, foreign))
    assert wrong == []
    assert tried > 70


def tried_rows(app: Engine, wall: Wall, attack: str) -> list[int]:
    """The ids that ``attack`` gets hold of in a transaction of our body; none where PostgreSQL refuses it."""
    with app.connect() as connection:
        wall.enter(connection, reach_of(Actor(kind="official", id="o", body=OURS, reach="body")))
        cursor: Any = connection.connection.cursor()
        found: list[Any] = []
        try:
            if attack.startswith("COPY"):
                with cursor.copy(attack) as out:
                    found += [int(row[0]) for row in out.rows()]
            else:
                cursor.execute(attack)
                more: bool | None = True
                while more:
                    found += [row[0] for row in cursor.fetchall()] if cursor.description else []
                    more = cursor.nextset()
        except Exception as refused:
            assert type(refused).__module__.startswith("psycopg"), refused
        finally:
            connection.invalidate()
    echoed = [one for one in found if isinstance(one, str) and (one.startswith("v1|") or THEIRS not in one)]
    return [one if isinstance(one, int) else 999 for one in found if one not in echoed]


def test_the_context_ends_with_its_transaction_and_its_connection(worlds: tuple[Engine, Engine, Wall]) -> None:
    _, app, wall = worlds
    with app.connect() as connection, app.connect() as other:
        with connection.begin():
            assert not connection.exec_driver_sql(ALL).all()
            wall.enter_all(connection)
            said = connection.exec_driver_sql("SELECT current_setting('gdbos.scope')").scalar_one()
            assert connection.exec_driver_sql(ALL).all()
        with connection.begin():
            assert not connection.exec_driver_sql(ALL).all()
        with other.begin():
            other.execute(text("SELECT set_config('gdbos.scope', :said, true)"), {"said": said})
            assert not other.exec_driver_sql(ALL).all()


def test_a_bound_parameter_carries_no_second_statement(worlds: tuple[Engine, Engine, Wall]) -> None:
    _, app, _ = worlds
    with app.connect() as connection, pytest.raises(DBAPIError, match="multiple commands"):
        connection.execute(text("SELECT id FROM calls WHERE asker = :asker; SELECT 1"), {"asker": OURS})


@pytest.mark.parametrize(
    ("made", "way"),
    [
        ("CREATE VIEW around AS SELECT * FROM calls", "view around"),
        ("CREATE MATERIALIZED VIEW around AS SELECT * FROM calls", "view around"),
        (
            "CREATE VIEW near WITH (security_invoker=true) AS SELECT * FROM calls; CREATE VIEW around AS SELECT * FROM near",
            "view around",
        ),
        ("ALTER TABLE calls DISABLE ROW LEVEL SECURITY", "table calls"),
        ("ALTER TABLE calls NO FORCE ROW LEVEL SECURITY", "table calls"),
        ("CREATE POLICY more ON calls USING (true)", "table calls"),
        ("DROP POLICY gdbos_scope ON calls", "table calls"),
    ],
)
def test_whatever_lets_rows_around_it_is_found(worlds: tuple[Engine, Engine, Wall], made: str, way: str) -> None:
    owner, *_ = worlds
    with owner.connect() as connection:
        assert escapes(connection, TABLES) == []
        connection.exec_driver_sql(made)
        assert escapes(connection, TABLES) == [way]
        connection.rollback()
        connection.exec_driver_sql("CREATE VIEW with_care WITH (security_invoker=true) AS SELECT * FROM calls")
        assert escapes(connection, TABLES) == []
        connection.rollback()


def test_only_a_role_of_its_own_is_held_by_it(worlds: tuple[Engine, Engine, Wall], database: Roles) -> None:
    owner, app, _ = worlds
    superuser = engine_for(f"{POSTGRES}/{database.app.rpartition('/')[2]}")
    for engine, words in ((app, ""), (owner, "owns the tables"), (superuser, "superuser")):
        with engine.connect() as connection:
            assert words in " ".join(weaknesses(connection))
            assert bool(weaknesses(connection)) == bool(words)
    superuser.dispose()


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
    owner = engine_for(served.owner)
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW everybody AS SELECT * FROM identity_person")

    async def run() -> None:
        async with node.running(background=False):
            pass

    with pytest.raises(Misconfigured, match="view everybody"):
        asyncio.run(run())
    with owner.begin() as connection:
        connection.exec_driver_sql("DROP VIEW everybody")
    owner.dispose()


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


def test_every_scoped_table_of_the_node_has_its_policy(node: Kernel, served: Roles) -> None:
    app = engine_for(served.app)
    with app.connect() as connection:
        assert escapes(connection, tables_of(lineages(node.plugins))) == []
        assert weaknesses(connection) == []
    app.dispose()
