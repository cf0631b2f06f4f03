"""A statement that is all of its transaction: written when it is acknowledged, on either database, and after a lost connection."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import Connection, text

from gdbos.errors import Unavailable
from gdbos.storage.lane import Lane, lane_for
from gdbos.storage.statement import Statement
from gdbos.testing import postgres_database

INSERT = text("INSERT INTO kept (name) SELECT :name WHERE NOT EXISTS (SELECT 1 FROM kept WHERE name = :name)")
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture(params=["sqlite", "postgresql"])
def lane(request, tmp_path):
    def opened(url):
        made = lane_for(url)
        asyncio.run(made.write(lambda c: c.exec_driver_sql("CREATE TABLE kept (name text NOT NULL PRIMARY KEY)")))
        return made

    if request.param == "sqlite":
        made = opened(f"sqlite:///{tmp_path}/lane.db")
        yield made
        made.close()
    else:
        with postgres_database() as url:
            made = opened(url)
            yield made
            made.close()


def put(lane: Lane, name: str) -> int:
    return asyncio.run(lane.put(Statement(INSERT, lane.engine.dialect.name), {"name": name}))


def names(lane: Lane) -> list[str]:
    def read(connection: Connection) -> list[str]:
        return list(connection.exec_driver_sql("SELECT name FROM kept ORDER BY name").scalars())

    return asyncio.run(lane.read(read))


def test_what_a_statement_wrote_is_there_and_its_condition_holds(lane):
    assert (put(lane, "a"), put(lane, "b"), put(lane, "a")) == (1, 1, 0)
    assert names(lane) == ["a", "b"]


def test_a_statement_that_fails_leaves_nothing_and_hurts_no_other(lane):
    with pytest.raises(Exception, match=r"(?i)null"):
        asyncio.run(lane.put(Statement(text("INSERT INTO kept (name) VALUES (NULL), (:name)"), lane.engine.dialect.name), {"name": "x"}))  # fmt: skip
    assert put(lane, "y") == 1
    assert "x" not in names(lane)


@pytest.mark.parametrize("lane", ["postgresql"], indirect=True)
def test_a_lost_connection_is_opened_again(lane):
    put(lane, "a")
    with lane.engine.connect() as connection:
        connection.exec_driver_sql(OTHERS)
    with suppress(Unavailable):  # told, where nothing showed that the connection was gone
        put(lane, "b")
    assert put(lane, "c") == 1
    assert {"a", "c"} <= set(names(lane))
