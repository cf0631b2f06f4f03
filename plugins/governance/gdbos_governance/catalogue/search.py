"""Search by character bigrams: Chinese needs no dictionary, and the index lies in the transaction of what it finds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, or_, select

from gdbos import Unit

from .tables import gram

MOST_GRAMS = 32
"""Of a query; what is longer is cut."""


def words(text: str) -> list[str]:
    """``text`` as runs of letters and digits, in one width and case."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter if letter.isalnum() else " " for letter in plain).split()


def bigrams(text: str) -> Iterator[str]:
    """Neighbouring characters of each run; a run of one is itself."""
    for run in words(text):
        yield from ("".join(pair) for pair in pairwise(run)) if len(run) > 1 else (run,)


def index(unit: Unit, resource: UUID, texts: Iterable[tuple[str, int]]) -> None:
    """Make ``resource`` findable by ``texts``, each with its weight."""
    weights: dict[str, int] = {}
    for text, weight in texts:
        for one in bigrams(text):
            weights[one] = max(weight, weights.get(one, 0))
    if weights:
        unit.execute(
            insert(gram), [{"gram": one, "resource": resource, "weight": weight} for one, weight in weights.items()]
        )


def forget(unit: Unit, resource: UUID) -> None:
    """Find ``resource`` no more."""
    unit.execute(delete(gram).where(gram.c.resource == resource))


def search(unit: Unit, query: str, limit: int) -> list[UUID]:
    """The resources that hold every bigram of ``query``, those first that hold them in their names."""
    wanted = list(dict.fromkeys(bigrams(query)))[:MOST_GRAMS]
    if not wanted:
        return []
    if len(wanted) == 1 and len(wanted[0]) == 1:
        return _ranked(unit, gram.c.gram.startswith(wanted[0], autoescape=True), 1, limit)
    return _ranked(unit, or_(*(_holds(one) for one in wanted)), len(wanted), limit)


def _holds(one: str) -> ColumnElement[bool]:
    return gram.c.gram == one


def _ranked(unit: Unit, condition: ColumnElement[bool], least: int, limit: int) -> list[UUID]:
    found = (
        select(gram.c.resource)
        .where(condition)
        .group_by(gram.c.resource)
        .having(func.count() >= least)
        .order_by(func.sum(gram.c.weight).desc(), gram.c.resource.desc())
        .limit(limit)
    )
    return list(unit.execute(found).scalars())
