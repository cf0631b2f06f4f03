"""The day as of which pages of the standards speak, and the links that carry it from page to page (时点)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter

from gdbos.errors import Invalid, Violation
from gdbos.kernel import Kernel
from gdbos.text import N_

Written = FromQuery[
    Annotated[str, QueryParameter(max_length=40, description="As of this day (YYYY-MM-DD); today if absent.")]
]


class AsOf(msgspec.Struct, frozen=True):
    """The day that a page was asked for, and what else it was asked."""

    day: date
    today: date
    path: str
    asked: dict[str, str]
    """The query besides the day and the key to go on from: a change of day keeps it, and begins with the first page."""

    @property
    def chosen(self) -> bool:
        """Whether it is another day than today."""
        return self.day != self.today

    def link(self, address: str, **query: str) -> str:
        """The address of another page of the standards, as of the same day."""
        if self.chosen:
            query["on"] = self.day.isoformat()
        given = urlencode({name: value for name, value in query.items() if value})
        return f"{address}?{given}" if given else address

    def here(self, **query: str) -> str:
        """The address of this page with another query."""
        return self.link(self.path, **{**self.asked, **query})

    def turns(self, after: str, following: str) -> dict[str, str]:
        """The addresses of the following page of a list and, behind its first page, of that."""
        return {"next": self.here(after=following) if following else "", "first": self.here() if after else ""}


def as_of(request: Request[Any, Any, Any], kernel: NamedDependency[Kernel], on: Written = "") -> AsOf:
    """The day in the query; today where there is none. :raises Invalid: it is not a day."""
    today = kernel.units.around.today()
    asked = {name: value for name, value in request.query_params.items() if name not in ("on", "after")}
    return AsOf(day_of(on) or today, today, request.url.path, asked)


AS_OF = {"asof": Provide(as_of, sync_to_thread=False)}
"""What a controller of such pages depends on."""


def day_of(words: str) -> date | None:
    """The day in the field of a form; None where it was left empty. :raises Invalid: it is not a day."""
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        detail = N_("This is not a day; write it as 2026-01-31.")
        raise Invalid(violations=[Violation("$.on", "date", detail)]) from None
