"""What stands on a licence: values by element, and the words they are shown in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from gdbos import NotFound, Standards, Text

from .type import LicenceType

Values = dict[str, Any]


class Line(msgspec.Struct, frozen=True):
    """One line of a face, ready to be shown."""

    element: str
    title: Text
    words: Text


def face_of(
    kind: LicenceType, known: Mapping[str, Any], *, issuer: Text, serial: str, issued_on: date, until: date | None
) -> Values:
    """The values of a new licence: what the case and its result know, and what only the issuing act knows."""
    issued = {
        "licence-issued-on": issued_on.isoformat(),
        "licence-valid-from": issued_on.isoformat(),
        "licence-valid-until": until.isoformat() if until else None,
        "licence-number": serial,
    }
    values = {**issued, **known} | {one.element: issuer.zh for one in kind.face if one.given == "issuer"}
    values["licence-issued-on"] = issued_on.isoformat()
    return {one.element: values[one.element] for one in kind.face if values.get(one.element) not in (None, "", [])}


def masked(values: Mapping[str, Any], standards: Standards, on: date) -> Values:
    """The face as whoever verifies may see it: each value masked by its own element."""
    return {element: standards.mask(element, value, on) for element, value in values.items()}


def lines(kind: LicenceType, values: Mapping[str, Any], standards: Standards, on: date) -> list[Line]:
    """The face in the order of its type, with codes in words."""
    there = [one.element for one in kind.face if one.element in values]
    return [Line(one, standards.element(one, on).title, words(standards, one, values[one], on)) for one in there]


def words(standards: Standards, element: str, value: Any, on: date) -> Text:
    """A value as people read it: the titles of codes, several of them joined, amounts with their unit."""
    if isinstance(value, list | tuple):
        each = [words(standards, element, one, on) for one in value]
        return Text("、".join(one.zh for one in each), ", ".join(one.into("en") for one in each))
    described = standards.element(element, on)
    if described.codes:
        return _coded(standards, described.codes, str(value), on)
    if described.form == "d":
        return _day(str(value))
    unit = {"CNY": Text("元", "yuan")}.get(described.unit, Text(described.unit, described.unit))
    shown = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return Text(f"{shown}{unit.zh}", f"{shown} {unit.into('en')}".strip())


def _day(value: str) -> Text:
    """A date as Chinese documents write it; anything else as it stands, such as a masked one."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return Text(value, value)
    return Text(f"{day.year}年{day.month}月{day.day}日", value)


def _coded(standards: Standards, codes: str, code: str, on: date) -> Text:
    try:
        row = standards.codes(codes, on).get(code)
    except NotFound:
        return Text(code, code)
    return row.title if row else Text(code, code)
