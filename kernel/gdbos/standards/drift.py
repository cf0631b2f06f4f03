"""Drift (差异图): what lower levels changed against an upper one, item by item and field by field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from gdbos.text import Text

from .difference import Told, told
from .pack import RANK
from .registry import Standards


class Drifted(msgspec.Struct, frozen=True, kw_only=True):
    """An item that a lower pack changed."""

    kind: str
    id: str
    title: Text
    pack: str
    """The pack that brought it."""
    changes: tuple[Told, ...]
    """Only those of packs below the one compared with."""
    locked: dict[str, str]
    """Fields that no lower pack may touch → the pack that says so."""

    @property
    def key(self) -> str:
        """What it is paged by."""
        return f"{self.kind}/{self.id}"

    def count(self, pack: str) -> int:
        """How many fields ``pack`` changed."""
        return sum(1 for one in self.changes if one.pack == pack)


def below(standards: Standards, against: str) -> tuple[str, ...]:
    """The packs that lie below ``against``, upper first. :raises NotFound: it is not loaded."""
    level = RANK[standards.pack(against).level]
    return tuple(dict.fromkeys(one.id for one in standards.packs if RANK[one.level] > level))


def drift(standards: Standards, against: str, on: date, kind: str = "", pack: str = "") -> Iterator[Drifted]:
    """Items in force that packs below ``against`` changed, by kind and id; of one ``kind`` or one ``pack`` only.

    Raises:
        NotFound: the pack compared with is not loaded.
    """
    lower = {pack} if pack else set(below(standards, against))
    for one in sorted(standards.kinds) if not kind else [kind]:
        for document in sorted(standards.documents(one, on), key=lambda found: found.id):
            changes = tuple(told(one, change) for change in document.changes if change.pack in lower)
            if changes:
                title = getattr(document.value, "title", None) or Text(document.id)
                yield Drifted(kind=one, id=document.id, title=title, pack=document.pack, changes=changes, locked=document.locks)  # fmt: skip
