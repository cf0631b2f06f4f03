"""The log as files that need no server and no database to check: C2SP tlog-tiles under ``<folder>/<log>/``.

    checkpoint                 the newest signed note
    checkpoints/<size>         every checkpoint that was ever published, to remember it by
    cosigned                   the newest one that its witnesses signed too
    seen                       what a witness has seen beyond these files, if anything
    policy                     the keys this node says its log signs with (trust your own copy, not this one)
    tile/<L>/<N>[.p/<W>]       hashes
    tile/entries/<N>[.p/<W>]   records

What a checkpoint needs is on disk before it is, so a crash leaves at worst tiles that no checkpoint speaks of yet.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from gdbos.ledger.leaf import bundle
from gdbos.ledger.merkle import TILE_HEIGHT, Node, consistency_proof, verify_consistency
from gdbos.ledger.note import Checkpoint, Note
from gdbos.ledger.policy import Policy
from gdbos.ledger.sequencer import Diverged, latest, node_in
from gdbos.ledger.tables import checkpoint, leaf
from gdbos.ledger.tiles import ENTRIES, Level, tile_path, widths
from gdbos.storage.durable import sync_folder, write_whole

CHECKPOINT: Final = "checkpoint"
CHECKPOINTS: Final = "checkpoints"
COSIGNED: Final = "cosigned"
POLICY: Final = "policy"
SEEN: Final = "seen"


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """How much of a log somebody is known to have seen."""

    size: int
    by: str = ""
    """The witness; empty: this node published it itself."""
    other_history: bool = False
    """Those records are not the ones this node holds now."""
    origin: str = ""
    """The log by its epoch: an answer that was under way when a new one began says nothing about it."""

    def told(self, held: int) -> str:
        """What is wrong, for an operator."""
        by = f"the witness {self.by} has seen" if self.by else "this node published"
        if self.other_history:
            return f"{by} another history of the first {self.size:,} records than the one this database holds"
        return f"this database holds {held:,} records, and {by} {self.size:,}"


NOBODY: Final = Policy(())


def publish(connection: Connection, folder: Path, policy: Policy = NOBODY, but: Collection[str] = ()) -> dict[str, int]:
    """Write what is new of every log under ``folder`` ``but`` some; returns the published size by log. Reads the database only.

    ``policy`` has the keys that the logs sign or signed with, and their witnesses; it is written beside each log.

    :raises Diverged: the database is shorter than what was published, or holds another history.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".publishing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two workers, the one with the older view must not write last
        logs = connection.execute(select(checkpoint.c.log).distinct()).scalars().all()
        return {log: _publish(connection, folder / log, log, policy) for log in sorted({*logs} - {*but})}


def published(folder: Path) -> Checkpoint | None:
    """The checkpoint that the log in ``folder`` was last published with."""
    note = note_in(folder, CHECKPOINT)
    return Checkpoint.parse(note.text) if note else None


def note_in(folder: Path, name: str) -> Note | None:
    """The signed note in the file ``name``."""
    try:
        return Note.parse((folder / name).read_bytes())
    except FileNotFoundError:
        return None


def remember(folder: Path, seen: Seen) -> None:
    """Keep what a witness has seen of the log in ``folder``, for when the database cannot know it."""
    write(folder, SEEN, msgspec.json.encode(seen))


def most_seen(folder: Path) -> Seen:
    """The most that anybody is known to have seen of the log in ``folder``, by its files."""
    notes = [Checkpoint.parse(note.text) for name in (CHECKPOINT, COSIGNED) if (note := note_in(folder, name))]
    known = [Seen(one.size, origin=one.origin) for one in notes] or [Seen(0)]
    with suppress(FileNotFoundError):
        known.append(msgspec.json.decode((folder / SEEN).read_bytes(), type=Seen))
    known = [seen for seen in known if seen.origin == (known[0].origin or seen.origin)]
    return max(known, key=lambda seen: (seen.other_history, seen.size))


