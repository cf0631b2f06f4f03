"""Databases and published logs for the ledger's tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text

from gdbos.crypto import STANDARD
from gdbos.ids import new_id
from gdbos.ledger import tables
from gdbos.ledger.leaf import AUDIT, Act, append, encode
from gdbos.ledger.note import Signer
from gdbos.ledger.policy import Policy
from gdbos.ledger.publication import publish
from gdbos.ledger.sequencer import sequence
from gdbos.storage.engine import engine_for
from gdbos.storage.metadata import kernel_metadata

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PROVE = os.environ.get("GDBOS_PROVE") == "1"
POSTGRES = "postgresql+psycopg://postgres@127.0.0.1/"
TABLES = [tables.pending, tables.leaf, tables.node, tables.checkpoint, tables.witnessed, tables.erased]


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    engine = engine_for(f"sqlite:///{tmp_path}/node.sqlite")
    kernel_metadata.create_all(engine, tables=TABLES)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres() -> Iterator[Engine]:
    name = f"gdbos_ledger_{uuid4().hex}"
    server = create_engine(f"{POSTGRES}postgres", isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except Exception as error:
        if "postgres" in os.environ.get("GDBOS_REQUIRE", ""):
            raise
        pytest.skip(f"No PostgreSQL answers at 127.0.0.1 as user postgres ({type(error).__name__}).")
    engine = engine_for(POSTGRES + name, connections=12)
    kernel_metadata.create_all(engine, tables=TABLES)
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer("gdbos.450100/audit/1", STANDARD.new_private())


def record(number: int) -> bytes:
    """A record as the audit log has them."""
    return encode(Act(id=new_id(), at=NOW, act="test.record-written", facts={"n": number}))


class Log:
    """A log that grows in a database and is published in a folder."""

    def __init__(self, engine: Engine, home: Path, signer: Signer) -> None:
        self.engine, self.home, self.signer = engine, home, signer
        self.folder = home / AUDIT
        self.records: list[bytes] = []

    def grow(self, count: int, make: Callable[[int], bytes] = record) -> Log:
        fresh = [make(len(self.records) + at) for at in range(count)]
        with self.engine.begin() as connection:
            append(connection, AUDIT, fresh, at=NOW)
            sequence(connection, AUDIT, self.signer, now=NOW)
            publish(connection, self.home, Policy((self.signer.verifier,)))
        self.records += fresh
        return self


@pytest.fixture
def log(sqlite: Engine, tmp_path: Path, signer: Signer) -> Log:
    return Log(sqlite, tmp_path / "ledger", signer)


@pytest.fixture
def make_log(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Signer], Log]:
    """Another log of the given key, with another history."""

    def make(signer: Signer) -> Log:
        home = tmp_path_factory.mktemp("another")
        engine = engine_for(f"sqlite:///{home}/node.sqlite")
        kernel_metadata.create_all(engine, tables=TABLES)
        return Log(engine, home / "ledger", signer)

    return make
