"""Erasure of a subject (主体数据删除): their key goes, and with it what every record of the ledger says about them.

One official asks, another confirms (四眼原则). The key is destroyed as soon as that has committed, on every worker, and again at every
start; the records stay in the log, verifiable as before, and say nothing any more. Receipts stay too: they hold names of fields and never
values, and the law has them kept for three years. From then on nothing about the subject passes the bus: it could not be recorded.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import exists, insert, or_, select, update

from gdbos.bus.basis import bus_basis
from gdbos.errors import Conflict, Forbidden, NotFound
from gdbos.ids import new_id
from gdbos.ledger.tables import erased
from gdbos.subjects import subject_key
from gdbos.unit import Unit

ERASED: Final = "erasures"
"""Topic that tells workers to destroy the keys of subjects erased meanwhile."""
e = erased.c


class ErasureOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to erase, and why."""

    kind: Literal["person", "enterprise"]
    number: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    """A citizen id, or a unified social credit code; it is not kept."""
    legal_basis: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """An order to erase a subject, done once somebody else confirmed it. It does not say whom."""

    id: UUID
    legal_basis: str
    reason: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str = ""
    at: datetime | None = None
    """When the key was given up; none until another official confirms it."""


class Erasures(msgspec.Struct, frozen=True):
    """Orders, newest first; ``next`` is the key of the following page."""

    erasures: list[Erasure]
    next: UUID | None = None


def ask(unit: Unit, order: ErasureOrder) -> Erasure:
    """Ask that a subject be erased; nothing is until another official confirms it.

    :raises Forbidden: the actor is no official. :raises Conflict: it is asked for or done already, or see :func:`_refuse_while_seen`.
    """
    if unit.actor.kind != "official":
        raise Forbidden("Only officials ask that a subject be erased.")
    subject = subject_key(unit.vault, order.kind, order.number)
    if unit.execute(select(e.id).where(e.subject == subject)).first():
        raise Conflict("The erasure of this subject is asked for already; another official confirms it, or has.")
    _refuse_while_seen(unit, subject)
    made = Erasure(
        id=new_id(),
        legal_basis=order.legal_basis,
        reason=order.reason,
        asked_by=unit.actor.id,
        asked_at=unit.now,
    )
    unit.execute(insert(erased).values(msgspec.structs.asdict(made) | {"subject": subject}))
    unit.record("subject.erase-asked", erasure=str(made.id))
    return made


def confirm(unit: Unit, erasure_id: UUID) -> Erasure:
    """Erase the subject, as another official asked; it cannot be undone.

    :raises NotFound: no such order. :raises Forbidden: the actor asked for it. :raises Conflict: it is done, or see :func:`_refuse_while_seen`.
    """
    row = unit.execute(select(erased).where(e.id == erasure_id).with_for_update()).mappings().first()
    if row is None or unit.actor.kind != "official":
        raise NotFound("There is no such order to erase a subject.")
    if row["at"] is not None:
        raise Conflict("The subject is erased already.")
    if unit.actor.answers_for(row["asked_by"]):
        raise Forbidden("Nobody erases alone: another official has to confirm what you asked for.")
    _refuse_while_seen(unit, row["subject"])
    done = {"confirmed_by": unit.actor.id, "at": unit.now}
    unit.execute(update(erased).where(e.id == erasure_id).values(done))
    unit.record("subject.erase", erasure=str(erasure_id), asked_by=row["asked_by"])
    unit.announce(ERASED)
    return _read({**row, **done})


def erasures(unit: Unit, after: UUID | None, limit: int) -> Erasures:
    """The orders, newest first."""
    wanted = select(erased).order_by(e.id.desc()).limit(limit + 1)
    rows = unit.execute(wanted.where(e.id < after) if after else wanted).mappings().all()
    shown = [_read(row) for row in rows[:limit]]
    return Erasures(shown, shown[-1].id if len(rows) > limit else None)


def _refuse_while_seen(unit: Unit, subject: str) -> None:
    """:raises Conflict: a case or something else is still open for which bodies may look at the subject."""
    b = bus_basis.c
    lasts = or_(b.until.is_(None), b.until > unit.now)
    looked_at = exists().where(b.subject == subject, b.kind != "archive", b.closed_at.is_(None), lasts)
    if unit.execute(select(looked_at)).scalar_one():
        raise Conflict(
            "A case of this subject is open, and nothing about them could be recorded any more; end it first, then erase."
        )


def _read(row: Any) -> Erasure:
    return Erasure(**{name: row[name] for name in Erasure.__struct_fields__})
