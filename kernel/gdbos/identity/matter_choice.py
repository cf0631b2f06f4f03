"""Choosing matters (事项) by their names: for a mandate, or for standing in. Matters are documents that a plugin declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from gdbos.errors import Invalid, Violation
from gdbos.identity.body import names
from gdbos.identity.entries import Word
from gdbos.text import N_, Text
from gdbos.unit import Unit

KIND: Final = "matters"
MOST: Final = 200
"""So many are offered at once; of more one says a part of the name."""

Chosen = tuple[Word, ...] | Word
"""How a form sends what was ticked: one value, or several of the same name."""


class MatterOffered(msgspec.Struct, frozen=True):
    """A matter to tick."""

    id: str
    title: Text


class MatterGroup(msgspec.Struct, frozen=True):
    """The matters of one body."""

    title: Text
    matters: list[MatterOffered]


class MatterChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What is offered for some words, and what is ticked."""

    groups: list[MatterGroup]
    chosen: tuple[str, ...] = ()
    words: str = ""
    total: int = 0
    """How many matters fit the words, offered or not."""


def listed(chosen: Chosen) -> tuple[str, ...]:
    """The ids that a form sends."""
    return tuple(one for one in ((chosen,) if isinstance(chosen, str) else chosen) if one)


def matter_choice(unit: Unit, words: str = "", chosen: tuple[str, ...] = ()) -> MatterChoice:
    """The matters whose name or id has ``words`` in it, by the body that deals with them; what is ticked stays among them."""
    known = _matters(unit)
    wanted = words.strip().casefold()
    fitting = [one for one in known if _fits(one, wanted)]
    held = set(chosen)
    shown = {one.id: one for one in [*(one for one in known if one.id in held), *fitting[:MOST]]}
    groups = _grouped(unit, shown.values())
    return MatterChoice(groups=groups, chosen=chosen, words=words, total=len(fitting))


def matter_titles(unit: Unit, ids: Iterable[str]) -> dict[str, Text]:
    """The names of matters; an id stands for one that is in force no more."""
    known = {one.id: one.title for one in _matters(unit)}
    return {one: known.get(one, Text(one)) for one in ids}


def refuse_unknown_matters(unit: Unit, ids: Iterable[str]) -> None:
    """:raises Invalid: the standards of this node know no such matter."""
    if KIND in unit.standards.kinds and (unknown := sorted(set(ids) - {one.id for one in _matters(unit)})):
        detail = N_("The standards know no matter {matter}.")
        raise Invalid(detail, matter=unknown[0], violations=[Violation("$.matters", "code", detail)])


def _matters(unit: Unit) -> list[Any]:
    if KIND not in unit.standards.kinds:
        return []
    return [found.value for found in unit.standards.documents(KIND, unit.today)]


def _fits(matter: Any, wanted: str) -> bool:
    return any(wanted in said.casefold() for said in (matter.title.zh, matter.title.en, matter.id))


def _grouped(unit: Unit, matters: Iterable[Any]) -> list[MatterGroup]:
    by_role: dict[str, list[MatterOffered]] = {}
    for one in matters:
        by_role.setdefault(one.body.role, []).append(MatterOffered(one.id, one.title))
    bodies = {role: unit.body_for(role) for role in by_role}
    named, roles = names(unit, [one for one in bodies.values() if one]), unit.standards.words("body.role")
    titles = {role: named.get(at) or roles.get(role) or Text(role) for role, at in bodies.items()}
    return [MatterGroup(titles[role], by_role[role]) for role in sorted(by_role, key=lambda one: titles[one].zh)]
