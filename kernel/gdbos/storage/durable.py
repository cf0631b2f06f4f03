"""Files that are there whole and on disk, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

DRAFT = ".draft-"
"""How the names of unfinished files begin; one that a crash left behind may be deleted."""


def write_whole(path: Path, content: bytes, mode: int = 0o644, *, new: bool = False) -> None:
    """Write ``content`` to ``path`` so that a crash leaves the old file or the new one, durable when this returns.

    :raises FileExistsError: ``new`` was asked for and there is a file; it is left as it is.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=DRAFT)  # mode 0600 from its first moment
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if new:
            os.link(draft, path)  # unlike a rename, this never replaces
        else:
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
