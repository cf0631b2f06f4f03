"""What stewards decided, as the elements file of a standards pack: new elements, and names that became synonyms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import select

from gdbos.standards import Element
from gdbos.unit import Unit

from .proposal import LIBRARY, Proposal, element_proposal, proposal_of


def accepted(unit: Unit) -> str:
    """``elements/accepted.toml``: to be put into a pack, checked and published like any other change of standards."""
    t = element_proposal.c
    rows = unit.execute(select(element_proposal).where(t.state.in_(("merged", "added"))).order_by(t.id)).mappings()
    proposals = [proposal_of(row) for row in rows]
    added = (one.value for one in proposals if one.state == "added" and one.source != LIBRARY)
    tables = [*map(_of_element, added), *_synonyms(unit, proposals), *_withdrawn(proposals)]
    return "\n".join(_toml(table) for table in tables)


def _of_element(element: Element) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(element, builtin_types=(date,))
    return plain


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


def _toml(table: Mapping[str, Any]) -> str:
    return "[[element]]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
