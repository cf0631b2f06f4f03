"""The packs a node stands under: those that ship, those in its folders and of its plugins, and the editions published in its database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Connection, inspect

from gdbos.config import Settings
from gdbos.ledger.note import Signer, Verifier
from gdbos.vault import KeyRing

from .edition import Standing, parcel, standards_edition, standing
from .fault import Fault, PackRefused
from .load import Kinds, load
from .parcel import Files, tampered, unzipped
from .registry import KINDS, Standards
from .span import Days, Published, Speaking, speaking


class Shelf:
    """Where a node's packs lie, and how they are loaded, tried and kept as they were published."""

    def __init__(
        self,
        folders: Sequence[Path],
        kinds: Kinds,
        chain: Sequence[str],
        settings: Settings,
        ring: Callable[[], KeyRing],
    ) -> None:
        """Published editions are written below the home that ``settings`` name; ``ring`` signs them, and has signed them."""
        self.folders, self.kinds, self.chain = tuple(folders), kinds, tuple(chain)
        self.home = settings.home / "standards"
        self.name = f"gdbos.{settings.node.division}/{settings.node.id}/standards/1"
        self.ring = ring

    def signer(self) -> Signer:
        """The key under which the node publishes."""
        return Signer(self.name, self.ring().current("log").secret)

    def trusted(self) -> list[Verifier]:
        """The node's own keys, present and past."""
        return [Signer(self.name, key.secret).verifier for key in self.ring().all("log")]

    def structs(self) -> dict[str, type[msgspec.Struct]]:
        """Every kind, the registry's own and those of plugins, with what its documents decode to."""
        declared = {name: kind if isinstance(kind, type) else kind.struct for name, kind in self.kinds.items()}
        return {**KINDS, **declared}

    def load(self, published: Published) -> Standards:
        """The standards as they stand with the published editions.

        :raises PackRefused: something is wrong with a pack, or a published file is not as it was signed.
        """
        faults = [
            fault
            for spoken in published.values()
            for folder in sorted({one.folder for one in spoken})
            for fault in tampered(folder, self.trusted())
        ]
        if faults:
            raise PackRefused(faults)
        return load(self.folders, self.kinds, self.chain, published)

    def published(self, connection: Connection) -> Published:
        """The editions that speak, each written to its folder where it does not lie there yet."""
        if not inspect(connection).has_table(standards_edition.name):
            return {}  # the tables are behind; whoever needs them says so
        rows = standing(connection)
        for row in rows:
            if not self.folder_of(row).is_dir():
                write(self.folder_of(row), unzipped(parcel(connection, row.id)))
        return self.with_changes(rows)

    def with_changes(self, rows: Sequence[Standing], *more: tuple[str, Speaking]) -> Published:
        """Who speaks when, by pack, with ``more`` editions that are not published yet."""
        known: dict[str, list[Speaking]] = {}
        for row in rows:
            known.setdefault(row.pack, []).append(Speaking(self.folder_of(row), Days(row.since, row.until)))
        for pack, one in more:
            known.setdefault(pack, []).append(one)
        return {pack: speaking(editions) for pack, editions in known.items()}

    def folder_of(self, row: Standing) -> Path:
        """Where a published edition lies."""
        return self.home / row.pack / row.version

    def tried(self, rows: Sequence[Standing], *more: tuple[str, Speaking]) -> Standards | list[Fault]:
        """The standards as they would stand, or what would be wrong with them."""
        try:
            return load(self.folders, self.kinds, self.chain, self.with_changes(rows, *more))
        except PackRefused as refused:
            return list(refused.faults)


def write(folder: Path, files: Files) -> None:
    """Put a pack's files in place, whole or not at all; another worker may have done it meanwhile."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        for name, content in files.items():
            (draft / name).parent.mkdir(exist_ok=True)
            (draft / name).write_bytes(content)
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def laid_out(files: Files, pack: str) -> Iterator[Path]:
    """The files in a folder named as their pack, for as long as they are tried."""
    with tempfile.TemporaryDirectory(prefix="gdbos-pack-") as place:
        folder = Path(place) / pack
        write(folder, files)
        yield folder
