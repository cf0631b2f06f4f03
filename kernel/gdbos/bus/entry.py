"""One call made ready to be written down: its leaf, its row and its receipts, as bytes that only need to be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import String, Table

from gdbos.actor import Link
from gdbos.bus.record import CallRecord, bus_call, bus_receipt
from gdbos.errors import BadRequest, Problem
from gdbos.ids import new_id
from gdbos.ledger.leaf import Call, Decision, commitment, encode, record_key
from gdbos.ledger.subjects import keys_gone
from gdbos.plugin import Disclosed
from gdbos.storage.bulk import ENCODER, moment


class Entry(msgspec.Struct, frozen=True):
    """What is stored of one call."""

    record: CallRecord
    leaf: bytes
    call: bytes
    """Its row of ``bus_call``, as JSON."""
    receipts: Sequence[bytes]
    """Its rows of ``bus_receipt``, as JSON."""


def entry(record: CallRecord, keys: Mapping[str, bytes]) -> Entry | Problem:
    """``record`` made ready with the keys of its subjects; a problem where it cannot be kept.

    What no column holds is found here: the sequencer, who writes the rows, would have nobody to tell.
    """
    try:
        receipts = [_packed(_RECEIPT, _receipt(record, one)) for one in _shown(record)]
        return Entry(record, encode(_leaf(record, keys)), _packed(_CALL, _row(record)), receipts)
    except KeyError:
        return keys_gone()
    except ValueError:
        return BadRequest("A value is too large or malformed for what it is compared with.")
    except Problem as failure:
        return failure


def _widths(table: Table) -> Sequence[tuple[str, int]]:
    return [(c.name, c.type.length) for c in table.c if isinstance(c.type, String) and c.type.length]


_CALL, _RECEIPT = _widths(bus_call), _widths(bus_receipt)
_NUL: Final = b"\\u0000"


def _packed(widths: Sequence[tuple[str, int]], row: Mapping[str, Any]) -> bytes:
    content = ENCODER.encode(row)
    if _NUL in content or any(len(row[name]) > width for name, width in widths):
        raise ValueError(row.keys())
    return content


def _row(record: CallRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "at": moment(record.at),
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


def _shown(record: CallRecord) -> Sequence[Disclosed]:
    return record.disclosed if record.outcome == "done" and not record.own else ()


def _receipt(record: CallRecord, one: Disclosed) -> dict[str, Any]:
    return {
        "id": new_id(),
        "call": record.id,
        "subject": one.subject,
        "at": moment(record.at),
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
    }


def _leaf(record: CallRecord, keys: Mapping[str, bytes]) -> Call:
    subjects = sorted({one.subject for one in record.disclosed})
    opened = [record_key(keys[subject], record.id) for subject in subjects]
    return Call(
        call_id=record.id,
        stage="intent" if record.outcome == "intent" else "outcome" if record.resumes else "whole",
        asked_at=record.at,
        acting=_acting(record.actor.chain),
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
        fields=_names(record.fields),
        rows=len(record.disclosed),
        status=200 if record.allowed else 403,
        error="" if record.allowed else record.outcome,
        latency_us=record.micros,
        trace=record.trace,
        plugin=record.system,
    )


@lru_cache(4096)
def _names(fields: tuple[str, ...]) -> list[str]:
    """Names of fields; of a question its field alone, since what is asked may guess at what is personal."""
    return [f"{name}?" if test else name for name, _, test in (field.partition(" ") for field in fields)]


@lru_cache(4096)
def _acting(chain: tuple[Link, ...]) -> list[str]:
    return [f"{link.kind}:{link.id}" for link in chain]
