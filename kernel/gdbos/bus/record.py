"""What stays of a call: a row both bodies can read, a receipt each subject can read, and a leaf nobody can change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text, Uuid

from gdbos.actor import Actor
from gdbos.bus.basis import Wanted, without
from gdbos.bus.grant import holding
from gdbos.errors import NoGrant, Problem
from gdbos.ids import new_id
from gdbos.ledger.leaf import CALLS, Call, Decision, append, commitment, encode, record_key
from gdbos.ledger.subjects import SubjectKeys, keys_gone
from gdbos.plugin import Disclosed
from gdbos.storage.bulk import insert_rows
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Scope
from gdbos.unit import Unit

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

    @property
    def wanted(self) -> list[Wanted]:
        """The looks that need a basis; at one's own data one may always look."""
        return [] if self.own else [Wanted(d.subject, self.body, d.case, d.matter) for d in self.disclosed]


_OUTCOME: Final = ("outcome", "fields", "subjects", "micros")
"""What the outcome of a call brings up to date in the row its intent wrote."""


def write_down(unit: Unit, records: Sequence[CallRecord]) -> list[Problem | None]:
    """Write down what became of calls: their rows, their receipts, and one row of the ledger for all their leaves.

    What memory let through is checked again here, in the transaction that records it: a call whose grant or basis has ended
    between the question and the answer, or whose subject's keys were destroyed, is not written down, and its problem is
    returned in its place; nothing is disclosed.
    """
    allowed = [record for record in records if record.allowed]
    live = holding(unit.connection, [record.grant for record in allowed if record.grant], unit.now)
    missing = without(unit.connection, [one for record in allowed for one in record.wanted], unit.now)
    problems = [_refusal(record, live, missing, unit.around.subject_keys) for record in records]
    kept = [record for record, problem in zip(records, problems, strict=True) if problem is None]
    insert_rows(unit.connection, bus_call, [_row(record) for record in kept], *_OUTCOME)
    insert_rows(unit.connection, bus_receipt, [receipt for record in kept for receipt in _receipts(record)])
    append(unit.connection, CALLS, _leaves(kept, unit.around.subject_keys), at=unit.now)
    return problems


def _refusal(record: CallRecord, live: set[UUID], missing: set[Wanted], keys: SubjectKeys) -> Problem | None:
    if record.allowed and record.grant and record.grant not in live:
        return NoGrant("The grant for {service} ended before the answer came; ask for another.", service=record.service)
    if record.allowed and (lacking := next((one for one in record.wanted if one in missing), None)):
        return lacking.missing()
    return keys_gone() if any(keys.is_erased(one.subject) for one in record.disclosed) else None


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


def _leaves(records: Sequence[CallRecord], keys: SubjectKeys) -> list[bytes]:
    subjects = {one.subject for record in records for one in record.disclosed}
    known = keys.keys_for(subjects) if subjects else {}
    return [encode(_leaf(record, known)) for record in records]


def _leaf(record: CallRecord, keys: Mapping[str, bytes]) -> Call:
    subjects = sorted({one.subject for one in record.disclosed})
    opened = [record_key(keys[subject], record.id) for subject in subjects]
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


def _receipts(record: CallRecord) -> list[dict[str, object]]:
    if record.outcome != "done" or record.own:
        return []
    return [_receipt(record, one) for one in record.disclosed]


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
