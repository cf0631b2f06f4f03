"""Taking away what nobody needs: uploads that no case took up, and contents that no row names."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select

from gdbos.files.file import file
from gdbos.plugin import Job
from gdbos.storage.scope import SCOPED
from gdbos.unit import Unit

UNUSED: Final = timedelta(days=30)
"""An attachment that belongs to no case after that long is forgotten: nothing is kept just in case."""
GRACE: Final = timedelta(days=1)
"""A content younger than this may belong to a unit that has not committed yet."""
EVERY: Final = timedelta(minutes=10)
_FOLDERS: Final = 256


def sweep(unit: Unit) -> int:
    """Forget unused uploads and the contents of one of the store's folders that no row names; returns how many contents.

    One folder at a turn keeps the unit short; every folder has its turn in less than two days.
    """
    unused = (file.c.case == "", file.c.purpose == "attachment", file.c.at < unit.now - UNUSED)
    unit.execute(delete(file).where(*unused))
    turn = int(unit.now.timestamp() // EVERY.total_seconds()) % _FOLDERS
    return sweep_folder(unit, f"{turn:02x}")


def sweep_folder(unit: Unit, folder: str) -> int:
    """Forget the contents in ``folder`` (two digits) that no row names, or only rows that were refused."""
    store = unit.around.files
    wanted = select(file.c.digest).where(file.c.digest.startswith(folder), file.c.state != "refused").distinct()
    needed = set(unit.connection.execute(wanted.execution_options(**{SCOPED: True})).scalars())
    old = [digest for digest, put in store.kept(folder) if put < unit.now - GRACE and digest not in needed]
    for digest in old:
        store.remove(digest)
    return len(old)


JOBS: Final = [Job(name="sweep-files", every=EVERY, run=sweep)]
