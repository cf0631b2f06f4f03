"""Engines for the two databases, refusing settings under which an acknowledged unit could be lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from typing import Any

import msgspec
import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError, OperationalError

from gdbos.errors import Misconfigured, Unavailable


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def engine_for(url: str, *, writable: bool = True, connections: int = 4) -> Engine:
    """An engine for ``url`` (``sqlite:///file`` or ``postgresql+psycopg://…``); read-only when not ``writable``."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, writable)
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed, connections)
    raise Misconfigured(f"[database] url: {parsed.get_backend_name()} is not supported; use sqlite or postgresql")


_FORGET = (
    b"CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; DISCARD TEMP;"
    b" SELECT pg_advisory_unlock_all(), EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql)"
)
"""What ``DISCARD ALL`` does, but for the statements the driver has prepared; and whether anybody prepared others by SQL."""


def _postgresql(url: URL, connections: int) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=connections,
        max_overflow=0,
        json_serializer=_json,
        json_deserializer=msgspec.json.decode,
    )

    @event.listens_for(engine, "checkout")
    def forget(driver: Any, *_: object) -> None:
        """Whoever had the connection leaves nothing on it to whoever takes it up, and one that is gone is noticed: one round trip."""
        try:
            answer = driver.pgconn.exec_(_FORGET)
        except psycopg.OperationalError as gone:
            raise InvalidatePoolError from gone
        if answer.status != psycopg.pq.ExecStatus.TUPLES_OK:
            raise InvalidatePoolError
        if answer.get_value(0, 1) != b"f":
            raise DisconnectionError  # a statement under the driver's own name would be run in its place

    return engine


def _sqlite(url: str, writable: bool) -> Engine:
    path = make_url(url).database
    if not path or path == ":memory:":
        raise Misconfigured("[database] url: SQLite needs a file; what is only in memory is not durable")
    Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = create_engine(
        url,
        json_serializer=_json,
        json_deserializer=msgspec.json.decode,
        connect_args={"check_same_thread": False, "timeout": 30},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: SQLiteConnection, _: object) -> None:
        # pysqlite's own transaction handling commits when a savepoint is released: take it over.
        connection.isolation_level = None
        pragmas = ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"]
        for pragma in pragmas if writable else [*pragmas, "query_only=ON"]:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writable else "BEGIN")

    return engine


@contextmanager
def connected(url: str, *, writable: bool = True) -> Iterator[Connection]:
    """One connection to ``url``, for a look before a node has its own."""
    engine = engine_for(url, writable=writable)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def away(failure: OperationalError) -> Unavailable:
    """``failure`` as it is told to whoever runs the node: the driver's words, without the statement and its values."""
    return Unavailable(
        "The database does not answer ({why}). Check that it runs and that [database] url leads to it.",
        why=" ".join(str(failure.orig).split()),
    )


def refuse_unsafe(engine: Engine) -> None:
    """Refuse a database that may forget what it acknowledged.

    :raises Misconfigured: SQLite below ``synchronous=FULL``; PostgreSQL with fsync, full_page_writes or
        synchronous_commit off. Power cuts lose acknowledged transactions under each of these.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            if connection.exec_driver_sql("PRAGMA synchronous").scalar_one() < 2:
                raise Misconfigured("SQLite runs below synchronous=FULL: a power cut would lose acknowledged work")
            return
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            if connection.execute(text(f"SHOW {setting}")).scalar_one() == "off":
                raise Misconfigured(
                    f"PostgreSQL runs with {setting}=off: a power cut would lose acknowledged work; set it to on"
                )
