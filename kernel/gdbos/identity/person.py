"""Natural persons (自然人), their numbers sealed and found again by a blind index."""

from __future__ import annotations

from uuid import UUID

import msgspec
from sqlalchemy import Column, LargeBinary, String, Table, Uuid, insert
from sqlalchemy.exc import IntegrityError

from gdbos.actor import Trust
from gdbos.errors import Conflict, NotFound
from gdbos.identity.deciding import deciding
from gdbos.identity.number import checked
from gdbos.ids import new_id
from gdbos.storage.metadata import kernel_metadata
from gdbos.storage.scope import Scope, widely
from gdbos.subjects import person_key
from gdbos.unit import Unit
from gdbos.vault import Sealed

person = Table(
    "identity_person",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", LargeBinary, nullable=False, info={"sealed": Sealed()}),
    Column("citizen_id", LargeBinary, nullable=False, info={"sealed": Sealed()}),
    Column("citizen_id_blind", LargeBinary(16), nullable=False, unique=True),
    Column("subject", String(80), nullable=False, unique=True),
    Column("phone", LargeBinary, nullable=False, info={"sealed": Sealed()}),
    Column("trust", String(2), nullable=False),
    info={"scope": Scope(subject=("subject",))},
)


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Someone as entered here. Its ``repr`` shows nothing personal."""

    name: str
    citizen_id: str
    """GB 11643 number."""
    phone: str = ""
    trust: Trust = "L1"

    def __repr__(self) -> str:
        return f"Person({self.trust})"


class Known(msgspec.Struct, frozen=True):
    """A registered person: row id and subject key."""

    id: UUID
    subject: str


def register_person(unit: Unit, new: Person) -> Known:
    """Enter a person; who is entered already stays as they are. :raises Invalid: the citizen id is not one."""
    citizen_id = checked(unit, "citizen-id", new.citizen_id, "$.citizen_id")
    subject = person_key(unit.vault, citizen_id)
    if known := find_person(unit, subject):
        return known
    row = new_id()
    sealed = {
        column: unit.vault.seal(value, table=person.name, column=column, row=row)
        for column, value in (("name", new.name), ("citizen_id", citizen_id), ("phone", new.phone))
    }
    blind = unit.vault.blind("citizen_id", citizen_id)
    try:
        entered = insert(person).values(id=row, citizen_id_blind=blind, subject=subject, trust=new.trust, **sealed)
        unit.execute(widely(entered))
    except IntegrityError:
        raise Conflict("This person is being registered at this very moment; send the request again.") from None
    unit.record("identity.person-registered", person=row, trust=new.trust)
    return Known(row, subject)


def find_person(unit: Unit, subject: str) -> Known | None:
    """Whether the person with this subject key is registered here: two ids and nothing about them."""
    row = unit.execute(deciding(person, person.c.id, person.c.subject).where(person.c.subject == subject)).first()
    return Known(row.id, row.subject) if row else None


def get_person(unit: Unit, citizen_id: str) -> Known:
    """The registered person with this number. :raises NotFound: there is none; the number is not repeated."""
    found = find_person(unit, person_key(unit.vault, citizen_id))
    if found is None:
        raise NotFound(
            "No person with this identity number is registered here; they must log in or be registered first."
        )
    return found


def name_of(unit: Unit, person_id: UUID) -> str:
    """The name of a person whose row this unit's actor may see; empty otherwise."""
    sealed = unit.execute(unit.rows(person, person.c.name).where(person.c.id == person_id)).scalar()
    return unit.vault.open(sealed, table=person.name, column="name", row=person_id).decode() if sealed else ""
