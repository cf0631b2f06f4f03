"""The registry: what all loaded packs say together, asked as of a day. Immutable; a reload builds a new one."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, partial
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from gdbos.errors import Invalid, NotFound, Violation
from gdbos.text import Text

from .basis import Basis
from .calendar import Calendar, CalendarDefinition, calendar, unheld
from .codes import CodeList, CodeListDefinition, CodeTable, Crosswalk
from .compiled import Compiled, Part, part
from .deadline import Deadline
from .document import Document
from .element import Element
from .identifier import ALGORITHMS, Identifier, IdentifierDefinition
from .mask import Mask, Masking, masking
from .pack import Pack
from .record import Field, Record, RecordDefinition
from .search import Hit, Index
from .uses import Use, uses

S = TypeVar("S", bound=msgspec.Struct)

KINDS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {
        "basis": Basis,
        "elements": Element,
        "codes": CodeListDefinition,
        "crosswalks": Crosswalk,
        "records": RecordDefinition,
        "calendars": CalendarDefinition,
        "deadlines": Deadline,
        "masks": Mask,
        "identifiers": IdentifierDefinition,
    }
)
"""The registry's own kinds; plugins declare more."""

ALONE = 2000
"""How many single elements are kept compiled."""

Documents = Mapping[str, Mapping[str, tuple[Document[Any], ...]]]


