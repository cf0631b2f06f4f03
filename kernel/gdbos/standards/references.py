"""References between items: every id that an item names must be there, and what it names must make sense."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from typing import Any

import msgspec

from .basis import bases_of
from .calendar import calendar
from .document import Document
from .element import form, shape
from .fault import Fault, nearest
from .identifier import ALGORITHMS
from .layer import Layers, speaker
from .letters import CLASSES
from .numbering import faults as misnumbered
from .pattern import compiled, misfit
from .presence import absent
from .registry import Standards

Wrong = tuple[str, str, str, str]
"""Rule, key, detail, hint."""


def dangling(standards: Standards, layers: Layers) -> list[Fault]:
    """Every reference that leads nowhere and every rule that cannot be run."""
    faults: list[Fault] = []
    for kind in standards.kinds:
        for document in _all(standards, kind):
            for rule, key, detail, hint in _wrongs(standards, document):
                said = speaker(layers[kind, document.id], key, document.since or date.min)
                faults.append(said.fault(rule, detail, key, hint))
    return list(dict.fromkeys(faults)) + _calendars(standards, layers)


def _all(standards: Standards, kind: str) -> Iterator[Document[Any]]:
    for last in standards.documents(kind):
        yield from standards.versions(kind, last.id)


def _wrongs(standards: Standards, document: Document[Any]) -> Iterator[Wrong]:
    for key, id in bases_of(document):
        yield from _there(standards, "basis", id, key)
    yield from absent(standards, document)
    check = CHECKS.get(document.kind)
    if check is not None:
        yield from check(standards, document.value)


def _there(standards: Standards, kind: str, id: str, key: str) -> Iterator[Wrong]:
    known = standards.ids(kind)
    if id not in known:
        yield "reference", key, f"no {kind}/{id} in these packs", nearest(id, known)


def _element(standards: Standards, element: Any) -> Iterator[Wrong]:
    for key, kind in (("codes", "codes"), ("mask", "masks")):
        if named := getattr(element, key):
            yield from _there(standards, kind, named, key)
    if element.scheme and element.scheme not in standards.schemes():
        yield (
            "reference",
            "scheme",
            f"no identifier scheme {element.scheme!r}",
            nearest(element.scheme, standards.schemes()),
        )
    try:
        shape(element)
    except ValueError as error:
        yield "pattern" if element.pattern else "form", "pattern" if element.pattern else "form", str(error), ""
        return
    read = form(element.form)
    if element.pattern and (why := misfit(element.pattern, max(read.shortest, 1), read.longest, _letters(read.kind))):
        yield "pattern", "pattern", why, "write a pattern of values that the form allows, or another form"
    yield from _fitting(standards, element, element.codes, "codes")


def _letters(kind: str) -> str:
    return "." if kind == "any" else CLASSES[kind]


def _fitting(standards: Standards, element: Any, list_id: str, key: str) -> Iterator[Wrong]:
    """Every code of a list can be written as the element prescribes, but for headings; else nobody could ever enter it."""
    table = standards.table(list_id) if list_id else None
    if table is None:
        return
    written = shape(element)
    for code in (code for code in table.rows if not table.children(code)):
        try:
            value = msgspec.convert(code, written.type, strict=False)
        except msgspec.ValidationError:
            value = None
        if value is None or (written.after is not None and written.after(value)):
            hint = f"widen the form of {element.id}, or name a list whose codes fit"
            yield "form", key, f"the code {code!r} of the list {list_id!r} is not written as {element.form}", hint
            return


def _codes(standards: Standards, codes: Any) -> Iterator[Wrong]:
    known = {row.code for row in codes.code}
    for row in codes.code:
        if row.parent and row.parent not in known:
            yield (
                "reference",
                f"code[{row.code}].parent",
                f"no code {row.parent!r} in this list",
                nearest(row.parent, known),
            )
        if row.successor and row.successor not in known:
            yield "reference", f"code[{row.code}].successor", f"no code {row.successor!r} in this list", ""
        if row.since and row.until and row.until <= row.since:
            yield "period", f"code[{row.code}].until", "until must come after from", ""
    yield from _twice(codes)
    for field in ("parent", "successor"):
        for code in _circles({row.code: getattr(row, field) for row in codes.code}):
            yield "circle", f"code[{code}].{field}", f"following {field} from {code!r} leads back to it", ""
    for one in codes.crosswalk:
        yield from _crosswalk(standards, one, codes.id)


def _circles(named: dict[str, str]) -> Iterator[str]:
    """One member of each circle; ``named``: who names whom."""
    seen: set[str] = set()
    for start in named:
        trail: set[str] = set()
        at = start
        while named.get(at) and at not in seen:
            seen.add(at)
            trail.add(at)
            at = named[at]
        if at in trail:
            yield at


def _twice(codes: Any) -> Iterator[Wrong]:
    """A code that has two rows for the same day: nobody could say which holds."""
    rows: defaultdict[str, list[Any]] = defaultdict(list)
    for row in codes.code:
        rows[row.code].append(row)
    for code, ones in rows.items():
        for one, other in pairwise(sorted(ones, key=lambda row: (row.since is not None, row.since))):
            if one.until is None or other.since is None or other.since < one.until:
                yield (
                    "duplicate",
                    f"code[{code}]",
                    "the code has two rows for the same day",
                    "give each row from and until",
                )
                break


def _crosswalk(standards: Standards, crosswalk: Any, list_id: str = "") -> Iterator[Wrong]:
    ends = {"list": crosswalk.list or list_id, "to": crosswalk.to}
    for key, id in ends.items():
        yield from _there(standards, "codes", id, key)
    tables = {key: standards.table(id) for key, id in ends.items()}
    for code, other in crosswalk.map.items():
        for key, named in (("list", code), ("to", other)):
            table = tables[key]
            if table is not None and named not in table.rows:
                yield "reference", "map", f"no code {named!r} in the list {ends[key]!r}", nearest(named, table.rows)


def _ordered(standards: Standards, record: Any, field: Any) -> Iterator[Wrong]:
    """A field and the one it may not precede must both be a day or moment, given once."""
    key = f"field[{field.name}].not_before"
    other = next((one for one in record.field if one.name == field.not_before), None)
    if other is None:
        yield "reference", key, f"the record has no field {field.not_before!r}", nearest(field.not_before, [one.name for one in record.field])  # fmt: skip
        return
    for one in (field, other):
        known = one.element in standards.ids("elements")
        if one.repeat or (known and standards.element(one.element).form not in ("d", "dt")):
            yield "type", key, f"the field {one.name!r} is not one day or moment", ""


def _record(standards: Standards, record: Any) -> Iterator[Wrong]:
    for field in (field for field in record.field if field.not_before):
        yield from _ordered(standards, record, field)
    for name, count in Counter(field.name for field in record.field).items():
        if count > 1:
            yield "duplicate", f"field[{name}]", "two fields have this name", ""
    for field in record.field:
        yield from _there(standards, "elements", field.element, f"field[{field.name}].element")
        if field.codes:
            yield from _there(standards, "codes", field.codes, f"field[{field.name}].codes")
            if field.element in standards.ids("elements"):
                yield from _narrow(standards, field)
    if not record.field:
        yield "missing", "field", "a record needs at least one field", ""
    if record.subject and record.subject not in {field.element for field in record.field}:
        yield "reference", "subject", f"no field of the record has the element {record.subject!r}", ""


def _narrow(standards: Standards, field: Any) -> Iterator[Wrong]:
    try:
        yield from _fitting(standards, standards.element(field.element), field.codes, f"field[{field.name}].codes")
    except ValueError:  # the element's own fault, told there
        return


def _deadline(standards: Standards, deadline: Any) -> Iterator[Wrong]:
    if deadline.next:
        yield from _there(standards, "deadlines", deadline.next, "next")
        clocks = {one.id: one.value.next for one in standards.documents("deadlines")}
        at, passed = deadline.next, set[str]()
        while at in clocks and at not in passed and at != deadline.id:
            passed.add(at)
            at = clocks[at]
        if at == deadline.id:
            yield "circle", "next", f"the clock after {deadline.id!r} leads back to it, so it would never end", ""
    if deadline.reasons:
        yield from _there(standards, "codes", deadline.reasons, "reasons")


def _identifier(standards: Standards, identifier: Any) -> Iterator[Wrong]:
    if identifier.check not in ("", "mod-37-36"):
        yield "type", "check", f"no check algorithm {identifier.check!r}", "known: mod-37-36"
    if identifier.made_of:
        for wrong in misnumbered(identifier.made_of, identifier.check):
            yield "form", "made_of", wrong, ""
        if identifier.pattern:
            yield "form", "pattern", "made_of says what is valid already", "leave one of them out"
        return
    if not identifier.pattern:
        if identifier.id not in ALGORITHMS:
            yield "missing", "pattern", "the engine has no algorithm of this id, so a pattern must say what is valid", nearest(identifier.id, ALGORITHMS)  # fmt: skip
        return
    try:
        compiled(identifier.pattern)
    except ValueError as error:
        yield "pattern", "pattern", str(error), ""


def _calendar(standards: Standards, one: Any) -> Iterator[Wrong]:
    days = [off for off in one.off if off.until <= off.since]
    for off in days:
        yield "period", f"off[{off.since}]", "until must come after from", ""
    for doubt in one.doubt:
        if doubt.until <= doubt.since:
            yield "period", f"doubt[{doubt.since}]", "until must come after from", ""
    off_days = [(off.since, off.until) for off in one.off]
    for working in one.working:
        if any(since <= working.on < until for since, until in off_days):
            yield "duplicate", f"working[{working.on}]", "the day is off and worked at once", ""
    if one.published_from and one.published_until and one.published_until <= one.published_from:
        yield "period", "published_until", "published_until must come after published_from", ""
    if one.extends:
        yield from _there(standards, "calendars", one.extends, "extends")


CHECKS: dict[str, Callable[[Standards, Any], Iterator[Wrong]]] = {
    "elements": _element,
    "codes": _codes,
    "crosswalks": _crosswalk,
    "records": _record,
    "deadlines": _deadline,
    "identifiers": _identifier,
    "calendars": _calendar,
}


def _calendars(standards: Standards, layers: Layers) -> list[Fault]:
    """One root; one calendar for a division, of a pack that speaks for it; and each can be built."""
    homes = {pack.id: _prefix(pack.division) for pack in standards.packs}
    definitions = {one.id: one.value for one in standards.documents("calendars")}
    faults: list[Fault] = []
    spoken = Counter(prefix for one in definitions.values() for prefix in (one.divisions or ("",)))
    for id, definition in definitions.items():
        layer = layers["calendars", id][-1]
        for prefix in definition.divisions or ("",):
            if spoken[prefix] > 1:
                what = f"division {prefix}" if prefix else "the whole country"
                faults.append(layer.fault("duplicate", f"more than one calendar speaks for {what}", "divisions"))
            if not prefix.startswith(home := homes[layers["calendars", id][0].pack]):
                told = f"a calendar for {prefix or 'the whole country'}, of a pack that speaks for {home} only"
                faults.append(layers["calendars", id][0].fault("division", told, "divisions"))
        try:
            calendar(id, definitions)
        except ValueError as error:
            faults.append(layer.fault("calendar", str(error), "extends" if definition.extends else ""))
    return faults


def _prefix(division: str) -> str:
    """What the codes of all divisions within one begin with: 45 for 450000."""
    while division.endswith("00"):
        division = division[:-2]
    return division
