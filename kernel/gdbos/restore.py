"""A node from its backup, into an empty home and an empty database: everything is verified before anything is put in place."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, inspect, make_url, select

from gdbos.archive import Damaged, Manifest, Part, Reader
from gdbos.backup import NODE, Progress, signer_name
from gdbos.config import Settings
from gdbos.errors import BadRequest, Conflict
from gdbos.files.file import file
from gdbos.kernel import Kernel
from gdbos.ledger.note import Signer, Verifier
from gdbos.ledger.policy import Policy
from gdbos.ledger.publication import falls_short, published
from gdbos.ledger.report import SOUND
from gdbos.ledger.subjects import STORE, SubjectKeys, apply_erasures
from gdbos.ledger.verify import log_folders, verify
from gdbos.storage.dump import SQLITE, check_sqlite, is_empty, load, refuse_newer_revisions
from gdbos.storage.engine import connected, engine_for
from gdbos.storage.migrate import lineages
from gdbos.text import N_
from gdbos.vault import RING, KeyRing

_KEYS: Final = {NODE, RING, STORE}


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was restored."""

    made_at: datetime
    release: str
    database: str
    tables_left_out: list[str]
    ledger: dict[str, int]
    """Log → records, all of which were verified."""
    files: int
    files_missing: int
    """Files that rows name and the backup does not hold."""
    erased_again: int
    """Subjects whose keys were destroyed before the backup of the database, and again now."""
    seconds: float


def restore(
    kernel: Kernel, source: Path, keys: Path | None = None, *, progress: Progress = lambda what, done, total: None
) -> Restored:
    """Restore the backup ``source`` into the empty home and database of ``kernel``, with the keys in the file ``keys``.

    Without ``keys`` the node's ``keys`` folder must have been put back already. A failure leaves home and database as they were.

    :raises Damaged: a part, the manifest or the ledger is not what was written and signed.
    :raises Conflict: home or database is not empty, or another release made the tables.
    :raises BadRequest: it is another node's backup, or of another kind of database.
    """
    started = datetime.now(UTC)
    home = kernel.settings.home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    _refuse_full(home, keys)
    with TemporaryDirectory(dir=home, prefix=".restoring-") as folder:
        staged = Path(folder)
        ring = _staged_keys(kernel.settings, keys, staged) if keys else KeyRing.open(home / "keys")
        manifest, parts = _staged_parts(kernel, source, ring, staged, progress)
        _check_ledger(staged / "ledger", manifest, _trusted(kernel.settings, ring), progress)
        engine = _engine(kernel, manifest)
        try:
            missing = _fill(kernel, engine, manifest, staged, progress)
            _put_in_place(kernel.settings, staged)
            erased = _erase_again(engine, home)
        finally:
            engine.dispose()
    kernel.migrate()  # nothing moves; the second wall is raised
    os.sync()
    return Restored(
        made_at=manifest.made_at,
        release=manifest.release,
        database=manifest.database.kind,
        tables_left_out=manifest.database.left_out,
        ledger=manifest.ledger,
        files=sum(part.name.startswith("files/") for part in parts),
        files_missing=missing,
        erased_again=erased,
        seconds=round((datetime.now(UTC) - started).total_seconds(), 3),
    )


def _refuse_full(home: Path, keys: Path | None) -> None:
    for name in ("files", "ledger", *(["keys"] if keys else [])):
        folder = home / name
        if folder.is_dir() and any(folder.iterdir()):
            raise Conflict("{folder} is not empty; a backup is restored into an empty home only.", folder=folder)


def _staged_keys(settings: Settings, keys: Path, staged: Path) -> KeyRing:
    folder = staged / "keys"
    folder.mkdir(mode=0o700)
    try:
        with tarfile.open(keys, "r:") as tar:
            members = [member for member in tar.getmembers() if member.isreg() and member.name in _KEYS]
            found = {member.name: content.read() for member in members if (content := tar.extractfile(member))}
    except (tarfile.TarError, OSError) as failure:
        raise Damaged("{path} cannot be read as a keys file ({why}).", path=keys, why=type(failure).__name__) from None
    if RING not in found or found.get(NODE) != signer_name(settings).encode():
        raise BadRequest("{path} does not hold the keys of this node.", path=keys)
    for name in (RING, STORE):
        if name in found:
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(found[name])
    return KeyRing.open(folder)


def _staged_parts(
    kernel: Kernel, source: Path, ring: KeyRing, staged: Path, progress: Progress
) -> tuple[Manifest, list[Part]]:
    reader = Reader(source)
    try:
        manifest = reader.manifest([Verifier(signer_name(kernel.settings), key) for key in _publics(ring)])
        _refuse_other_node(kernel.settings, manifest)
        parts = reader.parts(manifest)
        for done, part in enumerate(parts):
            progress("verify and unpack", done, len(parts))
            reader.extract(part, staged / part.name)
    finally:
        reader.close()
    return manifest, parts


