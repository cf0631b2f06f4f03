"""``/api/standards/crosswalks``: what the codes of one list are called in another."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from gdbos.plugin import PUBLIC

from .asked import On, page, today
from .crosswalk import Counterpart, Report, declared, report, translate
from .registry import Standards
from .unchanged import NOT_MODIFIED, Tagged, unchanged


class Pair(msgspec.Struct, frozen=True):
    """A crosswalk that a pack writes; it may be walked both ways."""

    of: str
    into: str

    @property
    def key(self) -> str:
        """What it is paged by."""
        return f"{self.of}→{self.into}"


class Pairs(msgspec.Struct, frozen=True, kw_only=True):
    """A page of crosswalks."""

    items: list[Pair]
    after: str = ""
    """Give this as ``after`` for the next page; empty on the last."""


class AskCodes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Codes to translate."""

    codes: Annotated[list[Annotated[str, msgspec.Meta(max_length=200)]], msgspec.Meta(min_length=1, max_length=10_000)]
    on: date | None = None
    """As of this day; today if absent."""


class Translated(msgspec.Struct, frozen=True, kw_only=True):
    """The counterparts, in the order asked."""

    codes: list[Counterpart]


class CrosswalkController(Controller):
    """Crosswalks between code lists."""

    path = "/api/standards/crosswalks"
    tags = ("standards",)
    before_request = unchanged  # type: ignore[assignment]
    response_class = Tagged

    @get(permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def crosswalks(
        self,
        standards: NamedDependency[Standards],
        on: On = None,
        after: FromQuery[Annotated[str, QueryParameter(max_length=250)]] = "",
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=500)]] = 100,
    ) -> Pairs:
        """The crosswalks that packs write."""
        found = [Pair(one, other) for one, other in declared(standards, on or today())]
        rows, more = page(sorted(found, key=lambda one: one.key), after, limit, lambda one: one.key)
        return Pairs(items=rows, after=more)

    @get("/{list_id:str}/{to:str}", permission=PUBLIC, sync_to_thread=False, responses=NOT_MODIFIED)
    def crosswalk(
        self, standards: NamedDependency[Standards], list_id: FromPath[str], to: FromPath[str], on: On = None
    ) -> Report:
        """The whole correspondence of two lists, with what has no counterpart and what loses meaning."""
        return report(standards, list_id, to, on or today())

    @post("/{list_id:str}/{to:str}", permission=PUBLIC, sync_to_thread=False, status_code=200)
    def translate(
        self,
        standards: NamedDependency[Standards],
        list_id: FromPath[str],
        to: FromPath[str],
        data: JSONBody[AskCodes],
    ) -> Translated:
        """Translate codes. 422 ``no-counterpart`` names every code that has none."""
        return Translated(codes=translate(standards, list_id, to, data.codes, data.on or today()))
