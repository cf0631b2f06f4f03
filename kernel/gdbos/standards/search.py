"""Full text over everything the standards hold, in Chinese and English: an index of pairs of neighbouring characters, no dictionary.

A word is found where all its pairs are and the word itself stands; whole names come first, then names that begin with it, names that
hold it, and what is said beside the name. Where nothing holds it, names that share most of its pairs are offered.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any

import msgspec

from gdbos.text import Text

from .document import Document

MOST_CODES = 300
"""Codes of a list whose names are searched; longer lists are found by their own name."""
RANKED = 1000
"""Items that hold the words and are ranked; of a word that is everywhere, the first so many, and whole names always."""
NEAR = 0.5
"""The share of pairs that a name must have to be offered where nothing holds the word."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One item found."""

    kind: str
    id: str
    title: Text
    pack: str
    exact: bool
    """Whether it holds the words; otherwise its name only resembles them."""


class Entry(msgspec.Struct, frozen=True):
    """One item with what is searched of it."""

    document: Document[Any]
    title: Text
    names: tuple[str, str, str]
    """Chinese name, English name and id, folded."""
    text: str


class Index:
    """The index; made once, for an immutable set of standards."""

    def __init__(self, documents: Iterable[Document[Any]]) -> None:
        self._entries = [_entry(document) for document in documents]
        self._pairs: dict[str, array[int]] = {}
        self._named: dict[str, list[Entry]] = {}
        for number, entry in enumerate(self._entries):
            for name in entry.names:
                self._named.setdefault(name, []).append(entry)
            for pair in _pairs(entry.text):
                self._pairs.setdefault(pair, array("L")).append(number)

    def search(self, words: str, on: date, kind: str = "", limit: int = 50) -> list[Hit]:
        """The items of ``kind`` (of any) in force that hold all of ``words``, the best first."""
        wanted = words.casefold().split()
        if not wanted:
            return []
        named = [one for one in self._named.get(" ".join(wanted), ()) if _asked(one, kind, on)]
        whole = {id(one) for one in named}
        holding = (one for one in self._holding(wanted) if _asked(one, kind, on) and id(one) not in whole)
        if found := [*named, *islice(holding, RANKED)]:
            best = sorted(found, key=lambda one: (_rank(one, wanted), len(one.names[0]), one.document.id))
            return [_hit(one, exact=True) for one in best[:limit]]
        return [_hit(one, exact=False) for one in self._near("".join(wanted), kind, on)[:limit]]

    def _holding(self, wanted: list[str]) -> Iterator[Entry]:
        rare = [pair for word in wanted for pair in _pairs(word)]
        lists = sorted((self._pairs.get(pair, array("L")) for pair in rare), key=len)
        numbers: Iterable[int] = lists[0] if lists else range(len(self._entries))
        if len(lists) > 1:
            numbers = sorted(set(lists[0]).intersection(*lists[1:4]))
        for number in numbers:
            if all(word in self._entries[number].text for word in wanted):
                yield self._entries[number]

    def _near(self, word: str, kind: str, on: date) -> list[Entry]:
        pairs = _pairs(word)
        counts: dict[int, int] = {}
        for pair in pairs:
            for number in self._pairs.get(pair, ()):
                counts[number] = counts.get(number, 0) + 1
        likely = sorted(number for number, count in counts.items() if count >= NEAR * len(pairs))
        found = [(counts[number], one) for number in likely if _asked(one := self._entries[number], kind, on)]
        # What resembles by its own name comes before what resembles by its synonyms or its property.
        found.sort(key=lambda each: (-each[0], -len(pairs & _pairs("\n".join(each[1].names)))))
        return [one for _, one in found]


def _asked(entry: Entry, kind: str, on: date) -> bool:
    return kind in ("", entry.document.kind) and entry.document.in_force(on)


def _entry(document: Document[Any]) -> Entry:
    title = getattr(document.value, "title", None) or Text(document.id)
    names = (title.zh.casefold(), title.en.casefold(), document.id.casefold())
    return Entry(document, title, names, "\n".join((*names, *_beside(document.value))))


def _beside(value: Any) -> Iterator[str]:
    """What is said beside the name: synonyms, object and property, descriptions, and the codes of a list."""
    yield from (one.casefold() for one in getattr(value, "synonyms", ()))
    yield from (said.casefold() for name in ("object", "property") if (said := getattr(value, name, "")))
    if description := getattr(value, "description", None):
        yield f"{description.zh}\n{description.en}".casefold()
    for code in getattr(value, "code", ())[:MOST_CODES]:
        yield f"{code.title.zh}\n{code.title.en}".casefold()


def _rank(entry: Entry, wanted: list[str]) -> int:
    phrase = " ".join(wanted)
    if phrase in entry.names:
        return 0
    if any(name.startswith(wanted[0]) for name in entry.names):
        return 1
    return 2 if all(any(word in name for name in entry.names) for word in wanted) else 3


def _pairs(text: str) -> set[str]:
    return {pair for at in range(len(text) - 1) if "\n" not in (pair := text[at : at + 2])}


def _hit(entry: Entry, *, exact: bool) -> Hit:
    document = entry.document
    return Hit(kind=document.kind, id=document.id, title=entry.title, pack=document.pack, exact=exact)
