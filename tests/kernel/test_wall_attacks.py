"""SQL that got in (SQL 注入): on PostgreSQL it reads nobody else's rows, not even through whoever has the connection next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import DBAPIError

from gdbos.actor import Actor
from gdbos.reach import EVERYTHING, Reach, reach_of
from gdbos.storage.engine import engine_for
from gdbos.storage.wall import Wall

from .walled import CALLS, OURS, THEIRS, World, made_world

ALL = "SELECT id FROM calls"
HONEST = reach_of(Actor(kind="official", id="o", body=OURS, reach="body"))
VICTIM = reach_of(Actor(kind="official", id="v", body=THEIRS, reach="body"))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Five calls of our body, numbered from 0, and five of theirs, numbered from 100."""
    with made_world() as made:
        with made.owner.begin() as connection:
            made.wall.enter_all(connection)
            connection.execute(insert(CALLS), [{"id": n, "asker": OURS, "giver": OURS} for n in range(5)])
            connection.execute(insert(CALLS), [{"id": 100 + n, "asker": THEIRS, "giver": THEIRS} for n in range(5)])
            connection.exec_driver_sql("ANALYZE calls")
        yield made


# What injected SQL may try. Each statement runs as it stands, in a transaction whose context is one body's.


def attacks(wall: Wall) -> Iterator[str]:
    """Statements that would read another body's rows if anything but the signature kept them."""
    now, mine = time.time(), wall.context(HONEST, 1)
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
    yield "SELECT 1000 + count(*) FROM calls WHERE id >= 100 HAVING count(*) > 0"
    yield "SELECT inner_pad FROM gdbos_wall.key"
    yield "SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'calls'"


def test_injected_sql_reads_no_foreign_row(world: World) -> None:
    corpus = list(attacks(world.wall))
    assert len(corpus) > 70
    assert [attack for attack in corpus if foreign(world, attack)] == []


def test_without_the_wall_the_same_sql_reads_them(world: World) -> None:
    """A corpus that could not find anything would prove nothing."""
    with world.owner.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE calls DISABLE ROW LEVEL SECURITY")
    try:
        found = [attack for attack in attacks(world.wall) if foreign(world, attack)]
    finally:
        with world.owner.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE calls ENABLE ROW LEVEL SECURITY")
    assert len(found) > 60


def foreign(world: World, attack: str) -> list[int]:
    """The ids of theirs that ``attack`` gets hold of in a transaction of our body; none where PostgreSQL refuses it."""
    with entered(world.app, world.wall, HONEST) as connection:
        found = ran(connection, attack)
        connection.invalidate()
    echoed = [one for one in found if isinstance(one, str) and (one.startswith("v1|") or THEIRS not in one)]
    ids = [one if isinstance(one, int) else 999 for one in found if one not in echoed]
    return [one for one in ids if one >= 100]


@contextmanager
def entered(engine: Engine, wall: Wall, reach: Reach) -> Iterator[Connection]:
    with engine.connect() as connection:
        wall.enter(connection, reach)
        yield connection


def ran(connection: Connection, sql: str) -> list[Any]:
    """The first column of all that ``sql`` returns; what it had returned before PostgreSQL refused it."""
    cursor: Any = connection.connection.cursor()
    found: list[Any] = []
    try:
        if sql.startswith("COPY"):
            with cursor.copy(sql) as out:
                return [int(row[0]) for row in out.rows()]
        cursor.execute(sql)
        more: bool | None = True
        while more:
            found += [row[0] for row in cursor.fetchall()] if cursor.description else []
            more = cursor.nextset()
    except Exception as refused:
        assert type(refused).__module__.startswith("psycopg"), refused
    return found


# What it may leave behind on the connection, for whoever has it next to fall into.


class Ambush(NamedTuple):
    """SQL of our body's first transaction, and of its second: between them another body's has the connection."""

    laid: str
    gathered: str


