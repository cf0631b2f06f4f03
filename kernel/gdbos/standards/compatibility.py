"""Compatibility (兼容性): whether data written by one version of an item can be read by the other.

*Backward* is broken where something valid before is refused now: who sends data must change. *Forward* is broken where something
valid now was refused before: who receives data may meet what they never agreed to read.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from gdbos.errors import NotFound

from .element import Element, Form, form
from .record import Field, RecordDefinition
from .registry import Standards

Direction = Literal["backward", "forward"]
Broken = frozenset[Direction]

KEPT: Broken = frozenset()
BACKWARD: Broken = frozenset({"backward"})
FORWARD: Broken = frozenset({"forward"})
BOTH: Broken = BACKWARD | FORWARD

DEMANDED: dict[str, Broken] = {"elements": BOTH, "records": BOTH, "codes": BACKWARD}
"""What each kind must keep (*full* is both). A list may grow: whoever reads codes must expect new ones, so only taking one away breaks."""

WIDER = {"n": ("an", "any"), "a": ("an", "any"), "an": ("any",)}
"""Every value of the first form is one of the others, lengths apart."""


class Versions:
    """The same items in two versions of the standards, compared as of one day."""

    def __init__(self, old: Standards, new: Standards, on: date) -> None:
        self.old, self.new, self.on = old, new, on
        self._elements: dict[str, Broken] = {}
        self._codes: dict[str, Broken] = {}

    def element(self, id: str) -> Broken:
        """What a change of the element, or of its code list, breaks."""
        if id not in self._elements:
            self._elements[id] = self._element(id)
        return self._elements[id]

    def _element(self, id: str) -> Broken:
        try:
            was = self.old.element(id, self.on)
        except NotFound:
            return KEPT
        try:
            now = self.new.element(id, self.on)
        except NotFound:
            return BOTH
        own = KEPT if was == now else _elements(was, now)
        return own | (self.codes(was.codes) if was.codes and was.codes == now.codes else KEPT)

    def codes(self, id: str) -> Broken:
        """What a change of the code list breaks of what lists must keep."""
        if id not in self._codes:
            self._codes[id] = self._listed(id) & DEMANDED["codes"]
        return self._codes[id]

    def _listed(self, id: str) -> Broken:
        was, now = (self._rows(standards, id) for standards in (self.old, self.new))
        if was is None:
            return KEPT
        if now is None:
            return BOTH
        return (BACKWARD if was - now else KEPT) | (FORWARD if now - was else KEPT)

    def _rows(self, standards: Standards, id: str) -> set[str] | None:
        try:
            return {row.code for row in standards.codes(id, self.on)}
        except NotFound:
            return None

    def record(self, id: str) -> dict[str, Broken]:
        """What breaks of the record, by field; nothing where nothing does."""
        was, now = (self._fields(standards, id) for standards in (self.old, self.new))
        if was is None:
            return {}
        if now is None:
            return dict.fromkeys(was, BOTH)
        found = {name: self._field(was.get(name), now.get(name)) for name in {**was, **now}}
        return {name: broken for name, broken in found.items() if broken}

    def _fields(self, standards: Standards, id: str) -> dict[str, Field] | None:
        try:
            definition: RecordDefinition = standards.document("records", id, self.on).value
        except NotFound:
            return None
        return {field.name: field for field in definition.field}

    def _field(self, was: Field | None, now: Field | None) -> Broken:
        if was is None:
            return BACKWARD if now is not None and now.required else KEPT
        if now is None:
            return BOTH
        broken = BOTH if was.repeat != now.repeat else KEPT
        if was.required != now.required:
            broken |= BACKWARD if now.required else FORWARD
        if was.codes != now.codes:
            broken |= _narrowed(was.codes, now.codes)
        elif was.codes:
            broken |= self.codes(was.codes)
        if was.element == now.element:
            return broken | self.element(was.element)
        try:
            return broken | _elements(self.old.element(was.element, self.on), self.new.element(now.element, self.on))
        except NotFound:
            return BOTH


def _elements(was: Element, now: Element) -> Broken:
    return KEPT.union(*fields_of(was, now).values())


def fields_of(was: Element, now: Element) -> dict[str, Broken]:
    """What each changed field of an element breaks."""
    found = {"form": _forms(form(was.form), form(now.form)), **_bounds(was, now)}
    for name in ("pattern", "scheme", "codes"):
        before, after = getattr(was, name), getattr(now, name)
        found[name] = KEPT if before == after else _narrowed(before, after)
    found["unit"] = KEPT if was.unit == now.unit else BOTH  # the same figures mean something else
    return found


def _narrowed(was: str, now: str) -> Broken:
    """A condition that came narrows, one that went widens, another one may do both."""
    return BOTH if was and now else BACKWARD if now else FORWARD


def _forms(was: Form, now: Form) -> Broken:
    broken = KEPT
    if was.kind != now.kind:
        broken |= (
            FORWARD
            if now.kind in WIDER.get(was.kind, ())
            else BACKWARD
            if was.kind in WIDER.get(now.kind, ())
            else BOTH
        )
    longest = (was.longest or _ENDLESS, now.longest or _ENDLESS)
    whole = (longest[0] - was.decimals, longest[1] - now.decimals)
    grows = now.shortest < was.shortest or whole[1] > whole[0] or now.decimals > was.decimals
    shrinks = now.shortest > was.shortest or whole[1] < whole[0] or now.decimals < was.decimals
    return broken | (FORWARD if grows else KEPT) | (BACKWARD if shrinks else KEPT)


_ENDLESS = 1 << 30


def _bounds(was: Element, now: Element) -> dict[str, Broken]:
    low = tuple(float("-inf") if one.minimum is None else one.minimum for one in (was, now))
    high = tuple(float("inf") if one.maximum is None else one.maximum for one in (was, now))
    return {
        "minimum": _moved(narrower=low[1] > low[0], wider=low[1] < low[0]),
        "maximum": _moved(narrower=high[1] < high[0], wider=high[1] > high[0]),
    }


def _moved(*, narrower: bool, wider: bool) -> Broken:
    return BACKWARD if narrower else FORWARD if wider else KEPT
