"""The backup of a whole node while it serves: published ledger, database, files; and, elsewhere, its keys.

The order makes the parts fit: the ledger first, at one checkpoint, so that the database is never shorter than what was published;
then the database at one moment; then the files, of which some may be newer and none older is missing. The keys come last, so that
every subject the database names has its key among them. They go into a file of their own: whoever finds the backup alone can
read no sealed value, and whoever finds the keys alone has nothing to open.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gdbos.archive import Manifest, Writer
from gdbos.config import Settings
from gdbos.errors import BadRequest
from gdbos.files.store import FileStore
from gdbos.kernel import Kernel
from gdbos.ledger.leaf import bundle, unbundle
from gdbos.ledger.merkle import HASH_SIZE, TILE_HEIGHT
from gdbos.ledger.note import Checkpoint, Note, Signer
from gdbos.ledger.publication import CHECKPOINT, CHECKPOINTS, COSIGNED, POLICY, note_in
from gdbos.ledger.subjects import STORE
from gdbos.ledger.tiles import ENTRIES, WIDTH, Level, tile_path, widths
from gdbos.ledger.verify import log_folders
from gdbos.storage.dump import Dumped, copy_sqlite, dump
from gdbos.storage.durable import sync_folder
from gdbos.storage.engine import engine_for
from gdbos.storage.migrate import lineages
from gdbos.vault import RING, KeyRing, Vault

Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is, of how much (0: not known)."""
NODE: Final = "node"
"""The member of a keys file that says whose they are."""


def backup(
    kernel: Kernel, target: Path, keys: Path | None = None, *, progress: Progress = lambda what, done, total: None
) -> Manifest:
    """Back up the node of ``kernel``, which may be running, to the new file ``target``, and its keys to ``keys``.

    :raises BadRequest: a file of that name is there, or the keys would lie beside the data.
    :raises Misconfigured: the node has no keys, or others may read them.
    """
    home = kernel.settings.home
    ring = KeyRing.open(home / "keys")
    _refuse_places(home, target, keys)
    with _made_whole(target) as draft, TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
        writer = Writer(draft)
        try:
            sizes = _add_ledger(writer, home, progress)
            dumped = _add_database(writer, kernel, Path(folder), progress)
            _add_files(writer, FileStore(home / "files", Vault(ring)), progress)
            manifest = _manifest(kernel, writer, dumped, sizes)
            writer.close(manifest.signed(signer_of(kernel.settings, ring)))
        finally:
            writer.abandon()
        if keys is not None:
            progress("keys", 0, 0)
            _back_up_keys(kernel.settings, home / "keys", keys)
    return manifest


def signer_of(settings: Settings, ring: KeyRing) -> Signer:
    """Who signs backups: the key of the logs, under a name that no log has."""
    return Signer(signer_name(settings), ring.current("log").secret)


def signer_name(settings: Settings) -> str:
    return f"gdbos.{settings.node.division}/{settings.node.id}/backup/1"


