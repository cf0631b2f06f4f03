"""What stewards decided, as the elements file of a standards pack: new elements, and names that became synonyms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from gdbos.standards.toml import toml_of
from gdbos.unit import Unit

from .proposal import LIBRARY, Proposal, element_proposal, proposal_of


def accepted(unit: Unit) -> str:
    """``elements/accepted.toml``: to be put into a pack, checked and published like any other change of standards."""
    t = element_proposal.c
    rows = unit.execute(select(element_proposal).where(t.state.in_(("merged", "added"))).order_by(t.id)).mappings()
    proposals = [proposal_of(row) for row in rows]
    added = (one.value for one in proposals if one.state == "added" and one.source != LIBRARY)
    return toml_of({}, {"element": [*added, *_synonyms(unit, proposals), *_withdrawn(proposals)]})


def _synonyms(unit: Unit, proposals: list[Proposal]) -> Iterator[dict[str, Any]]:
    """Elements into which others were merged, with all their synonyms: lists are replaced whole."""
    merged: dict[str, list[Proposal]] = {}
    for one in proposals:
        if one.state == "merged":
            merged.setdefault(one.into, []).append(one)
    for into, ones in merged.items():
        element = unit.standards.element(into)
        names = [name for one in ones for name in (one.value.title.zh, *one.value.synonyms)]
        new = [name for name in dict.fromkeys(names) if name not in (*element.synonyms, element.title.zh)]
        if new:
            yield {"id": into, "synonyms": [*element.synonyms, *new]}


def _withdrawn(proposals: list[Proposal]) -> Iterator[dict[str, Any]]:
    """Elements in force that another took the place of."""
    yield from (
        {"id": one.value.id, "withdrawn": True} for one in proposals if one.state == "merged" and one.source == LIBRARY
    )
