"""All calls of a moment written down as one row (块): one statement and one commit, however many share it.

The row waits in ``ledger_pending``. The sequencer gives its leaves their places in the tree and, in the same transaction, writes the
rows it carries into ``bus_call`` and ``bus_receipt``; whoever reads these lets it catch up first (``Book.settle``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Column, Connection, TextClause, Uuid, bindparam, text

from gdbos.bus.basis import Wanted, without
from gdbos.bus.basis import lacking as lacking_bases
from gdbos.bus.entry import Entry, ReceiptRow
from gdbos.bus.grant import Used, ended
from gdbos.bus.grant import lacking as lacking_grants
from gdbos.bus.record import CallRecord, bus_call, bus_receipt
from gdbos.errors import NoGrant, Problem
from gdbos.ids import new_id
from gdbos.ledger.leaf import CALLS, bundle
from gdbos.storage.bulk import insert_packed, nested, packed, unpacked
from gdbos.storage.metadata import Instant
from gdbos.storage.statement import Statement

_OUTCOME: Final = ("outcome", "fields", "subjects", "micros")
"""What the outcome of a call brings up to date in the row its intent wrote."""


class Block:
    """Calls about to be written down together, all that can be done without the database done already."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        allowed = [entry.record for entry in entries if entry.record.allowed]
        self.grants = {Used(record.grant, record.provider) for record in allowed if record.grant}
        self.looks = {look for record in allowed for look in record.wanted}
        leaves = [entry.leaf for entry in entries]
        self._stored = {
            "id": new_id(),
            "log": CALLS,
            "records": len(leaves),
            "leaf": leaves[0] if len(leaves) == 1 else bundle(leaves),
            "carried": _listed(entry.row for entry in entries),
            "grants": packed(grant._asdict() for grant in self.grants),
            "bases": packed(msgspec.structs.asdict(look) for look in self.looks),
        }

    def values(self, now: datetime) -> dict[str, Any]:
        """What :func:`put` writes of this block at ``now``."""
        return self._stored | {"now": now}

    def write(self, connection: Connection, now: datetime) -> list[Problem | None]:
        """Write the calls down; for each nothing, or why it could not be.

        What memory let through is checked again by the statement that records it: a call whose grant or basis has ended
        between the question and the answer is not written down, and nothing of it is disclosed.
        """
        if connection.execute(_put(connection.dialect.name), self.values(now)).rowcount:
            return [None] * len(self.entries)
        over, missing = ended(connection, self.grants, now), without(connection, self.looks, now)
        problems = [_refusal(entry.record, over, missing) for entry in self.entries]
        kept = [entry for entry, problem in zip(self.entries, problems, strict=True) if problem is None]
        rest = iter(Block(kept).write(connection, now) if kept else ())
        return [problem or next(rest) for problem in problems]


def _refusal(record: CallRecord, over: set[UUID], missing: set[Wanted]) -> Problem | None:
    if record.allowed and record.grant in over:
        return NoGrant("The grant for {service} ended before the answer came; ask for another.", service=record.service)
    lacking = next((one for one in record.wanted if one in missing), None) if record.allowed else None
    return lacking.missing() if lacking else None


@cache
def put(dialect: str) -> Statement:
    """Writes a block down whole, or not at all where a grant or a basis in it has ended."""
    return Statement(_put(dialect), dialect)


@cache
def _put(dialect: str) -> TextClause:
    return text(
        "INSERT INTO ledger_pending (id, log, at, records, leaf, rows)"
        " SELECT :id, :log, :now, :records, :leaf, :carried"
        f" WHERE NOT EXISTS ({lacking_grants(dialect)}) AND NOT EXISTS ({lacking_bases(dialect)})"
    ).bindparams(bindparam("id", type_=Uuid()), bindparam("now", type_=Instant()))


def spread(connection: Connection, documents: Sequence[str]) -> None:
    """Write the rows that blocks carry, the oldest block first; of a call's intent and outcome the later one stays."""
    rows = [row for document in documents for row in msgspec.json.decode(document, type=list[msgspec.Raw])]
    calls = {msgspec.json.decode(row, type=_Named).id: row for row in rows}
    insert_packed(connection, bus_call, listed := _listed(calls.values()), *_OUTCOME)
    connection.execute(_receipts(connection.dialect.name), {"rows": listed})


class _Named(msgspec.Struct, frozen=True):
    id: str


def _listed(rows: Iterable[bytes | msgspec.Raw]) -> str:
    return (b"[%b]" % b",".join(rows)).decode()


@cache
def _receipts(dialect: str) -> TextClause:
    own = [bus_receipt.c[name] for name in ReceiptRow.__struct_fields__]
    shared = [bus_receipt.c[name] for name in _SHARED]
    calls = unpacked(dialect, [bus_call.c.id, *shared, Column("receipts", JSON)])
    receipts, values = nested(dialect, own, "receipts")
    names = ", ".join(f'"{column.name}"' for column in (*own, *shared))
    taken = ", ".join([*values, *(f'r."{name}"' for name in _SHARED)])
    return text(f'INSERT INTO bus_receipt ("call", {names}) SELECT r."id", {taken} FROM {calls}, {receipts}')  # noqa: S608


_SHARED: Final = ("at", "body", "system", "provider", "service", "fields", "grant", "purpose", "by")
