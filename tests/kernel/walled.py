"""A database of PostgreSQL with the roles that the guide makes, and tables of every shape of scope behind the wall."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table
from sqlalchemy.exc import ProgrammingError

from gdbos.storage.engine import engine_for
from gdbos.storage.metadata import kernel_metadata
from gdbos.storage.scope import Scope
from gdbos.storage.wall import Wall, raise_wall
from gdbos.testing import postgres_there, require

from .conftest import administer

GUIDE = Path(__file__).parents[2] / "docs" / "integrators.md"
SECRET = b"w" * 32
BODIES = ("11450100MADEM0011Y", "11450100MADEM002XN", "11450103MADEM0046H", "11450000MADEM01265", "")
OURS, THEIRS = BODIES[0], BODIES[1]


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

CALLS = TABLES[1]


class World(NamedTuple):
    """The tables: an engine for their owner, one for the serving role, and the wall between."""

    owner: Engine
    app: Engine
    wall: Wall
    roles: Roles


@contextmanager
def made_world() -> Iterator[World]:
    with made_database() as roles:
        owner, app = engine_for(roles.owner), engine_for(roles.app, connections=2)
        with owner.begin() as connection:
            metadata.create_all(connection)
            kernel_metadata.create_all(connection)
            raise_wall(connection, (*TABLES, *kernel_metadata.sorted_tables), SECRET)
        yield World(owner, app, Wall(SECRET), roles)
        owner.dispose()
        app.dispose()
