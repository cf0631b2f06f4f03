"""What stays of a call: a row both bodies can read, a receipt each subject can read, and a leaf nobody can change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text, Uuid

from gdbos.actor import Actor
from gdbos.bus.basis import Wanted
from gdbos.plugin import Disclosed
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Scope

bus_call = Table(
    "bus_call",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("body", String(18), nullable=False),
    Column("system", String(80), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("provider", String(18), nullable=False),
    Column("service", String(120), nullable=False),
    Column("version", Integer, nullable=False),
    Column("matter", String(120), nullable=False),
    Column("case", String(50), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("grant", Uuid),
    Column("outcome", String(40), nullable=False),  # intent, done, or the code of a problem
    Column("fields", JSON, nullable=False),
    Column("subjects", Integer, nullable=False),
    Column("micros", Integer, nullable=False),
    Index("bus_call_body", "body", "id"),
    Index("bus_call_provider", "provider", "id"),
    Index("bus_call_case", "case", "id"),
    info={"scope": Scope(body=("body", "provider"), matter="matter")},
)

bus_receipt = Table(
    "bus_receipt",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("call", Uuid, nullable=False, index=True),
    Column("subject", String(80), nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", String(18), nullable=False),
    Column("system", String(80), nullable=False),
    Column("by", String(16), nullable=False),
    Column("provider", String(18), nullable=False),
    Column("service", String(120), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("matter", String(120), nullable=False),
    Column("case", String(50), nullable=False),
    Column("grant", Uuid),
    Column("purpose", Text, nullable=False),
    Index("bus_receipt_subject", "subject", "id"),
    info={"scope": Scope(subject=("subject",), matter="matter")},
)


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it is written down. Names of fields, never their values."""

    id: UUID
    at: datetime
    actor: Actor
    body: str
    system: str
    provider: str
    service: str
    version: int
    matter: str
    case: str
    purpose: str
    grant: UUID | None
    outcome: str
    fields: tuple[str, ...]
    disclosed: Sequence[Disclosed]
    own: bool
    """The actor read their own data: recorded, but no receipt to themselves."""
    micros: int
    request: bytes
    """Canonical bytes the leaf commits to."""
    reply: bytes
    resumes: bool = False
    """The intent of this call is written down already; this is its outcome."""
    trace: str = ""

    @property
    def allowed(self) -> bool:
        return self.outcome in ("intent", "done")

    @property
    def wanted(self) -> list[Wanted]:
        """The looks that need a basis; at one's own data one may always look."""
        return [] if self.own else [Wanted(d.subject, self.body, d.case, d.matter, d.basis) for d in self.disclosed]
