"""Proofs made from a published log's files, and the checks that need no more than a file or two."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from gdbos.errors import NotFound, Problem
from gdbos.ledger.leaf import identity, unbundle
from gdbos.ledger.merkle import (
    HASH_SIZE,
    TILE_HEIGHT,
    Node,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from gdbos.ledger.note import Checkpoint, Malformed, Note
from gdbos.ledger.policy import Policy
from gdbos.ledger.proof import Proof
from gdbos.ledger.publication import CHECKPOINT, COSIGNED, POLICY, note_in
from gdbos.ledger.report import Report
from gdbos.ledger.tiles import ENTRIES, WIDTH, Level, node_from, tile_path, widths


class Unprovable(Problem):
    """The files of the log do not carry the proof: something is missing, or was changed."""

    code, title = "unprovable", "The log's files carry no such proof"


def prove(folder: Path, which: int | UUID) -> Proof:
    """The proof for a position, or for the last record of a call or act, in the log published in ``folder``.

    :raises NotFound: no such record is in the published log.
    :raises Unprovable: the files are not all there or do not agree with the checkpoint; verify the log.
    """
    note = Note.parse(_file(folder, CHECKPOINT))
    size = Checkpoint.parse(note.text).size
    places = [which] if isinstance(which, int) else find(folder, which, size)
    if not places or not 0 <= places[-1] < size:
        raise NotFound("The published log of {size} records has no such record.", size=size)
    index, cosigned = places[-1], note_in(folder, COSIGNED)
    if cosigned is not None and index < Checkpoint.parse(cosigned.text).size:
        note = cosigned  # others vouch for this one too
    checkpoint = Checkpoint.parse(note.text)
    record = _bundle(folder, index >> TILE_HEIGHT, checkpoint.size)[index % WIDTH]
    path = inclusion_proof(index, checkpoint.size, nodes(folder, checkpoint.size))
    if not verify_inclusion(index, checkpoint.size, leaf_hash(record), path, checkpoint.root):
        raise Unprovable("Record {index} does not lead to the checkpoint's root: verify the log.", index=index)
    return Proof(index, tuple(path), note, record)


def find(folder: Path, record: UUID, size: int) -> list[int]:
    """Positions of the records that carry the call or act id ``record``; reads every bundle."""
    wanted, found = str(record).encode(), []
    for index, _ in widths(size, 0):
        for at, content in enumerate(_bundle(folder, index, size)):
            if wanted in content and identity(content) == record:
                found.append(index * WIDTH + at)
    return found


def nodes(folder: Path, size: int) -> Node:
    """The nodes of the tree of ``size`` leaves from the hash tiles in ``folder``."""

    def read(level: int, index: int, width: int) -> bytes:
        content = _tile(folder, level, index, width)[: width * HASH_SIZE]
        if len(content) != width * HASH_SIZE:
            raise Unprovable("{tile} is cut short: verify the log.", tile=tile_path(level, index, width))
        return content

    return node_from(size, read)


def check(content: bytes, trust: Policy, record: bytes | None = None) -> Report:
    """Whether a ``.tlog-proof`` file proves its record (or ``record``) under ``trust``."""
    report = Report(log="proof", trust="given")
    try:
        proof = Proof.parse(content)
        checkpoint = proof.checked(trust, record)
    except Malformed as fault:
        report.tampered("proof", f"not a proof: {fault}")
        return report
    if proof.record is None and record is None:
        report.incomplete("proof", "it does not carry its record; give the record's bytes")
    elif checkpoint is None:
        why = (
            "the record is not where it says"
            if trust.accepts(proof.note)
            else "no trusted signature is on its checkpoint"
        )
        report.tampered("proof", why, proof.index, proof.index)
    else:
        report.origin, report.size = checkpoint.origin, checkpoint.size
        report.witnesses = trust.cosigned(proof.note)
    return report


def consistency(a: Path, b: Path, trust: Policy | None = None) -> Report:
    """Whether two checkpoints (files, or the folders of logs) are of one history, the smaller the beginning of the larger.

    The hashes come from the log's folder that the larger one, or else the smaller one, lies in.
    """
    report = Report(log=f"{a.name} and {b.name}", trust="given" if trust else "the log's own folder")
    try:
        pair = [(_checkpoint(path, trust, report), _tiles_of(path)) for path in (a, b)]
    except FileNotFoundError as missing:
        report.incomplete(Path(str(missing.filename)).name, "missing")
        return report
    (old, small), (new, large) = sorted(pair, key=lambda one: one[0].size if one[0] else 0)
    if old is None or new is None:
        return report
    report.origin, report.size = new.origin, new.size
    if old.origin != new.origin:
        report.tampered(str(b), f"is of the log {pair[1][0].origin if pair[1][0] else ''}: these are two logs")
    else:
        _compare(old, new, large or small, report)
    return report


def _compare(old: Checkpoint, new: Checkpoint, tiles: Path | None, report: Report) -> None:
    fork = f"fork: the {new.size} records do not begin with the {old.size} that were signed"
    if old.size == new.size or old.size == 0:
        if not verify_consistency(old.size, new.size, [], old.root, new.root):
            report.tampered(CHECKPOINT, fork, 0, max(old.size - 1, 0))
        return
    if tiles is None:
        report.incomplete(
            "tile", "neither checkpoint lies in its log's folder, so no hashes lead from one to the other"
        )
        return
    try:
        node = nodes(tiles, new.size)
        whole, path = root(new.size, node), consistency_proof(old.size, new.size, node)
    except (NotFound, Unprovable) as problem:
        report.incomplete("tile", str(problem))
        return
    if not verify_consistency(old.size, new.size, path, old.root, new.root):
        known = whole == new.root
        report.tampered(CHECKPOINT, fork if known else "the hashes in the folder do not lead to the larger checkpoint")


def _checkpoint(path: Path, trust: Policy | None, report: Report) -> Checkpoint | None:
    place = path / CHECKPOINT if path.is_dir() else path
    folder = _tiles_of(path)
    content = place.read_bytes()
    try:
        policy = trust or Policy.load((folder or path.parent) / POLICY)
        accepted = policy.accepts(Note.parse(content))
    except Malformed as fault:
        report.tampered(place.name, f"not a checkpoint: {fault}")
        return None
    if accepted is None:
        report.tampered(place.name, "its signatures do not satisfy the trusted keys")
    return accepted


def _tiles_of(path: Path) -> Path | None:
    near = (path, path.parent, path.parent.parent)
    return next((folder for folder in near if (folder / "tile").is_dir()), None)


def _bundle(folder: Path, index: int, size: int) -> list[bytes]:
    width = min(WIDTH, size - index * WIDTH)
    try:
        records = unbundle(_tile(folder, ENTRIES, index, width))[:width]
    except ValueError:
        records = []
    if len(records) < width:
        raise Unprovable("{tile} is damaged: verify the log.", tile=tile_path(ENTRIES, index, width))
    return records


def _tile(folder: Path, level: Level, index: int, width: int) -> bytes:
    """A tile's file; where it was only partial then and has grown since, the whole one."""
    for width_now in (width, WIDTH):
        path = folder / tile_path(level, index, width_now)
        if path.is_file():
            return path.read_bytes()
    raise Unprovable("{tile} is missing: the log is not all there.", tile=tile_path(level, index, width))


def _file(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise NotFound("No published log is here: {name} is missing.", name=name) from None
