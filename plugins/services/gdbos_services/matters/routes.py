"""``/api/services/matters``: what can be got done here, for everybody."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from gdbos import PUBLIC, Run, Text, Unit
from gdbos_services.matters.fresh import UNCHANGED, fresh
from gdbos_services.matters.level import Levels, levels
from gdbos_services.matters.matter import Matter, document
from gdbos_services.matters.search import Filter, search

Words = FromQuery[Annotated[str, QueryParameter(max_length=100, description="Words to find, in any language.")]]
Code = FromQuery[Annotated[str, QueryParameter(max_length=120)]]
Limit = FromQuery[Annotated[int, QueryParameter(ge=1, le=200)]]


class MatterSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A matter in a list."""

    id: str
    basic_code: str
    title: Text
    type: str
    role: str
    """The implementing department's role (``body.role``)."""
    body: str
    """USCC of the body that plays it here; empty where none does."""
    service_object: tuple[str, ...]
    topics: tuple[str, ...]
    case_class: str
    legal_days: int | None
    promise_days: int
    trips: int
    online_depth: str


class MatterList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of matters, best first."""

    items: list[MatterSummary]
    after: str
    """Give this as ``after`` for the next page; empty on the last."""


class MatterGuide(msgspec.Struct, frozen=True, kw_only=True):
    """A matter as it stands today, and what each level made of it."""

    matter: Matter
    since: date | None
    until: date | None
    levels: Levels


class Matters(Controller):
    """Matters offered here."""

    tags = ("services.matters",)

    @get("/", permission=PUBLIC, responses=UNCHANGED)
    async def find(
        self,
        request: Request[Any, Any, Any],
        run: NamedDependency[Run],
        q: Words = "",
        type: Code = "",
        topic: Code = "",
        service_object: Code = "",
        role: Code = "",
        after: Code = "",
        limit: Limit = 20,
    ) -> Response[MatterList | None]:
        """Matters in use that fit the words and codes; without words all of them by id."""
        narrowed = Filter(type=type, topic=topic, service_object=service_object, role=role)
        return fresh(request, await run.read(page, q, narrowed, after, limit))

    @get("/{matter_id:str}", permission=PUBLIC, responses=UNCHANGED)
    async def one(
        self, request: Request[Any, Any, Any], run: NamedDependency[Run], matter_id: FromPath[str]
    ) -> Response[MatterGuide | None]:
        """A matter with all its elements, what each level changed, and whose the locks are."""
        return fresh(request, await run.read(look_up, matter_id))


def page(unit: Unit, query: str, narrowed: Filter, after: str, limit: int) -> MatterList:
    """One page of the matters that fit."""
    hits = search(unit.standards, query, unit.today, narrowed, after=after, limit=limit + 1)
    items = [_summary(unit, hit.matter) for hit in hits[:limit]]
    return MatterList(items=items, after=items[-1].id if len(hits) > limit else "")


def look_up(unit: Unit, matter_id: str) -> MatterGuide:
    """One matter with its provenance."""
    found = document(unit.standards, matter_id, unit.today)
    return MatterGuide(matter=found.value, since=found.since, until=found.until, levels=levels(found, unit.standards))


def _summary(unit: Unit, matter: Matter) -> MatterSummary:
    return MatterSummary(
        id=matter.id,
        basic_code=matter.basic_code,
        title=matter.title,
        type=matter.type,
        role=matter.body.role,
        body=unit.body_for(matter.body.role),
        service_object=matter.service_object,
        topics=matter.topics,
        case_class=matter.case_class,
        legal_days=matter.legal_days,
        promise_days=matter.promise_days,
        trips=matter.trips,
        online_depth=matter.online_depth,
    )
