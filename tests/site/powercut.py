"""A power cut for SQLite: what was written and never synced is gone, and nothing else.

``install`` patches the database library in its own process: each file that it opens is copied aside, whole, at the moment a sync of it
has returned. ``cut`` puts those copies in the place of the files once the process is dead. Names (creating, truncating and deleting a
file) count as durable at once. It needs neither a file system of its own nor a preloaded library, only that Python's ``sqlite3``
and ``ctypes`` share one ``libsqlite3``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_WORD = ctypes.sizeof(ctypes.c_void_p)
_X_OPEN = 5 * _WORD
"""Offset in ``sqlite3_vfs``: three ints and padding, then pNext, zName, pAppData."""
_METHODS, _X_SYNC = 19, 5
"""Words of ``sqlite3_io_methods``, and which of them is xSync."""
_Open = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int)
)
_Sync = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_kept: list[Any] = []
"""What C code points to must not be collected."""


def shared() -> bool:
    """Whether Python's own SQLite is a library that can be reached here."""
    return "libsqlite3" in Path("/proc/self/maps").read_text("utf-8") and bool(ctypes.util.find_library("sqlite3"))


def install(home: Path, aside: Path) -> None:
    """From now on keep in ``aside`` what of the databases under ``home`` has reached the disk."""
    aside.mkdir(exist_ok=True)
    for path in home.rglob("*"):
        if path.name.endswith((".db", "-wal", ".sqlite")):
            keep(path, home, aside)
    library = ctypes.CDLL(ctypes.util.find_library("sqlite3"))
    library.sqlite3_initialize()
    library.sqlite3_vfs_find.restype = ctypes.c_void_p
    place = ctypes.c_void_p.from_address(library.sqlite3_vfs_find(None) + _X_OPEN)
    ordinary = _Open(place.value)
    names: dict[int, Path] = {}
    patched: dict[int, Any] = {}

    def opened(vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
        code: int = ordinary(vfs, name, file, flags, out)  # the name by its address: SQLite goes on reading it there
        path = Path(ctypes.string_at(name).decode() if name else "")
        if code == 0 and name and path.is_relative_to(home):
            names[file] = path
            methods = ctypes.c_void_p.from_address(file)
            methods.value = ctypes.addressof(_patched(patched, methods.value or 0, synced))
        return code

    def synced(file: int) -> None:
        keep(names[file], home, aside)

    _kept.extend([ordinary, hook := _Open(opened)])
    place.value = ctypes.cast(hook, ctypes.c_void_p).value


def _patched(known: dict[int, Any], methods: int, synced: Callable[[int], None]) -> Any:
    """The same methods but for xSync, after which ``synced`` is told."""
    if methods not in known:
        copy = (ctypes.c_void_p * _METHODS).from_buffer_copy(ctypes.string_at(methods, _METHODS * _WORD))
        ordinary = _Sync(copy[_X_SYNC])

        def sync(file: int, flags: int) -> int:
            code: int = ordinary(file, flags)
            if code == 0:
                synced(file)
            return code

        _kept.extend([ordinary, hook := _Sync(sync)])
        copy[_X_SYNC] = ctypes.cast(hook, ctypes.c_void_p).value
        known[methods] = known[ctypes.addressof(copy)] = copy
    return known[methods]


def keep(path: Path, home: Path, aside: Path) -> None:
    """Copy ``path`` aside, whole or not at all: the process may be killed while it does."""
    target = aside / str(path.relative_to(home)).replace("/", "%")
    draft = target.with_name(f".{target.name}")
    shutil.copyfile(path, draft)
    draft.rename(target)


def cut(home: Path, aside: Path) -> int:
    """Put what had reached the disk in the place of what had been written; returns how many files lost something."""
    lost = 0
    for path in [path for path in home.rglob("*") if path.name.endswith((".db", "-wal", ".sqlite", "-shm"))]:
        kept = aside / str(path.relative_to(home)).replace("/", "%")
        if not kept.exists():
            path.unlink()
            continue
        lost += path.read_bytes() != (synced := kept.read_bytes())
        path.write_bytes(synced)  # in place: its mode stays
    return lost


_COMMITS = """
import os, pathlib, powercut, sqlite3, sys
home, aside = map(pathlib.Path, sys.argv[1:3])
powercut.install(home, aside)
connection = sqlite3.connect(home / "x.db", isolation_level=None)
for statement in ("PRAGMA journal_mode=wal", "CREATE TABLE row (id INTEGER)", f"PRAGMA synchronous={sys.argv[3]}"):
    connection.execute(statement)
for number in range(500):
    connection.execute("INSERT INTO row VALUES (?)", (number,))
os._exit(9)
"""


def committed_and_kept(folder: Path, synchronous: str) -> tuple[int, int]:
    """How many rows a process committed under this setting, and how many are there after a power cut."""
    home, aside = folder / "home", folder / "aside"
    home.mkdir(parents=True)
    command = [sys.executable, "-c", _COMMITS, str(home), str(aside), synchronous]
    assert subprocess.run(command, cwd=Path(__file__).parent, check=False).returncode == 9
    cut(home, aside)
    connection = sqlite3.connect(home / "x.db")
    kept: int = connection.execute("SELECT count(*) FROM row").fetchone()[0]
    connection.close()
    return 500, kept


def main(home: str, aside: str, *arguments: str) -> None:
    """``gdbos`` with a disk whose power may be cut."""
    install(Path(home), Path(aside))
    from gdbos.cli import main as program

    sys.argv = ["gdbos", *arguments]
    program()


if __name__ == "__main__":
    main(*sys.argv[1:])
