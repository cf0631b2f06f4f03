"""A whole node without plugins, on a real SQLite file and on a throw-away PostgreSQL database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from gdbos.config import Database, Deployment, Node, Settings
from gdbos.kernel import Kernel
from gdbos.text import Text

POSTGRES = "postgresql+psycopg://postgres@127.0.0.1"
OPERATOR = "11450100MADEM0011Y"

NewNode = Callable[..., Kernel]


def administer(statement: str) -> None:
    admin = create_engine(f"{POSTGRES}/postgres", isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(statement))
    finally:
        admin.dispose()


@pytest.fixture
def new_postgres() -> Iterator[Callable[[], str]]:
    """Makes empty databases that are gone after the test; their owners are no superusers, so the second wall holds them too."""
    made: list[str] = []

    def make() -> str:
        name = f"gdbos_node_{uuid4().hex[:12]}"
        try:
            administer(f'CREATE ROLE "{name}" LOGIN')
            administer(f'CREATE DATABASE "{name}" OWNER "{name}"')
        except OperationalError:
            if "postgres" in os.environ.get("GDBOS_REQUIRE", ""):
                raise
            pytest.skip("no PostgreSQL answers on 127.0.0.1:5432; set GDBOS_REQUIRE=postgres to insist on it")
        made.append(name)
        return f"postgresql+psycopg://{name}@127.0.0.1/{name}"

    yield make
    for name in made:
        administer(f'DROP DATABASE "{name}" WITH (FORCE)')
        administer(f'DROP ROLE "{name}"')


@pytest.fixture(params=["sqlite", "postgresql"])
def new_node(request: pytest.FixtureRequest, tmp_path: Path) -> NewNode:
    """Makes nodes with a home and a database of their own; tables are there unless ``migrated=False``."""

    def make(name: str = "node", *, migrated: bool = True, **sections: object) -> Kernel:
        url = "sqlite:///{home}/gdbos.db"
        if request.param == "postgresql":
            url = request.getfixturevalue("new_postgres")()
        settings = Settings(
            node=Node(
                id="nanning",
                title=Text("试验节点", "Test node"),
                division="450100",
                level="city",
                home=str(tmp_path / name),
                body=OPERATOR,
            ),
            database=Database(url=url),
            **sections,
        )
        kernel = Kernel(Deployment(tmp_path / f"{name}.toml", settings, {}))
        if migrated:
            kernel.migrate()
        return kernel

    return make
