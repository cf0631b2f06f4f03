"""Pages of matters: the portal's home, search and guides; the console's view of the levels."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from gdbos import PUBLIC, Page, Run
from gdbos_services.matters import drift, guide
from gdbos_services.matters.drift import ELEMENTS
from gdbos_services.matters.permission import READ
from gdbos_services.matters.search import Filter

Words = FromQuery[Annotated[str, QueryParameter(max_length=100)]]
Code = FromQuery[Annotated[str, QueryParameter(max_length=120)]]


class MatterPages(Controller):
    """The portal, for everybody."""

    @get("/portal", permission=PUBLIC)
    async def home(self, run: NamedDependency[Run]) -> Page:
        """The portal's home page."""
        return Page("services.matters/home.html", {"home": await run.read(guide.home)})

    @get("/portal/matters", permission=PUBLIC)
    async def results(
        self,
        run: NamedDependency[Run],
        q: Words = "",
        type: Code = "",
        topic: Code = "",
        service_object: Code = "",
        role: Code = "",
        after: Code = "",
    ) -> Page:
        """Matters that fit, and what narrows them."""
        narrowed = Filter(type=type, topic=topic, service_object=service_object, role=role)
        chosen = {"q": q, "type": type, "topic": topic, "service_object": service_object, "role": role}
        query = urlencode({name: value for name, value in chosen.items() if value})
        found = await run.read(guide.results, q, narrowed, after)
        return Page(
            "services.matters/results.html", {"results": found, "chosen": chosen, "query": query, "paged": bool(after)}
        )

    @get("/portal/matters/{matter_id:str}", permission=PUBLIC)
    async def one(self, run: NamedDependency[Run], matter_id: FromPath[str]) -> Page:
        """The guide of one matter; officials read it and do not apply."""
        applies = run.actor.kind in ("anonymous", "person")
        return Page(
            "services.matters/guide.html", {"guide": await run.read(guide.guide, matter_id), "applies": applies}
        )

    @get("/console/matters", permission=READ)
    async def levels(self, run: NamedDependency[Run], after: Code = "") -> Page:
        """Which level said what of each matter."""
        found = await run.read(drift.listed, after)
        return Page("services.matters/levels.html", {"page": found, "paged": bool(after)})

    @get("/console/matters/{matter_id:str}", permission=READ)
    async def provenance(self, run: NamedDependency[Run], matter_id: FromPath[str]) -> Page:
        """Every change and every lock of one matter."""
        found = await run.read(drift.provenance, matter_id)
        return Page("services.matters/provenance.html", {"found": found, "elements": ELEMENTS})
