"""Whether a licence is true (证照核验): public, from the register alone, which holds nothing unmasked."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, select

from gdbos import N_, Invalid, NotFound, Text, Unit, Violation, body_names

from .face import Line, lines
from .identifier import as_written
from .state import VALID, on_day, title
from .tables import licence_register
from .type import find

SCHEME = "licence-id"
Entered = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Token = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{16,32}\Z")]
UNKNOWN = N_("No licence with this identifier was issued here. It may be another place's, or false.")


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What anyone may know who holds the identifier of a licence, or its code."""

    identifier: str
    type: str
    title: Text
    issuer: str
    issuer_name: Text
    issued_on: date
    valid_until: date | None
    version: int
    state: str
    state_title: Text
    valid: bool
    """Whether one may rely on it today."""
    face: list[Line]
    """Masked."""


def verify(unit: Unit, entered: str) -> Verified:
    """What the register says of the identifier.

    :raises Invalid: it is not one; the message says which part is wrong, most often the check character.
    :raises NotFound: it is well formed, and nothing was issued here under it.
    """
    written = as_written(entered)
    verdict = unit.standards.identifier(SCHEME, unit.today).check(written, unit.today)
    if not verdict.valid:
        found = Violation("$.identifier", verdict.reason, verdict.detail, element=SCHEME, source="GB/T 36904-2018")
        raise Invalid(verdict.detail, violations=[found])
    return _verified(unit, licence_register.c.identifier == written)


def verify_token(unit: Unit, token: str) -> Verified:
    """What the register says of the licence whose QR code was read. :raises NotFound: it was not made here."""
    return _verified(unit, licence_register.c.token == token)


def _verified(unit: Unit, which: ColumnElement[bool]) -> Verified:
    row = unit.execute(select(licence_register).where(which)).first()
    if row is None:
        raise NotFound(UNKNOWN)
    kind = find(unit.standards, row.type, row.issued_on)
    state = on_day(row.state, row.valid_until, unit.today)
    return Verified(
        identifier=row.identifier,
        type=row.type,
        title=kind.title,
        issuer=row.issuer,
        issuer_name=body_names(unit, [row.issuer], row.issued_on).get(row.issuer, Text(row.issuer)),
        issued_on=row.issued_on,
        valid_until=row.valid_until,
        version=row.version,
        state=state,
        state_title=title(unit.standards, state, unit.today),
        valid=state == VALID,
        face=lines(kind, _masked(unit, row), unit.standards, row.issued_on),
    )


def _masked(unit: Unit, row: Any) -> dict[str, Any]:
    plain = unit.vault.open(row.masked, table=licence_register.name, column="masked", row=row.id)
    return msgspec.json.decode(plain, type=dict[str, Any])
