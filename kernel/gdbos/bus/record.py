"""What stays of a call: a row both bodies can read, a receipt each subject can read, and a leaf nobody can change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Column, Connection, Index, Integer, String, Table, Text, Uuid, insert, update

from gdbos.actor import Actor
from gdbos.bus.basis import live
from gdbos.bus.grant import holds
from gdbos.errors import NoBasis, NoGrant
from gdbos.ids import new_id
from gdbos.ledger.leaf import CALLS, Call, Decision, append, commitment, encode, record_key
from gdbos.ledger.subjects import SubjectKeys
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
    info={"scope": Scope(body=("body", "provider"))},
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
    Column("unseals_at", Instant),
    Index("bus_receipt_subject", "subject", "id"),
    info={"scope": Scope(subject=("subject",))},
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


def require_grant(connection: Connection, record: CallRecord, now: datetime) -> None:
    """Check again, in the transaction that records the call, that the grant still holds: memory never admits a call.

    :raises NoGrant: it was revoked, or has run out, between the question and the answer; nothing is disclosed.
    """
    if record.grant is not None and not holds(connection, record.grant, now):
        raise NoGrant("The grant for {service} ended before the answer came; ask for another.", service=record.service)


def require_bases(connection: Connection, record: CallRecord, now: datetime) -> None:
    """Check again, in the transaction that records the call, that each subject may be seen now.

    :raises NoBasis: a basis has ended between the question and the answer; nothing is disclosed.
    """
    if record.own:
        return
    for one in record.disclosed:
        if not live(connection, subject=one.subject, body=record.body, case=one.case, matter=one.matter, now=now):
            raise NoBasis(
                "Case {case} of matter {matter} is no live basis for body {body} to see this subject's data; open a case"
                " first, or cite the one that is open.",
                case=one.case or "—",
                matter=one.matter or "—",
                body=record.body or "—",
            )


def write(connection: Connection, record: CallRecord, keys: SubjectKeys) -> None:
    """Insert the call's row, its receipts and its leaf; for an outcome after an intent, bring the row up to date."""
    row = _row(record)
    if record.resumes:
        connection.execute(update(bus_call).where(bus_call.c.id == record.id).values(row))
    else:
        connection.execute(insert(bus_call).values(row))
    if record.outcome == "done" and record.disclosed and not record.own:
        connection.execute(insert(bus_receipt), [_receipt(record, one) for one in record.disclosed])
    append(connection, CALLS, [encode(_leaf(record, keys))], at=record.at)


def _row(record: CallRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "at": record.at,
        "body": record.body,
        "system": record.system,
        "actor": record.actor.id,
        "provider": record.provider,
        "service": record.service,
        "version": record.version,
        "matter": record.matter,
        "case": record.case,
        "purpose": record.purpose,
        "grant": record.grant,
        "outcome": record.outcome,
        "fields": record.fields,
        "subjects": len(record.disclosed),
        "micros": record.micros,
    }


def _leaf(record: CallRecord, keys: SubjectKeys) -> Call:
    subjects = sorted({one.subject for one in record.disclosed})
    opened = [record_key(key, record.id) for _, key in sorted(keys.keys_for(subjects).items())] if subjects else []
    return Call(
        call_id=record.id,
        stage="intent" if record.outcome == "intent" else "outcome" if record.resumes else "whole",
        asked_at=record.at,
        acting=[f"{link.kind}:{link.id}" for link in record.actor.chain],
        service=record.service,
        version=max(record.version, 1),
        purpose=record.purpose,
        matter=record.matter,
        case_commitment=commitment(opened[0], "case", record.case.encode()) if opened and record.case else "",
        subject_commitments=[commitment(k, "subject", s.encode()) for k, s in zip(opened, subjects, strict=True)],
        request_commitments=[commitment(k, "request", record.request) for k in opened],
        reply_commitments=[commitment(k, "reply", record.reply) for k in opened if record.reply],
        grant=str(record.grant or ""),
        basis="own" if record.own else "case" if record.case else "",
        decision=Decision(
            rule="own-data" if record.own else "grant", result="allowed" if record.allowed else "refused"
        ),
        request_bytes=len(record.request),
        reply_bytes=len(record.reply),
        fields=list(record.fields),
        rows=len(record.disclosed),
        status=200 if record.allowed else 403,
        error="" if record.allowed else record.outcome,
        latency_us=record.micros,
        trace=record.trace,
        plugin=record.system,
    )


def _receipt(record: CallRecord, one: Disclosed) -> dict[str, object]:
    return {
        "id": new_id(),
        "call": record.id,
        "subject": one.subject,
        "at": record.at,
        "body": record.body,
        "system": record.system,
        "by": record.actor.kind,
        "provider": record.provider,
        "service": record.service,
        "fields": record.fields,
        "matter": one.matter or record.matter,
        "case": one.case or record.case,
        "grant": record.grant,
        "purpose": record.purpose,
        "unseals_at": None,
    }
