"""Quality rules (质量规则): what must hold of the values a service gives. Documents of the kind ``quality``; code holds the tests only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from gdbos import Kind, Standards, Text

Test = Literal["identifier", "code", "not-future", "required"]


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that must hold of one field."""

    id: str
    field: str
    """The field of the service's reply."""
    element: str
    """The data element it is."""
    test: Test
    """identifier: its check digits · code: in its code list · not-future: not after today · required: there."""
    title: Text
    source: str = ""
    """The standard or statute it comes from."""


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules for what one service gives."""

    id: str
    title: Text
    service: str
    key: str
    """The field that says which record a value belongs to."""
    check: tuple[Check, ...]
    confidence: str = ""
    source: str = ""
    basis: tuple[str, ...] = ()


def faults(rules: Rules, standards: Standards) -> Iterable[str]:
    """What is wrong with a rule document beyond its shape."""
    known = set(standards.ids("elements"))
    for check in rules.check:
        if check.element not in known:
            yield f'check {check.id} names the element "{check.element}", which no pack has'
            continue
        element = standards.element(check.element)
        if check.test == "identifier" and not element.scheme:
            yield f"check {check.id} tests an identifier, and {check.element} has no scheme"
        if check.test == "code" and not element.codes:
            yield f"check {check.id} tests a code, and {check.element} has no code list"
    if len({check.id for check in rules.check}) < len(rules.check):
        yield "two checks have the same id"


KIND = Kind("quality", Rules, faults)


def rules_for(standards: Standards, service: str, on: date) -> list[Rules]:
    """The rules in force for what ``service`` gives."""
    return [found.value for found in standards.documents("quality", on) if found.value.service == service]


def broken(rules: Rules, values: Mapping[str, Any], standards: Standards, on: date) -> list[Check]:
    """The checks that ``values`` do not pass; fields that were not delivered are not judged."""
    return [
        check for check in rules.check if check.field in values and not holds(check, values[check.field], standards, on)
    ]


def holds(check: Check, value: Any, standards: Standards, on: date) -> bool:
    """Whether one value passes one check."""
    if value is None or value == "":
        return check.test != "required"
    if check.test == "required":
        return True
    if check.test == "not-future":
        return _day(value) is not None and _day(value) <= on  # type: ignore[operator]
    return not standards.check(check.element, value, on)


def _day(value: Any) -> date | None:
    """The day a value names; nothing where it names none."""
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError:
        return None