def make_room(folder: Path, log: str, epoch: int) -> None:
    """Set aside what is published of an earlier epoch of ``log``, under the name its records have in the database."""
    out = published(folder / log)
    ended = int(out.origin.rpartition("/")[2]) if out else epoch
    if ended < epoch:
        with suppress(FileNotFoundError):  # another worker was faster
            (folder / log).rename(folder / f"{log}-{ended}")
        sync_folder(folder)


def falls_short(connection: Connection, folder: Path, log: str) -> Seen | None:
    """What others saw and the database does not hold: then it is a restored backup or a fork, and must not append."""
    seen = most_seen(folder / log)  # before the database is looked at, which only grows
    return seen if lacks(connection, log, seen) else None


def lacks(connection: Connection, log: str, seen: Seen) -> bool:
    """Whether the database does not hold all that was ``seen``."""
    last = latest(connection, log)
    return seen.other_history or (last[1].size if last else 0) < seen.size


def _publish(connection: Connection, folder: Path, log: str, policy: Policy) -> int:
    last = latest(connection, log)
    assert last is not None, "the log was listed because it has a checkpoint"
    note, new, _ = last
    _write_policy(folder, policy, new.origin)
    old = published(folder)
    kept = f"{CHECKPOINTS}/{new.size}"
    if old == new and (folder / kept).is_file():
        return new.size
    node = node_in(connection, log, new.size)
    if old is not None:
        _same_history(log, old, new, node)
    start = old.size if old else 0
    written = [*_write_entries(connection, folder, log, start, new.size), *_write_hashes(folder, start, new.size, node)]
    for path in (CHECKPOINT, kept):
        write(folder, path, str(note).encode())
    _drop_partials(folder, written)
    return new.size


def _same_history(log: str, old: Checkpoint, new: Checkpoint, node: Node) -> None:
    if old.size > new.size:
        facts = {"log": log, "held": new.size, "published": old.size}
        raise Diverged("Ledger {log} holds {held} records but {published} were published: restore the rest.", **facts)
    path = consistency_proof(old.size, new.size, node)
    if old.origin != new.origin or not verify_consistency(old.size, new.size, path, old.root, new.root):
        facts = {"log": log, "published": old.size}
        raise Diverged("Ledger {log} no longer begins with the {published} records that were published.", **facts)


def _write_entries(connection: Connection, folder: Path, log: str, start: int, size: int) -> Iterable[str]:
    for index, width in widths(size, 0, start):
        first = index << TILE_HEIGHT
        query = select(leaf.c.leaf).where(leaf.c.log == log, leaf.c.position >= first, leaf.c.position < first + width)
        leaves = connection.execute(query.order_by(leaf.c.position)).scalars().all()
        yield _write_tile(folder, ENTRIES, index, width, bundle(leaves))


def _write_hashes(folder: Path, start: int, size: int, node: Node) -> Iterable[str]:
    level = 0
    while size >> TILE_HEIGHT * level:
        for index, width in widths(size, level, start >> TILE_HEIGHT * level):
            first = index << TILE_HEIGHT
            hashes = b"".join(node(TILE_HEIGHT * level, first + place) for place in range(width))
            yield _write_tile(folder, level, index, width, hashes)
        level += 1


def _write_tile(folder: Path, level: Level, index: int, width: int, content: bytes) -> str:
    path = tile_path(level, index, width)
    write(folder, path, content)
    return path


def _drop_partials(folder: Path, written: Iterable[str]) -> None:
    """A full tile replaces its partial ones (tlog-tiles, "Partial Tiles")."""
    for path in written:
        if ".p/" not in path:
            shutil.rmtree(folder / f"{path}.p", ignore_errors=True)


def _write_policy(folder: Path, policy: Policy, origin: str) -> None:
    own = tuple(dict.fromkeys(msgspec.structs.replace(key, name=origin) for key in policy.logs))  # whatever the epoch
    content = str(msgspec.structs.replace(policy, logs=own)).encode()
    path = folder / POLICY
    if own and (not path.is_file() or path.read_bytes() != content):
        write(folder, POLICY, content)


def write(folder: Path, path: str, content: bytes) -> None:
    """Put a file into a log's folder, whole and on disk."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, content)
