"""Grants: which body and system may use which service, for what, how much, how long, and who said so."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    TextualSelect,
    Uuid,
    bindparam,
    insert,
    select,
    text,
    update,
)

from gdbos.errors import Conflict, Forbidden, NoGrant, NotFound, TooMany
from gdbos.ids import new_id
from gdbos.reach import under
from gdbos.storage.bulk import packed, unpacked
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Scope
from gdbos.unit import Unit


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer's right to one service (授权)."""

    id: UUID
    body: str
    """USCC of the consuming body."""
    system: str
    """The consumer's system (client id), or the plugin whose pages use the service."""
    service: str
    provider: str
    """The body that granted it. Should the service become another body's, the grant no longer reaches it."""
    version: int = 0
    """The version it was asked for; a newer one answers it as long as that breaks none of its fields. 0: whichever is newest."""
    fields: tuple[str, ...] = ()
    """Fields it may receive; empty: all that the service gives, or none where questions are granted."""
    questions: tuple[str, ...] = ()
    """What it may ask about fields without receiving them: ``birth_date`` any question, ``birth_date age >= 18`` this one."""
    clear: tuple[str, ...] = ()
    """Of these, the fields it receives unmasked; ``*`` for all."""
    purpose: str = ""
    matters: tuple[str, ...] = ()
    """Matters it may cite; empty: any."""
    divisions: tuple[str, ...] = ()
    """Divisions (GB/T 2260) at or below which the caller must sit; empty: anywhere."""
    rate: int = 600
    """Calls a minute, by whichever workers of the node."""
    legal_basis: str = ""
    state: str = "draft"
    since: datetime | None = None
    until: datetime | None = None
    asked_by: str = ""
    decided_by: str = ""
    reason: str = ""


