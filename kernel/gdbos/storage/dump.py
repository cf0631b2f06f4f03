"""The whole database as files, at one moment, with no tool from outside; and back into an empty one.

SQLite is copied by its own backup interface: one file, whatever is in it. PostgreSQL is read by COPY, table by table, inside one
repeatable-read transaction; the tables themselves are made again by the revisions, so both sides must be at the same ones.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, LiteralString, TypeVar

import msgspec
from psycopg import sql
from sqlalchemy import Connection, Engine, Table, inspect, make_url, text

from gdbos.errors import Conflict
from gdbos.storage.migrate import Lineage, upgrade

SQLITE: Final = "gdbos.sqlite"
_CHUNK: Final = 1 << 20
T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Tables done, tables in all."""


class Dumped(msgspec.Struct, frozen=True, kw_only=True):
    """What a dump holds."""

    kind: str
    """``sqlite`` or ``postgresql``."""
    revisions: dict[str, list[str]]
    """Owner → the revisions its tables are at."""
    columns: dict[str, list[str]] = {}
    """PostgreSQL: table → its columns, in the order in which they were written and must be read."""
    left_out: list[str] = []
    """PostgreSQL: tables of no enabled plugin; nobody here knows how to make them again."""


def dump(
    engine: Engine,
    known: Sequence[Lineage],
    folder: Path,
    progress: Progress = lambda done, total: None,
    enter: Callable[[Connection], None] = lambda _: None,
) -> Dumped:
    """Write the database into ``folder`` as it is at one moment. Units go on meanwhile.

    :param enter: lets the transaction reach every row behind the second wall.
    """
    if engine.dialect.name == "sqlite":
        return _dump_sqlite(engine, known, folder, progress)
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        enter(connection)
        present = set(inspect(connection).get_table_names())
        tables = [table for table in _tables(known) if table.name in present]
        for done, table in enumerate(tables):
            progress(done, len(tables))
            _copy_out(connection, table, folder / f"{table.name}.copy")
        ours = {table.name for table in tables} | {lineage.version_table for lineage in known}
        return Dumped(
            kind="postgresql",
            revisions=_revisions(connection, known),
            columns={str(table.name): _columns(table) for table in tables},
            left_out=sorted(present - ours),
        )


def load(
    engine: Engine,
    known: Sequence[Lineage],
    dumped: Dumped,
    folder: Path,
    check: Callable[[Connection], T],
    progress: Progress = lambda done, total: None,
) -> T:
    """Make the tables in an empty PostgreSQL database and fill them, in one transaction: all of it or nothing.

    ``check`` looks at the result before it is committed; what it returns is returned.

    :raises Conflict: this release has other revisions than the dump, so its rows would not fit.
    """
    refuse_other_revisions(known, dumped)
    by_name = {table.name: table for table in _tables(known)}
    with engine.begin() as connection:
        for lineage in known:
            upgrade(connection, lineage)
        for table in reversed(by_name.values()):
            connection.execute(table.delete())  # a revision may have planted rows
        for done, table in enumerate(by_name.values()):
            progress(done, len(by_name))
            if columns := dumped.columns.get(table.name):
                _copy_in(connection, table.name, columns, folder / f"{table.name}.copy")
        for table in by_name.values():
            _go_on_counting(connection, table)
        return check(connection)


def refuse_other_revisions(known: Sequence[Lineage], dumped: Dumped) -> None:
    """:raises Conflict: the dump's tables are not those that this release and its enabled plugins make."""
    heads = {lineage.owner: sorted(lineage.script().get_heads()) for lineage in known}
    for owner in sorted({*heads, *dumped.revisions}):
        wanted, has = dumped.revisions.get(owner, []), heads.get(owner, [])
        if wanted != has:
            raise Conflict(
                "The tables of {owner} were backed up at revision {wanted} and this release makes {has}; restore with the"
                " release and the plugins that made the backup, and migrate afterwards.",
                owner=owner,
                wanted=", ".join(wanted) or "—",
                has=", ".join(has) or "—",
            )


def refuse_newer_revisions(known: Sequence[Lineage], dumped: Dumped) -> None:
    """:raises Conflict: a copied SQLite file is at revisions that this release does not know."""
    for lineage in known:
        mine = {revision.revision for revision in lineage.script().walk_revisions()}
        if unknown := sorted(set(dumped.revisions.get(lineage.owner, [])) - mine):
            raise Conflict(
                "The tables of {owner} were backed up at revision {unknown}, which this release does not know; restore with"
                " the release that made the backup, or a later one.",
                owner=lineage.owner,
                unknown=", ".join(unknown),
            )


def check_sqlite(path: Path) -> str:
    """What SQLite itself finds wrong with the file at ``path``; nothing when it is sound."""
    try:
        with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as connection:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as failure:
        return str(failure)
    return "" if found == "ok" else found


def is_empty(engine: Engine) -> bool:
    """Whether the database has no table."""
    return not inspect(engine).get_table_names()


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite database that may be in use."""
    reading = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
    writing = sqlite3.connect(target)
    try:
        reading.backup(writing)  # in one step: in several, every write meanwhile would start it again
        writing.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it
    finally:
        writing.close()
        reading.close()


def _dump_sqlite(engine: Engine, known: Sequence[Lineage], folder: Path, progress: Progress) -> Dumped:
    progress(0, 1)
    path = make_url(str(engine.url)).database
    assert path, "an engine of ours always names a file"
    copy_sqlite(Path(path), folder / SQLITE)
    with engine.connect() as connection:
        return Dumped(kind="sqlite", revisions=_revisions(connection, known))


def _tables(known: Iterable[Lineage]) -> list[Table]:
    """Every table, each after those it refers to."""
    return [table for lineage in known for table in lineage.tables.sorted_tables]


def _columns(table: Table) -> list[str]:
    return [str(column.name) for column in table.columns]


def _revisions(connection: Connection, known: Sequence[Lineage]) -> dict[str, list[str]]:
    present = set(inspect(connection).get_table_names())
    found = {}
    for lineage in known:
        if lineage.version_table in present:
            query = text(f"SELECT version_num FROM {lineage.version_table} ORDER BY version_num")  # noqa: S608
            found[lineage.owner] = list(connection.execute(query).scalars())
    return found


def _copy_out(connection: Connection, table: Table, path: Path) -> None:
    with (
        _cursor(connection) as cursor,
        path.open("wb") as file,
        cursor.copy(_copy(table.name, _columns(table), "TO STDOUT")) as rows,
    ):
        for part in rows:
            file.write(part)


def _copy_in(connection: Connection, table: str, columns: Sequence[str], path: Path) -> None:
    with (
        _cursor(connection) as cursor,
        path.open("rb") as file,
        cursor.copy(_copy(table, columns, "FROM STDIN")) as rows,
    ):
        while part := file.read(_CHUNK):
            rows.write(part)


def _copy(table: str, columns: Sequence[str], how: LiteralString) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) " + how).format(sql.Identifier(table), names)


def _cursor(connection: Connection) -> Any:
    driver = connection.connection.driver_connection
    assert driver is not None
    return driver.cursor()


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Let a column that counts by itself go on after the highest number that was read."""
    column = table.autoincrement_column
    if column is None:
        return
    sequence = connection.execute(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
    ).scalar_one()
    if sequence:
        highest = text(f'SELECT setval(:name, COALESCE(MAX("{column.name}"), 0) + 1, false) FROM "{table.name}"')  # noqa: S608
        connection.execute(highest, {"name": sequence})
