"""The number of a case (办件编号): nationally only "up to 50 characters, unique"; its parts are the packs' (``identifiers/case-number``).

Numbers never repeat; they may have gaps.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from gdbos import Unit
from gdbos_services.matters.matter import Matter

from .tables import case_serial

SCHEME = "case-number"


def next_number(unit: Unit, division: str, matter: Matter) -> str:
    """A number that no other case has; the serial's row keeps two receipts of one prefix apart."""
    parts = {"division": division, "day": f"{unit.today:%Y%m%d}", "department": matter.basic_code[4:6]}
    return unit.standards.identifier(SCHEME, unit.today).mint(parts, partial(_serial, unit))


def _serial(unit: Unit, prefix: str) -> int:
    dialect = postgresql if unit.connection.dialect.name == "postgresql" else sqlite
    first = dialect.insert(case_serial).values(prefix=prefix, last=0).on_conflict_do_nothing()
    unit.execute(first)
    this = case_serial.c.prefix == prefix
    unit.execute(update(case_serial).where(this).values(last=case_serial.c.last + 1))
    serial: int = unit.execute(select(case_serial.c.last).where(this)).scalar_one()
    return serial
