"""Editions (版次): a version of a pack on its way from draft through review to publication, and what consumers said of it.

The database is the record of what is published: every worker of a node reads the same rows, and the folders below ``<home>/standards``
are written from them. A published edition never changes; the next version takes its place from the day it names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Column, Connection, Date, Index, LargeBinary, String, Table, Text, Uuid, insert, select, update

from gdbos.errors import Conflict, Forbidden, Invalid, NotFound
from gdbos.ids import new_id
from gdbos.ledger.note import Signer
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.text import Text as Said
from gdbos.unit import Unit

from .parcel import digest, signed, unzipped, zipped

State = Literal["draft", "published", "refused", "withdrawn"]

SAID: Mapping[State, Said] = {
    "draft": Said("草案", "a draft"),
    "published": Said("已发布", "published"),
    "refused": Said("未予发布", "refused"),
    "withdrawn": Said("已撤回", "withdrawn"),
}

CHANGED = "standards"
"""Topic that tells workers to read the published editions again."""


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one pack, without its files."""

    id: UUID
    pack: str
    version: str
    state: State
    digest: str
    """SHA-256 over the files, the same wherever they are packed."""
    signer: str
    """The node that had published it before it came here; empty where it was written here."""
    summary: str
    """What its author says it is for."""
    drafted_by: str
    drafted_body: str
    drafted_at: datetime
    decided_by: str = ""
    decided_body: str = ""
    decided_at: datetime | None = None
    reason: str = ""
    since: date | None = None
    """The first day on which it speaks."""
    until: date | None = None
    """From this day on it is withdrawn."""


class Standing(msgspec.Struct, frozen=True):
    """A published edition as loading needs it."""

    id: UUID
    pack: str
    version: str
    since: date
    until: date | None


