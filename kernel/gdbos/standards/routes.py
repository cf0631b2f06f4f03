"""``/api/standards``: what is in force, for everybody. Nothing here knows or keeps a person's data; values come in bodies, never in addresses."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from gdbos.errors import NotFound
from gdbos.plugin import PUBLIC
from gdbos.text import Text

from .asked import On, page, today
from .browse_routes import BrowseController
from .codes import Code
from .compiled_routes import CompiledController
from .crosswalk_routes import CrosswalkController
from .deadline_routes import DeadlineController
from .element import Element
from .identifier_routes import IdentifierController
from .pack import Pack
from .registry import Standards
from .table_routes import TableController
from .unchanged import NOT_MODIFIED, Tagged, unchanged


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """A code list as of a day."""

    id: str
    title: Text
    standard: str
    on: date
    hierarchical: bool
    codes: list[Code]
    after: str = ""
    """Give this as ``after`` for the next page; empty on the last."""


class Elements(msgspec.Struct, frozen=True, kw_only=True):
    """A page of data elements."""

    items: list[Element]
    after: str = ""
    """Give this as ``after`` for the next page; empty on the last."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a kind."""

    id: str
    title: Text
    pack: str
    """The pack that brought it."""


class Items(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the items of a kind."""

    items: list[Listed]
    after: str = ""
    """Give this as ``after`` for the next page; empty on the last."""


class StandardsController(Controller):
    """Standards in force."""

    path = "/api/standards"
    tags = ("standards",)
    before_request = unchanged  # type: ignore[assignment]
    response_class = Tagged

    @get("/packs", permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def packs(self, standards: NamedDependency[Standards]) -> list[Pack]:
        """The loaded packs, from the uppermost level down."""
        return list(standards.packs)

    @get("/items/{kind:str}", permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def items(
        self,
        standards: NamedDependency[Standards],
        kind: FromPath[str],
        on: On = None,
        after: FromQuery[Annotated[str, QueryParameter(max_length=120)]] = "",
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=1000)]] = 200,
    ) -> Items:
        """The items of a kind in force (`codes`, `records`, `deadlines`, …), by id."""
        if kind not in standards.kinds:
            raise NotFound("The standards know no kind {kind}; there are: {known}.", kind=kind, known=", ".join(sorted(standards.kinds)))  # fmt: skip
        behind = sorted(
            (one for one in standards.documents(kind, on or today()) if one.id > after), key=lambda one: one.id
        )
        rows, more = page(behind, "", limit, lambda one: one.id)
        shown = [
            Listed(id=one.id, title=getattr(one.value, "title", None) or Text(one.id), pack=one.pack) for one in rows
        ]
        return Items(items=shown, after=more)

    @get("/codes/{list_id:str}", permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def codes(
        self,
        standards: NamedDependency[Standards],
        list_id: FromPath[str],
        on: On = None,
        after: FromQuery[str] = "",
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=5000)]] = 1000,
    ) -> Codes:
        """A code list with the rows in force on a day, in the list's order."""
        listed = standards.codes(list_id, on or today())
        rows, more = page(listed, after, limit, lambda row: row.code)
        return Codes(
            id=listed.id,
            title=listed.title_of_list,
            standard=listed.definition.standard,
            on=listed.on,
            hierarchical=listed.definition.hierarchical,
            codes=rows,
            after=more,
        )

    @get("/elements", permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def elements(
        self,
        standards: NamedDependency[Standards],
        q: FromQuery[
            Annotated[str, QueryParameter(max_length=100, description="Words in id, names or synonyms.")]
        ] = "",
        after: FromQuery[str] = "",
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=500)]] = 50,
        on: On = None,
    ) -> Elements:
        """Data elements by id, a page at a time."""
        found = standards.find(q, on or today(), after)
        rows, more = page(found, "", limit, lambda element: element.id)
        return Elements(items=rows, after=more)

    @get("/elements/{element_id:str}", permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def element(self, standards: NamedDependency[Standards], element_id: FromPath[str], on: On = None) -> Element:
        """A data element."""
        return standards.element(element_id, on or today())

    @get("/records/{record_id:str}", permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def record(self, standards: NamedDependency[Standards], record_id: FromPath[str], on: On = None) -> dict[str, Any]:
        """The JSON Schema (2020-12) of a record."""
        return standards.record(record_id, on or today()).schema()


ROUTES = [
    StandardsController,
    CompiledController,
    CrosswalkController,
    BrowseController,
    IdentifierController,
    DeadlineController,
    TableController,
]
