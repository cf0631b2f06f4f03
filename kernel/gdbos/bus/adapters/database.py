"""Databases of other people: where they are, and how one is asked so that it can only answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sqlite3
import ssl
import time
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import psycopg
import pymysql
from sqlalchemy import (
    CHAR,
    Column,
    Connection,
    Engine,
    MetaData,
    Select,
    String,
    Table,
    create_engine,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy import exc as errors
from sqlalchemy.pool import QueuePool

from gdbos.bus.adapters.client import REMEMBER_ADDRESS
from gdbos.bus.adapters.lines import BrokeOff
from gdbos.bus.adapters.target import Resolve, Target
from gdbos.errors import Invalid, Problem, ProviderFailed, ProviderTimeout, Unavailable
from gdbos.text import N_

SQLITE = "sqlite:///"
CONNECT_SECONDS = 2
"""What libpq takes for its least."""
SILENCE_SECONDS = 30
"""How long a thread waits for a MariaDB that says nothing, where nobody ends its question from outside."""
THREADS = 16
"""Questions one database is asked at a time by a worker; also its connections."""
ENDED = frozenset({"57014", "1969", "3024", "interrupted"})
"""A statement ended for its time: PostgreSQL, MariaDB, MySQL, SQLite."""

T = TypeVar("T")
Row = dict[str, Any]


class Database:
    """One database as one of its users sees it, asked in threads of its own so that a hanging one holds nothing else up."""

    def __init__(self, place: Target | Path, user: str, password: Callable[[], str], resolve: Resolve) -> None:
        self._place = place
        self._resolve = resolve
        self._addresses: Sequence[str] = ()
        self._known_until = -1.0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="database")
        self._tables: dict[tuple[str, str, frozenset[str]], Table] = {}
        self._engine = _engine(place, lambda: self._connected(user, password()))

    async def rows(
        self, named: tuple[str, str, frozenset[str]], ask: Callable[[Table], Select[Any]], most: int, until: float
    ) -> list[Row]:
        """The rows of one statement over the table ``named`` by schema, name and registered columns.

        :raises ProviderTimeout, ProviderFailed, Unavailable: it does not answer, or has no such table.
        """
        await self._look_where()
        asked = _Asked(until - asyncio.get_running_loop().time())
        running = asyncio.get_running_loop().run_in_executor(self._threads, lambda: self._read(asked, named, ask, most))
        try:
            return await running
        except asyncio.CancelledError:
            asked.cut()
            raise

    async def _look_where(self) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(self._place, Target) and self._known_until < now:
            self._addresses = await self._place.addresses(self._resolve)
            self._known_until = now + REMEMBER_ADDRESS

    def close(self) -> None:
        """Close every connection; threads that still wait for the database end by its own limits."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def _read(
        self, asked: _Asked, named: tuple[str, str, frozenset[str]], ask: Callable[[Table], Select[Any]], most: int
    ) -> list[Row]:
        with _as_problems(), self._engine.connect() as connection:
            asked.on(connection)
            _begin_reading(connection, asked)
            table = self._tables.get(named)
            if table is None:
                table = self._tables[named] = _table(connection, *named)
            found = connection.execute(ask(table)).fetchmany(most)
            padded = {column.name for column in table.c if isinstance(column.type, CHAR)}
            return [{name: _unpadded(name, value, padded) for name, value in row._mapping.items()} for row in found]

    def _connected(self, user: str, password: str) -> Any:
        if isinstance(self._place, Path):
            return sqlite3.connect(
                f"file:{quote(str(self._place))}?mode=ro",
                uri=True,
                check_same_thread=False,
                isolation_level=None,
                timeout=1,
            )
        connect = _to_postgresql if self._place.base.scheme == "postgresql" else _to_mysql
        failure: Exception | None = None
        for address in self._addresses:
            try:
                return connect(self._place, address, user, password)
            except (psycopg.OperationalError, pymysql.OperationalError, OSError) as refused:
                failure = refused
        raise failure or OSError("no address")


class _Asked:
    """One question in its thread: how long it may still take, and how to end it from outside."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._raw: Any = None
        self._ended = False

    @property
    def milliseconds(self) -> int:
        """What is left. :raises ProviderTimeout: nothing."""
        left = int((self._ends - time.monotonic()) * 1000)
        if left <= 0 or self._ended:
            raise ProviderTimeout("The provider did not answer in time.")
        return left

    def on(self, connection: Connection) -> None:
        """Remember which connection it is asked on."""
        self._raw = connection.connection.dbapi_connection

    def cut(self) -> None:
        """End it: nobody waits for it any more. The database's own limit may never come, where its machine hangs."""
        self._ended = True
        with contextlib.suppress(OSError, AttributeError, KeyError, psycopg.Error):
            if isinstance(self._raw, psycopg.Connection):
                with socket.socket(fileno=os.dup(self._raw.pgconn.socket)) as line:
                    line.shutdown(socket.SHUT_RDWR)
            elif isinstance(self._raw, pymysql.Connection):
                vars(self._raw)["_sock"].shutdown(socket.SHUT_RDWR)


