"""One sequencer per log gives pending records their places, hashes the tree on and signs it.

It reads by deleting: a reader of "everything after the last id" would miss the record of a transaction that commits late,
``DELETE … RETURNING`` cannot. Whatever happens, a record is either pending or in the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, text

from gdbos.crypto import STANDARD
from gdbos.errors import Problem
from gdbos.ledger.leaf import identity, unbundle
from gdbos.ledger.merkle import EMPTY_ROOT, TILE_HEIGHT, Frontier, Node, leaf_hash
from gdbos.ledger.note import Checkpoint, Note, Signer
from gdbos.ledger.tables import checkpoint, leaf, node, pending
from gdbos.ledger.tiles import node_from
from gdbos.storage.bulk import ENCODER

BATCH: Final = 2_000

Spread = Callable[[Connection, Sequence[str]], None]
"""Writes what pending rows carry for other tables, in the sequencer's transaction."""


class Diverged(Problem):
    """What the database holds is not what this log signed; appending now would fork it. A person has to look."""

    code, title = "ledger-diverged", "The ledger is not the one that was signed"


def sequence(
    connection: Connection,
    log: str,
    signer: Signer,
    limit: int = BATCH,
    *,
    now: datetime | None = None,
    spread: Spread | None = None,
    wait: bool = False,
) -> int:
    """Move some ``limit`` pending records of ``log`` into the tree and sign it; returns how many moved. Rows are not divided.

    The caller's transaction is the batch: commit it. Where another process sequences this log already (PostgreSQL, advisory lock),
    nothing moves, or with ``wait`` its turn is waited for. The first checkpoint, of the empty tree, is signed when the log is
    first met. What rows carry for other tables is given to ``spread``, so that it is there exactly when its leaves are.

    :raises Diverged: the tree in the database is not the one the last checkpoint was signed over.
    """
    if not _alone(connection, log, wait=wait):
        return 0
    last = latest(connection, log)
    frontier = _resume(connection, log, last, signer.name)
    taken = _take(connection, log, limit)
    leaves = [content for row in taken for content in _leaves(row)]
    if last is not None and not leaves:
        return 0
    if spread is not None and (carried := [row.rows for row in taken if row.rows is not None]):
        spread(connection, carried)
    start, hashes = frontier.size, [leaf_hash(content) for content in leaves]
    full = frontier.extend(hashes)
    _store_leaves(connection, log, start, leaves, hashes)
    if full:
        rows = [{"log": log, "level": level, "position": place, "hash": hashed} for level, place, hashed in full]
        connection.execute(insert(node), rows)
    _sign(connection, log, signer, frontier, now or datetime.now(UTC))
    return len(leaves)


def latest(connection: Connection, log: str) -> tuple[Note, Checkpoint, bytes] | None:
    """The last checkpoint of ``log``: as a note, as read, and the frontier it was signed over."""
    query = select(checkpoint.c.note, checkpoint.c.edge).where(checkpoint.c.log == log)
    row = connection.execute(query.order_by(checkpoint.c.size.desc()).limit(1)).first()
    if row is None:
        return None
    note = Note.parse(row.note)
    return note, Checkpoint.parse(note.text), row.edge


def size_of(connection: Connection, log: str) -> int:
    """How many records of ``log`` are in the tree."""
    found = connection.execute(select(func.max(checkpoint.c.size)).where(checkpoint.c.log == log)).scalar_one()
    return found or 0


def waiting(connection: Connection, log: str) -> int:
    """How many records of ``log`` are durable but not in the tree yet."""
    total = select(func.coalesce(func.sum(pending.c.records), 0)).where(pending.c.log == log)
    return int(connection.execute(total).scalar_one())


def positions(connection: Connection, log: str, record: UUID) -> list[int]:
    """Where the records of a call or act are in ``log``; empty while they wait."""
    query = select(leaf.c.position).where(leaf.c.log == log, leaf.c.record == record).order_by(leaf.c.position)
    return list(connection.execute(query).scalars())


def node_in(connection: Connection, log: str, size: int) -> Node:
    """The nodes of the first ``size`` records of ``log``, for proofs made from the database."""

    def read(level: int, index: int, width: int) -> bytes:
        table = node if level else leaf
        first = index << TILE_HEIGHT
        query = select(table.c.hash).where(
            table.c.log == log, table.c.position >= first, table.c.position < first + width
        )
        if level:
            query = query.where(node.c.level == level)
        hashes = connection.execute(query.order_by(table.c.position)).scalars().all()
        if len(hashes) != width:
            raise Diverged(
                "The ledger {log} lacks hashes {first} to {last}.", log=log, first=first, last=first + width - 1
            )
        return b"".join(hashes)

    return node_from(size, read)


