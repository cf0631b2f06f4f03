"""The tables of supervision: cases as far as their limits go, cards, and what was done with each card."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    Uuid,
)

from gdbos import Instant, Scope, Sealed

tables = MetaData()
OWNERS = Scope(division="division", body=("body",))
OF_MATTERS = Scope(division="division", body=("body",), matter="matter")

oversight_case = Table(
    "oversight_case",
    tables,
    Column("case", String(36), primary_key=True),
    Column("number", String(50), nullable=False),
    Column("matter", String(120), nullable=False),
    Column("body", String(18), nullable=False),
    Column("division", String(6), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("suspended", Integer, nullable=False),  # how often; counted, since suspensions and resumptions may cross
    Column("resumed", Integer, nullable=False),
    Column("received_on", Date),
    Column("accepted_on", Date),
    Column("acceptance_due", Date),
    Column("legal_due", Date),
    Column("promise_due", Date),
    info={"scope": OF_MATTERS},
)

oversight_card = Table(
    "oversight_card",
    tables,
    Column("id", Uuid, primary_key=True),
    Column("number", String(50), nullable=False, unique=True),  # supervision-no (监察编号)
    Column("division", String(6), nullable=False),
    Column("body", String(18), nullable=False),  # the responsible body
    Column("case", String(36), nullable=False),
    Column("case_number", String(50), nullable=False),
    Column("matter", String(120), nullable=False),
    Column("rule", String(80), nullable=False),
    Column("signal", String(8), nullable=False),  # supervision.card
    Column("trigger", String(2), nullable=False),  # supervision.trigger
    Column("watched", String(10), nullable=False),  # which limit
    Column("due", Date, nullable=False),
    Column("at", Instant, nullable=False),
    Column("explain_by", Date),
    Column("state", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("case", "rule", "due", name="oversight_card_once"),
    Index("oversight_card_body", "body", "id"),
    Index("oversight_card_division", "division", "id"),
    info={"scope": OF_MATTERS},
)

oversight_act = Table(
    "oversight_act",
    tables,
    Column("id", Uuid, primary_key=True),
    Column("card", Uuid, nullable=False),
    Column("division", String(6), nullable=False),
    Column("body", String(18), nullable=False),  # whose card it is
    Column("act", String(10), nullable=False),
    Column("state", String(10), nullable=False),  # after the act
    Column("at", Instant, nullable=False),
    Column("by", String(80), nullable=False),
    Column("by_body", String(18), nullable=False),
    Column(
        "words", LargeBinary, nullable=False, info={"sealed": Sealed(division="division")}
    ),  # officials write freely
    Index("oversight_act_card", "card", "id"),
    info={"scope": OWNERS},
)

oversight_serial = Table(
    "oversight_serial",
    tables,
    Column("prefix", String(20), primary_key=True),
    Column("last", Integer, nullable=False),
)
