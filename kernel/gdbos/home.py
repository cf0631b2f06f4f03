"""The home directory of a node, which one process at a time writes."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gdbos.errors import Misconfigured


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold the home directory: an embedded node has one writer. :raises Misconfigured: another process holds it."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "node.lock").open("w") as lock:
        _hold(lock, home)
        yield


def _hold(lock: IO[str], home: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Misconfigured(
            f"{home} is in use by a running node; stop it first, or make the change through its addresses"
        ) from None
