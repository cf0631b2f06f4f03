"""The console's view of matters: which level said what, and where levels may drift apart (偏离)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from gdbos import N_, Text, Unit
from gdbos_services.matters.level import Levels, element_of, levels
from gdbos_services.matters.matter import KIND_NAME, Matter, document

PAGE = 50
ELEMENTS = {
    "title": N_("Name"),
    "basic_code": N_("Basic code"),
    "type": N_("Type"),
    "basis": N_("Legal basis"),
    "status": N_("Status"),
    "version": N_("Version"),
    "exercise_levels": N_("Levels that exercise it"),
    "service_object": N_("For whom"),
    "case_class": N_("Class of case"),
    "legal_days": N_("Statutory limit"),
    "promise_days": N_("Promised limit"),
    "deadline": N_("Deadline rule"),
    "trips": N_("Trips"),
    "online_depth": N_("Online depth"),
    "fee": N_("Fee"),
    "fees": N_("Fee"),
    "handling_forms": N_("Ways to apply"),
    "cross_area": N_("Cross-area service"),
    "topics": N_("Topics"),
    "object_topics": N_("Topics"),
    "keywords": N_("Keywords"),
    "form": N_("Form"),
    "body": N_("Department"),
    "accept_condition": N_("Conditions"),
    "result": N_("Result"),
    "window": N_("Window"),
    "consult_phone": N_("Enquiries"),
    "complaint_phone": N_("Complaints"),
    "complaint_address": N_("Address for complaints"),
    "before": N_("Before the reform"),
    "flow": N_("Flow"),
    "materials": N_("Materials"),
    "faq": N_("Questions and answers"),
    "handled_by": N_("Carried out by the service"),
    "instant": N_("Instant rule"),
    "note": N_("Why a trip is needed"),
}
"""Elements in words; messages of the catalogue."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One matter in the console's list."""

    id: str
    title: Text
    levels: Levels
    by_pack: tuple[tuple[str, int], ...]
    """Each lower level that changed anything, with how many elements."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One change in words."""

    name: str
    """Message id of the element."""
    place: str
    """Which part of the element, such as ``[identity].obtained_from``."""
    level: str
    publisher: Text
    before: tuple[Text, ...]
    now: tuple[Text, ...]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list."""

    rows: tuple[Row, ...]
    after: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """One matter with everything that levels said."""

    matter: Matter
    levels: Levels
    changes: tuple[Told, ...]


def listed(unit: Unit, after: str) -> Page:
    """Matters by id with who changed how much of them."""
    standards = unit.standards
    found = [one for one in standards.documents(KIND_NAME, unit.today) if one.id > after][: PAGE + 1]
    rows = tuple(_row(one.id, one.value.title, levels(one, standards)) for one in found[:PAGE])
    return Page(rows=rows, after=rows[-1].id if len(found) > PAGE else "")


def provenance(unit: Unit, matter_id: str) -> Provenance:
    """One matter. Raises NotFound where there is none."""
    found = document(unit.standards, matter_id, unit.today)
    said = levels(found, unit.standards)
    changes = tuple(
        Told(
            name=ELEMENTS.get(element_of(one.element), one.element),
            place=one.element.removeprefix(element_of(one.element)),
            level=one.level,
            publisher=one.publisher,
            before=_words(one.before),
            now=_words(one.now),
        )
        for one in said.changes
    )
    return Provenance(matter=found.value, levels=said, changes=changes)


def _row(id: str, title: Text, said: Levels) -> Row:
    counts = Counter(change.pack for change in said.changes)
    return Row(id=id, title=title, levels=said, by_pack=tuple(counts.items()))


def _words(value: Any) -> tuple[Text, ...]:
    """A value of a pack as words; a table by its title."""
    if value is None:
        return ()
    if isinstance(value, Mapping):
        named = value.get("title", value)
        if isinstance(named, Mapping) and "zh" in named:
            return (Text(str(named["zh"]), str(named.get("en", ""))),)
        return tuple(Text(f"{key}: {one}") for key, one in value.items())
    if isinstance(value, list | tuple):
        return tuple(words for one in value for words in _words(one))
    return (Text(str(value)),)
