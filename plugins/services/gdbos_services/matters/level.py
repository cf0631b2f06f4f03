"""What each level made of a matter: who brought it, what each changed, which elements are locked and by whom (同要素、认领、偏离)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from gdbos import Text
from gdbos_services.matters.matter import Matter

if TYPE_CHECKING:
    from gdbos import Document, Standards

UNIFIED = ("title", "basic_code", "basis", "type")
"""The four elements that are the same at all levels (四级四同)."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One element that a level changed, added or withdrew."""

    element: str
    pack: str
    level: str
    publisher: Text
    before: Any
    """None where the level added it."""
    now: Any
    """None where the level withdrew it."""


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """An element that levels below may not touch, and whose lock it is."""

    element: str
    pack: str
    level: str
    publisher: Text


class Levels(msgspec.Struct, frozen=True, kw_only=True):
    """The provenance of one matter."""

    brought_by: str
    level: str
    publisher: Text
    changes: tuple[Change, ...]
    locks: tuple[Lock, ...]

    @property
    def claimed_by(self) -> tuple[str, ...]:
        """The packs of lower levels that changed anything, uppermost first."""
        return tuple(dict.fromkeys(change.pack for change in self.changes))

    @property
    def unlocked(self) -> tuple[str, ...]:
        """Elements that ought to be the same everywhere and that nobody has locked: here levels can drift apart."""
        locked = {lock.element for lock in self.locks}
        return () if "" in locked else tuple(one for one in UNIFIED if one not in locked)


def levels(document: Document[Matter], standards: Standards) -> Levels:
    """Who said what of the matter."""
    first = standards.pack(document.pack)
    return Levels(
        brought_by=first.id,
        level=first.level,
        publisher=first.publisher,
        changes=tuple(_change(one, standards) for one in document.changes if element_of(one.field) not in SAID_OF_IT),
        locks=tuple(_lock(element, pack, standards) for element, pack in document.locks.items()),
    )


SAID_OF_IT = ("source", "confidence")
"""What a pack says about its own words, not about the matter."""


def element_of(field: str) -> str:
    """The element of a matter that a changed field belongs to: ``materials[identity].source`` is of ``materials``."""
    return re.split(r"[.\[]", field, maxsplit=1)[0]


def _change(change: Any, standards: Standards) -> Change:
    pack = standards.pack(change.pack)
    return Change(
        element=change.field,
        pack=pack.id,
        level=pack.level,
        publisher=pack.publisher,
        before=change.old,
        now=change.new,
    )


def _lock(element: str, pack_id: str, standards: Standards) -> Lock:
    pack = standards.pack(pack_id)
    return Lock(element=element, pack=pack.id, level=pack.level, publisher=pack.publisher)
