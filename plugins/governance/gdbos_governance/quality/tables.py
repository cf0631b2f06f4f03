"""The table of quality tickets. It names the rule and the element; the wrong value itself is nowhere."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, LargeBinary, MetaData, String, Table, Text, Uuid

from gdbos import Instant, Scope, Sealed

tables = MetaData()

ticket = Table(
    "quality_ticket",
    tables,
    Column("id", Uuid, primary_key=True),
    Column("division", String(6), nullable=False),
    Column("body", String(18), nullable=False),  # the source
    Column("finder", String(18), nullable=False),
    Column("resource", Uuid, nullable=False),
    Column("code", String(64), nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("service", String(120), nullable=False),
    Column("rule", String(120), nullable=False),
    Column("check", String(120), nullable=False),
    Column("field", String(64), nullable=False),
    Column("element", String(120), nullable=False),
    Column("key", String(32), nullable=False),  # keyed commitment to the record's own number
    Column("call", Uuid),  # the call on the bus that showed it
    Column("state", String(10), nullable=False),  # open, answered, closed
    Column("verdict", String(10), nullable=False),  # corrected, right
    Column("answer", LargeBinary, info={"sealed": Sealed(division="division")}),
    Column("opened_by", String(80), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("answered_by", String(80), nullable=False),
    Column("answered_at", Instant),
    Column("closed_by", String(80), nullable=False),
    Column("closed_at", Instant),
    Index("quality_ticket_body", "body", "state", "id"),
    Index("quality_ticket_finder", "finder", "resource", "id"),
    info={"scope": Scope(division="division", body=("body", "finder"))},
)
