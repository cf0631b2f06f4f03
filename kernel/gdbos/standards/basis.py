"""Legal basis (依据): articles of statutes and standards that rules rest on, and rules whose law has ceased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from gdbos.text import Text

from .document import Document, Item

if TYPE_CHECKING:
    from .registry import Standards

WITHOUT = frozenset({"basis", "codes", "crosswalks", "elements", "masks", "calendars", "identifiers"})
"""Kinds that name a basis for the item as a whole and nowhere within it."""


class Basis(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One article, with its days in force."""

    title: Text
    document: str = ""
    """The statute or standard, with its number."""
    article: str = ""

    @property
    def cited(self) -> Text:
        """As a sentence cites it: the law and its article, without what the title says of them after the colon."""
        return Text(self.title.zh.partition("：")[0], self.title.en.partition(":")[0])


class Ceased(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that goes on after the law it rests on has ended."""

    kind: str
    id: str
    pack: str
    basis: str
    title: Text
    """Of the law."""
    ended: date
    """From this day on the rule has nothing to rest on."""


def bases_of(document: Document[Any]) -> Iterator[tuple[str, str]]:
    """The field and id of every basis that an item names, for itself and within."""
    yield from (("basis", id) for id in document.basis)
    if document.kind not in WITHOUT:
        plain = msgspec.to_builtins(document.value, builtin_types=(date,))
        yield from ((path, id) for path, id in _within(plain, "") if path != "basis")


def _within(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            below = f"{path}.{key}" if path else str(key)
            if key == "basis" and isinstance(inner, list | tuple):
                yield from ((below, id) for id in inner if isinstance(id, str))
            elif isinstance(inner, dict | list | tuple):
                yield from _within(inner, below)
    elif isinstance(value, list | tuple):
        for entry in value:
            name = next((entry[key] for key in ("id", "name") if key in entry), "") if isinstance(entry, dict) else ""
            yield from _within(entry, f"{path}[{name}]")


def ceased(standards: Standards) -> Iterator[Ceased]:
    """Rules that are in force on days on which a law they name is not any more."""
    known = set(standards.ids("basis"))
    for kind in standards.kinds:
        for last in standards.documents(kind):
            for document in standards.versions(kind, last.id):
                for id in dict.fromkeys(id for _, id in bases_of(document)):
                    if id in known and (ended := _ended(standards, id, document)):
                        title = standards.basis(id).title
                        yield Ceased(kind=kind, id=document.id, pack=document.pack, basis=id, title=title, ended=ended)


def _ended(standards: Standards, id: str, rule: Document[Any]) -> date | None:
    """The first day on which the rule goes on and the article does not."""
    until = standards.versions("basis", id)[-1].until
    return until if until is not None and (rule.until is None or until < rule.until) else None