def published_at_once(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The published log in ``folder`` at its newest checkpoint, as files that belong together, while it goes on growing."""
    cosigned = note_in(folder, COSIGNED)
    note = (folder / CHECKPOINT).read_bytes()
    size = Checkpoint.parse(Note.parse(note).text).size
    if (folder / POLICY).is_file():
        yield POLICY, (folder / POLICY).read_bytes()
    for path in sorted((folder / CHECKPOINTS).glob("[0-9]*"), key=lambda path: int(path.name)):
        if int(path.name) <= size:
            yield f"{CHECKPOINTS}/{path.name}", path.read_bytes()
    for index, width in widths(size, 0):
        yield tile_path(ENTRIES, index, width), _tile(folder, ENTRIES, index, width)
    level = 0
    while size >> TILE_HEIGHT * level:
        for index, width in widths(size, level):
            yield tile_path(level, index, width), _tile(folder, level, index, width)
        level += 1
    if cosigned is not None and Checkpoint.parse(cosigned.text).size <= size:
        yield COSIGNED, str(cosigned).encode()
    yield CHECKPOINT, note


def _tile(folder: Path, level: Level, index: int, width: int) -> bytes:
    try:
        return (folder / tile_path(level, index, width)).read_bytes()
    except FileNotFoundError:
        if width == WIDTH:
            raise
    whole = (folder / tile_path(level, index)).read_bytes()  # it has become full, and the partial one is gone
    return bundle(unbundle(whole)[:width]) if level == ENTRIES else whole[: width * HASH_SIZE]


def _refuse_places(home: Path, target: Path, keys: Path | None) -> None:
    for path in (target, keys):
        if path is not None and path.exists():
            raise BadRequest("{path} is there already; a backup never replaces another.", path=path)
        if path is not None and not path.parent.is_dir():
            raise BadRequest("There is no folder {path}.", path=path.parent)
        if path is not None and path.resolve().is_relative_to(home.resolve()):
            raise BadRequest("{path} lies in the node's own home; a backup belongs on another disk.", path=path)
    if keys is not None and keys.resolve().parent == target.resolve().parent:
        raise BadRequest(
            "The keys must not lie beside the data: whoever takes one would have both. Name another folder."
        )


@contextmanager
def _made_whole(target: Path) -> Iterator[Path]:
    """A draft that becomes ``target`` when all went well, and nothing otherwise."""
    draft = target.with_name(f".{target.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.rename(target)
        sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def _add_ledger(writer: Writer, home: Path, progress: Progress) -> dict[str, int]:
    sizes = {}
    for folder in log_folders(home / "ledger"):
        if not (folder / CHECKPOINT).exists():
            continue  # its first checkpoint is not out yet
        for done, (name, content) in enumerate(published_at_once(folder)):
            progress(f"ledger {folder.name}", done, 0)
            writer.add(f"ledger/{folder.name}/{name}", content)
            if name == CHECKPOINT:
                sizes[folder.name] = Checkpoint.parse(Note.parse(content).text).size
    return sizes


def _add_database(writer: Writer, kernel: Kernel, folder: Path, progress: Progress) -> Dumped:
    engine = engine_for(kernel.settings.database_url(owner=True), writable=False)
    try:
        enter = kernel.wall.enter_all if kernel.wall else lambda _: None
        told: Callable[[int, int], None] = lambda done, total: progress("database", done, total)  # noqa: E731
        dumped = dump(engine, lineages(kernel.plugins), folder, told, enter)
    finally:
        engine.dispose()
    for path in sorted(folder.iterdir()):
        writer.add_file(f"database/{path.name}", path)
        path.unlink()
    return dumped


def _add_files(writer: Writer, store: FileStore, progress: Progress) -> None:
    for done, (digest, _) in enumerate(store.kept()):
        progress("files", done, 0)
        # One that the sweep has taken meanwhile is missing: then no row needed it.
        writer.add_file(f"files/{digest[:2]}/{digest}", store.path(digest))


def _manifest(kernel: Kernel, writer: Writer, dumped: Dumped, sizes: dict[str, int]) -> Manifest:
    node = kernel.settings.node
    return Manifest(
        made_at=datetime.now(UTC),
        release=version("gdbos"),
        node=node.id,
        division=node.division,
        config=str(kernel.deployment.path),
        database=dumped,
        ledger=sizes,
        parts=writer.count,
        size=writer.size,
        digest=writer.digest,
    )


def _back_up_keys(settings: Settings, folder: Path, target: Path) -> None:
    with _made_whole(target) as draft, TemporaryDirectory(dir=target.parent, prefix=".keys-") as place:
        draft.touch(mode=0o600)
        subjects = Path(place) / STORE
        if (folder / STORE).exists():
            copy_sqlite(folder / STORE, subjects)
        with tarfile.open(draft, "w", format=tarfile.PAX_FORMAT) as tar:
            members = {NODE: signer_name(settings).encode(), RING: (folder / RING).read_bytes()}
            members |= {STORE: subjects.read_bytes()} if subjects.exists() else {}
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o600
                tar.addfile(member, BytesIO(content))
