"""Finding a matter by whatever words come to mind: an index of character pairs, made once for each registry.

Chinese needs no dictionary this way: 营业执照 is 营业, 业执, 执照. Single characters count a little, so that 开餐馆 finds 餐饮.
A word of the Latin alphabet counts from its beginning. What stands in the title weighs more than what stands among the
keywords, and that more than what stands in the text; what is rare weighs more than what is common.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

from gdbos_services.matters.matter import IN_USE, KIND_NAME, Matter

if TYPE_CHECKING:
    from gdbos import Standards

TITLE, KEYWORD, TEXT = 8.0, 5.0, 1.0
WHOLE = 12.0
"""More for a title that holds the whole query, or a keyword that is it."""
SINGLE = 0.1
"""What a character alone weighs beside a pair."""
ENOUGH = 0.5
"""Share of the query's characters and words that a matter must have."""
NEAR = 0.1
"""Share of the best score below which a matter is not shown."""
_SAYING = "a an and apply can do for get how i in is me my need of on open or please the to want where with"
EMPTY = frozenset("我你想要的了吗呢请办开去怎么如何哪里在一个家和与").union(_SAYING.split(" "))
"""What says nothing about the matter; it counts only where nothing else is said."""
LONGEST = 100
"""Characters of a query that count."""
_RUN = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+")


class Hit(msgspec.Struct, frozen=True):
    """A matter found, and how well it fits."""

    matter: Matter
    score: float


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What narrows a search; an empty text does not."""

    type: str = ""
    topic: str = ""
    service_object: str = ""
    role: str = ""

    def admits(self, matter: Matter) -> bool:
        """Whether ``matter`` is one of those looked for."""
        return (
            self.type in ("", matter.type)
            and (not self.topic or self.topic in matter.topics or self.topic in matter.object_topics)
            and (not self.service_object or self.service_object in matter.service_object)
            and self.role in ("", matter.body.role)
        )


ALL = Filter()


def search(
    standards: Standards, query: str, on: date, narrowed: Filter = ALL, *, after: str = "", limit: int | None = None
) -> list[Hit]:
    """Matters in use on that day that fit ``query``, best first; without a query all of them by id.

    ``after``: the id of the last matter of the page before.
    """
    live = {one.id: one.value for one in standards.documents(KIND_NAME, on) if one.value.status == IN_USE}
    scores = _index(standards).scores(query) if query.strip() else dict.fromkeys(sorted(live), 0.0)
    hits = [Hit(live[id], score) for id, score in scores.items() if id in live and narrowed.admits(live[id])]
    hits.sort(key=lambda hit: (-hit.score, hit.matter.id))
    if after:
        at = next((at for at, hit in enumerate(hits) if hit.matter.id == after), None)
        hits = hits[at + 1 :] if at is not None else []
    return hits if limit is None else hits[:limit]


class Index:
    """Pairs and words of all matters, each with what it weighs in which."""

    def __init__(self, matters: Iterable[tuple[str, Matter, str]]) -> None:
        """``matters``: id, matter, and the name of its department."""
        self._weights: dict[str, dict[str, float]] = defaultdict(dict)
        self._titles: dict[str, str] = {}
        self._keywords: dict[str, frozenset[str]] = {}
        for id, matter, department in matters:
            self._titles[id] = _plain(f"{matter.title.zh} {matter.title.en}")
            self._keywords[id] = frozenset(map(_plain, matter.keywords))
            for weight, text in _texts(matter, department):
                for gram in _grams(text):
                    found = self._weights[gram]
                    found[id] = max(found.get(id, 0.0), weight)

    def scores(self, query: str) -> dict[str, float]:
        """How well each matter fits, for those that fit at all."""
        plain = _plain(query[:LONGEST])
        sought = _sought(plain)
        total: dict[str, float] = defaultdict(float)
        have: dict[str, int] = defaultdict(int)
        for gram in sought:
            holders = self._holders(gram)
            rarity = math.log(1 + len(self._titles) / max(len(holders), 1))
            alone = _alone(gram)
            for id, weight in holders.items():
                total[id] += weight * rarity * (SINGLE if alone and not gram.isascii() else 1.0)
                have[id] += alone
        wanted = ENOUGH * sum(map(_alone, sought))
        found = {id: score + self._whole(id, plain) for id, score in total.items() if have[id] >= wanted}
        best = max(found.values(), default=0.0)
        return {id: score for id, score in found.items() if score >= NEAR * best}

    def _whole(self, id: str, plain: str) -> float:
        whole = plain.strip()
        return WHOLE if whole in self._titles[id] or whole in self._keywords[id] else 0.0

    def _holders(self, gram: str) -> dict[str, float]:
        if not gram.isascii():
            return self._weights.get(gram, {})
        found: dict[str, float] = {}
        for word, holders in self._weights.items():
            if word.isascii() and word.startswith(gram):
                for id, weight in holders.items():
                    found[id] = max(found.get(id, 0.0), weight)
        return found


_INDEXES: WeakKeyDictionary[Standards, Index] = WeakKeyDictionary()


def _index(standards: Standards) -> Index:
    found = _INDEXES.get(standards)
    if found is None:
        names = standards.words("body.role")
        last = (one.value for one in standards.documents(KIND_NAME))
        rows = ((one.id, one, names[one.body.role].zh if one.body.role in names else "") for one in last)
        found = _INDEXES[standards] = Index(rows)
    return found


def _texts(matter: Matter, department: str) -> Iterator[tuple[float, str]]:
    yield TITLE, f"{matter.title.zh} {matter.title.en}"
    yield from ((KEYWORD, word) for word in matter.keywords)
    yield KEYWORD, f"{matter.result.title.zh} {matter.result.title.en}"
    yield TEXT, f"{matter.basic_code} {matter.id} {department}"
    yield TEXT, f"{matter.accept_condition.zh} {matter.accept_condition.en}"
    for one in matter.faq:
        yield TEXT, f"{one.question.zh} {one.question.en}"
    for material in matter.materials:
        yield TEXT, f"{material.title.zh} {material.title.en}"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _grams(text: str) -> Iterator[str]:
    """What a text can be found by: words, single characters, pairs of neighbours."""
    for run in _RUN.findall(_plain(text)):
        if run.isascii():
            yield run
        else:
            yield from run
            yield from (run[at : at + 2] for at in range(len(run) - 1))


def _sought(plain: str) -> list[str]:
    """What a query looks for, without what says nothing."""
    grams = list(dict.fromkeys(_grams(plain)))
    telling = [gram for gram in grams if gram not in EMPTY and not (len(gram) > 1 and EMPTY.issuperset(gram))]
    return telling or grams


def _alone(gram: str) -> bool:
    """Whether it is a word or a single character: what the share of a query that was found is counted in."""
    return gram.isascii() or len(gram) == 1
