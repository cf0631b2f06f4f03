"""The ledger's tables. Only ``ledger_pending`` is written by units of work; the sequencer alone writes the rest."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, Uuid

from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Guarded

pending = Table(
    "ledger_pending",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("log", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("records", Integer, nullable=False, default=1, server_default="1", comment="how many the row holds"),
    Column("leaf", LargeBinary, nullable=False, comment="a record's bytes, or an entry bundle of several"),
    Column("rows", Text, comment="what the sequencer writes into other tables with them: table name to rows, as JSON"),
    Index("ledger_pending_order", "log", "id"),
    comment="records written with their effect, not yet in the tree",
    info={
        "guarded": Guarded(
            "what blocks of calls carry is of every body; a unit adds records of its own", '"rows" IS NULL'
        )
    },
)

leaf = Table(
    "ledger_leaf",
    kernel_metadata,
    Column("log", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False, comment="the record's bytes, never re-serialised"),
    Column("hash", LargeBinary, nullable=False),
    Column("record", Uuid, comment="the call or audit id in the record"),
    Index("ledger_leaf_record", "record"),
    comment="the log's records in their order",
)

node = Table(
    "ledger_node",
    kernel_metadata,
    Column("log", Text, primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False, comment="of tiles, from 1"),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    comment="the hash over each full tile below, so that a proof reads a few hundred hashes at most",
)

checkpoint = Table(
    "ledger_checkpoint",
    kernel_metadata,
    Column("log", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False, comment="C2SP signed note"),
    Column("edge", LargeBinary, nullable=False, comment="the tree's frontier, where the next batch goes on"),
    Column("at", Instant, nullable=False),
    comment="what the log signed, newest size last",
)

witnessed = Table(
    "ledger_witnessed",
    kernel_metadata,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
    comment="the largest checkpoint of each other log that this node has cosigned",
)

epoch = Table(
    "ledger_epoch",
    kernel_metadata,
    Column("log", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("held", BigInteger, nullable=False),
    Column("lost", BigInteger, nullable=False, comment="how many records others had seen"),
    Column("seen_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("confirmed_by", Text, nullable=False),
    Column("confirmed_at", Instant),
    comment="new beginnings of logs whose end was lost; the first epoch of a log has no row",
)

erased = Table(
    "ledger_erased",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("subject", Text, nullable=False, unique=True),
    Column("legal_basis", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("confirmed_by", Text, nullable=False),
    Column("at", Instant, comment="from then on the subject's key must not exist; none: not confirmed"),
    comment="orders to erase subjects; the confirmed ones are applied to the key store again at every start",
)
