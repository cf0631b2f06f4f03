"""The keys of subjects (主体密钥库): the only link between a person and the commitments in the log.

They live in a file of their own, never in the database or its backup. Destroying a subject's key makes every commitment about
them meaningless at once, while each record's proof goes on verifying. Rows are overwritten with zeros (``secure_delete``), the
write-ahead log is emptied, so the bytes are gone from the files too; a backup of this file must not outlive 30 days.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from threading import RLock
from typing import Final, Self

from gdbos.errors import Gone, Misconfigured

STORE: Final = "subjects.sqlite"
_BATCH: Final = 500
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
                raise Gone("The keys of a subject of this call were destroyed; nothing can be recorded about them.")
            unknown = sorted(wanted.difference(self._known))
            if unknown:
                self._make(unknown)
            return {subject: self._known[subject] for subject in wanted}

    def erase(self, *subjects: str) -> None:
        """Destroy the keys of ``subjects`` for good; repeating it changes nothing. Record it in ``ledger_erased`` first."""
        with self._lock:
            self._gone.update(subjects)
            for subject in subjects:
                self._known.pop(subject, None)
            with _transaction(self._store) as store:
                rows = [(subject,) for subject in subjects]
                store.executemany("DELETE FROM subject WHERE id = ?", rows)
                store.executemany("INSERT OR IGNORE INTO erased VALUES (?)", rows)
            _empty_log(self._store)

    def is_erased(self, subject: str) -> bool:
        return subject in self._gone

    def close(self) -> None:
        with self._lock:
            _empty_log(self._store)
            self._store.close()

    def _make(self, subjects: list[str]) -> None:
        fresh = [(subject, secrets.token_bytes(32)) for subject in subjects]
        found: dict[str, bytes] = {}
        with _transaction(self._store) as store:
            # Another process may have made one of them meanwhile: whoever came first is right, so read what is there.
            store.executemany(
                "INSERT OR IGNORE INTO subject SELECT ?1, ?2 WHERE ?1 NOT IN (SELECT id FROM erased)", fresh
            )
            for at in range(0, len(subjects), _BATCH):
                part = subjects[at : at + _BATCH]
                marks = ",".join("?" * len(part))
                found.update(store.execute(f"SELECT id, key FROM subject WHERE id IN ({marks})", part))  # noqa: S608
        if len(found) < len(subjects):
            self._gone.update(set(subjects).difference(found))
            raise Gone("The keys of a subject of this call were destroyed; nothing can be recorded about them.")
        self._known.update(found)


class _transaction:  # noqa: N801
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK."""

    def __init__(self, store: sqlite3.Connection) -> None:
        self._store = store

    def __enter__(self) -> sqlite3.Connection:
        self._store.execute("BEGIN IMMEDIATE")
        return self._store

    def __exit__(self, kind: object, *_: object) -> None:
        self._store.execute("ROLLBACK" if kind else "COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    mask = os.umask(0o077)  # the write-ahead log gets the same mode as the store
    try:
        store = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        for pragma in ("secure_delete=ON", "journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF"):
            store.execute(f"PRAGMA {pragma}")
        store.executescript(_SCHEMA)
        _empty_log(store)
    finally:
        os.umask(mask)
    return store


def _empty_log(store: sqlite3.Connection) -> None:
    """Bring the write-ahead log into the store and cut it to nothing; what was deleted is then in neither."""
    busy, _, _ = store.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("the store of subject keys is being read; its log could not be emptied")
