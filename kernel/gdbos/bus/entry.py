"""One call made ready to be written down: its leaf, its row and its receipts, as bytes that only need to be stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter, gt
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import String, Table

from gdbos.actor import Actor, Link
from gdbos.bus.record import CallRecord, bus_call, bus_receipt
from gdbos.errors import BadRequest, Problem
from gdbos.ids import new_id
from gdbos.ledger.leaf import Call, Decision, committing, encode, record_key
from gdbos.ledger.subjects import keys_gone
from gdbos.plugin import Disclosed
from gdbos.storage.bulk import ENCODER, moment


class Entry(msgspec.Struct, frozen=True):
    """What is stored of one call."""

    record: CallRecord
    leaf: bytes
    row: bytes
    """A :class:`CallRow` as JSON."""


class ReceiptRow(msgspec.Struct, frozen=True):
    """What a receipt has of its own; the rest it shares with its call."""

    id: UUID
    subject: str
    matter: str
    case: str


class CallRow(msgspec.Struct, frozen=True):
    """The row of ``bus_call``, and what is needed for those of ``bus_receipt``."""

    id: UUID
    at: str
    body: str
    system: str
    actor: str
    by: str
    provider: str
    service: str
    version: int
    matter: str
    case: str
    purpose: str
    grant: UUID | None
    outcome: str
    fields: Sequence[str]
    subjects: int
    micros: int
    receipts: Sequence[ReceiptRow]


def entry(record: CallRecord, keys: Mapping[str, bytes], edition: str) -> Entry | Problem:
    """``record`` made ready with the keys of its subjects, decided under an edition of the standards; a problem where it cannot be kept.

    What no column holds is found here: the sequencer, who writes the rows, would have nobody to tell.
    """
    try:
        return Entry(record, encode(_leaf(record, keys, edition)), _row(record))
    except KeyError:
        return keys_gone()
    except ValueError:
        return BadRequest("A value is too large or malformed for what it is compared with.")
    except Problem as failure:
        return failure


def _row(record: CallRecord) -> bytes:
    shown = record.disclosed if record.outcome == "done" and not record.own else ()
    receipts = [_receipt(record, one) for one in shown]
    row = CallRow(
        record.id,
        moment(record.at),
        record.body,
        record.system,
        record.actor.id,
        record.actor.kind,
        record.provider,
        record.service,
        record.version,
        record.matter,
        record.case,
        record.purpose,
        record.grant,
        record.outcome,
        record.fields,
        len(record.disclosed),
        record.micros,
        receipts,
    )
    content = ENCODER.encode(row)
    if _NUL in content or any(map(gt, map(len, _limited(row)), _WIDTHS)):
        raise ValueError(record.service)
    return content


def _receipt(record: CallRecord, one: Disclosed) -> ReceiptRow:
    found = ReceiptRow(new_id(), one.subject, one.matter or record.matter, one.case or record.case)
    if any(map(gt, map(len, _limited_too(found)), _WIDTHS_TOO)):
        raise ValueError(record.service)
    return found


def _limits(table: Table, row: type[msgspec.Struct]) -> tuple[Callable[[Any], tuple[str, ...]], Sequence[int]]:
    """Reads those fields of ``row`` whose columns in ``table`` are of limited width; and the widths."""
    widths = {c.name: c.type.length for c in table.c if isinstance(c.type, String) and c.type.length}
    names = [name for name in row.__struct_fields__ if name in widths]
    return attrgetter(*names), [widths[name] for name in names]


_NUL: Final = b"\\u0000"
_limited, _WIDTHS = _limits(bus_call, CallRow)
_limited_too, _WIDTHS_TOO = _limits(bus_receipt, ReceiptRow)


def _leaf(record: CallRecord, keys: Mapping[str, bytes], edition: str) -> Call:
    subjects = sorted({one.subject for one in record.disclosed})
    opened = [committing(record_key(keys[subject], record.id)) for subject in subjects]
    return Call(
        call_id=record.id,
        stage="intent" if record.outcome == "intent" else "outcome" if record.resumes else "whole",
        asked_at=record.at,
        acting=_acting(record.actor.chain),
        assurance=_assurance(record.actor),
        service=record.service,
        version=max(record.version, 1),
        purpose=record.purpose,
        matter=record.matter,
        case_commitment=opened[0]("case", record.case.encode()) if opened and record.case else "",
        subject_commitments=[commit("subject", s.encode()) for commit, s in zip(opened, subjects, strict=True)],
        request_commitments=[commit("request", record.request) for commit in opened],
        reply_commitments=[commit("reply", record.reply) for commit in opened if record.reply],
        grant=str(record.grant or ""),
        basis="own" if record.own else "case" if record.case else "",
        decision=_decision(record.own, record.allowed, edition),
        request_bytes=len(record.request),
        reply_bytes=len(record.reply),
        fields=_names(record.fields),
        rows=len(record.disclosed),
        status=200 if record.allowed else 403,
        error="" if record.allowed else record.outcome,
        latency_us=record.micros,
        signature_hash=record.actor.signature,
        trace=record.trace,
        plugin=record.system,
    )


def _assurance(actor: Actor) -> str:
    if actor.kind in ("person", "official"):
        return actor.trust
    return ("signature" if actor.signature else "token") if actor.kind == "system" else ""


@lru_cache(64)
def _decision(own: bool, allowed: bool, edition: str) -> Decision:
    """There are few of them: they are made once."""
    rule = "own-data" if own else "grant"
    return Decision(rule=rule, result="allowed" if allowed else "refused", config=edition)


@lru_cache(4096)
def _names(fields: tuple[str, ...]) -> list[str]:
    """Names of fields; of a question its field alone, since what is asked may guess at what is personal."""
    return [f"{name}?" if test else name for name, _, test in (field.partition(" ") for field in fields)]


@lru_cache(4096)
def _acting(chain: tuple[Link, ...]) -> list[str]:
    return [f"{link.kind}:{link.id}" for link in chain]
