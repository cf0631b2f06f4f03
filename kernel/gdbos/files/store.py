"""Where the contents of files lie: sealed, outside the database, each under a digest that only this node can compute."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gdbos.crypto import STANDARD, NotAuthentic
from gdbos.errors import NotFound
from gdbos.storage.durable import sync_folder, write_whole
from gdbos.vault import Vault

_TABLE: Final = "files"
_COLUMN: Final = "content"
_DIGEST = re.compile(r"\A[0-9a-f]{32}\Z")


class FileStore:
    """Contents at ``<folder>/<aa>/<digest>``, mode 0600.

    The digest is a keyed one: whoever holds a copy of a document cannot tell from the names here whether anyone handed it
    in. The same content kept twice lies here once, so nothing is removed before no row names it.
    """

    def __init__(self, folder: Path, vault: Vault) -> None:
        self.folder = folder
        self._vault = vault

    def digest(self, content: bytes) -> str:
        """The name that ``content`` has here: 32 hexadecimal digits."""
        return self._vault.blind(f"{_TABLE}.{_COLUMN}", STANDARD.digest(content).hex()).hex()

    def put(self, content: bytes) -> str:
        """Keep ``content`` and return its digest once it is on disk. What is there already is written anew: it may be damaged."""
        digest = self.digest(content)
        path = self.path(digest)
        self._make_folder(path.parent)
        write_whole(path, self._vault.seal(content, table=_TABLE, column=_COLUMN, row=digest), mode=0o600)
        return digest

    def read(self, digest: str) -> bytes:
        """The content kept under ``digest``.

        :raises NotFound: there is none. :raises NotAuthentic: it is not what was kept, or sealed with a key this node lacks.
        """
        try:
            sealed = self.path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFound("The content of this file is not at this node any more.") from None
        content = self._vault.open(sealed, table=_TABLE, column=_COLUMN, row=digest)
        if self.digest(content) != digest:
            raise NotAuthentic("The content of a file is not what was kept under its digest.")
        return content

    def reseal(self, digest: str) -> bool:
        """Seal a content anew where it is not sealed with the current key; whether it was."""
        try:
            with self.path(digest).open("rb") as sealed:
                if self._vault.fresh(sealed.read(8)):
                    return False
            self.put(self.read(digest))
        except (FileNotFoundError, NotFound):  # removed meanwhile
            return False
        return True

    def holds(self, digest: str) -> bool:
        """Whether something is kept under ``digest``."""
        return self.path(digest).is_file()

    def remove(self, digest: str) -> None:
        """Forget what is kept under ``digest``; nothing happens where nothing is."""
        self.path(digest).unlink(missing_ok=True)

    def kept(self, first: str = "") -> Iterator[tuple[str, datetime]]:
        """Digests in their order with when each was last put; ``first`` two digits choose one folder."""
        for folder in sorted(self.folder.glob(first or "[0-9a-f][0-9a-f]")):
            for path in sorted(p for p in folder.iterdir() if _DIGEST.match(p.name)):
                with suppress(FileNotFoundError):  # removed meanwhile
                    yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def path(self, digest: str) -> Path:
        """Where ``digest`` lies or would lie. :raises ValueError: it is none, so it names no place here."""
        if not _DIGEST.match(digest):
            raise ValueError("not a digest of this store")
        return self.folder / digest[:2] / digest

    def _make_folder(self, folder: Path) -> None:
        for wanted in (self.folder, folder):
            if not wanted.is_dir():
                wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
                sync_folder(wanted.parent)
