"""Code lists (代码集) with dated rows and a hierarchy, and crosswalks between lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from gdbos.errors import Invalid, NotFound
from gdbos.text import Text

from .document import Confidence, Item


class Code(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename={"since": "from"}
):
    """One row of a list. A code may have several rows with other dates (renamed, revived)."""

    code: str
    title: Text
    parent: str = ""
    since: date | None = None
    until: date | None = None
    successor: str = ""
    """The code that took its place when it ended."""
    note: Text | None = None
    source: str = ""
    confidence: Confidence = ""
    locked: bool | tuple[str, ...] = False

    def in_force(self, on: date) -> bool:
        """Whether the row is in force on that day."""
        return (self.since is None or self.since <= on) and (self.until is None or on < self.until)

    def during(self, since: date, until: date) -> bool:
        """Whether the row was in force on any day from ``since`` to ``until``, both included."""
        return (self.since is None or self.since <= until) and (self.until is None or since < self.until)


class Crosswalk(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the codes of one list are called in another."""

    id: str = ""
    list: str = ""
    """The list translated from; the list it stands in, where it stands in one."""
    to: str
    map: dict[str, str] = msgspec.field(default_factory=dict)

    def translate(self, code: str) -> str:
        """The counterpart of ``code``.

        Raises:
            Invalid: it has none; guessing one would change what was said.
        """
        found = self.map.get(code)
        if found is None:
            raise NoCounterpart(
                "The code {code} of the list {list} has no counterpart in {to}.", code=code, list=self.list, to=self.to
            )
        return found

    def losses(self) -> dict[str, tuple[str, ...]]:
        """Codes of the other list in which several of this one fall together, so that the way back is lost."""
        back: dict[str, list[str]] = {}
        for code, other in self.map.items():
            back.setdefault(other, []).append(code)
        return {other: tuple(codes) for other, codes in back.items() if len(codes) > 1}

    def reversed(self) -> Crosswalk:
        """The way back, of those codes that have only one."""
        lost = self.losses()
        back = {other: code for code, other in self.map.items() if other not in lost}
        return Crosswalk(list=self.to, to=self.list, map=back)


class NoCounterpart(Invalid):
    """A code cannot be translated."""

    code, title = "no-counterpart", "This code has no counterpart in the other list"


class CodeListDefinition(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code list with all its rows, whenever in force."""

    title: Text
    standard: str = ""
    """The standard and clause it is taken from."""
    hierarchical: bool = False
    code: tuple[Code, ...] = ()
    crosswalk: tuple[Crosswalk, ...] = ()


class CodeTable:
    """The rows of a list, indexed once; ``at`` gives the list of one day."""

    __slots__ = ("_children", "definition", "rows")

    def __init__(self, definition: CodeListDefinition) -> None:
        self.definition = definition
        self.rows: dict[str, tuple[Code, ...]] = {}
        for row in definition.code:
            self.rows[row.code] = (*self.rows.get(row.code, ()), row)
        self._children: dict[str, list[str]] | None = None

    def row(self, code: str, on: date) -> Code | None:
        """The row of ``code`` in force on that day."""
        for row in self.rows.get(code, ()):
            if row.in_force(on):
                return row
        return None

    def during(self, code: str, since: date, until: date) -> Code | None:
        """The first row of ``code`` in force on any day of the span."""
        for row in self.rows.get(code, ()):
            if row.during(since, until):
                return row
        return None

    def latest(self, code: str, until: date) -> Code | None:
        """The row of ``code`` in force on that day; where it has ended before, the last it had."""
        rows = [row for row in self.rows.get(code, ()) if row.during(date.min, until)]
        return max(rows, key=lambda row: row.since or date.min, default=None)

    def children(self, code: str) -> list[str]:
        """Codes that name ``code`` as parent, whenever in force."""
        if self._children is None:
            below: dict[str, list[str]] = {}
            for row in self.definition.code:
                if row.code not in below.setdefault(row.parent, []):
                    below[row.parent].append(row.code)
            self._children = below
        return self._children.get(code, [])


class CodeList:
    """A code list as of a day."""

    __slots__ = ("_table", "on")

    def __init__(self, table: CodeTable, on: date) -> None:
        self._table, self.on = table, on

    @property
    def id(self) -> str:
        return self._table.definition.id

    @property
    def title_of_list(self) -> Text:
        """What the list is called."""
        return self._table.definition.title

    @property
    def definition(self) -> CodeListDefinition:
        """The list with all its rows."""
        return self._table.definition

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and self._table.row(code, self.on) is not None

    def __iter__(self) -> Iterator[Code]:
        return (row for row in self._table.definition.code if row.in_force(self.on))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, code: str) -> Code:
        """The row of ``code``.

        Raises:
            NotFound: it is not in the list on that day.
        """
        row = self._table.row(code, self.on)
        if row is None:
            raise NotFound("The code list {list} has no code {code} on {on}.", list=self.id, code=code, on=self.on)
        return row

    def get(self, code: str) -> Code | None:
        """The row of ``code``, if it is in force."""
        return self._table.row(code, self.on)

    def title(self, code: str, locale: str = "zh") -> str:
        """What ``code`` means."""
        return self[code].title.into(locale)

    def parent(self, code: str) -> Code | None:
        """The row above."""
        above = self[code].parent
        return self._table.row(above, self.on) if above else None

    def children(self, code: str = "") -> tuple[Code, ...]:
        """The rows right below ``code``; the top rows where none is given."""
        rows = (self._table.row(below, self.on) for below in self._table.children(code))
        return tuple(row for row in rows if row is not None and row.parent == code)

    def ancestors(self, code: str) -> tuple[Code, ...]:
        """The rows above ``code``, nearest first."""
        found: list[Code] = []
        above = self.parent(code)
        while above is not None and above not in found:
            found.append(above)
            above = self.parent(above.code)
        return tuple(found)

    def under(self, code: str, ancestor: str) -> bool:
        """Whether ``code`` is ``ancestor`` or anywhere below it."""
        return code == ancestor or any(row.code == ancestor for row in self.ancestors(code))

    def rows(self) -> list[dict[str, Any]]:
        """The rows as plain data, for export."""
        return [msgspec.to_builtins(row) for row in self]
