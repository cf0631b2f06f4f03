"""Bodies (机构): the organs whose officials and systems act here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
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

from gdbos.errors import Forbidden, Invalid, NotFound, Violation
from gdbos.identity.generation import advance
from gdbos.identity.number import checked, known_division
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
    Column("active", Boolean, nullable=False),
    Index("identity_body_division", "division"),
    # No scope: which bodies there are is public (政务公开), and every log-in reads this table.
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
    active: bool = True


def register_body(unit: Unit, new: Body) -> Body:
    """Enter a body, or change the entry of one already known. :raises Invalid: number, division or parent is wrong."""
    uscc = checked(unit, "uscc", new.uscc, "$.uscc")
    known_division(unit, new.division, "$.division")
    refuse_beyond_reach(unit, uscc, new.division)
    if new.parent and find_body(unit, new.parent) is None:
        detail = N_("The body {parent} above it is not known here; register that one first.")
        facts = {"parent": new.parent}
        raise Invalid(detail, violations=[Violation("$.parent", "known", detail, facts=facts)], **facts)
    before = find_body(unit, uscc)
    if before is not None:
        refuse_beyond_reach(unit, uscc, before.division)
    values = _values(msgspec.structs.replace(new, uscc=uscc))
    unit.execute(
        insert(body).values(values) if before is None else update(body).where(body.c.uscc == uscc).values(values)
    )
    advance(unit)
    unit.record("identity.body-registered", body=uscc, division=new.division, active=int(new.active))
    return msgspec.structs.replace(new, uscc=uscc)


def find_body(unit: Unit, uscc: str) -> Body | None:
    """The body with this USCC."""
    row = unit.execute(select(body).where(body.c.uscc == uscc)).first()
    return _body(row) if row else None


def get_body(unit: Unit, uscc: str) -> Body:
    """The active body with this USCC. :raises NotFound: there is none."""
    found = find_body(unit, uscc)
    if found is None or not found.active:
        raise NotFound("No active body {uscc} is registered here; register it first.", uscc=uscc)
    return found


def bodies(unit: Unit, *, after: str = "", limit: int = 50) -> list[Body]:
    """Bodies in the order of their USCC, from the one that follows ``after``."""
    found = unit.execute(select(body).where(body.c.uscc > after).order_by(body.c.uscc).limit(limit))
    return [_body(row) for row in found]


def names(unit: Unit, usccs: Sequence[str]) -> dict[str, Text]:
    """Names of bodies by USCC."""
    found = unit.execute(select(body.c.uscc, body.c.name_zh, body.c.name_en).where(body.c.uscc.in_(usccs)))
    return {row.uscc: Text(row.name_zh, row.name_en) for row in found}


def refuse_beyond_reach(unit: Unit, uscc: str, division: str) -> None:
    """Let administrators act only on what they reach. :raises Forbidden: the body is none of theirs."""
    actor = unit.actor
    if actor.reach == "node" or (actor.reach == "body" and (uscc, division) == (actor.body, actor.division)):
        return
    if actor.reach == "division" and _under(actor.division, division):
        return
    raise Forbidden("The body {uscc} lies outside the reach of your post.", uscc=uscc)


def reached(unit: Unit) -> ColumnElement[bool]:
    """The bodies an administrator reaches, as a condition on this table."""
    actor = unit.actor
    if actor.reach == "node":
        return true()
    if actor.reach == "division":
        return body.c.division.startswith(_stem(actor.division), autoescape=True)
    return body.c.uscc == actor.body if actor.reach == "body" else false()


def _under(upper: str, division: str) -> bool:
    return division.startswith(_stem(upper))


def _stem(division: str) -> str:
    """The digits that every division at or below this one begins with (GB/T 2260: two each for province, city, county)."""
    stem = division.rstrip("0")
    return stem + "0" * (len(stem) % 2)


def _values(entry: Body) -> dict[str, Any]:
    values = msgspec.structs.asdict(entry)
    name = values.pop("name")
    return {**values, "plays": list(entry.plays), "name_zh": name.zh, "name_en": name.en}


def _body(row: Row[Any]) -> Body:
    return Body(
        uscc=row.uscc,
        name=Text(row.name_zh, row.name_en),
        division=row.division,
        level=row.level,
        plays=tuple(row.plays),
        parent=row.parent,
        active=row.active,
    )
