"""Principals (委托人): whom a person may act for, as they choose among them."""

from __future__ import annotations

from uuid import UUID

import msgspec

from gdbos.identity.deciding import deciding
from gdbos.identity.enterprise import enterprise_names, represented
from gdbos.identity.mandate import received
from gdbos.identity.person import person
from gdbos.unit import Unit


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Someone a person may act for today."""

    subject: str
    name: str
    by_law: bool = False
    """As legal representative (法定代表人), not under a mandate."""
    matters: tuple[str, ...] = ()
    """The only matters the mandate is for; empty: all."""


def principals(unit: Unit, person_id: UUID) -> list[Principal]:
    """Whom the person may act for today: what they represent by law first."""
    own = [Principal(subject=key, name=name, by_law=True) for key, name in represented(unit, person_id).items()]
    known = {one.subject for one in own}
    matters: dict[str, tuple[str, ...]] = {}
    for mandate in received(unit, person_id):
        before = matters.get(mandate.principal)
        whole = before == () or not mandate.matters
        matters[mandate.principal] = () if whole else tuple(sorted({*(before or ()), *mandate.matters}))
    return own + [
        Principal(subject=key, name=principal_name(unit, key), matters=which)
        for key, which in matters.items()
        if key not in known
    ]


def principal_name(unit: Unit, subject: str) -> str:
    """The name of a principal, for those who act for them: an agent knows whom they act for."""
    if subject.startswith("enterprise:"):
        return enterprise_names(unit, [subject]).get(subject, subject.removeprefix("enterprise:"))
    row = unit.execute(deciding(person, person.c.id, person.c.name).where(person.c.subject == subject)).first()
    return unit.vault.open(row.name, table=person.name, column="name", row=row.id).decode() if row else ""
