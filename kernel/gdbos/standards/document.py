"""One item of a pack as it stands after all levels have spoken, and what each level changed."""

from __future__ import annotations

from datetime import date
from typing import Any, Generic, Literal, TypeVar

import msgspec

from gdbos.text import Text

V = TypeVar("V")
Confidence = Literal["", "H", "M", "GK"]
"""H: read in the standard or statute; M: one implementer or one local rule; GK: general knowledge, to be confirmed."""


class Change(msgspec.Struct, frozen=True):
    """One field that a lower pack changed or added."""

    field: str
    """``promise_day``, ``title.en``, ``material[id-card].is_need``"""
    pack: str
    old: Any
    """None where the field was added."""
    new: Any
    """None where the entry was withdrawn."""


class Item(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename={"since": "from"}
):
    """What every item of a pack may say about itself; the kinds of the registry build on it."""

    id: str
    basis: tuple[str, ...] = ()
    """Ids of the legal basis items it rests on."""
    confidence: Confidence = ""
    source: str = ""
    """The standard, statute or place it was taken from."""
    since: date | None = None
    """In force from this day on (``from``)."""
    until: date | None = None
    """Not in force any more from this day on."""
    note: Text | None = None


class Envelope(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys any item may have, besides those of its kind."""

    locked: bool | tuple[str, ...] = False
    withdrawn: bool = False


class Document(msgspec.Struct, Generic[V], frozen=True, kw_only=True):
    """An item with its provenance, in force from ``since`` (inclusive) until ``until`` (exclusive)."""

    kind: str
    id: str
    value: V
    pack: str
    """The pack that brought the item."""
    file: str = ""
    locks: dict[str, str] = {}
    """Locked field → the pack that locked it; the empty field is the whole item."""
    changes: tuple[Change, ...] = ()
    since: date | None = None
    until: date | None = None
    basis: tuple[str, ...] = ()
    confidence: Confidence = ""
    source: str = ""
    note: Text | None = None

    @property
    def locked(self) -> tuple[str, ...]:
        """The locked fields; ``("",)`` where the whole item is."""
        return tuple(self.locks)

    def in_force(self, on: date) -> bool:
        """Whether it is in force on that day."""
        return (self.since is None or self.since <= on) and (self.until is None or on < self.until)
