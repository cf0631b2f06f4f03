"""Translating codes between lists (代码对照): as declared, the way back of what is declared, or through lists that lie between.

What has no counterpart is refused, never guessed; codes that fall together in the other list are told, for the way back is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

import msgspec

from gdbos.errors import NotFound, Violation
from gdbos.text import N_, Text

from .codes import CodeList, Crosswalk, NoCounterpart
from .registry import Standards


class Counterpart(msgspec.Struct, frozen=True, kw_only=True):
    """One code and what it is called in the other list."""

    code: str
    title: Text | None
    to: str
    to_title: Text | None
    loses: bool
    """Other codes of the list have the same counterpart: whoever reads it cannot tell which was meant."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How two lists correspond as of a day, and what is lost on the way."""

    of: str
    into: str
    through: list[str]
    """The lists in between, where no crosswalk leads straight there."""
    rows: list[Counterpart]
    without: list[str]
    """Codes in force that have no counterpart."""
    unreached: list[str]
    """Codes in force of the other list that nothing leads to."""


def declared(standards: Standards, on: date) -> Iterator[tuple[str, str]]:
    """Every crosswalk that packs write, as (from, to), each list's own first."""
    for document in standards.documents("codes", on):
        yield from ((document.id, one.to) for one in document.value.crosswalk)
    yield from ((one.value.list, one.value.to) for one in standards.documents("crosswalks", on))


def path(standards: Standards, a: str, b: str, on: date) -> tuple[str, ...]:
    """The shortest way of lists from ``a`` to ``b``.

    Raises:
        NotFound: one of the lists is not in force, or no crosswalks lead from one to the other.
    """
    near: dict[str, list[str]] = {}
    for one, other in declared(standards, on):
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    ways: list[tuple[str, ...]] = [(standards.codes(a, on).id,)]
    seen = {a}
    standards.codes(b, on)
    while ways:
        way = ways.pop(0)
        here = way[-1]
        if here == b and way != (a,):
            return way
        further = [one for one in dict.fromkeys(near.get(here, ())) if one not in seen]
        seen.update(further)
        ways += [(*way, one) for one in further]
    raise NotFound("No crosswalk leads from {list} to {to}.", list=a, to=b)


def crosswalk(standards: Standards, a: str, b: str, on: date) -> Crosswalk:
    """How the codes of ``a`` are called in ``b``. Raises like :func:`path`."""
    way = path(standards, a, b, on)
    first, *rest = [standards.crosswalk(one, other, on) for one, other in pairwise(way)]
    found = first.map
    for step in rest:
        found = {code: step.map[other] for code, other in found.items() if other in step.map}
    return Crosswalk(list=a, to=b, map=found)


def report(standards: Standards, a: str, b: str, on: date) -> Report:
    """The whole correspondence. Raises like :func:`path`."""
    walk, ours, theirs = crosswalk(standards, a, b, on), standards.codes(a, on), standards.codes(b, on)
    reached = set(walk.map.values())
    return Report(
        of=a,
        into=b,
        through=list(path(standards, a, b, on)[1:-1]),
        rows=[_counterpart(walk, code, ours, theirs) for code in walk.map],
        without=[row.code for row in ours if row.code not in walk.map],
        unreached=[row.code for row in theirs if row.code not in reached],
    )


def translate(standards: Standards, a: str, b: str, codes: Sequence[str], on: date) -> list[Counterpart]:
    """The counterparts of ``codes``, in their order.

    Raises:
        NotFound: no crosswalk leads from one list to the other.
        NoCounterpart: some have none; all of these are named.
    """
    walk, ours, theirs = crosswalk(standards, a, b, on), standards.codes(a, on), standards.codes(b, on)
    detail = N_("The code {code} of the list {list} has no counterpart in {to}.")
    absent = [
        Violation(f"$.codes[{at}]", "no-counterpart", detail, facts={"code": code, "list": a, "to": b})
        for at, code in enumerate(codes)
        if code not in walk.map
    ]
    if absent:
        raise NoCounterpart(violations=absent)
    return [_counterpart(walk, code, ours, theirs) for code in codes]


def _counterpart(walk: Crosswalk, code: str, ours: CodeList, theirs: CodeList) -> Counterpart:
    other = walk.map[code]
    here, there = ours.get(code), theirs.get(other)
    return Counterpart(
        code=code,
        title=here.title if here else None,
        to=other,
        to_title=there.title if there else None,
        loses=other in walk.losses(),
    )
