"""The tables of the catalogue. Drafts and mounts belong to a body; what is published every department may read."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
)

from gdbos import Instant, Scope, Sealed

tables = MetaData()
OWNERS = Scope(division="division", body=("body",))

resource = Table(
    "catalogue_resource",
    tables,
    Column("id", Uuid, primary_key=True),
    Column("division", String(6), nullable=False),
    Column("body", String(18), nullable=False),
    Column("code", String(64), nullable=False),
    Column("state", String(10), nullable=False),  # draft, published, withdrawn
    Column("version", Integer, nullable=False),
    Column("entry", LargeBinary, nullable=False),  # the core metadata as JSON
    Column("entered_by", String(80), nullable=False),
    Column("entered_at", Instant, nullable=False),
    Column("published_by", String(80), nullable=False),
    Column("published_at", Instant),
    Column("withdrawn_by", String(80), nullable=False),
    Column("withdrawn_at", Instant),
    Column("reason", Text, nullable=False),
    Index("catalogue_resource_body", "body", "id"),
    info={"scope": OWNERS},
)

mount = Table(
    "catalogue_mount",
    tables,
    Column("id", Uuid, primary_key=True),
    Column("division", String(6), nullable=False),
    Column("body", String(18), nullable=False),
    Column("resource", Uuid, nullable=False, index=True),
    Column("service", String(120), nullable=False),
    Column("state", String(10), nullable=False),  # asked, confirmed, ended
    Column("matter", String(120), nullable=False),  # that the probe cites; empty where the service serves any
    Column(
        "samples", LargeBinary, nullable=False, info={"sealed": Sealed(division="division")}
    ),  # the requests that the owner registered
    Column("sample_count", Integer, nullable=False),
    Column("subjects", JSON, nullable=False),  # subject keys of the samples
    Column("grant", Uuid, nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("confirmed_by", String(80), nullable=False),
    Column("live", Boolean, nullable=False),  # what events have last said
    Column("turn_at", Instant),  # when a probe was last called for
    Column("probed_at", Instant),
    Column("outcome", String(40), nullable=False),  # done, or the code of a problem
    Column("succeeded_at", Instant),
    Index("catalogue_mount_turn", "state", "turn_at"),
    info={"scope": OWNERS},
)

objection = Table(
    "catalogue_objection",
    tables,
    Column("id", Uuid, primary_key=True),
    Column("division", String(6), nullable=False),
    Column("body", String(18), nullable=False),  # the owner of the resource
    Column("objector", String(18), nullable=False),
    Column("resource", Uuid, nullable=False, index=True),
    Column("kind", String(10), nullable=False),  # catalogue, use, other
    Column("field", String(64), nullable=False),
    Column("words", LargeBinary, nullable=False, info={"sealed": Sealed(division="division")}),
    Column("state", String(10), nullable=False),  # open, answered, closed
    Column("verdict", String(10), nullable=False),  # accepted, rejected
    Column("answer", LargeBinary, info={"sealed": Sealed(division="division")}),
    Column("opened_by", String(80), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("answered_by", String(80), nullable=False),
    Column("answered_at", Instant),
    Column("closed_by", String(80), nullable=False),
    Column("closed_at", Instant),
    info={"scope": Scope(division="division", body=("body", "objector"))},
)

publication = Table(
    "catalogue_publication",
    tables,
    Column("resource", Uuid, primary_key=True),
    Column("division", String(6), nullable=False),
    Column("body", String(18), nullable=False, index=True),
    Column("code", String(64), nullable=False, unique=True),
    Column("sharing", String(1), nullable=False),  # code list catalogue.sharing-attribute
    Column("entry", LargeBinary, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("service", String(120), nullable=False),  # the service it is mounted on; empty: none yet
    Column("live_at", Instant),  # the last good probe of any of its mounts
    # No scope: which data government holds is known to every department (政务数据共享条例, 目录管理).
)

gram = Table(
    "catalogue_gram",
    tables,
    Column("gram", String(2), primary_key=True),
    Column("resource", Uuid, primary_key=True),
    Column("weight", Integer, nullable=False),
    Index("catalogue_gram_resource", "resource"),
)