def _alone(connection: Connection, log: str, *, wait: bool) -> bool:
    if connection.dialect.name != "postgresql":
        return True  # an embedded database has one writer
    key = {"key": int.from_bytes(STANDARD.digest(f"gdbos.ledger/{log}".encode())[:8], "big", signed=True)}
    if wait:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), key)
        return True
    return bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), key).scalar_one())


def _resume(connection: Connection, log: str, last: tuple[Note, Checkpoint, bytes] | None, origin: str) -> Frontier:
    held = connection.execute(select(func.max(leaf.c.position)).where(leaf.c.log == log)).scalar_one()
    size = 0 if held is None else held + 1
    if last is None:
        frontier, signed = Frontier(), Checkpoint(origin, 0, EMPTY_ROOT)
    else:
        frontier, signed = Frontier.unpacked(last[1].size, last[2]), last[1]
    if size != signed.size or frontier.root() != signed.root:
        facts = {"log": log, "held": size, "signed": signed.size}
        raise Diverged(
            "Ledger {log} holds {held} records, its last checkpoint is of {signed}: see the verifier.", **facts
        )
    if signed.origin != origin:
        facts = {"log": log, "was": signed.origin, "now": origin}
        raise Diverged("Ledger {log} is {was} and cannot go on as {now}: a new epoch is a new log.", **facts)
    return frontier


def _take(connection: Connection, log: str, limit: int) -> Sequence[Any]:
    oldest = select(pending.c.id, pending.c.records).where(pending.c.log == log).order_by(pending.c.id).limit(limit)
    last, total = None, 0
    for row in connection.execute(oldest):
        if total and total + row.records > limit:
            break
        last, total = row.id, total + row.records
    if last is None:
        return []
    taken = delete(pending).where(pending.c.log == log, pending.c.id <= last)
    columns = (pending.c.id, pending.c.leaf, pending.c.records, pending.c.rows)
    return sorted(connection.execute(taken.returning(*columns)), key=lambda row: row.id.int)


def _leaves(row: Any) -> list[bytes]:
    leaves = [row.leaf] if row.records == 1 else unbundle(row.leaf)
    if len(leaves) != row.records:
        raise Diverged("A pending row says it has {said} records and has {has}.", said=row.records, has=len(leaves))
    return leaves


# One statement: on PostgreSQL instead of a round trip per row; on SQLite Python's lock is given up once, not per row.
_STORED: Final = {
    "postgresql": text(
        "INSERT INTO ledger_leaf (log, position, leaf, hash, record) "
        "SELECT :log, :start + n - 1, substring(:leaves FROM p.at FOR p.size), substring(:hashes FROM CAST(n AS integer) * 32 - 31 FOR 32), "
        "p.record FROM ROWS FROM (json_to_recordset(CAST(:places AS json)) AS (at integer, size integer, record uuid)) "
        "WITH ORDINALITY AS p (at, size, record, n)"
    ),
    "sqlite": text(
        "INSERT INTO ledger_leaf (log, position, leaf, hash, record) "
        "SELECT :log, :start + key, substr(:leaves, json_extract(value, '$.at'), json_extract(value, '$.size')), "
        "substr(:hashes, key * 32 + 1, 32), json_extract(value, '$.record') FROM json_each(:places)"
    ),
}


class _Place(msgspec.Struct, frozen=True):
    at: int
    """In all leaves one after another, from 1."""
    size: int
    record: UUID | None


def _store_leaves(connection: Connection, log: str, start: int, leaves: list[bytes], hashes: list[bytes]) -> None:
    places, at = [], 1
    for content in leaves:
        places.append(_Place(at, len(content), identity(content)))
        at += len(content)
    if places:
        values = {"log": log, "start": start, "leaves": b"".join(leaves), "hashes": b"".join(hashes)}
        statement = _STORED[connection.dialect.name]
        connection.execute(statement, values | {"places": ENCODER.encode(places).decode()})


def _sign(connection: Connection, log: str, signer: Signer, frontier: Frontier, now: datetime) -> None:
    note = Checkpoint(signer.name, frontier.size, frontier.root()).signed(signer)
    row = {"log": log, "size": frontier.size, "note": str(note), "edge": frontier.packed(), "at": now}
    connection.execute(insert(checkpoint), row)
