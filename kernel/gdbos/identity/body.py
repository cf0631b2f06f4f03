"""Bodies (机构): the organs whose officials and systems act here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Date,
    FromClause,
    Index,
    Row,
    String,
    Table,
    false,
    insert,
    select,
    true,
    update,
)

from gdbos.errors import Conflict, Forbidden, Invalid, NotFound, Violation
from gdbos.identity.generation import advance
from gdbos.identity.number import checked, known_division
from gdbos.reach import stem, under
from gdbos.storage.metadata import kernel_metadata
from gdbos.text import N_, Text
from gdbos.unit import Unit

Level = Literal["national", "ministry", "province", "city", "county", "township"]

body = Table(
    "identity_body",
    kernel_metadata,
    Column("uscc", String(18), primary_key=True),
    Column("name_zh", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("division", String(6), nullable=False),
    Column("level", String(10), nullable=False),
    Column("plays", JSON, nullable=False),
    Column("parent", String(18), nullable=False),
    Column("successor", String(18), nullable=False),
    Column("active", Boolean, nullable=False),
    Index("identity_body_division", "division"),
    # No scope: which bodies there are is public (政务公开), and every log-in reads this table.
)

former = Table(
    "identity_body_former",
    kernel_metadata,
    Column("uscc", String(18), primary_key=True),
    Column("until", Date, primary_key=True),
    Column("name_zh", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("division", String(6), nullable=False),
    Column("level", String(10), nullable=False),
    Column("parent", String(18), nullable=False),
    # No scope: what public bodies were called is public.
)


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organ of government, or an institution that plays the part of one."""

    uscc: str
    """Unified social credit code (GB 32100)."""
    name: Text
    division: str
    """GB/T 2260 code of the place it serves."""
    level: Level
    plays: tuple[str, ...] = ()
    """Roles of implementing departments it plays, such as ``tax``."""
    parent: str = ""
    """USCC of the body above it here."""
    successor: str = ""
    """USCC of the body that took it over (机构合并); then it is no longer active, and its past stays readable."""
    active: bool = True


class Former(msgspec.Struct, frozen=True, kw_only=True):
    """What a body was until a day."""

    until: date
    name: Text
    division: str
    level: Level
    parent: str


def register_body(unit: Unit, new: Body) -> Body:
    """Enter a body, or change the entry of one already known. :raises Invalid: number, division or parent is wrong."""
    uscc = checked(unit, "uscc", new.uscc, "$.uscc")
    known_division(unit, new.division, "$.division")
    refuse_beyond_reach(unit, uscc, new.division)
    _refuse_circle(unit, uscc, new.parent)
    before = find_body(unit, uscc)
    if before is not None:
        refuse_beyond_reach(unit, uscc, before.division)
        _keep(unit, before, new)
    values = _values(msgspec.structs.replace(new, uscc=uscc))
    unit.execute(
        insert(body).values(values) if before is None else update(body).where(body.c.uscc == uscc).values(values)
    )
    advance(unit)
    unit.record("identity.body-registered", body=uscc, division=new.division, active=int(new.active))
    return msgspec.structs.replace(new, uscc=uscc)


def merge(unit: Unit, uscc: str, into: str) -> Body:
    """Let the body ``into`` take over another, which is then no longer active: nobody holds a post there, its cases stay readable.

    :raises Conflict: the one would take over itself.
    """
    before, after = get_body(unit, uscc), get_body(unit, into)
    if uscc == into:
        raise Conflict("A body cannot take itself over; name the other one.")
    refuse_beyond_reach(unit, after.uscc, after.division)
    merged = register_body(unit, msgspec.structs.replace(before, active=False, successor=into))
    unit.record("identity.body-merged", body=uscc, into=into)
    return merged


def _refuse_circle(unit: Unit, uscc: str, parent: str) -> None:
    above, seen = parent, {uscc}
    while above:
        found = find_body(unit, above)
        if above in seen or found is None:
            detail = (
                N_("The body {parent} lies below this one; it cannot stand above it.")
                if found
                else N_("The body {parent} above it is not known here; register that one first.")
            )
            facts = {"parent": parent}
            raise Invalid(detail, violations=[Violation("$.parent", "known", detail, facts=facts)], **facts)
        seen.add(above)
        above = found.parent