_LOOTING = """
CREATE {kind}TABLE {place}.loot (id int);
CREATE FUNCTION {place}.looted(one int) RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO {place}.loot VALUES (one); RETURN one; END $$;
CREATE {kind}VIEW {place}.calls AS SELECT {place}.looted(id) AS id, asker, giver FROM public.calls;
"""
_SWAPPING = """
DO $$ DECLARE one text; BEGIN
  FOR one IN SELECT name FROM pg_prepared_statements WHERE statement LIKE '%FROM calls%' LOOP
    EXECUTE format('DEALLOCATE %I', one);
    EXECUTE format($q$ PREPARE %I AS SELECT id FROM calls WHERE set_config('loot.ids',
      concat(current_setting('loot.ids', true), ',', id), false) IS NOT NULL $q$, one);
  END LOOP;
END $$
"""
AMBUSHES = {
    "temporary view": Ambush(_LOOTING.format(kind="TEMP ", place="pg_temp"), "SELECT id FROM pg_temp.loot"),
    "schema of its own": Ambush(
        "CREATE SCHEMA ambush; GRANT ALL ON SCHEMA ambush TO PUBLIC;"
        + _LOOTING.format(kind="", place="ambush")
        + "SET search_path = ambush, public",
        "SELECT id FROM ambush.loot",
    ),
    "statement in the place of a prepared one": Ambush(
        _SWAPPING, "SELECT unnest(string_to_array(ltrim(current_setting('loot.ids', true), ','), ','))::int"
    ),
}


@pytest.mark.parametrize("name", AMBUSHES)
def test_nothing_is_read_through_whoever_has_the_connection_next(world: World, name: str) -> None:
    ambush, engine = AMBUSHES[name], engine_for(world.roles.app, connections=1)
    for _ in range(7):  # often enough for the driver to have prepared it
        assert victim_reads(engine, world.wall) == [100, 101, 102, 103, 104]
    with entered(engine, world.wall, HONEST) as connection:
        ran(connection, ambush.laid)
        connection.commit()
    assert victim_reads(engine, world.wall) == [100, 101, 102, 103, 104]
    with entered(engine, world.wall, HONEST) as connection:
        assert [one for one in ran(connection, ambush.gathered) if one >= 100] == []
    engine.dispose()


def victim_reads(engine: Engine, wall: Wall) -> list[int]:
    with entered(engine, wall, VICTIM) as connection:
        found = sorted(connection.execute(select(CALLS.c.id)).scalars())
        connection.commit()
    return found


LEFT = {
    "SET search_path = pg_catalog": ("SHOW search_path", '"$user", public'),
    "SET synchronous_commit = off": ("SHOW synchronous_commit", "on"),
    "SET ROLE gdbos_app": ("SELECT current_user = session_user", True),
    "SELECT set_config('gdbos.scope', 'x', false)": ("SELECT coalesce(current_setting('gdbos.scope', true), '')", ""),
    "LISTEN events": ("SELECT count(*) FROM pg_listening_channels()", 0),
    "SELECT pg_advisory_lock(1)": (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        0,
    ),
    "DECLARE later CURSOR WITH HOLD FOR SELECT 1": ("SELECT count(*) FROM pg_cursors WHERE is_holdable", 0),
    "PREPARE later AS SELECT 1": ("SELECT count(*) FROM pg_prepared_statements WHERE from_sql", 0),
}


@pytest.mark.parametrize("left", LEFT)
def test_a_unit_finds_its_connection_as_if_nobody_had_had_it(world: World, left: str) -> None:
    engine = engine_for(world.roles.app, connections=1)
    with engine.begin() as connection:
        connection.exec_driver_sql(left)
    with engine.begin() as connection:
        look, clean = LEFT[left]
        assert connection.exec_driver_sql(look).scalar_one() == clean
    engine.dispose()


def test_the_context_ends_with_its_transaction_and_its_connection(world: World) -> None:
    app, wall = world.app, world.wall
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


def test_a_bound_parameter_carries_no_second_statement(world: World) -> None:
    with world.app.connect() as connection, pytest.raises(DBAPIError, match="multiple commands"):
        connection.execute(text("SELECT id FROM calls WHERE asker = :asker; SELECT 1"), {"asker": OURS})
