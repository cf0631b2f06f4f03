"""The ``file`` adapter: a folder in which a department drops its register, and where we look it up (落地文件).

A delivery is read once by each worker, when its manifest appears, into a private table that is gone with the process; from then
on it is asked as a database is. A delivery that does not match its manifest is not used at all, and says which file is wrong.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import Column, Float, MetaData, String, Table, create_engine
from sqlalchemy.pool import StaticPool

from gdbos.bus.adapters.adapter import Answered, Asking
from gdbos.bus.adapters.lines import Lines
from gdbos.bus.adapters.lookup import LookupSettings, answer, query
from gdbos.bus.adapters.manifest import Manifest, delivered, mark, read_manifest, refused
from gdbos.bus.adapters.settings import open_places
from gdbos.bus.adapters.sheets import Kind, Row, rows_of
from gdbos.errors import Misconfigured, ProviderFailed, Unavailable
from gdbos.text import N_

NAME = re.compile(r"\A[\w-][\w.-]{0,119}\Z")
ROWS = "delivery"
BATCH = 1_000
THREADS = 4
WAITING = 0.8
"""Share of their time that callers wait for a delivery to be read in, before they are told to come back."""


class FileSettings(LookupSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[settings]` of a service whose adapter is ``file``."""

    folder: str
    """The place where deliveries appear, and nothing else."""
    manifest: str = "manifest.json"
    format: Literal["csv", "xlsx", "ndjson"] = "csv"
    charset: Literal["utf-8", "gb18030"] = "utf-8"
    delimiter: str = ","
    columns: dict[str, Kind]
    """Heading → ``text`` or ``number``: what is read of the files; their other columns are left where they are."""
    max_file_bytes: int = 104_857_600
    """Of one file of a delivery."""
    most_rows: int = 1_000_000
    """Of a whole delivery."""

    def __post_init__(self) -> None:
        LookupSettings.__post_init__(self)
        if unknown := sorted(self.registered() - self.columns.keys()):
            raise ValueError(f"`columns` does not register {', '.join(unknown)}")
        if not NAME.match(self.manifest):
            raise ValueError("`manifest` is the name of a file in the folder")
        if len(self.delimiter) != 1 or (not self.delimiter.isprintable() and self.delimiter != "\t"):
            raise ValueError("`delimiter` is one character")
        if self.max_file_bytes <= 0 or self.most_rows <= 0:
            raise ValueError("`max_file_bytes` and `most_rows` are above zero")
        if not open_places(self.folder) and "://" in self.folder:
            raise ValueError("`folder` is a folder of this machine")


class Delivery:
    """One delivery, read in."""

    def __init__(self, settings: FileSettings, manifest: Manifest) -> None:
        """:raises ProviderFailed: a file is not the one listed, or not what was agreed."""
        self.as_of = manifest.as_of
        kinds = settings.columns.items()
        self._table = Table(
            ROWS, MetaData(), *(Column(name, Float() if kind == "number" else String()) for name, kind in kinds)
        )
        self._one_at_a_time = threading.Lock()
        # A database without a name is a file that the system removes by itself; it never grows into memory.
        self._rows = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._rows.execute("PRAGMA journal_mode=OFF")
        places = ", ".join(_quoted(name) for name in settings.columns)
        self._rows.execute(f"CREATE TABLE {ROWS} ({places})")
        self._engine = create_engine("sqlite://", creator=lambda rows=self._rows: rows, poolclass=StaticPool)
        weakref.finalize(self, self._rows.close)  # when a later one has taken its place and the last question has ended
        self._read_in(settings, manifest)
        for column in sorted(set(settings.where.columns())):
            self._rows.execute(f"CREATE INDEX {_quoted(f'by {column}')} ON {ROWS} ({_quoted(column)})")
        self._rows.execute("PRAGMA query_only=ON")

    def _read_in(self, settings: FileSettings, manifest: Manifest) -> None:
        insert = f"INSERT INTO {ROWS} VALUES ({', '.join('?' * len(settings.columns))})"  # noqa: S608  (question marks)
        self._rows.execute("BEGIN")
        if sum(listed.rows for listed in manifest.files) > settings.most_rows:
            raise refused(
                settings.manifest,
                N_("File {file} of the department's delivery is refused: it lists more rows than agreed."),
            )
        for listed in manifest.files:
            counted = 0
            with delivered(Path(settings.folder), listed, settings.max_file_bytes) as file:
                form = {"form": settings.format, "charset": settings.charset, "delimiter": settings.delimiter}
                rows = rows_of(file, listed.name, settings.columns, **form)
                for batch in _batches(islice(rows, listed.rows + 1)):
                    self._rows.executemany(insert, [tuple(row.values()) for row in batch])
                    counted += len(batch)
            if counted != listed.rows:
                raise refused(
                    listed.name,
                    N_("File {file} of the department's delivery is refused: it has not as many rows as are listed."),
                )
        self._rows.execute("COMMIT")

    def rows(self, settings: FileSettings, asking: Asking) -> list[Row]:
        """The rows that the request asks for."""
        with self._one_at_a_time, self._engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(query(settings, self._table, asking))]


class File:
    """The ``file`` adapter's way."""

    kind = FileSettings

    def __init__(self, folders: Iterable[str], lines: Lines) -> None:
        self._folders = frozenset(folders)
        self._lines = lines
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="delivery")
        self._reading: dict[bytes, tuple[tuple[int, int, int], asyncio.Future[Delivery]]] = {}

    def check(self, settings: FileSettings) -> None:
        if settings.folder not in self._folders:
            raise Misconfigured(f'{settings.folder} is not among the places of this node; write folder = "{{place}}"')

    async def ask(self, settings: FileSettings, asking: Asking) -> Answered:
        """The row or rows that the request asks for, in our fields, as of the delivery they stand in."""
        if settings.folder not in self._folders:
            raise ProviderFailed("The provider's address is not registered at this node.")

        async def attempt(until: float) -> tuple[Delivery, list[Row]]:
            delivery = await self._delivery(settings, until)
            return delivery, await self._in_thread(delivery.rows, settings, asking)

        delivery, rows = await self._lines.through(asking.trip(settings, repeatable=False), attempt)
        return Answered(answer(settings, rows, asking), as_of=delivery.as_of)

    async def aclose(self) -> None:
        self._reading.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _delivery(self, settings: FileSettings, until: float) -> Delivery:
        """The delivery that lies there now; whoever asks first has it read in, and the others wait for that."""
        path, key = Path(settings.folder) / settings.manifest, msgspec.json.encode(settings)
        there = await self._in_thread(mark, path)
        known = self._reading.get(key)
        if known is None or known[0] != there:
            known = self._reading[key] = (there, asyncio.ensure_future(self._in_thread(_read, settings, path)))
        left = until - asyncio.get_running_loop().time()
        done, _ = await asyncio.wait([known[1]], timeout=left * WAITING)
        if not done:
            raise Unavailable("The department's new delivery is being read in.", retry_after=5)
        if known[1].exception() is not None and self._reading.get(key) is known:
            del self._reading[
                key
            ]  # looked at again with the next question, which a breaker keeps from being the next moment
        return known[1].result()

    async def _in_thread(self, work: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def _read(settings: FileSettings, path: Path) -> Delivery:
    return Delivery(settings, read_manifest(path))


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