def _engine(place: Target | Path, connect: Callable[[], Any]) -> Engine:
    names = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
    name = names[place.base.scheme] if isinstance(place, Target) else "sqlite"
    return create_engine(
        f"{name}://", creator=connect, poolclass=QueuePool, pool_size=THREADS, max_overflow=0, pool_recycle=300
    )


def _to_postgresql(place: Target, address: str, user: str, password: str) -> psycopg.Connection[Any]:
    # Every parameter is given: what the environment or a password file of this machine says is about other databases.
    return psycopg.connect(
        host=place.base.host,
        hostaddr=address,
        port=place.base.port,
        dbname=place.base.path.strip("/"),
        user=user,
        password=password or None,
        passfile=os.devnull,
        options="",
        connect_timeout=CONNECT_SECONDS,
        sslmode="verify-full" if place.ca else "prefer",
        sslrootcert=place.ca or None,
    )


def _to_mysql(place: Target, address: str, user: str, password: str) -> Any:
    known = pymysql.Connection(
        host=place.base.host,
        port=place.base.port,
        database=place.base.path.strip("/"),
        user=user,
        password=password,
        charset="utf8mb4",
        read_timeout=SILENCE_SECONDS,
        local_infile=False,
        ssl=ssl.create_default_context(cafile=place.ca) if place.ca else None,
        defer_connect=True,
    )
    line = socket.create_connection((address, place.base.port), CONNECT_SECONDS)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    known.connect(line)
    return known


def _begin_reading(connection: Connection, asked: _Asked) -> None:
    """A transaction that changes nothing and ends by itself when nobody waits any more."""
    match connection.dialect.name:
        case "postgresql":
            connection.execution_options(postgresql_readonly=True)
            connection.execute(select(func.set_config("statement_timeout", f"{asked.milliseconds}ms", True)))
        case "sqlite":
            raw = connection.connection.dbapi_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute("PRAGMA query_only=ON")
            raw.execute("PRAGMA trusted_schema=OFF")
            asked_until = time.monotonic() + asked.milliseconds / 1000
            raw.set_progress_handler(lambda: time.monotonic() > asked_until, 10_000)
        case _:
            maria = getattr(connection.dialect, "is_mariadb", False)
            limit = "max_statement_time" if maria else "max_execution_time"
            left = asked.milliseconds
            connection.execute(text(f"SET SESSION {limit} = :most"), {"most": left / 1000 if maria else left})
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")  # of the transaction that the next statement opens


def _unpadded(name: str, value: Any, padded: Set[str]) -> Any:
    """A value without the blanks that fill up a column of fixed length."""
    return value.rstrip(" ") if name in padded and isinstance(value, str) else value


def _table(connection: Connection, schema: str, name: str, registered: frozenset[str]) -> Table:
    """The registered columns of a table or view, of the kinds the database says. :raises ProviderFailed: one is not there."""
    kinds = {column["name"]: column["type"] for column in inspect(connection).get_columns(name, schema or None)}
    if connection.dialect.name == "sqlite":  # where a column of a view may be of no kind, and is then called a number
        bare = connection.execute(text("SELECT name FROM pragma_table_info(:name) WHERE type = ''"), {"name": name})
        kinds |= {column: String() for column in bare.scalars()}
    for column in sorted(registered - kinds.keys()):
        detail = N_(
            "The provider's database has no column {column} where one is registered; its operators have to look at it."
        )
        raise ProviderFailed(detail, column=column)
    return Table(name, MetaData(), *(Column(one, kinds[one]) for one in sorted(registered)), schema=schema or None)


@contextlib.contextmanager
def _as_problems() -> Iterator[None]:
    """What drivers raise, as problems: never their words, which quote statements and values."""
    try:
        yield
    except Problem:
        raise
    except errors.NoSuchTableError:
        raise ProviderFailed(
            "The provider's database has no such table as is registered; its operators have to look at it."
        ) from None
    except errors.DataError:
        raise Invalid(N_("The department's system has no counterpart for this value.")) from None
    except errors.DBAPIError as failure:
        raise _problem(failure) from failure
    except (errors.SQLAlchemyError, psycopg.Error, pymysql.Error, sqlite3.Error, OSError):
        raise Unavailable("The provider's database does not take connections just now.", retry_after=5) from None


def _problem(failure: errors.DBAPIError) -> Problem:
    original = failure.orig
    codes = {str(getattr(original, "sqlstate", "")), *map(str, original.args[:1] if original else ())}
    if codes & ENDED:
        return ProviderTimeout("The provider did not answer in time.")
    if failure.statement is None:
        return Unavailable("The provider's database does not take connections just now.", retry_after=5)
    if failure.connection_invalidated:
        return BrokeOff("The provider's database broke off.")
    return ProviderFailed(
        "The provider's database does not answer as it is registered; its operators have to look at it."
    )
