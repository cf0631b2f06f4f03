"""Whether what an item names is in force on all the days on which the item is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from gdbos.errors import NotFound

from .document import Document
from .element import Element
from .identifier import ALGORITHMS
from .registry import Standards
from .uses import Use, uses

CHECKED = frozenset({"elements", "codes", "records", "deadlines", "masks", "identifiers"})
"""Kinds whose items must be there on every day on which something names them. Whose law has ended is told apart (``ceased``)."""


def absent(standards: Standards, document: Document[Any]) -> Iterator[tuple[str, str, str, str]]:
    """Rule, key, detail and hint for each item that ``document`` names on days when it is not in force."""
    bounded = standards.bounded(CHECKED)
    if not bounded or document.kind == "crosswalks":
        return
    for kind, id in sorted(_named(document)):
        if (kind, id) in bounded and (kind, id) != (document.kind, document.id) and not _known(kind, id):
            day = _first_without(_versions(standards, kind, id), document)
            if day is not None:
                yield "in-force", "", f"names {kind}/{id}, which is not in force on {day}", ""


def _named(document: Document[Any]) -> frozenset[Use]:
    if isinstance(document.value, Element):  # there may be 20,000 of these
        element = document.value
        named = (("codes", element.codes), ("masks", element.mask), ("identifiers", element.scheme))
        return frozenset((kind, id) for kind, id in named if id)
    return uses(document)


def _known(kind: str, id: str) -> bool:
    """Whether the engine checks the scheme on days on which no pack speaks of it."""
    return kind == "identifiers" and id in ALGORITHMS


def _versions(standards: Standards, kind: str, id: str) -> Sequence[Document[Any]]:
    try:
        return standards.versions(kind, id)
    except NotFound:
        return ()


def _first_without(versions: Sequence[Document[Any]], user: Document[Any]) -> date | None:
    """The first day on which ``user`` is in force and no version is. One without ``from`` begins with what it names."""
    day = user.since or (versions[0].since if versions else None) or date.min
    for version in versions:
        if version.in_force(day):
            if version.until is None:
                return None
            day = version.until
    return day if user.until is None or day < user.until else None
