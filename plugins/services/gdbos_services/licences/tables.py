"""The tables of licences. Who holds one and what it says is sealed and scoped; the register is what any verifier may learn."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, LargeBinary, MetaData, String, Table, Uuid

from gdbos import Instant, Scope, Sealed

tables = MetaData()

licence = Table(
    "licence",
    tables,
    Column("id", Uuid, primary_key=True),
    Column("division", String(6), nullable=False),
    Column("body", String(18), nullable=False),  # the issuer
    Column("subject", String(80), nullable=False),  # who applied
    Column("holder", String(80), nullable=False),
    Column("type", String(120), nullable=False),
    Column("matter", String(120), nullable=False),
    Column("case", String(50), nullable=False),
    Column("holder_name", LargeBinary, nullable=False, info={"sealed": Sealed(division="division")}),
    Column("face", LargeBinary, nullable=False, info={"sealed": Sealed(division="division")}),  # values by element
    Column("file", Uuid),
    Column("issued_at", Instant, nullable=False),
    Index("licence_subject", "subject", "id"),
    Index("licence_holder", "holder", "id"),
    Index("licence_case", "case"),
    info={"scope": Scope(division="division", body=("body",), subject=("subject", "holder"), matter="matter")},
)

licence_register = Table(
    "licence_register",
    tables,
    Column("id", Uuid, primary_key=True),  # the licence's
    Column("identifier", String(160), nullable=False, unique=True),
    Column("token", String(32), nullable=False, unique=True),  # what its QR code says instead of the identifier
    Column("type", String(120), nullable=False),
    Column("issuer", String(18), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("follows", Uuid),  # the version before this one (关联证照标识)
    Column("state", String(2), nullable=False),  # code list licence.state
    Column("issued_on", Date, nullable=False),
    Column("valid_until", Date),
    Column("masked", LargeBinary, nullable=False, info={"sealed": Sealed()}),  # the face, masked for whoever verifies
    Column("changed_at", Instant, nullable=False),
    # No scope: it tells whoever holds the identifier whether it is true, and shows nothing unmasked.
)
