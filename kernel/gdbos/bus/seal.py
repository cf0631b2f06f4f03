"""Sealed inquiries (涉密调查): receipts of an investigation that their subjects see from a day on, and not before.

An order names one case of one body, its legal basis and its last day. Receipts written under it wait; the ones before it are not
touched. Every order stands in the audit log, is listed for auditors, and ends by itself: nothing makes a receipt vanish.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import Column, ColumnElement, Date, Index, String, Table, Text, Uuid, exists, func, insert, select

from gdbos.bus.record import bus_receipt
from gdbos.config import Settings
from gdbos.errors import Forbidden, Invalid, Violation
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
    Column("sealed_by", String(80), nullable=False),
    Column("at", Instant, nullable=False),
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
    sealed_by: str
    at: datetime


class Seals(msgspec.Struct, frozen=True):
    """Orders, newest first; ``next`` is the key of the following page."""

    seals: list[Seal]
    next: UUID | None = None


def seal(unit: Unit, order: SealOrder) -> Seal:
    """Have the receipts of a case wait from now on.

    :raises Forbidden: the actor has no body. :raises Invalid: the day is past, or later than the node lets a seal last, counted from
        the first order for the case: orders are not strung together.
    """
    if not unit.actor.body:
        raise Forbidden("Only a body seals the receipts of its own investigations.")
    last = _first_day(unit, order.case) + timedelta(days=unit.config(Settings).bus.longest_seal)
    if not unit.today < order.until <= last:
        detail = N_("A seal ends after today and not later than {last}.")
        raise Invalid(violations=[Violation("$.until", "range", detail, facts={"last": last.isoformat()})])
    made = Seal(
        id=new_id(), body=unit.actor.body, sealed_by=unit.actor.id, at=unit.now, **msgspec.structs.asdict(order)
    )
    unit.execute(insert(bus_seal).values(msgspec.structs.asdict(made)))
    unit.record("receipts.seal", seal=str(made.id), body=made.body, until=made.until.isoformat())
    return made


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
    waits = exists(select(s.id).where(s.body == r.body, s.case == r.case, s.at <= r.at, s.until > today))
    return ~waits
