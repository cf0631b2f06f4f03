"""The number of a case (办件编号): nationally only "up to 50 characters, unique"; the rest is a pack's rule.

By default: division (6) + day of receipt (8) + department (2) + serial of that day (5). Numbers never repeat; they may have gaps.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from stdnum.iso7064 import mod_37_36

from gdbos import Kind, NotFound, Text, Unit
from gdbos_services.matters.matter import Matter

from .tables import case_serial


class NumberRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the cases of a node are numbered: the document ``case-numbers/rule`` of a pack."""

    id: Literal["rule"] = "rule"
    title: Text = Text("办件编号规则", "How cases are numbered")
    department_digits: Annotated[int, msgspec.Meta(ge=2, le=6)] = 2
    serial_digits: Annotated[int, msgspec.Meta(ge=4, le=10)] = 5
    check: Literal["", "mod-37-36"] = ""
    """A last check character (ISO/IEC 7064 MOD 37,36)."""


KIND = Kind("case-numbers", NumberRule)


def next_number(unit: Unit, division: str, matter: Matter) -> str:
    """A number that no other case has; the serial's row keeps two receipts of one department and day apart."""
    rule = number_rule(unit)
    department = matter.basic_code[4:6].rjust(rule.department_digits, "0")
    prefix = f"{division}{unit.today:%Y%m%d}{department}"
    number = f"{prefix}{_serial(unit, prefix):0{rule.serial_digits}d}"
    return number + mod_37_36.calc_check_digit(number) if rule.check else number


def number_rule(unit: Unit) -> NumberRule:
    """The pack's rule, or the default one."""
    try:
        found: NumberRule = unit.standards.document(KIND.name, "rule", unit.today).value
    except NotFound:
        return NumberRule()
    return found


def _serial(unit: Unit, prefix: str) -> int:
    dialect = postgresql if unit.connection.dialect.name == "postgresql" else sqlite
    first = dialect.insert(case_serial).values(prefix=prefix, last=0).on_conflict_do_nothing()
    unit.execute(first)
    this = case_serial.c.prefix == prefix
    unit.execute(update(case_serial).where(this).values(last=case_serial.c.last + 1))
    serial: int = unit.execute(select(case_serial.c.last).where(this)).scalar_one()
    return serial
