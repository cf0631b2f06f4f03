"""Finding elements that mean the same (疑似重复、同义数据元), each with the reasons, for a steward to decide.

What is looked at: names, synonyms, object class with property (GB/T 18391), code list and identifier scheme, form, and how many pairs of
neighbouring characters two names share. The same property of different objects (父亲公民身份号码, 母亲公民身份号码) is two facts, however much
of their names is common. Nothing is merged by this: names deceive, and whose fact it is only people know.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from .element import Element

Why = Literal[
    "same-name", "synonym", "same-object-and-property", "same-codes", "same-scheme", "same-form", "similar-name"
]
WEIGHTS: Mapping[Why, float] = {
    "same-name": 0.9,
    "synonym": 0.8,
    "same-object-and-property": 0.8,
    "same-codes": 0.15,
    "same-scheme": 0.15,
    "same-form": 0.05,
    "similar-name": 0.6,
}
ENOUGH = 0.5
"""From this score on a pair is worth a steward's look."""
ALIKE = 0.6
"""From this share of common pairs of characters on two names are similar."""
MOST = 5
"""Likenesses told of one element."""
WORD = 3
"""Signs of a name that makes a property of longer names; shorter ones end too many words."""
LOOKED_AT = 100
"""Elements that are compared one by one, of those whose names share characters."""


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """An element that may mean the same, and why."""

    element: str
    score: float
    """From 0 to 1."""
    reasons: tuple[Why, ...]
    shared: float
    """The share of pairs of neighbouring characters that the names have in common."""


class Features(msgspec.Struct, frozen=True):
    """What of an element is compared, worked out once."""

    element: Element
    names: tuple[str, str]
    """Chinese and English, plain."""
    pairs: tuple[frozenset[str], frozenset[str]]
    synonyms: frozenset[str]
    both: tuple[str, str] | None
    """Object class and property."""


class Finder:
    """The elements of a library, indexed once; ``like`` finds those that resemble one."""

    def __init__(self, elements: Iterable[Element], terms: Sequence[str] = ()) -> None:
        """``terms``: words for properties (名称, 日期, …), by which names are split where an element does not say.

        The library's own names are such words too: what ends in 公民身份号码 is that of somebody.
        """
        library = list(elements)
        names = (_plain(one.title.zh) for one in library)
        self._terms = {*terms, *(name for name in names if len(name) >= WORD)}
        self._library = {element.id: self._features(element) for element in library}
        self._exact: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._grams: dict[str, list[str]] = defaultdict(list)
        for id, features in self._library.items():
            for key in _keys(features):
                self._exact[key].append(id)
            for gram in features.pairs[0] | features.pairs[1]:
                self._grams[gram].append(id)

    def like(self, element: Element) -> list[Likeness]:
        """Other elements that may mean the same, the likeliest first."""
        one = self._features(element)
        found = [_compare(one, self._library[id]) for id in self._candidates(one) if id != element.id]
        likely = sorted((one for one in found if one.score >= ENOUGH), key=lambda one: (-one.score, one.element))
        return likely[:MOST]

    def pairs(self) -> Iterator[tuple[Element, Likeness]]:
        """Every pair within the library, once, under the later id."""
        for id, features in self._library.items():
            yield from ((features.element, one) for one in self.like(features.element) if one.element < id)

    def split(self, element: Element) -> tuple[str, str] | None:
        """Object class and property as the element says, or as its name shows; None where neither does."""
        if element.object and element.property:
            return _plain(element.object), _plain(element.property)
        name = _plain(element.title.zh)
        term = next((name[at:] for at in range(1, len(name)) if name[at:] in self._terms), "")
        return (name.removesuffix(term), term) if term else None

    def _features(self, element: Element) -> Features:
        names = _plain(element.title.zh), _plain(element.title.en)
        synonyms = frozenset(_plain(one) for one in element.synonyms) - {""}
        return Features(element, names, (_pairs(names[0]), _pairs(names[1])), synonyms, self.split(element))

    def _candidates(self, one: Features) -> set[str]:
        """Those with a name, synonym or object and property in common, and those that share most of the rarer pairs of characters."""
        exact = {id for key in _keys(one) for id in self._exact.get(key, ())}
        counts: dict[str, int] = defaultdict(int)
        for pairs in one.pairs:
            for gram in sorted(pairs, key=lambda gram: len(self._grams.get(gram, ())))[: len(pairs) // 2 + 1]:
                for id in self._grams.get(gram, ()):
                    counts[id] += 1
        return exact | set(sorted(counts, key=counts.__getitem__, reverse=True)[:LOOKED_AT])


def _keys(one: Features) -> Iterator[tuple[str, str]]:
    yield from (("name", name) for name in (*one.names, *one.synonyms) if name)
    if one.both:
        yield "both", "\n".join(one.both)


def _compare(one: Features, other: Features) -> Likeness:
    shared = 0.0 if _of_another(one, other) or _of_another(other, one) else _shared(one, other)
    reasons = tuple(_reasons(one, other, shared))
    score = sum(WEIGHTS[why] * (shared if why == "similar-name" else 1) for why in reasons)
    return Likeness(element=other.element.id, score=round(min(score, 1.0), 2), reasons=reasons, shared=round(shared, 2))


def _reasons(one: Features, other: Features, shared: float) -> Iterator[Why]:
    if any(a and a == b for a, b in zip(one.names, other.names, strict=True)):
        yield "same-name"
    elif shared >= ALIKE:
        yield "similar-name"
    if one.synonyms.intersection(other.names) or other.synonyms.intersection(one.names):
        yield "synonym"
    if one.both and one.both == other.both and one.names[0] != other.names[0]:
        yield "same-object-and-property"
    ours, theirs = one.element, other.element
    if ours.codes and ours.codes == theirs.codes:
        yield "same-codes"
    if ours.scheme and ours.scheme == theirs.scheme:
        yield "same-scheme"
    if ours.form == theirs.form:
        yield "same-form"


def _plain(name: str) -> str:
    """Without brackets and what stands in them, blanks, marks and case."""
    return re.sub(r"[(（][^)）]*[)）]|[\W_]", "", name).casefold()


def _pairs(name: str) -> frozenset[str]:
    return frozenset(name[at : at + 2] for at in range(len(name) - 1)) or frozenset({name} - {""})


def _of_another(one: Features, other: Features) -> bool:
    """Whether both are one property, of different objects or of an object and of anything."""
    if one.both is None:
        return False
    thing, property = one.both
    return property == other.names[0] or (
        other.both is not None and other.both[1] == property and other.both[0] != thing
    )


def _shared(one: Features, other: Features) -> float:
    """What the names have in common, over the languages that both are named in."""
    found = [_dice(ours, theirs) for ours, theirs in zip(one.pairs, other.pairs, strict=True) if ours and theirs]
    return sum(found) / len(found) if found else 0.0


def _dice(ours: frozenset[str], theirs: frozenset[str]) -> float:
    """Twice what is common over both together (Dice)."""
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))