def _refuse_other_node(settings: Settings, manifest: Manifest) -> None:
    node = settings.node
    if (manifest.node, manifest.division) != (node.id, node.division):
        raise BadRequest("The backup is of node {node}, not of this one.", node=f"{manifest.division}/{manifest.node}")
    ours = make_url(settings.database_url()).get_backend_name()
    if manifest.database.kind != ours:
        theirs = manifest.database.kind
        raise BadRequest("The backup holds a {theirs} database, this node has {ours}.", theirs=theirs, ours=ours)


def _publics(ring: KeyRing) -> list[bytes]:
    return [Signer("key", key.secret).verifier.public for key in ring.all("log")]


def _trusted(settings: Settings, ring: KeyRing) -> Callable[[Path], Policy]:
    """The keys that signed a log in whichever epoch it is, from the ring and not from the backup."""

    def trusted(folder: Path) -> Policy:
        out, log = published(folder), folder.name.partition("-")[0]
        epoch = out.origin.rpartition("/")[2] if out else "1"
        name = f"gdbos.{settings.node.division}/{settings.node.id}/{log}/{epoch}"
        return Policy(tuple(Verifier(name, public) for public in _publics(ring)))

    return trusted


def _check_ledger(folder: Path, manifest: Manifest, trusted: Callable[[Path], Policy], progress: Progress) -> None:
    found = {log.name: log for log in log_folders(folder)}
    if set(found) != set(manifest.ledger):
        raise Damaged("The backup's ledger does not hold the logs that its manifest names.")
    for name, log in found.items():
        report = verify(log, trusted(log), progress=partial(progress, f"ledger {name}"))
        if report.code != SOUND or report.size != manifest.ledger[name]:
            first = str(report.faults[0]) if report.faults else f"it has {report.size} records"
            raise Damaged("The ledger {log} in the backup is not sound: {first}", log=name, first=first)


def _engine(kernel: Kernel, manifest: Manifest) -> Engine:
    """The empty database of this node. :raises Conflict: it is not empty."""
    url = kernel.settings.database_url(owner=True)
    path = Path(make_url(url).database or "")
    if manifest.database.kind == "sqlite" and path.exists() and path.stat().st_size:
        raise Conflict("{path} is there already; a backup is restored into an empty home only.", path=path)
    engine = engine_for(url)
    if manifest.database.kind == "postgresql" and not is_empty(engine):
        engine.dispose()
        raise Conflict("The database is not empty; name a new one for the node that is restored.")
    return engine


def _fill(kernel: Kernel, engine: Engine, manifest: Manifest, staged: Path, progress: Progress) -> int:
    """Fill the database and return how many files that its rows name are not in the backup."""
    known, folder, check = lineages(kernel.plugins), staged / "database", partial(_check_database, staged)
    if manifest.database.kind == "postgresql":
        return load(engine, known, manifest.database, folder, check, partial(progress, "database"))
    refuse_newer_revisions(known, manifest.database)
    copy = folder / SQLITE
    if complaint := check_sqlite(copy):
        raise Damaged("The database in the backup is damaged: {complaint}", complaint=complaint)
    with connected(f"sqlite:///{copy}", writable=False) as connection:
        missing = check(connection)
    target = Path(make_url(kernel.settings.database_url(owner=True)).database or "")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.move(copy, target)
    return missing


def _check_database(staged: Path, connection: Connection) -> int:
    for log in log_folders(staged / "ledger"):
        if falls_short(connection, log.parent, log.name):
            detail = N_("The database in the backup holds fewer records of the ledger {log} than were published.")
            raise Damaged(detail, log=log.name)
    if not inspect(connection).has_table(file.name):
        return 0
    wanted = connection.execute(select(file.c.digest).where(file.c.state != "refused").distinct()).scalars()
    return sum(not (staged / "files" / digest[:2] / digest).is_file() for digest in wanted)


def _put_in_place(settings: Settings, staged: Path) -> None:
    for name in ("files", "ledger", "keys"):
        if (staged / name).is_dir():
            if (settings.home / name).is_dir():
                (settings.home / name).rmdir()  # it is empty: that was looked at first
            (staged / name).rename(settings.home / name)


def _erase_again(engine: Engine, home: Path) -> int:
    store = SubjectKeys.open(home / "keys")
    try:
        with engine.connect() as connection:
            return apply_erasures(connection, store)
    finally:
        store.close()