def _keep(unit: Unit, before: Body, new: Body) -> None:
    """Keep what the body was until today, where a reader of old cases would miss it."""
    was = {"name_zh": before.name.zh, "name_en": before.name.en}
    was |= {"division": before.division, "level": before.level, "parent": before.parent}
    changed = (before.name, before.division, before.level, before.parent) != (
        new.name,
        new.division,
        new.level,
        new.parent,
    )
    same_day = select(former.c.until).where(former.c.uscc == before.uscc, former.c.until == unit.today)
    if changed and unit.execute(same_day).first() is None:  # a slip mended the same day is no history
        unit.execute(insert(former).values(uscc=before.uscc, until=unit.today, **was))


def history(unit: Unit, uscc: str) -> list[Former]:
    """What the body was before, the latest first. :raises NotFound: it is not known here."""
    if find_body(unit, uscc) is None:
        raise NotFound("No body {uscc} is registered here.", uscc=uscc)
    found = unit.execute(select(former).where(former.c.uscc == uscc).order_by(former.c.until.desc()))
    return [
        Former(until=r.until, name=Text(r.name_zh, r.name_en), division=r.division, level=r.level, parent=r.parent)
        for r in found
    ]


def find_body(unit: Unit, uscc: str) -> Body | None:
    """The body with this USCC."""
    row = unit.execute(select(body).where(body.c.uscc == uscc)).first()
    return as_body(row) if row else None


def get_body(unit: Unit, uscc: str) -> Body:
    """The active body with this USCC. :raises NotFound: there is none."""
    found = find_body(unit, uscc)
    if found is None or not found.active:
        raise NotFound("No active body {uscc} is registered here; register it first.", uscc=uscc)
    return found


def bodies(unit: Unit, *, after: str = "", limit: int = 50) -> list[Body]:
    """Bodies in the order of their USCC, from the one that follows ``after``."""
    found = unit.execute(select(body).where(body.c.uscc > after).order_by(body.c.uscc).limit(limit))
    return [as_body(row) for row in found]


def names(unit: Unit, usccs: Sequence[str], on: date | None = None) -> dict[str, Text]:
    """Names of bodies by USCC: today's, or those they bore ``on`` a day, as an old case has to show them."""
    found = unit.execute(select(body.c.uscc, body.c.name_zh, body.c.name_en).where(body.c.uscc.in_(usccs)))
    named = {row.uscc: Text(row.name_zh, row.name_en) for row in found}
    if on is not None and on < unit.today:
        then = select(former).where(former.c.uscc.in_(usccs), former.c.until > on).order_by(former.c.until.desc())
        named |= {row.uscc: Text(row.name_zh, row.name_en) for row in unit.execute(then)}
    return named


def refuse_beyond_reach(unit: Unit, uscc: str, division: str) -> None:
    """Let administrators act only on what they reach. :raises Forbidden: the body is none of theirs."""
    actor = unit.actor
    if actor.reach == "node" or (actor.reach == "body" and (uscc, division) == (actor.body, actor.division)):
        return
    if actor.reach == "division" and under(actor.division, division):
        return
    raise Forbidden("The body {uscc} lies outside the reach of your post.", uscc=uscc)


def reached(unit: Unit, table: FromClause = body) -> ColumnElement[bool]:
    """The bodies an administrator reaches, as a condition on this table, or on an alias of it."""
    actor, column = unit.actor, table.c
    if actor.reach == "node":
        return true()
    if actor.reach == "division":
        return column.division.startswith(stem(actor.division), autoescape=True)
    return column.uscc == actor.body if actor.reach == "body" else false()


def _values(entry: Body) -> dict[str, Any]:
    values = msgspec.structs.asdict(entry)
    name = values.pop("name")
    return {**values, "plays": list(entry.plays), "name_zh": name.zh, "name_en": name.en}


def as_body(row: Row[Any]) -> Body:
    """A row of this table."""
    return Body(
        uscc=row.uscc,
        name=Text(row.name_zh, row.name_en),
        division=row.division,
        level=row.level,
        plays=tuple(row.plays),
        parent=row.parent,
        successor=row.successor,
        active=row.active,
    )
