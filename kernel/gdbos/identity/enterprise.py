"""Enterprises and other legal persons (法人), and who represents them by law."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import Column, Index, String, Table, Uuid, insert, update

from gdbos.identity.deciding import deciding
from gdbos.identity.generation import advance
from gdbos.identity.number import checked, known_division
from gdbos.identity.person import Person, register_person
from gdbos.storage.metadata import kernel_metadata
from gdbos.storage.scope import Scope
from gdbos.subjects import enterprise_key
from gdbos.unit import Unit

State = Literal["active", "revoked", "deregistered"]

enterprise = Table(
    "identity_enterprise",
    kernel_metadata,
    Column("uscc", String(18), primary_key=True),
    Column("subject", String(80), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("division", String(6), nullable=False),
    Column("legal_representative", Uuid),
    Column("state", String(12), nullable=False),
    Index("identity_enterprise_legal_representative", "legal_representative"),
    info={"scope": Scope(division="division", subject=("subject",))},
)


class Enterprise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A legal person as entered here."""

    uscc: str
    name: str
    division: str
    legal_representative: UUID | None = None
    """Row id of the person who represents it by law (法定代表人)."""
    state: State = "active"


def register_enterprise(unit: Unit, new: Enterprise) -> str:
    """Enter an enterprise, or change the entry of a known one; returns its subject key.

    A change of the legal representative ends what the former one may do for it at once.
    """
    uscc = checked(unit, "uscc", new.uscc, "$.uscc")
    known_division(unit, new.division, "$.division")
    subject = enterprise_key(uscc)
    values = {**msgspec.structs.asdict(new), "uscc": uscc, "subject": subject}
    if unit.execute(update(enterprise).where(enterprise.c.uscc == uscc).values(values)).rowcount == 0:
        unit.execute(insert(enterprise).values(values))
    advance(unit)
    unit.record("identity.enterprise-registered", enterprise=uscc, state=new.state)
    return subject


def found_enterprise(unit: Unit, *, uscc: str, name: str, division: str, representative: Person) -> str:
    """Enter an enterprise that has just come into being (设立), with who represents it by law; returns its subject key.

    One that is known already stays as it is: whoever founds nothing must not become its representative this way.
    """
    subject = enterprise_key(checked(unit, "uscc", uscc, "$.uscc"))
    if not enterprise_names(unit, [subject]):
        head = register_person(unit, representative).id
        register_enterprise(unit, Enterprise(uscc=uscc, name=name, division=division, legal_representative=head))
    return subject


def representative(unit: Unit, subject: str) -> UUID | None:
    """Row id of the legal representative of the active enterprise with this subject key."""
    chosen = deciding(enterprise, enterprise.c.legal_representative)
    return unit.execute(chosen.where(enterprise.c.subject == subject, enterprise.c.state == "active")).scalar()


def represents(unit: Unit, person_id: UUID, subject: str) -> bool:
    """Whether the person is the legal representative of the active enterprise with this subject key."""
    return representative(unit, subject) == person_id


def represented(unit: Unit, person_id: UUID) -> dict[str, str]:
    """The active enterprises a person represents by law: subject key to name. Their own, so shown to them."""
    found = deciding(enterprise, enterprise.c.subject, enterprise.c.name).where(
        enterprise.c.legal_representative == person_id, enterprise.c.state == "active"
    )
    return {row.subject: row.name for row in unit.execute(found.order_by(enterprise.c.subject))}


def enterprise_names(unit: Unit, subjects: list[str]) -> dict[str, str]:
    """Names of enterprises by subject key. A name and its USCC are public (企业信息公示)."""
    found = deciding(enterprise, enterprise.c.subject, enterprise.c.name).where(enterprise.c.subject.in_(subjects))
    return {row.subject: row.name for row in unit.execute(found)}
