"""``/api/standards/search``, ``…/uses`` and ``…/drift``: finding one's way through what is in force."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from gdbos.plugin import PUBLIC
from gdbos.text import Text

from .asked import On, page, today
from .drift import Drifted, drift
from .registry import Standards
from .search import Hit
from .unchanged import NOT_MODIFIED, Tagged, unchanged

Short = FromQuery[Annotated[str, QueryParameter(max_length=120)]]


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    """The best of what was found."""

    items: list[Hit]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An item that names another."""

    kind: str
    id: str
    title: Text
    through: str
    """Kind and id of the item that it names and that names the one asked for; empty where it names it itself."""


class Users(msgspec.Struct, frozen=True, kw_only=True):
    """Everywhere an item is used."""

    items: list[User]


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A page of items that lower levels changed."""

    items: list[Drifted]
    after: str = ""
    """Give this as ``after`` for the next page; empty on the last."""


class BrowseController(Controller):
    """Search, uses and drift."""

    path = "/api/standards"
    tags = ("standards",)
    before_request = unchanged  # type: ignore[assignment]
    response_class = Tagged

    @get("/search", permission=PUBLIC, sync_to_thread=True, responses=NOT_MODIFIED)
    def search(
        self,
        standards: NamedDependency[Standards],
        q: FromQuery[Annotated[str, QueryParameter(max_length=100)]] = "",
        kind: Short = "",
        on: On = None,
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=200)]] = 50,
    ) -> Hits:
        """Items of any kind whose names, synonyms, descriptions or codes hold all the words, the best first."""
        return Hits(items=standards.search(q, on or today(), kind, limit))

    @get("/uses/{kind:str}/{item_id:str}", permission=PUBLIC, sync_to_thread=True, responses=NOT_MODIFIED)
    def uses(
        self, standards: NamedDependency[Standards], kind: FromPath[str], item_id: FromPath[str], on: On = None
    ) -> Users:
        """Everywhere an item is used: by what names it, and by what names that."""
        day = on or today()
        standards.document(kind, item_id, day)
        return Users(items=used(standards, kind, item_id, day))

    @get("/drift/{pack:str}", permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def drift(
        self,
        standards: NamedDependency[Standards],
        pack: FromPath[str],
        kind: Short = "",
        lower: Short = "",
        on: On = None,
        after: Short = "",
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=500)]] = 100,
    ) -> Moved:
        """What packs below `pack` changed, item by item and field by field, with the words for it; of one kind, or of the one pack `lower`."""
        found = drift(standards, pack, on or today(), kind, lower)
        rows, more = page(found, after, limit, lambda one: one.key)
        return Moved(items=rows, after=more)


def used(standards: Standards, kind: str, id: str, on: Any) -> list[User]:
    """The items that name ``id``, and those that name these: a service by its record, a matter by its form."""
    near = standards.users(kind, id, on)
    far = [(one, through) for through in near for one in standards.users(through.kind, through.id, on)]
    direct = {(one.kind, one.id) for one in near}
    rows = [(one, "") for one in near]
    rows += [(one, f"{through.kind}/{through.id}") for one, through in far if (one.kind, one.id) not in direct]
    return [
        User(kind=one.kind, id=one.id, title=getattr(one.value, "title", None) or Text(one.id), through=through)
        for one, through in sorted(rows, key=lambda row: (row[1] != "", row[0].kind, row[0].id))
    ]
