"""What a lower pack may not do to the registry's own kinds (放宽): it adds, narrows and translates, and never loosens.

Each rule takes the item as the upper packs have it and as the lower one would leave it, and yields complaints that begin with the field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from gdbos.errors import Problem

from .basis import Basis
from .calendar import CalendarDefinition
from .codes import Code, CodeListDefinition, Crosswalk
from .compatibility import fields_of
from .deadline import Deadline
from .element import Element, Grade, Personal
from .identifier import IdentifierDefinition
from .mask import Mask
from .record import Field, RecordDefinition
from .registry import Standards

Loosens = Callable[[Any, Any, Standards], Iterator[str]]


def _deadline(upper: Deadline, lower: Deadline, _: Standards) -> Iterator[str]:
    if lower.binds != upper.binds:
        yield "binds: whom a deadline binds is for the upper pack to say"
        return
    yield from _limit(upper, lower)
    for field in ("deemed", "next"):
        if (held := getattr(upper, field)) and getattr(lower, field) != held:
            yield f"{field}: {held!r} must stay"
    if lower.deemed == "refused" != upper.deemed:
        yield "deemed: silence may not come to mean a refusal"


def _limit(upper: Deadline, lower: Deadline) -> Iterator[str]:
    """Nobody may take longer than the upper pack lets government take, or have less time than it gives the party."""
    government = upper.binds == "government"
    late, soon, worse = (lower, upper, "more") if government else (upper, lower, "less")
    if not _ends_by(late, soon):
        field = "days" if lower.days != upper.days else "unit"
        yield f"{field}: {lower.days} {lower.unit} may be {worse} time than {upper.days} {upper.unit}"
    if (late.starts, soon.starts) == ("day-after", "same-day"):
        yield f"starts: {lower.starts} is {worse} time than {upper.starts}"
    if gone := sorted(set(late.suspends) - set(soon.suspends)):
        yield f"suspends: {', '.join(gone)} may not {'come in' if government else 'be left out'}"
    yield from _extension(late, soon, worse)


def _ends_by(one: Deadline, other: Deadline) -> bool:
    """Whether ``one`` surely ends no later than ``other``; working days are never fewer than as many days."""
    alike = one.unit == other.unit or one.unit == "days"
    return one.days <= other.days if alike else one.days == 0


def _extension(late: Deadline, soon: Deadline, worse: str) -> Iterator[str]:
    if late.extension is None:
        return
    if soon.extension is None:
        yield f"extension: with or without it there is {worse} time than the upper pack allows"
        return
    if late.extension.days > soon.extension.days:
        yield f"extension.days: this is {worse} time than the upper pack allows"
    if late.extension.approver != soon.extension.approver:
        yield "extension.approver: who approves is for the upper pack to say"


def _element(upper: Element, lower: Element, standards: Standards) -> Iterator[str]:
    for field, broken in fields_of(upper, lower).items():
        if "forward" in broken and field != "codes":
            yield f"{field}: it would let through what the upper pack does not"
    yield from _listed("codes", upper.codes, lower.codes, standards)
    grades, personal = get_args(Grade), get_args(Personal)
    if grades.index(lower.grade) < grades.index(upper.grade):
        yield f"grade: {lower.grade} is below {upper.grade}"
    if personal.index(lower.personal) < personal.index(upper.personal):
        yield f"personal: {lower.personal} is below {upper.personal}"
    if lower.mask != upper.mask and _shows_more(_masked(upper, standards), _masked(lower, standards)):
        yield "mask: it would show more than the upper pack does"


def _masked(element: Element, standards: Standards) -> Mask:
    """The mask that holds of an element; a personal one whose mask nobody wrote is hidden whole."""
    if element.mask:
        mask: Mask = standards.document("masks", element.mask).value
        return mask
    return Mask(id="", kind="none" if element.personal == "none" else "all")


def _listed(field: str, upper: str, lower: str, standards: Standards) -> Iterator[str]:
    """Another list is narrower where each of its codes is in the upper one and means the same."""
    if upper in ("", lower):
        return
    above, below = standards.table(upper), standards.table(lower)
    if not lower:
        yield f"{field}: the list {upper!r} must stay"
    elif above is not None and below is not None:
        known = {(row.code, row.title.zh) for row in above.definition.code}
        if more := sorted(row.code for row in below.definition.code if (row.code, row.title.zh) not in known):
            yield f"{field}: the list {lower!r} has {', '.join(more[:5])}, which {upper!r} has not, or not so"


_DEPTHS = ("province", "city", "district")


def _shows_more(upper: Mask, lower: Mask) -> bool:
    if upper.kind == "none" or lower.kind == "all":
        return False
    if upper.kind != lower.kind:
        return True
    deeper = _DEPTHS.index(lower.level or "district") > _DEPTHS.index(upper.level or "district")
    kept = lower.keep_first > upper.keep_first or lower.keep_last > upper.keep_last
    return (lower.kind == "keep" and kept) or (lower.kind == "address" and deeper)


def _mask(upper: Mask, lower: Mask, _: Standards) -> Iterator[str]:
    if _shows_more(upper, lower):
        fields = ("kind", "keep_first", "keep_last", "level")
        changed = next(field for field in fields if getattr(upper, field) != getattr(lower, field))
        yield f"{changed}: it would show more than the upper pack does"


def _record(upper: RecordDefinition, lower: RecordDefinition, standards: Standards) -> Iterator[str]:
    below = {field.name: field for field in lower.field}
    for field in upper.field:
        if field.name not in below:
            yield f"field[{field.name}]: a field of the upper pack must stay"
        else:
            yield from _field(field, below[field.name], standards)
    if upper.subject and lower.subject != upper.subject:
        yield "subject: whom the record is about is for the upper pack to say"


def _field(upper: Field, lower: Field, standards: Standards) -> Iterator[str]:
    path = f"field[{upper.name}]"
    if upper.required and not lower.required:
        yield f"{path}.required: the upper pack asks for it always"
    if upper.repeat != lower.repeat:
        yield f"{path}.repeat: whether it repeats is for the upper pack to say"
    if upper == lower:
        return
    above, below = standards.element(upper.element), standards.element(lower.element)
    if upper.element != lower.element:
        yield from (f"{path}.element: {wrong}" for wrong in _element(above, below, standards))
    if upper.codes != lower.codes:
        yield from _listed(f"{path}.codes", upper.codes or above.codes, lower.codes or below.codes, standards)


def _codes(upper: CodeListDefinition, lower: CodeListDefinition, standards: Standards) -> Iterator[str]:
    below = {(row.code, row.since): row for row in lower.code}
    for row in upper.code:
        held = below.get((row.code, row.since))
        if held is None:
            yield f"code[{row.code}]: a code of the upper pack must stay"
        else:
            yield from (f"code[{row.code}].{field}: {why}" for field, why in _row(row, held))
    ways = {way.to: way for way in lower.crosswalk}
    for way in upper.crosswalk:
        if way.to not in ways:
            yield f"crosswalk[{way.to}]: a crosswalk of the upper pack must stay"
        else:
            yield from (f"crosswalk[{way.to}].{wrong}" for wrong in _crosswalk(way, ways[way.to], standards))


def _row(upper: Code, lower: Code) -> Iterator[tuple[str, str]]:
    if upper.title.zh != lower.title.zh:
        yield (
            "title.zh",
            f"{upper.title.zh!r} may not come to mean {lower.title.zh!r}; titles in other languages may be added",
        )
    for field in ("parent", "until", "successor"):
        if getattr(upper, field) != getattr(lower, field):
            yield field, "where a code stands and when it ends is for the upper pack to say"


def _crosswalk(upper: Crosswalk, lower: Crosswalk, _: Standards) -> Iterator[str]:
    if turned := sorted(code for code, other in upper.map.items() if lower.map.get(code) != other):
        yield f"map: {', '.join(turned[:5])} must lead where the upper pack says"


def _identifier(upper: IdentifierDefinition, lower: IdentifierDefinition, _: Standards) -> Iterator[str]:
    for field in ("pattern", "check"):
        if (held := getattr(upper, field)) and getattr(lower, field) != held:
            yield f"{field}: {held!r} must stay; a scheme of your own may be stricter"


def _calendar(upper: CalendarDefinition, lower: CalendarDefinition, _: Standards) -> Iterator[str]:
    """Whose days these are says so; a region lays its own calendar over them."""
    for field in ("zone", "extends", "divisions", "published_from", "published_until", "weekend"):
        if getattr(upper, field) != getattr(lower, field):
            yield f"{field}: {_OVERLAY}"
    if [(off.since, off.until) for off in upper.off] != [(off.since, off.until) for off in lower.off]:
        yield f"off: {_OVERLAY}"
    if [day.on for day in upper.working] != [day.on for day in lower.working]:
        yield f"working: {_OVERLAY}"


_OVERLAY = (
    "the days of an upper pack stay as they are; add a calendar that extends it, with your own divisions and days"
)


def _basis(upper: Basis, lower: Basis, _: Standards) -> Iterator[str]:
    for field, was, now in (
        ("title.zh", upper.title.zh, lower.title.zh),
        ("document", upper.document, lower.document),
        ("article", upper.article, lower.article),
    ):
        if was != now:
            yield f"{field}: {was!r} is the law that rules of the upper pack rest on"


def _kept(rule: Loosens) -> Loosens:
    """The rule, and that nothing of an upper pack is withdrawn by a lower one."""

    def loosens(upper: Any, lower: Any, standards: Standards) -> Iterator[str]:
        if lower is None:
            yield "withdrawn: an item of the upper pack stays in force below it"
            return
        try:
            yield from rule(upper, lower, standards)
        except (Problem, ValueError):  # what it names is not there or cannot be read, and that is told by itself
            return

    return loosens


_RULES: Mapping[str, Loosens] = {
    "basis": _basis,
    "elements": _element,
    "codes": _codes,
    "crosswalks": _crosswalk,
    "records": _record,
    "calendars": _calendar,
    "deadlines": _deadline,
    "masks": _mask,
    "identifiers": _identifier,
}

LOOSENS: Mapping[str, Loosens] = {kind: _kept(rule) for kind, rule in _RULES.items()}
"""By kind."""
