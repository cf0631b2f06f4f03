"""Ways around the second wall are found before a node serves behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gdbos.storage.breach import escapes, weaknesses
from gdbos.storage.engine import engine_for

from .conftest import POSTGRES
from .walled import TABLES, World, made_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with made_world() as made:
        yield made


UNKNOWN = ", which this node did not make"
CHANGED = "function gdbos_wall.scope(), which is not as this release made it"
_REPLACED = "CREATE OR REPLACE FUNCTION gdbos_wall.scope() RETURNS text[] LANGUAGE"


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
        ("ALTER POLICY gdbos_scope ON calls USING (true)", "table calls"),
        ("ALTER POLICY gdbos_scope ON calls WITH CHECK (true)", "table calls"),
        ("CREATE TABLE copied AS SELECT * FROM calls", f"table copied{UNKNOWN}"),
        ("CREATE SCHEMA other; CREATE TABLE other.calls AS SELECT * FROM public.calls", f"table other.calls{UNKNOWN}"),
        ("CREATE TABLE kid () INHERITS (calls)", f"table kid{UNKNOWN}"),
        ("CREATE TABLE gdbos_wall.copied AS SELECT * FROM calls", f"table gdbos_wall.copied{UNKNOWN}"),
        (
            "CREATE FUNCTION leak() RETURNS SETOF calls LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM calls'",
            "function leak()",
        ),
        (f"{_REPLACED} sql AS $$SELECT array['v1', 't']$$", CHANGED),
        (f"{_REPLACED} plpgsql SECURITY DEFINER AS $$BEGIN RETURN array['v1', 't']; END$$", CHANGED),
        ("ALTER FUNCTION gdbos_wall.scope() SECURITY INVOKER", CHANGED),
        ("ALTER FUNCTION gdbos_wall.scope() SET search_path = public", CHANGED),
    ],
)
def test_whatever_lets_rows_around_it_is_found(world: World, made: str, way: str) -> None:
    with world.owner.connect() as connection:
        assert escapes(connection, TABLES) == []
        connection.exec_driver_sql(made)
        assert escapes(connection, TABLES) == [way]
        connection.rollback()


@pytest.mark.parametrize(
    "made",
    [
        "CREATE VIEW with_care WITH (security_invoker=true) AS SELECT * FROM calls",
        "CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM calls'",
    ],
)
def test_what_asks_with_the_rights_of_whoever_asks_is_no_way_around_it(world: World, made: str) -> None:
    with world.owner.connect() as connection:
        connection.exec_driver_sql(made)
        assert escapes(connection, TABLES) == []
        connection.rollback()


def test_what_the_serving_role_cannot_read_is_the_integrators_own(world: World) -> None:
    name = world.roles.app.rpartition("/")[2]
    superuser = engine_for(f"{POSTGRES}/{name}")
    for done, found in (
        ("CREATE SCHEMA reports; CREATE TABLE reports.monthly AS SELECT 1 AS n", []),
        (
            f"GRANT USAGE ON SCHEMA reports TO {name}_app; GRANT SELECT (n) ON reports.monthly TO {name}_app",
            [f"table reports.monthly{UNKNOWN}"],
        ),
        ("DROP SCHEMA reports CASCADE", []),
    ):
        with superuser.begin() as connection:
            connection.exec_driver_sql(done)
        with world.app.connect() as connection:
            assert escapes(connection, TABLES) == found
    superuser.dispose()


def test_only_a_role_of_its_own_is_held_by_it(world: World) -> None:
    superuser = engine_for(f"{POSTGRES}/{world.roles.app.rpartition('/')[2]}")
    for engine, words in ((world.app, ""), (world.owner, "owns the tables"), (superuser, "superuser")):
        with engine.connect() as connection:
            assert words in " ".join(weaknesses(connection))
            assert bool(weaknesses(connection)) == bool(words)
    superuser.dispose()


@pytest.mark.parametrize(
    ("given", "taken", "words"),
    [
        (
            "GRANT TEMPORARY ON DATABASE {db} TO {app}",
            "REVOKE TEMPORARY ON DATABASE {db} FROM {app}",
            "may make temporary",
        ),
        ("GRANT CREATE ON DATABASE {db} TO {app}", "REVOKE CREATE ON DATABASE {db} FROM {app}", "may make tables or"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC", "may make tables or"),
        (
            "GRANT SELECT ON gdbos_wall.key TO {app}",
            "REVOKE SELECT ON gdbos_wall.key FROM {app}",
            "can read the wall's",
        ),
        (
            "GRANT SELECT (inner_pad) ON gdbos_wall.key TO gdbos_app",
            "REVOKE SELECT (inner_pad) ON gdbos_wall.key FROM gdbos_app",
            "can read the wall's",
        ),
        ("ALTER ROLE {app} CREATEROLE", "ALTER ROLE {app} NOCREATEROLE", "has CREATEROLE"),
        ("ALTER ROLE {app} BYPASSRLS", "ALTER ROLE {app} NOBYPASSRLS", "BYPASSRLS"),
        (
            "ALTER ROLE {app} NOINHERIT; GRANT {db}_owner TO {app}",
            "REVOKE {db}_owner FROM {app}",
            "a member of {db}_owner",
        ),
        ("ALTER ROLE {app} NOINHERIT; GRANT postgres TO {app}", "REVOKE postgres FROM {app}", "a member of postgres"),
        (
            "ALTER ROLE {app} NOINHERIT; GRANT pg_read_all_data TO {app}",
            "REVOKE pg_read_all_data FROM {app}",
            "a member of pg_read_all_data",
        ),
        (
            "GRANT pg_execute_server_program TO {app}",
            "REVOKE pg_execute_server_program FROM {app}",
            "the server's files",
        ),
    ],
)
def test_a_serving_role_that_may_take_more_is_refused(world: World, given: str, taken: str, words: str) -> None:
    name = world.roles.app.rpartition("/")[2]
    named = {"db": name, "app": f"{name}_app"}
    superuser = engine_for(f"{POSTGRES}/{name}")
    for done, found in ((given, words), (f"{taken}; ALTER ROLE {{app}} INHERIT", "")):
        with superuser.begin() as connection:
            connection.exec_driver_sql(done.format(**named))
        with world.app.connect() as connection:
            weak = weaknesses(connection)
        assert bool(weak) == bool(found)
        assert found.format(**named) in " ".join(weak)
    superuser.dispose()
