"""Checking the numbers and codes that identity keeps, by the standards the node stands under."""

from __future__ import annotations

import re

from gdbos.errors import Invalid, Violation
from gdbos.text import N_, Text
from gdbos.unit import Unit
from gdbos.vault import normalised

_TITLES = {
    "uscc": Text("统一社会信用代码", "unified social credit code"),
    "citizen-id": Text("公民身份号码", "citizen identity number"),
}
_DIVISION = re.compile(r"\A[0-9]{6}\Z")


def checked(unit: Unit, scheme: str, value: str, path: str) -> str:
    """``value`` as its scheme writes it (``uscc``, ``citizen-id``). :raises Invalid: it breaks the scheme; the value is not repeated."""
    bare = normalised(value)
    verdict = unit.standards.identifier(scheme).check(bare, unit.today)
    if not verdict.valid:
        detail = N_("This is not a valid {scheme}; check it against the certificate and type it again.")
        facts = {"scheme": _TITLES[scheme]}
        raise Invalid(detail, violations=[Violation(path, "check-digit", detail, facts=facts)], **facts)
    return bare


def known_division(unit: Unit, code: str, path: str) -> str:
    """A division code (GB/T 2260) in force today. :raises Invalid: there is none such.

    A node that stands under no packs has no list to look it up in; there the shape must do.
    """
    table = unit.standards.table("division")
    known = code in unit.standards.codes("division", unit.today) if table else _DIVISION.match(code)
    if not known:
        detail = N_("{division} is not a division code in force today (GB/T 2260).")
        raise Invalid(detail, division=code, violations=[Violation(path, "code", detail, facts={"division": code})])
    return code