standards_edition = Table(
    "standards_edition",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("pack", String(64), nullable=False),
    Column("version", String(32), nullable=False),
    Column("state", String(10), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("parcel", LargeBinary, nullable=False, comment="the files as a ZIP; once published, with the signed note"),
    Column("signer", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("drafted_by", String(80), nullable=False),
    Column("drafted_body", String(18), nullable=False),
    Column("drafted_at", Instant, nullable=False),
    Column("decided_by", String(80), nullable=False),
    Column("decided_body", String(18), nullable=False),
    Column("decided_at", Instant),
    Column("reason", Text, nullable=False),
    Column("since", Date),
    Column("until", Date),
    Column("changed_at", Instant, nullable=False),
    Index("standards_edition_pack", "pack", "version"),
)

_SHOWN = [standards_edition.c[name] for name in Edition.__struct_fields__]


def draft(unit: Unit, files: dict[str, bytes], pack: str, version: str, signer: str, summary: str) -> Edition:
    """Keep a version of a pack as a draft for review."""
    row: dict[str, Any] = {
        "id": new_id(),
        "pack": pack,
        "version": version,
        "state": "draft",
        "digest": digest(files),
        "parcel": zipped(files),
        "signer": signer,
        "summary": summary,
        "drafted_by": unit.actor.id,
        "drafted_body": unit.actor.body,
        "drafted_at": unit.now,
        "decided_by": "",
        "decided_body": "",
        "reason": "",
        "changed_at": unit.now,
    }
    unit.execute(insert(standards_edition).values(row))
    unit.record("standards.draft", edition=str(row["id"]), pack=pack, version=version, digest=row["digest"])
    return get(unit, row["id"])


def get(unit: Unit, id: UUID, *, lock: bool = False) -> Edition:
    """One edition. :raises NotFound: there is none of that id."""
    wanted = select(*_SHOWN).where(standards_edition.c.id == id)
    row = unit.execute(wanted.with_for_update() if lock else wanted).mappings().first()
    if row is None:
        raise NotFound("There is no edition of this id.")
    return Edition(**row)


def editions(unit: Unit, state: State | None, after: UUID | None, limit: int) -> list[Edition]:
    """Up to ``limit`` editions, newest first, behind the one with the id ``after``."""
    wanted = select(*_SHOWN).order_by(standards_edition.c.id.desc()).limit(limit)
    if state:
        wanted = wanted.where(standards_edition.c.state == state)
    if after:
        wanted = wanted.where(standards_edition.c.id < after)
    return [Edition(**row) for row in unit.execute(wanted).mappings()]


def versions(unit: Unit, pack: str, limit: int) -> list[Edition]:
    """Up to ``limit`` editions of a pack, newest first."""
    wanted = select(*_SHOWN).where(standards_edition.c.pack == pack).order_by(standards_edition.c.id.desc())
    return [Edition(**row) for row in unit.execute(wanted.limit(limit)).mappings()]


def parcel(connection: Connection, id: UUID) -> bytes:
    """An edition's files as a ZIP. :raises NotFound: there is none of that id."""
    found = connection.execute(select(standards_edition.c.parcel).where(standards_edition.c.id == id)).scalar()
    if found is None:
        raise NotFound("There is no edition of this id.")
    return bytes(found)


def standing(connection: Connection) -> list[Standing]:
    """Every edition that speaks on any day, in the order of their publication."""
    t = standards_edition.c
    columns = [t[name] for name in Standing.__struct_fields__]
    wanted = select(*columns).where(t.state.in_(("published", "withdrawn"))).order_by(t.decided_at, t.id)
    return [Standing(*row) for row in connection.execute(wanted)]


def publish(unit: Unit, id: UUID, *, since: date, reason: str, signer: Signer, against: Sequence[Standing]) -> Edition:
    """Sign a draft and let it speak from ``since`` on. Its author cannot: four eyes (四眼原则).

    ``against``: the published editions that its review tried it with.

    :raises NotFound: no such edition. :raises Forbidden: the actor drafted it. :raises Invalid: ``since`` is past.
    :raises Conflict: it is no draft, its version is published already, or others were published since its review.
    """
    edition = _draft(unit, id)
    if since < unit.today:
        raise Invalid(
            "An edition speaks from today on at the earliest: what was answered for a past day stays as it is."
        )
    rows = standing(unit.connection)
    if any((one.pack, one.version) == (edition.pack, edition.version) for one in rows):
        raise Conflict(
            "Version {version} of {pack} is published already and a published version never changes; give the draft"
            " another version.",
            version=edition.version,
            pack=edition.pack,
        )
    if rows != list(against):
        raise Conflict("Another edition was published since this one was reviewed; review it again.")
    files = unzipped(parcel(unit.connection, id))
    whole = zipped(signed(files, edition.pack, edition.version, since, signer))
    return _decide(unit, edition, "published", reason, since=since, parcel=whole)


def refuse(unit: Unit, id: UUID, reason: str) -> Edition:
    """Say why a draft is not published; it stays as it was, for its author to read.

    :raises NotFound: no such edition. :raises Conflict: it is no draft.
    """
    edition = get(unit, id, lock=True)
    if edition.state != "draft":
        raise Conflict("The edition is {state}; only a draft can be refused.", state=SAID[edition.state])
    return _decide(unit, edition, "refused", reason)


def withdraw(unit: Unit, id: UUID, *, until: date, reason: str, against: Sequence[Standing]) -> Edition:
    """Let a published edition speak no more from ``until`` on; what it said of earlier days stays.

    :raises NotFound: no such edition. :raises Invalid: ``until`` is past. :raises Conflict: it is not published.
    """
    _lock(unit)
    edition = get(unit, id, lock=True)
    if edition.state != "published":
        raise Conflict("The edition is {state}; only a published one can be withdrawn.", state=SAID[edition.state])
    if until < unit.today:
        raise Invalid("An edition is withdrawn from today on at the earliest: what was answered for a past day stays.")
    if standing(unit.connection) != list(against):
        raise Conflict("Another edition was published since this one was reviewed; review it again.")
    return _decide(unit, edition, "withdrawn", reason, since=edition.since, until=until)


def _draft(unit: Unit, id: UUID) -> Edition:
    """The draft ``id``, which somebody else than its author publishes, with all others kept from publishing meanwhile."""
    _lock(unit)
    edition = get(unit, id, lock=True)
    if edition.state != "draft":
        raise Conflict("The edition is {state}; only a draft can be published.", state=SAID[edition.state])
    if unit.actor.answers_for(edition.drafted_by):
        raise Forbidden("Nobody publishes what they drafted; another official must review it.")
    return edition


def _lock(unit: Unit) -> None:
    """One publication at a time: each is reviewed against all before it."""
    unit.execute(select(standards_edition.c.id).order_by(standards_edition.c.id).with_for_update())


def _decide(unit: Unit, edition: Edition, state: State, reason: str, **more: Any) -> Edition:
    decided: dict[str, Any] = {
        "state": state,
        "reason": reason,
        "decided_by": unit.actor.id,
        "decided_body": unit.actor.body,
    }
    decided |= {"decided_at": unit.now, "changed_at": unit.now, **more}
    if state == "withdrawn":
        del decided["decided_at"]  # the order of publication decides who speaks
    unit.execute(update(standards_edition).where(standards_edition.c.id == edition.id).values(decided))
    days = {name: str(more[name]) for name in ("since", "until") if more.get(name)}
    unit.record(
        f"standards.{state}",
        edition=str(edition.id),
        pack=edition.pack,
        version=edition.version,
        digest=edition.digest,
        reason=reason,
        **days,
    )
    unit.announce(CHANGED)
    return get(unit, edition.id)
