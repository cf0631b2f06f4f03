"""The SQLite file of one system: what it has handled, and its tallies."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS handled (business_no TEXT PRIMARY KEY, answer TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS tally (what TEXT PRIMARY KEY, times INTEGER NOT NULL) STRICT;
"""


class Book:
    """One system's storage. Durable when a transaction has returned, so it survives ``kill -9``."""

    def __init__(self, path: Path, schema: str) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(SCHEMA + schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One at a time; committed on leaving, rolled back on an exception."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def counts(self) -> dict[str, int]:
        """How often what happened, since the file was made."""
        with self._lock:
            return dict(self._connection.execute("SELECT what, times FROM tally ORDER BY what"))

    def tally(self, what: str) -> None:
        """Count one happening in a transaction of its own."""
        with self.transaction() as connection:
            tally(connection, what)

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def tally(connection: sqlite3.Connection, what: str) -> None:
    """Count one happening."""
    connection.execute("INSERT INTO tally VALUES (?, 1) ON CONFLICT (what) DO UPDATE SET times = times + 1", [what])


def once(connection: sqlite3.Connection, number: str, decide: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The answer given to business ``number`` before, or the one ``decide`` gives now.

    A refusal (raised by ``decide``) is not kept: the case may come back mended under its number.
    """
    row = connection.execute("SELECT answer FROM handled WHERE business_no = ?", [number]).fetchone()
    if row:
        tally(connection, "repeated")
        return dict(json.loads(row[0]))
    answer = decide()
    connection.execute("INSERT INTO handled VALUES (?, ?)", [number, json.dumps(answer, ensure_ascii=False)])
    tally(connection, "handled")
    return answer