class Standards:
    """What is in force. Every look-up takes the day it is asked for; a look-up that finds nothing raises ``NotFound``."""

    def __init__(self, packs: Sequence[Pack], documents: Documents, kinds: Mapping[str, type[msgspec.Struct]]) -> None:
        """``documents``: kind → id → the item's versions, earliest first."""
        self.packs: tuple[Pack, ...] = tuple(packs)
        """From the uppermost down."""
        said = "".join(f"{pack.id} {pack.version} {pack.digest}\n" for pack in self.packs)
        self.edition = hashlib.sha256(said.encode()).hexdigest()[:16] if said else ""
        """Names what the node stands under, in the ledger: another where any file of a pack differs; empty without packs."""
        self.kinds: Mapping[str, type[msgspec.Struct]] = MappingProxyType({**KINDS, **kinds})
        self._documents = documents
        self._compiled: dict[tuple[str, date], Compiled] = {}
        self._alone: dict[tuple[str, str, date], Record] = {}
        self._tables: dict[str, CodeTable] = {}
        self._versions: dict[tuple[str, date | None], CodeTable] = {}
        self._haystack: list[tuple[str, str]] | None = None
        self._index: Index | None = None
        self._users: dict[Use, list[Document[Any]]] | None = None
        self._changed: dict[str, list[date]] = {}
        self._calendars: dict[tuple[str, Text | None], Calendar] = {}
        self._bounded: dict[frozenset[str], frozenset[tuple[str, str]]] = {}
        self._dated = {one.id: one.value for one in self.documents("calendars")}

    def pack(self, id: str) -> Pack:
        """The loaded pack ``id``."""
        found = next((pack for pack in self.packs if pack.id == id), None)
        if found is None:
            raise NotFound("The standards pack {id} is not loaded.", id=id)
        return found

    def document(self, kind: str, id: str, on: date | None = None) -> Document[Any]:
        """The item ``id`` of ``kind`` on that day; without a day, its last version."""
        versions = self.versions(kind, id)
        if on is None:
            return versions[-1]
        for version in versions:
            if version.in_force(on):
                return version
        raise NotFound("{kind}/{id} is not in force on {on}.", kind=kind, id=id, on=on)

    def versions(self, kind: str, id: str) -> tuple[Document[Any], ...]:
        """All versions of an item, earliest first; at least one."""
        versions = self._documents.get(kind, {}).get(id)
        if not versions:
            raise NotFound("The standards hold no {kind}/{id}.", kind=kind, id=id)
        return versions

    def documents(self, kind: str, on: date | None = None) -> Iterator[Document[Any]]:
        """The items of ``kind`` on that day, by id; without a day, the last version of each."""
        for versions in self._documents.get(kind, {}).values():
            chosen = versions[-1] if on is None else next((one for one in versions if one.in_force(on)), None)
            if chosen is not None:
                yield chosen

    def ids(self, kind: str) -> tuple[str, ...]:
        """The ids of a kind's items, whenever in force."""
        return tuple(self._documents.get(kind, {}))

    def bounded(self, kinds: Collection[str]) -> frozenset[tuple[str, str]]:
        """Kind and id of the items that are not in force on every day; found once."""
        key = frozenset(kinds)
        if key not in self._bounded:
            self._bounded[key] = frozenset(
                (kind, id)
                for kind in kinds
                for id, versions in self._documents.get(kind, {}).items()
                if versions[0].since is not None or versions[-1].until is not None or len(versions) > 1
            )
        return self._bounded[key]

    def values(self, struct: type[S], on: date | None = None) -> Iterator[S]:
        """The items of the kind that ``struct`` is declared for."""
        kind = next(kind for kind, declared in self.kinds.items() if declared is struct)
        return (document.value for document in self.documents(kind, on))

    def element(self, id: str, on: date | None = None) -> Element:
        """A data element."""
        value: Element = self.document("elements", id, on).value
        return value

    def find(self, words: str, on: date, after: str = "") -> Iterator[Element]:
        """Elements behind ``after`` in whose id, names or synonyms each of the words stands, by id."""
        wanted = words.casefold().split()
        for id, text in self._searched():
            if id > after and all(word in text for word in wanted):
                for document in self._documents["elements"][id]:
                    if document.in_force(on) and all(word in _words(document.value) for word in wanted):
                        yield document.value

    def _searched(self) -> list[tuple[str, str]]:
        if self._haystack is None:
            self._haystack = [
                (id, "\n".join(_words(one.value) for one in versions))
                for id, versions in self._documents.get("elements", {}).items()
            ]
        return self._haystack

    def search(self, words: str, on: date, kind: str = "", limit: int = 50) -> list[Hit]:
        """Items in force that hold all the words, of one kind or of any, the best first."""
        if self._index is None:
            self._index = Index(version for kind in self.kinds for version in self._every(kind))
        return self._index.search(words, on, kind, limit)

    def users(self, kind: str, id: str, on: date) -> list[Document[Any]]:
        """The items in force that name the item ``id`` of ``kind``, by kind and id."""
        if self._users is None:
            self._users = {}
            for version in (version for kind in self.kinds for version in self._every(kind)):
                for use in uses(version):
                    self._users.setdefault(use, []).append(version)
        found = [
            one for one in self._users.get((kind, id), ()) if one.in_force(on) and (one.kind, one.id) != (kind, id)
        ]
        return sorted(found, key=lambda one: (one.kind, one.id))

    def _every(self, kind: str) -> Iterator[Document[Any]]:
        """Every version of every item of a kind."""
        return (version for versions in self._documents.get(kind, {}).values() for version in versions)

    def codes(self, id: str, on: date) -> CodeList:
        """A code list with the rows in force on that day."""
        return CodeList(self._table_of(self.document("codes", id, on)), on)

    def table(self, id: str) -> CodeTable | None:
        """A code list with all its rows, whenever in force; None where the packs have none of that id."""
        found = self._tables.get(id)
        if found is None and id in self._documents.get("codes", {}):
            found = self._tables[id] = self._table_of(self.document("codes", id))
        return found

    def _table_of(self, document: Document[CodeListDefinition]) -> CodeTable:
        key = (document.id, document.since)
        found = self._versions.get(key)
        if found is None:
            found = self._versions[key] = CodeTable(document.value)
        return found

    def crosswalk(self, a: str, b: str, on: date | None = None) -> Crosswalk:
        """How codes of the list ``a`` are called in ``b``: as declared, or the way back of what is declared from ``b``."""
        found = self._crosswalk(a, b, on)
        if found is not None:
            return found
        back = self._crosswalk(b, a, on)
        if back is None:
            raise NotFound("No crosswalk leads from {list} to {to}.", list=a, to=b)
        return back.reversed()

    def _crosswalk(self, a: str, b: str, on: date | None) -> Crosswalk | None:
        if a in self._documents.get("codes", {}):
            for one in self.document("codes", a, on).value.crosswalk:
                if one.to == b:
                    return Crosswalk(list=a, to=b, map=one.map)
        alone = self._documents.get("crosswalks", {}).get(f"{a}→{b}", ())
        return next((one.value for one in reversed(alone) if on is None or one.in_force(on)), None)

    def identifier(self, scheme: str, on: date | None = None) -> Identifier:
        """An identifier scheme: one the engine knows, or one a pack describes by a pattern.

        What the engine knows it also checks on days on which no pack speaks of it.
        """
        definition: IdentifierDefinition | None = None
        if scheme in ALGORITHMS:
            versions = self._documents.get("identifiers", {}).get(scheme, ())
            definition = next((one.value for one in reversed(versions) if on is None or one.in_force(on)), None)
        elif scheme in self._documents.get("identifiers", {}):
            definition = self.document("identifiers", scheme, on).value
        else:
            raise NotFound("No identifier scheme is called {scheme}; there are: {known}.", scheme=scheme, known=", ".join(self.schemes()))  # fmt: skip
        tables = cache(self.table if on is None else partial(self._table_on, on))
        return Identifier(scheme, tables, definition)

    def _table_on(self, on: date, id: str) -> CodeTable | None:
        """A code list as the edition of that day has it, with all its rows: what was checked once is checked alike again."""
        versions = self._documents.get("codes", {}).get(id, ())
        found = next((one for one in versions if one.in_force(on)), None)
        return self._table_of(found) if found is not None else None

    def schemes(self) -> tuple[str, ...]:
        """All identifier schemes that can be checked."""
        return tuple(dict.fromkeys([*ALGORITHMS, *self._documents.get("identifiers", {})]))

    def record(self, id: str, on: date) -> Record:
        """A record, compiled once per span of days in which neither it nor its elements change."""
        document: Document[RecordDefinition] = self.document("records", id, on)
        key = (id, self._span(document, on))
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = self._compile(document.value, on)
        return Record(compiled, on)

    def _span(self, document: Document[RecordDefinition], on: date) -> date:
        """The last day up to ``on`` on which the record, an element, list or scheme of it changed."""
        days = self._changes(document.id)
        at = bisect_right(days, on)
        return days[at - 1] if at else date.min

    def _changes(self, id: str) -> list[date]:
        found = self._changed.get(id)
        if found is None:
            found = self._changed[id] = sorted(self._days_of_change(id))
        return found

    def _days_of_change(self, id: str) -> set[date]:
        versions = list(self.versions("records", id))
        wanted = {field.element for version in versions for field in version.value.field}
        items = [*versions, *self._all("elements", wanted)]
        elements = [one.value for one in items if isinstance(one.value, Element)]
        lists = {one.codes for one in elements} | {field.codes for one in versions for field in one.value.field}
        items += [*self._all("codes", lists), *self._all("identifiers", {one.scheme for one in elements})]
        return {day for one in items for day in (one.since, one.until) if day is not None}

    def _all(self, kind: str, ids: Iterable[str]) -> Iterator[Document[Any]]:
        return (version for id in ids for version in self._documents.get(kind, {}).get(id, ()))

    def _compile(self, definition: RecordDefinition, on: date) -> Compiled:
        return Compiled(definition, tuple(self._part(field, on) for field in definition.field))

    def _part(self, field: Any, on: date) -> Part:
        element = self.element(field.element, on)
        identifier = self.identifier(element.scheme, on) if element.scheme else None
        named = field.codes or element.codes
        return part(field, element, identifier, self._table_of(self.document("codes", named, on)) if named else None)

    def check(self, element: str, value: object, on: date, *, codes: str = "") -> list[Violation]:
        """What is wrong with one value of an element on that day: its shape, check digits, codes. Paths begin at the value, ``$``.

        ``codes`` narrows the element's code list to another. The value is plain data, as JSON would give it.
        """
        record = self._record_of(element, codes, on)
        found: list[Violation] = []
        try:
            record.convert({"value": value})
        except Invalid as invalid:
            found = invalid.violations
        found = found or record.check({"value": value})
        return [msgspec.structs.replace(one, path="$" + one.path.removeprefix("$.value")) for one in found]

    def _record_of(self, element: str, codes: str, on: date) -> Record:
        """A record of one field, for checking a value that stands alone; those of earlier days are forgotten."""
        key = (element, codes, on)
        found = self._alone.get(key)
        if found is None:
            if len(self._alone) > ALONE:
                self._alone.clear()
            field = Field(name="value", element=element, codes=codes)
            definition = RecordDefinition(id=element, title=self.element(element, on).title, field=(field,))
            found = self._alone[key] = Record(self._compile(definition, on), on)
        return found

    def calendar(self, division: str = "") -> Calendar:
        """The calendar of the nearest level that has one of its own for ``division``; else the country's.

        Where the division may have days off that no calendar here holds, the calendar tells so of each of its days.
        """
        chosen = calendar_of(division, self._dated)
        if chosen is None:
            raise NotFound("The standards hold no calendar.")
        key = (chosen, unheld(division, chosen, self._dated))
        found = self._calendars.get(key)
        if found is None:
            plain = calendar(chosen, self._dated)
            found = self._calendars[key] = plain.doubted(key[1]) if key[1] is not None else plain
        return found

    def deadline(self, id: str, on: date | None = None) -> Deadline:
        """A deadline rule."""
        value: Deadline = self.document("deadlines", id, on).value
        return value

    def basis(self, id: str, on: date | None = None) -> Basis:
        """An article of a statute or standard."""
        value: Basis = self.document("basis", id, on).value
        return value

    def cited(self, ids: Iterable[str], on: date | None = None) -> Text:
        """Articles as a sentence cites them, one after the other; empty where there are none."""
        cited = [self.basis(id, on).cited for id in ids]
        return Text("、".join(one.zh for one in cited), ", ".join(one.into("en") for one in cited))

    def mask(self, element: str, value: object, on: date | None = None) -> object:
        """``value`` of the element as it may be shown. A personal element whose mask nobody wrote is hidden whole."""
        mask = self.masking(element, on)
        return value if mask is None else mask(value)

    def masking(self, element: str, on: date | None = None) -> Masking | None:
        """How values of the element are masked, resolved once for many; None where they are shown as they are."""
        described = self.element(element, on)
        if described.mask:
            return masking(self.document("masks", described.mask, on).value)
        return None if described.personal == "none" else masking(None)

    def words(self, *lists: str) -> dict[str, Text]:
        """What the codes of the lists are called, where the packs have them."""
        tables = [table for table in map(self.table, lists) if table is not None]
        return {code: rows[-1].title for table in tables for code, rows in table.rows.items()}


def _words(element: Element) -> str:
    return "\n".join((element.id, element.title.zh, element.title.en, *element.synonyms)).casefold()


def calendar_of(division: str, definitions: Mapping[str, CalendarDefinition]) -> str | None:
    """The id of the calendar with the longest prefix of ``division``; else the one that names no divisions."""
    ranked = [
        (len(prefix), id)
        for id, definition in definitions.items()
        for prefix in (definition.divisions or ("",))
        if division.startswith(prefix)
    ]
    return max(ranked, default=(0, None), key=lambda one: one[0])[1]
