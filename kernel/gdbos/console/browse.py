"""Standards as the console shows them: packs and the items of every kind as of a day. Rules only, nobody's data."""

from __future__ import annotations

from datetime import date
from itertools import islice
from typing import Any

import msgspec

from gdbos.errors import NotFound
from gdbos.standards import Code, CodeList, Document, Element, Standards
from gdbos.standards.basis import Basis, bases_of
from gdbos.standards.browse_routes import User, used
from gdbos.standards.crosswalk import declared
from gdbos.standards.pack import Pack
from gdbos.standards.span import Days
from gdbos.text import Text

PAGE = 50


class Contents(msgspec.Struct, frozen=True):
    """The packs in force on a day, and how many items of each kind there are."""

    packs: list[Pack]
    kinds: dict[str, int]


class Found(msgspec.Struct, frozen=True):
    """A page of ids with their titles; ``next`` is the key of the following page."""

    items: list[Any]
    next: str = ""


class ElementShown(msgspec.Struct, frozen=True):
    """One element with who said what of it, and everywhere it is used."""

    document: Document[Element]
    authority: Text | str
    """The name of its authoritative source (list ``body.role``); its id where the packs have no name for it."""
    users: dict[str, list[User]]
    """By kind."""


class CodesShown(msgspec.Struct, frozen=True):
    """One code list: a page of its codes in force, and the lists it is translated from and into."""

    table: CodeList
    codes: list[Code]
    beside: list[Document[Any]]
    users: dict[str, list[User]]
    next: str = ""


def contents(standards: Standards, on: date) -> Contents:
    """What is loaded."""
    kinds = {kind: sum(1 for _ in standards.documents(kind, on)) for kind in standards.kinds}
    packs = [pack for pack in standards.packs if Days(pack.since, pack.until).covers(on)]
    return Contents(packs, {kind: count for kind, count in sorted(kinds.items()) if count})


def laws(standards: Standards, document: Document[Any]) -> list[Basis]:
    """Every article that an item rests on, for itself and within, in the order named."""
    named = dict.fromkeys(id for _, id in bases_of(document))
    return [standards.basis(id) for id in named if id in standards.ids("basis")]


def elements(standards: Standards, words: str, on: date, after: str) -> Found:
    """Elements in whose id, names or synonyms each of the words stands."""
    found = list(islice(standards.find(words, on, after), PAGE + 1))
    return Found(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else "")


def element(standards: Standards, id: str, on: date) -> ElementShown:
    """One element. :raises NotFound: there is none in force."""
    document = standards.document("elements", id, on)
    role = document.value.authority
    authority = standards.words("body.role").get(role) or role
    return ElementShown(document, authority, users(standards, "elements", id, on))


def users(standards: Standards, kind: str, id: str, on: date) -> dict[str, list[User]]:
    """Everywhere an item is used, by kind: what names it first, then what names that."""
    found: dict[str, list[User]] = {}
    for one in used(standards, kind, id, on):
        if one.id not in {before.id for before in found.setdefault(one.kind, [])}:
            found[one.kind].append(one)
    return found


def codes(standards: Standards, id: str, on: date, after: str) -> CodesShown:
    """A page of a code list in its own order. :raises NotFound: there is none in force, or no such code in it."""
    table = standards.codes(id, on)
    rows = iter(table)
    if after and not any(row.code == after for row in rows):
        raise NotFound("The code list {list} has no code {code} to go on from.", list=id, code=after)
    shown = list(islice(rows, PAGE + 1))
    pairs = [pair for pair in declared(standards, on) if id in pair]
    beside = [standards.document("codes", one, on) for pair in pairs for one in pair if one != id]
    return CodesShown(
        table,
        shown[:PAGE],
        beside,
        users(standards, "codes", id, on),
        shown[PAGE - 1].code if len(shown) > PAGE else "",
    )


def listed(standards: Standards, kind: str, on: date, after: str) -> Found:
    """A page of the items of a kind by id. :raises NotFound: the standards know no such kind."""
    if kind not in standards.kinds:
        raise NotFound("The standards hold no items of the kind {kind}.", kind=kind)
    behind = sorted((one for one in standards.documents(kind, on) if one.id > after), key=lambda one: one.id)
    return Found(behind[:PAGE], behind[PAGE - 1].id if len(behind) > PAGE else "")


def record(standards: Standards, id: str, on: date) -> tuple[Document[Any], dict[str, Element]]:
    """One record with its elements by id. :raises NotFound: there is none in force."""
    document = standards.document("records", id, on)
    return document, {field.element: standards.element(field.element, on) for field in document.value.field}
