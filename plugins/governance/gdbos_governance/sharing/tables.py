"""The table of requests: both departments see a request, nobody else does."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Date, Index, MetaData, String, Table, Text, Uuid

from gdbos import Instant, Scope

tables = MetaData()

request = Table(
    "sharing_request",
    tables,
    Column("id", Uuid, primary_key=True),
    Column("division", String(6), nullable=False),
    Column("number", String(50), nullable=False, unique=True),
    Column("body", String(18), nullable=False),  # that asks
    Column("owner", String(18), nullable=False),  # that decides
    Column("resource", Uuid, nullable=False, index=True),
    Column("code", String(64), nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("sharing", String(1), nullable=False),
    Column("service", String(120), nullable=False),
    Column("system", String(80), nullable=False),
    Column("matters", JSON, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("clear", JSON, nullable=False),
    Column("until", Date),
    Column("state", String(10), nullable=False),  # asked, agreed, refused, revoked
    Column("granted", JSON, nullable=False),
    Column("grant", Uuid),  # none while a narrower one is being drawn up
    Column("reason", Text, nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("asked_on", Date, nullable=False),  # from this day the clock for the reply runs
    Column("decided_by", String(80), nullable=False),
    Column("decided_at", Instant),
    Index("sharing_request_body", "body", "id"),
    Index("sharing_request_owner", "owner", "state", "id"),
    info={"scope": Scope(division="division", body=("body", "owner"))},
)
