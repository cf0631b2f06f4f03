"""Sealed inquiries (涉密调查): receipts of an investigation that their subjects see from a day on, and not before.

An order names one case of one body, its legal basis and its last day. One official asks for it and another of the same body confirms it
(四眼原则); it holds from then on. Receipts written under it wait; the ones before it are not touched. Every order stands in the audit
log, is listed for auditors, and ends by itself: nothing makes a receipt vanish.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    Index,
    String,
    Table,
    Text,
    Uuid,
    exists,
    func,
    insert,
    select,
    update,
)

from gdbos.bus.record import bus_receipt
from gdbos.config import Settings
from gdbos.errors import Conflict, Forbidden, Invalid, NotFound, Violation
from gdbos.ids import new_id
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Scope
from gdbos.text import N_
from gdbos.unit import Unit

bus_seal = Table(
    "bus_seal",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("body", String(18), nullable=False),
    Column("case", String(50), nullable=False),
    Column("until", Date, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("confirmed_by", String(80), nullable=False),
    Column("at", Instant),  # from when on it holds: its confirmation
    Index("bus_seal_case", "body", "case"),
    info={"scope": Scope(body=("body",))},
)


class SealOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That the receipts of one case of one's own body wait."""

    case: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    until: date
    """The day on which its subjects see them."""
    legal_basis: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """An order as auditors and the body itself see it."""

    id: UUID
    body: str
    case: str
    until: date
    legal_basis: str
    reason: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str = ""
    at: datetime | None = None
    """From when on it holds; none until another official confirms it."""


class Seals(msgspec.Struct, frozen=True):
    """Orders, newest first; ``next`` is the key of the following page."""

    seals: list[Seal]
    next: UUID | None = None


def ask(unit: Unit, order: SealOrder) -> Seal:
    """Ask that the receipts of a case wait; nothing waits until another official confirms it.

    :raises Forbidden: the actor is no official of a body. :raises Invalid: see :func:`_refuse_beyond`.
    """
    if unit.actor.kind != "official" or not unit.actor.body:
        raise Forbidden("Only officials of a body seal the receipts of its own investigations.")
    _refuse_beyond(unit, order.case, order.until)
    wanted = msgspec.structs.asdict(order)
    made = Seal(id=new_id(), body=unit.actor.body, asked_by=unit.actor.id, asked_at=unit.now, **wanted)
    unit.execute(insert(bus_seal).values(msgspec.structs.asdict(made)))
    unit.record("receipts.seal-asked", seal=str(made.id), body=made.body, until=made.until.isoformat())
    return made


def confirm(unit: Unit, seal_id: UUID) -> Seal:
    """Have the receipts of the case wait from now on, as another official of the body asked.

    :raises NotFound: no order of one's own body. :raises Conflict: it is confirmed already. :raises Forbidden: the actor asked for it.
    :raises Invalid: see :func:`_refuse_beyond`; time has passed since it was asked for.
    """
    asked = _own(unit, seal_id)
    if asked.at is not None:
        raise Conflict("The order is confirmed already.")
    if unit.actor.answers_for(asked.asked_by):
        raise Forbidden("Nobody seals alone: another official of your body has to confirm what you asked for.")
    _refuse_beyond(unit, asked.case, asked.until)
    held = msgspec.structs.replace(asked, confirmed_by=unit.actor.id, at=unit.now)
    changed = update(bus_seal).where(bus_seal.c.id == seal_id).values(confirmed_by=held.confirmed_by, at=held.at)
    unit.execute(changed)
    unit.record("receipts.seal", seal=str(seal_id), body=held.body, until=held.until.isoformat())
    return held


def _own(unit: Unit, seal_id: UUID) -> Seal:
    """An order of the actor's own body, locked; an auditor of the node sees others and confirms none."""
    wanted = unit.rows(bus_seal).where(bus_seal.c.id == seal_id, bus_seal.c.body == unit.actor.body)
    row = unit.execute(wanted.with_for_update()).mappings().first()
    if row is None or unit.actor.kind != "official":
        raise NotFound("There is no such order of your body.")
    return Seal(**dict(row))


def _refuse_beyond(unit: Unit, case: str, until: date) -> None:
    """:raises Invalid: the day is past, or later than the node lets a seal last, counted from the first one of the case that held:
    orders are not strung together."""
    last = _first_day(unit, case) + timedelta(days=unit.config(Settings).bus.longest_seal)
    if not unit.today < until <= last:
        detail = N_("A seal ends after today and not later than {last}.")
        raise Invalid(violations=[Violation("$.until", "range", detail, facts={"last": last.isoformat()})])


def _first_day(unit: Unit, case: str) -> date:
    mine = unit.rows(bus_seal, func.min(bus_seal.c.at)).where(
        bus_seal.c.case == case, bus_seal.c.body == unit.actor.body
    )
    first: datetime | None = unit.execute(mine).scalar_one()
    return (first or unit.now).astimezone(unit.around.zone).date()


def seals(unit: Unit, after: UUID | None, limit: int) -> Seals:
    """The orders that the actor may see."""
    wanted = unit.rows(bus_seal).order_by(bus_seal.c.id.desc()).limit(limit + 1)
    rows = unit.execute(wanted.where(bus_seal.c.id < after) if after else wanted).mappings().all()
    shown = [Seal(**dict(row)) for row in rows[:limit]]
    return Seals(shown, shown[-1].id if len(rows) > limit else None)


def unsealed(today: date) -> ColumnElement[bool]:
    """The receipts that their subjects may see on a day."""
    s, r = bus_seal.c, bus_receipt.c
    # An order nobody confirmed holds from no moment on: nothing is greater than or equal to it.
    waits = exists(select(s.id).where(s.body == r.body, s.case == r.case, s.at <= r.at, s.until > today))
    return ~waits
