"""What a record says, the canonical bytes that are its leaf, and how it joins the transaction of its effect.

Canonical: JSON without spaces, ``v`` first and then the fields in the order of their names, no floats, integers within ±2^53,
strings in NFC. A record holds ids, names of fields and rules, and keyed commitments; never personal data, and never a bare hash
of it: the 18 digits of a citizen id are found from their hash in a fraction of a second.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, insert

from gdbos.crypto import STANDARD, Provider
from gdbos.errors import TooLarge
from gdbos.ids import new_id
from gdbos.ledger.note import to_base64
from gdbos.ledger.tables import pending

if TYPE_CHECKING:
    from gdbos.actor import Actor

CALLS: Final = "calls"
AUDIT: Final = "audit"
LOGS: Final = (CALLS, AUDIT)

MAX_LEAF: Final = 0xFFFF
"""Bytes; an entry bundle gives a record's length in two."""
_MAX_INTEGER: Final = 1 << 53
_VERSION: Final = b'{"v":1,'
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Which rule allowed or refused, under which edition of the standards (:attr:`gdbos.standards.Standards.edition`)."""

    rule: str
    result: Literal["allowed", "refused"]
    config: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="call"):
    """One call of a service, as the calls log keeps it (SECURITY: record fields).

    The three lists of commitments run parallel to the subjects; a call about nobody has none.
    """

    call_id: UUID
    stage: Literal["whole", "intent", "outcome"] = "whole"
    """An outside effect is recorded twice: its intent before, its outcome after."""
    asked_at: datetime
    acting: list[str] = []
    """The chain node, system or plugin, official or agent, and whom an agent acts for, as ``kind:id``; ids of principals."""
    assurance: str = ""
    """How surely it was known who asked: a person's or an official's trust level, or of a system ``token`` or ``signature``."""
    service: str
    version: int = 1
    purpose: str = ""
    matter: str = ""
    case_commitment: str = ""
    subject_commitments: list[str] = []
    request_commitments: list[str] = []
    reply_commitments: list[str] = []
    grant: str = ""
    basis: str = ""
    decision: Decision
    request_bytes: int = 0
    reply_bytes: int = 0
    fields: list[str] = []
    """Names of the fields that left the bus."""
    rows: int = 0
    status: int
    error: str = ""
    latency_us: int = 0
    signature_hash: str = ""
    """Of a signed request (RFC 9421), SHA-256 over its signature base and the signature itself, in base64: who signed it cannot deny it."""
    trace: str = ""
    plugin: str = ""


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="act"):
    """Something done to the node itself: log-ins, grants, configuration, keys, reading the log (audit log)."""

    id: UUID
    at: datetime
    act: str
    acting: list[str] = []
    body: str = ""
    facts: dict[str, Any] = {}
    before_commitment: str = ""
    after_commitment: str = ""
    approver: str = ""
    reason: str = ""


class _Identity(msgspec.Struct):
    call_id: UUID | None = None
    id: UUID | None = None


_IDENTITY: Final = msgspec.json.Decoder(_Identity)


def encode(record: Call | Act) -> bytes:
    """The canonical bytes of ``record``: its leaf.

    :raises ValueError: a value has no canonical form (a float, an integer beyond ±2^53, an unknown type).
    :raises TooLarge: the record is longer than a log entry can be.
    """
    if isinstance(record, Act):
        record = msgspec.structs.replace(record, facts=_canonical(record.facts))
    content = _VERSION + _ENCODER.encode(record)[1:]
    if not content.isascii():
        content = unicodedata.normalize("NFC", content.decode()).encode()
    if len(content) > MAX_LEAF:
        raise TooLarge("A ledger record has {size} bytes; at most {most} fit.", size=len(content), most=MAX_LEAF)
    return content


def _canonical(value: Any) -> Any:
    """``value`` with keys in NFC and nothing in it that two encoders could write differently."""
    if isinstance(value, Mapping):
        return {unicodedata.normalize("NFC", str(key)): _canonical(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [_canonical(inner) for inner in value]
        return sorted(items, key=str) if isinstance(value, set | frozenset) else items
    if isinstance(value, msgspec.Struct):
        return _canonical(msgspec.structs.asdict(value))
    if isinstance(value, int) and abs(value) < _MAX_INTEGER:
        return value
    if value is None or isinstance(value, str | UUID | date):
        return value
    raise ValueError(f"A ledger record cannot hold a {type(value).__name__}: write it as text.")


def identity(content: bytes) -> UUID | None:
    """The call or audit id in a leaf; ``None`` when it has none or is not ours."""
    try:
        found = _IDENTITY.decode(content)
    except msgspec.MsgspecError:
        return None
    return found.call_id or found.id


def record_key(subject_key: bytes, record: UUID, provider: Provider = STANDARD) -> bytes:
    """The key of one record's commitments. Showing it opens that record alone, not the subject's others."""
    return provider.derive(subject_key, b"gdbos/ledger/record\x00" + record.bytes)


def commitment(key: bytes, label: str, value: bytes, provider: Provider = STANDARD) -> str:
    """What a leaf says of ``value``: nothing without ``record_key``, and no other value with it."""
    return committing(key, provider)(label, value)


def committing(key: bytes, provider: Provider = STANDARD) -> Callable[[str, bytes], str]:
    """:func:`commitment` under one ``record_key``, for all that one record says."""
    mac = provider.keyed(key)
    return lambda label, value: to_base64(mac(label.encode() + b"\x00" + value))


def bundle(leaves: Iterable[bytes]) -> bytes:
    """Leaves one after another, each behind its length in two bytes (an entry bundle of C2SP tlog-tiles)."""
    return b"".join(len(content).to_bytes(2, "big") + content for content in leaves)


def unbundle(content: bytes) -> list[bytes]:
    """The leaves of an entry bundle; ``ValueError`` carrying those before the place where it breaks off."""
    leaves: list[bytes] = []
    at = 0
    while at < len(content):
        end = at + 2 + int.from_bytes(content[at : at + 2], "big")
        if end > len(content) or at + 2 > len(content):
            raise ValueError(f"The bundle breaks off in its entry {len(leaves)}.", leaves)
        leaves.append(content[at + 2 : end])
        at = end
    return leaves


def append(connection: Connection, log: str, leaves: Sequence[bytes], *, at: datetime) -> None:
    """Put records into the transaction of their effect; many go as one row. The sequencer gives them their places."""
    if not leaves:
        return
    content = leaves[0] if len(leaves) == 1 else bundle(leaves)
    connection.execute(insert(pending), {"id": new_id(), "log": log, "leaf": content, "records": len(leaves), "at": at})


def append_audit(connection: Connection, act: str, actor: Actor, facts: Mapping[str, Any], *, at: datetime) -> UUID:
    """Record in the audit log that ``actor`` did ``act``; returns the record's id."""
    acting = [f"{link.kind}:{link.id}" for link in actor.chain] or [f"{actor.kind}:{actor.id}"]
    record = Act(id=new_id(), at=at, act=act, acting=acting, body=actor.body, facts=dict(facts))
    append(connection, AUDIT, [encode(record)], at=at)
    return record.id
