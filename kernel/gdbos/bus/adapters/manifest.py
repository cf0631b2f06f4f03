"""The list that comes with every delivery of files: which, with what checksum, how many rows.

A department writes its files into a folder and the list last, under another name and then renamed, so that a delivery is
there whole or not at all::

    {"as_of": "2026-11-28T22:00:00+08:00",
     "files": [{"name": "accounts-1.csv", "sha256": "9f86d081…", "rows": 40000}]}
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Annotated

import msgspec

from gdbos.errors import ProviderFailed, Unavailable
from gdbos.text import N_

LARGEST = 1_048_576
"""Bytes of a manifest."""
MOST_FILES = 1_000
CHUNK = 1_048_576


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a delivery."""

    name: Annotated[str, msgspec.Meta(pattern=r"\A[\w-][\w.-]{0,119}\Z")]
    sha256: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-fA-F]{64}\Z")]
    rows: Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]
    """Without the line of headings."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole delivery."""

    as_of: datetime
    """The moment for which it is true, with its time zone."""
    files: Annotated[tuple[Listed, ...], msgspec.Meta(min_length=1, max_length=MOST_FILES)]

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise ValueError("as_of needs a time zone")
        if len({file.name for file in self.files}) < len(self.files):
            raise ValueError("a file is listed twice")


def mark(path: Path) -> tuple[int, int, int]:
    """What changes when another manifest takes the place of this one. :raises Unavailable: there is none."""
    try:
        seen = path.stat(follow_symlinks=False)
    except OSError:
        raise Unavailable("The department has delivered no files yet.", retry_after=60) from None
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def read_manifest(path: Path) -> Manifest:
    """The manifest at ``path``. :raises ProviderFailed: it is none."""
    with opened(path) as file:
        content = file.read(LARGEST + 1)
    try:
        if len(content) > LARGEST:
            raise ValueError
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise refused(
            path.name,
            N_(
                "File {file} of the department's delivery is refused: it is no list of files with their SHA-256 and rows."
            ),
        ) from None


@contextmanager
def delivered(folder: Path, listed: Listed, most: int) -> Iterator[IO[bytes]]:
    """A copy of the file ``listed``, which nobody can change any more. :raises ProviderFailed: it is not the one listed."""
    seen, size = hashlib.sha256(), 0
    with opened(folder / listed.name) as file, TemporaryFile() as copy:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise refused(
                    listed.name, N_("File {file} of the department's delivery is refused: it is larger than agreed.")
                )
            seen.update(chunk)
            copy.write(chunk)
        if seen.hexdigest() != listed.sha256.lower():
            raise refused(
                listed.name,
                N_("File {file} of the department's delivery is refused: its SHA-256 is not the one listed."),
            )
        copy.seek(0)
        yield copy


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A regular file, no link and no pipe. :raises ProviderFailed: it is not there, or is something else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise refused(
            path.name, N_("File {file} of the department's delivery is refused: it is not there, or cannot be read.")
        ) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise refused(path.name, N_("File {file} of the department's delivery is refused: it is no ordinary file."))
    with os.fdopen(handle, "rb") as file:
        yield file


def refused(file: str, detail: str, row: int = 0) -> ProviderFailed:
    """A delivery that is not used, and which file is to blame; never what stands in it."""
    return ProviderFailed(detail, file=file, row=row)
