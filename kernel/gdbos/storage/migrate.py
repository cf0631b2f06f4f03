"""Migrations: one Alembic lineage and version table per plugin; roll forward only."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, Table, inspect, make_url

from gdbos.plugin import Plugin
from gdbos.storage.metadata import kernel_metadata


class Lineage(msgspec.Struct, frozen=True):
    """The revisions of one owner: the kernel or a plugin."""

    owner: str
    folder: Path
    tables: MetaData

    @property
    def version_table(self) -> str:
        return f"{self.owner.replace('.', '_')}_migrations"

    def script(self) -> ScriptDirectory:
        config = Config()
        config.set_main_option("script_location", str(self.folder))
        config.set_main_option("version_locations", str(self.folder))
        config.set_main_option("path_separator", "newline")
        return ScriptDirectory.from_config(config)


KERNEL = Lineage("kernel", Path(__file__).parent / "migrations", kernel_metadata)


def lineages(plugins: Iterable[Plugin]) -> list[Lineage]:
    """The kernel's lineage, then each plugin's that has tables, in the order of ``plugins``."""
    own = [
        Lineage(p.name, p.migrations, p.tables) for p in plugins if p.tables is not None and p.migrations is not None
    ]
    return [KERNEL, *own]


def options(lineage: Lineage) -> dict[str, Any]:
    """How Alembic must look at a database in which several owners' tables lie."""
    return {
        "version_table": lineage.version_table,
        "target_metadata": lineage.tables,
        "include_name": lambda name, kind, _: kind != "table" or name in lineage.tables.tables,
        "compare_type": True,
    }


def _context(connection: Connection, lineage: Lineage) -> MigrationContext:
    return MigrationContext.configure(connection, opts=options(lineage))


def behind(connection: Connection, lineage: Lineage) -> bool:
    """Whether the database lacks revisions of ``lineage``."""
    return set(_context(connection, lineage).get_current_heads()) != set(lineage.script().get_heads())


def upgrade(connection: Connection, lineage: Lineage) -> None:
    """Bring ``lineage`` to its head, in the caller's transaction."""
    script = lineage.script()

    def steps(revision: object, _: object) -> object:
        return script._upgrade_revs("heads", revision)  # type: ignore[arg-type]

    with EnvironmentContext(Config(), script, fn=steps, destination_rev="heads") as environment:
        environment.configure(
            connection=connection,
            version_table=lineage.version_table,
            target_metadata=lineage.tables,
            transactional_ddl=False,  # the caller's transaction is the one that counts
        )
        environment.run_migrations()


def drift(connection: Connection, lineage: Lineage) -> list[str]:
    """Differences between what the revisions made and what the tables declare; none is right."""
    return [str(difference) for difference in compare_metadata(_context(connection, lineage), lineage.tables)]


def tables_of(known: Iterable[Lineage]) -> list[Table]:
    """The tables of every lineage."""
    return [table for lineage in known for table in lineage.tables.tables.values()]


def migrate(
    engine: Engine, known: Iterable[Lineage], enter: Callable[[Connection], None] = lambda _: None
) -> list[str]:
    """Bring every lineage to its head and return the owners that moved. An embedded file is copied first.

    :param enter: lets a transaction reach every row, since a revision may move what lies behind the second wall.
    """
    known = list(known)
    with engine.connect() as connection:
        late = [lineage for lineage in known if behind(connection, lineage)]
    if not late:
        return []
    _copy_embedded(engine)
    for lineage in late:
        with engine.begin() as connection:
            enter(connection)
            upgrade(connection, lineage)
    return [lineage.owner for lineage in late]


def _copy_embedded(engine: Engine) -> None:
    path = make_url(str(engine.url)).database
    if engine.dialect.name != "sqlite" or not path or not inspect(engine).get_table_names():
        return
    with sqlite3.connect(path) as source, sqlite3.connect(f"{path}.copying") as target:
        source.backup(target)
    shutil.move(f"{path}.copying", f"{path}.before-migration")
