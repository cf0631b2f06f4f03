"""The keys of subjects (主体密钥库): the only link between a person and the commitments in the log.

They live in a file of their own, never in the database or its backup. Destroying a subject's key makes every commitment about
them meaningless at once, while each record's proof goes on verifying. Rows are overwritten with zeros (``secure_delete``), the
write-ahead log is emptied, so the bytes are gone from the files too; a backup of this file must not outlive 30 days.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Final, Self

from sqlalchemy import Connection, select

from gdbos.errors import Gone, Misconfigured
from gdbos.ledger.tables import erased

STORE: Final = "subjects.sqlite"
_BATCH: Final = 500
_CACHED: Final = 200_000
"""Keys held in memory at most, some 30 MB."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS subject (id TEXT PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erased (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class SubjectKeys:
    """A key for every subject, made on first use; safe to call from several threads.

    A subject is named by an opaque id of this node, never by a number that means something outside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = RLock()
        self._known: dict[str, bytes] = {}
        self._gone: set[str] = set()
        self._store = _connect(path)
        self._gone.update(row[0] for row in self._store.execute("SELECT id FROM erased"))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The store in ``folder``, made when missing; ``Misconfigured`` when others may read it."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / STORE
        path.touch(mode=0o600)
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise Misconfigured(f"{path} may be read by others (mode {mode:04o}); run: chmod 600 {path}*")
        return cls(path)

    def key_for(self, subject: str) -> bytes:
        """The subject's key; ``Gone`` when it was erased: a new key would look like the old one forged."""
        key = self._known.get(subject)
        return key if key is not None else self.keys_for([subject])[subject]

    def keys_for(self, subjects: Iterable[str]) -> dict[str, bytes]:
        """The keys of several subjects, the missing ones made and durable in one transaction before this returns."""
        wanted = set(subjects)
        with self._lock:
            if wanted & self._gone:
                raise keys_gone()
            keys = {subject: self._known[subject] for subject in wanted if subject in self._known}
            keys |= self._read(sorted(wanted.difference(keys)))
            keys |= self._make(sorted(wanted.difference(keys)))
            if len(self._known) > _CACHED:
                self._known.clear()
            self._known |= keys
            return keys

    def at_hand(self, subjects: Iterable[str]) -> dict[str, bytes] | None:
        """The keys of those of ``subjects`` that were not erased, where all are in memory: no disk is touched."""
        known, gone = self._known, self._gone
        try:
            return {subject: known[subject] for subject in subjects if subject not in gone}
        except KeyError:
            return None

    def living(self, subjects: Iterable[str]) -> dict[str, bytes]:
        """The keys of those of ``subjects`` that were not erased, the missing ones made."""
        while True:
            try:
                return self.keys_for(subject for subject in subjects if subject not in self._gone)
            except Gone:  # another process has erased one meanwhile, and now we know
                continue

    def erase(self, *subjects: str) -> None:
        """Destroy the keys of ``subjects`` for good; repeating it changes nothing. ``ledger_erased`` says so first."""
        with self._lock:
            self._gone.update(subjects)
            for subject in subjects:
                self._known.pop(subject, None)
            with _transaction(self._store):
                rows = [(subject,) for subject in subjects]
                self._store.executemany("DELETE FROM subject WHERE id = ?", rows)
                self._store.executemany("INSERT OR IGNORE INTO erased VALUES (?)", rows)
            _empty_log(self._store)

    def is_erased(self, subject: str) -> bool:
        """Whether this process knows that the subject was erased."""
        return subject in self._gone

    def close(self) -> None:
        with self._lock:
            _empty_log(self._store)
            self._store.close()

    def _read(self, subjects: list[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for at in range(0, len(subjects), _BATCH):
            part = subjects[at : at + _BATCH]
            marks = ",".join("?" * len(part))
            found.update(self._store.execute(f"SELECT id, key FROM subject WHERE id IN ({marks})", part))  # noqa: S608
        return found

    def _make(self, subjects: list[str]) -> dict[str, bytes]:
        if not subjects:
            return {}
        fresh = [(subject, secrets.token_bytes(32)) for subject in subjects]
        with _transaction(self._store):
            # Another process may have made or erased one meanwhile: whoever came first is right, so read what is there.
            unless_erased = "INSERT OR IGNORE INTO subject SELECT ?1, ?2 WHERE ?1 NOT IN (SELECT id FROM erased)"
            self._store.executemany(unless_erased, fresh)
            found = self._read(subjects)
        if len(found) < len(subjects):
            self._gone.update(set(subjects).difference(found))
            raise keys_gone()
        return found


def apply_erasures(connection: Connection, keys: SubjectKeys) -> int:
    """Destroy the key of every subject whose erasure was confirmed, again where it was: a restored store cannot bring one back.

    :returns: how many subjects were erased.
    """
    subjects = list(connection.execute(select(erased.c.subject).where(erased.c.at.is_not(None))).scalars())
    keys.erase(*subjects)
    return len(subjects)


def keys_gone() -> Gone:
    """The problem of a record about a subject who was erased."""
    return Gone(
        "A subject of this call was erased, and their key with it; nothing about them can be recorded, so nothing is shown."
    )


@contextmanager
def _transaction(store: sqlite3.Connection) -> Iterator[None]:
    store.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        store.execute("ROLLBACK")
        raise
    store.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    store = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    for pragma in ("secure_delete=ON", "journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF"):
        store.execute(f"PRAGMA {pragma}")
    store.executescript(_SCHEMA)
    return store


def _empty_log(store: sqlite3.Connection) -> None:
    """Bring the write-ahead log into the store and cut it to nothing; what was deleted is then in neither."""
    busy, _, _ = store.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("the store of subject keys is being read; its log could not be emptied")
