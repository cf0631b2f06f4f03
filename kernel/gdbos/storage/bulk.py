"""Many rows in one statement: they travel as one JSON document, and the database takes it apart.

One value is bound and one statement run however many rows there are: on PostgreSQL that is one round trip (measured, 64 rows of
16 columns: 24 against 77 µs a row), and on SQLite the writer gives up Python's lock once and not once per row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, Table, TextClause, text
from sqlalchemy.dialects import postgresql

from gdbos.storage.metadata import Instant

_ENCODER: Final = msgspec.json.Encoder(uuid_format="hex")
_POSTGRESQL: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *renewed: str) -> None:
    """Insert ``rows``, which all have the columns of the first; where a key is there already, bring ``renewed`` up to date.

    :raises ValueError: a moment among them is naive.
    """
    if rows:
        connection.execute(_insert(table, connection.dialect.name, tuple(rows[0]), renewed), {"rows": packed(rows)})


def packed(rows: Iterable[Mapping[str, Any]]) -> str:
    """``rows`` as the document that :func:`unpacked` takes apart."""
    return _ENCODER.encode([{name: _plain(value) for name, value in row.items()} for row in rows]).decode()


def unpacked(dialect: str, columns: Iterable[Column[Any]]) -> str:
    """SQL of a table ``r`` made from the document ``:rows``, with values as ``columns`` keep them."""
    if dialect == "postgresql":
        typed = ", ".join(f'"{column.name}" {column.type.compile(_POSTGRESQL)}' for column in columns)
        return f"json_to_recordset(CAST(:rows AS json)) AS r({typed})"
    taken = ", ".join(f'{_extracted(column)} AS "{column.name}"' for column in columns)
    return f"(SELECT {taken} FROM json_each(:rows)) AS r"  # noqa: S608


def _extracted(column: Column[Any]) -> str:
    value = f"json_extract(value, '$.{column.name}')"
    return f"substr({value}, 1, 26)" if isinstance(column.type, Instant) else value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("A moment needs its zone: pass an aware datetime.")
        return value.astimezone(UTC).isoformat(" ", "microseconds")
    return value


@lru_cache(64)
def _insert(table: Table, dialect: str, names: tuple[str, ...], renewed: tuple[str, ...]) -> TextClause:
    columns = ", ".join(f'"{name}"' for name in names)
    source = unpacked(dialect, [table.c[name] for name in names])
    statement = f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {source} WHERE true"  # noqa: S608
    if renewed:
        key = ", ".join(f'"{column.name}"' for column in table.primary_key)
        values = ", ".join(f'"{name}" = excluded."{name}"' for name in renewed)
        statement += f" ON CONFLICT ({key}) DO UPDATE SET {values}"
    return text(statement)