bus_grant = Table(
    "bus_grant",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("body", String(18), nullable=False),
    Column("system", String(80), nullable=False),
    Column("service", String(120), nullable=False),
    Column("provider", String(18), nullable=False),
    Column("version", Integer, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("questions", JSON, nullable=False),
    Column("clear", JSON, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("matters", JSON, nullable=False),
    Column("divisions", JSON, nullable=False),
    Column("rate", Integer, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("state", String(10), nullable=False),  # draft, live, refused, revoked
    Column("since", Instant),
    Column("until", Instant),
    Column("asked_by", String(80), nullable=False),
    Column("decided_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index("bus_grant_consumer", "body", "system", "service"),
    info={"scope": Scope(body=("body", "provider"))},
)

CHANGED = "grants"
"""Topic that tells workers to read grants again."""


def draft(unit: Unit, grant: Grant) -> UUID:
    """Ask for a grant; it holds once an official of the provider, or of the operator, approves it."""
    row = msgspec.structs.asdict(grant) | {
        "state": "draft",
        "asked_by": unit.actor.id,
        "decided_by": "",
        "reason": "",
        "changed_at": unit.now,
    }
    unit.execute(insert(bus_grant).values(row))
    unit.record("grant.ask", grant=str(grant.id), body=grant.body, system=grant.system, service=grant.service)
    return grant.id


def new_grant(**fields: Any) -> Grant:
    """A grant with an id of its own."""
    return Grant(id=new_id(), **fields)


def decide(unit: Unit, grant_id: UUID, *, approve: bool, reason: str) -> Grant:
    """Approve or refuse a draft. Nobody decides what they asked for.

    :raises NotFound: no such grant among those the actor may see.
    :raises Conflict: it is decided already.
    :raises Forbidden: the actor asked for it, or belongs to the consumer and not to the provider.
    """
    grant = _get(unit, grant_id)
    if grant.state != "draft":
        raise Conflict("The grant is {state} already; only a draft can be decided.", state=grant.state)
    if unit.actor.answers_for(grant.asked_by):
        raise Forbidden("Nobody approves what they asked for; another official of the provider must decide.")
    if unit.actor.kind == "official" and unit.actor.reach != "node" and unit.actor.body != grant.provider:
        raise Forbidden("Only the provider of the service decides who may use it.")
    since = max(grant.since or unit.now, unit.now)  # it may be asked for from a later day on, never for the past
    return _change(unit, grant, "live" if approve else "refused", reason, since=since)


def revoke(unit: Unit, grant_id: UUID, reason: str) -> Grant:
    """End a grant now. :raises NotFound: no such grant. :raises Conflict: it is not live."""
    grant = _get(unit, grant_id)
    if grant.state != "live":
        raise Conflict("The grant is {state}; only a live one can be revoked.", state=grant.state)
    return _change(unit, grant, "revoked", reason, since=grant.since)


def _change(unit: Unit, grant: Grant, state: str, reason: str, since: datetime | None) -> Grant:
    changed = {"state": state, "decided_by": unit.actor.id, "reason": reason, "since": since, "changed_at": unit.now}
    unit.execute(update(bus_grant).where(bus_grant.c.id == grant.id).values(changed))
    unit.record(f"grant.{state}", grant=str(grant.id), body=grant.body, system=grant.system, service=grant.service)
    unit.announce(CHANGED)
    return msgspec.structs.replace(grant, state=state, decided_by=unit.actor.id, reason=reason, since=since)


def _get(unit: Unit, grant_id: UUID) -> Grant:
    row = unit.execute(unit.rows(bus_grant).where(bus_grant.c.id == grant_id).with_for_update()).mappings().first()
    if row is None:
        raise NotFound("There is no such grant, or it is not yours to see.")
    return grant_of(row)


def grant_of(row: Mapping[Any, Any]) -> Grant:
    """A row as a grant."""
    fields = {name: row[name] for name in Grant.__struct_fields__}
    for name in ("fields", "questions", "clear", "matters", "divisions"):
        fields[name] = tuple(fields[name])
    return Grant(**fields)


def live_grants(connection: Connection) -> Iterable[Grant]:
    """Every grant that has been approved and not revoked."""
    return [
        grant_of(row) for row in connection.execute(select(bus_grant).where(bus_grant.c.state == "live")).mappings()
    ]


class Used(NamedTuple):
    """A grant, and the body whose service it was used for."""

    id: UUID
    provider: str


def ended(connection: Connection, grants: Collection[Used], now: datetime) -> set[UUID]:
    """Those of ``grants`` that do not hold at ``now``, by the database and not by memory; one query however many there are."""
    if not grants:
        return set()
    asked = {"grants": packed(grant._asdict() for grant in set(grants)), "now": now}
    return set(connection.execute(_ended(connection.dialect.name), asked).scalars())


@cache
def _ended(dialect: str) -> TextualSelect:
    return text(lacking(dialect)).bindparams(bindparam("now", type_=Instant())).columns(bus_grant.c.id)


def lacking(dialect: str) -> str:
    """SQL of the ids in the document ``:grants`` (see :class:`Used`) that name no grant of that provider live at ``:now``."""
    used = unpacked(dialect, [bus_grant.c.id, bus_grant.c.provider], "grants")
    return (
        f"SELECT r.id FROM {used} WHERE NOT EXISTS (SELECT 1 FROM bus_grant AS g"  # noqa: S608
        " WHERE g.id = r.id AND g.provider = r.provider AND g.state = 'live' AND (g.since IS NULL OR g.since <= :now)"
        " AND (g.until IS NULL OR :now < g.until))"
    )


def _within(since: datetime | None, until: datetime | None, now: datetime) -> bool:
    return (since is None or since <= now) and (until is None or now < until)


def _sits(division: str, grant: Grant) -> bool:
    return any(under(one, division) for one in grant.divisions)


class Grants:
    """The live grants as this worker knows them: one look-up per call."""

    def __init__(self) -> None:
        self._by_consumer: Mapping[tuple[str, str, str, str], Sequence[Grant]] = {}
        self._recent: dict[UUID, deque[float]] = {}
        self._elsewhere: Mapping[UUID, int] = {}

    def replace(self, grants: Iterable[Grant]) -> None:
        """Know ``grants`` from now on; of two that cover the same call the newer one counts."""
        found: dict[tuple[str, str, str, str], list[Grant]] = {}
        for grant in sorted(grants, key=lambda g: g.id, reverse=True):
            found.setdefault((grant.body, grant.system, grant.service, grant.provider), []).append(grant)
        self._by_consumer = found
        live = {grant.id for ones in found.values() for grant in ones}
        self._recent = {grant_id: recent for grant_id, recent in self._recent.items() if grant_id in live}

    def find(
        self, *, body: str, system: str, service: str, provider: str, matter: str, now: datetime, division: str = ""
    ) -> Grant:
        """The grant under which a consumer may call, given by the body that provides the service now.

        :raises NoGrant: none, not yet or no longer, not for this matter, or not for a caller who sits in ``division``.
        """
        known = self._by_consumer.get((body, system, service, provider), ())
        grants = [grant for grant in known if _within(grant.since, grant.until, now)]
        if not grants:
            raise NoGrant(
                "System {system} of body {body} holds no live grant for {service}; ask its provider for one, naming matter"
                " and purpose.",
                system=system,
                body=body or "—",
                service=service,
            )
        for grant in grants:
            if (not grant.matters or matter in grant.matters) and (not grant.divisions or _sits(division, grant)):
                return grant
        if any(not grant.matters or matter in grant.matters for grant in grants):
            raise NoGrant(
                "The grant for {service} is for callers in the divisions {divisions}, and you call from {division}; ask for a"
                " grant that covers yours.",
                service=service,
                divisions=", ".join(sorted({one for grant in grants for one in grant.divisions})),
                division=division or "—",
            )
        raise NoGrant(
            "The grant for {service} covers the matters {matters}, not {matter}; cite one of these or ask for another"
            " grant.",
            service=service,
            matters=", ".join(sorted({covered for grant in grants for covered in grant.matters})),
            matter=matter or "—",
        )

    def spend(self, grant: Grant) -> None:
        """Count one call. :raises TooMany: the grant's rate for this minute is used up, here or at other workers."""
        now = time.monotonic()
        recent = self._recent.setdefault(grant.id, deque())
        _pass(recent, now)
        if len(recent) + self._elsewhere.get(grant.id, 0) >= grant.rate:
            raise TooMany(
                "The grant allows {rate} calls a minute and they are used up; wait and call again.",
                rate=grant.rate,
                retry_after=int(60 - (now - recent[0])) + 1 if len(recent) >= grant.rate else 1 + 60 // grant.rate,
            )
        recent.append(now)

    def spent(self) -> dict[UUID, int]:
        """The calls of the last minute by grant, where there were any."""
        now = time.monotonic()
        for recent in self._recent.values():
            _pass(recent, now)
        return {grant_id: len(recent) for grant_id, recent in self._recent.items() if recent}

    def hear(self, elsewhere: Mapping[UUID, int]) -> None:
        """Know what the node's other workers let through in the last minute, by grant."""
        self._elsewhere = elsewhere


def _pass(recent: deque[float], now: float) -> None:
    while recent and recent[0] <= now - 60:
        recent.popleft()
