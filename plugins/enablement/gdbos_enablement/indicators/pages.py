"""The cockpit (驾驶舱): what leaders see, and the cases behind every figure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from gdbos import N_, Actor, Bus, Page, Run, Text

from .case_list import list_cases, list_matters
from .chart import columns
from .group import GROUPS, STANDINGS, Chosen, Group, Standing
from .mounts import mount_rate
from .permission import READ
from .routes import Division, Key, Level, Month, Plan
from .summary import SummaryAsked, summary

PAGE = 20
MEASURES = {
    "steps": (N_("Fewer steps"), Text("个", "steps")),
    "materials": (N_("Fewer materials"), Text("份", "materials")),
    "trips": (N_("Fewer trips"), Text("次", "trips")),
    "days": (N_("Fewer days"), Text("个工作日", "working days")),
}


class Cockpit(Controller):
    """The cockpit and the lists behind it."""

    path = "/cockpit"

    @get(permission=READ)
    async def cockpit(
        self, run: NamedDependency[Run], bus: NamedDependency[Bus], actor: NamedDependency[Actor]
    ) -> Page:
        """All figures within the reader's reach."""
        shown = await run.read(summary, SummaryAsked())
        mounts = await mount_rate(bus, actor.division if actor.reach == "division" else "")
        context = {
            "shown": shown,
            "mounts": mounts,
            "measures": MEASURES,
            "chart": columns([(one.first, one.received, one.ended) for one in shown.months]),
        }
        return Page("enablement.indicators/cockpit.html", context)

    @get("/cases", permission=READ)
    async def cases(
        self,
        run: NamedDependency[Run],
        group: FromQuery[Group] = "",
        standing: FromQuery[Standing] = "",
        level: FromQuery[Level] = "",
        plan: FromQuery[Plan] = "",
        division: FromQuery[Division] = "",
        received: FromQuery[Month] = "",
        ended: FromQuery[Month] = "",
        after: FromQuery[Key] = "",
    ) -> Page:
        """The cases behind a figure."""
        wanted: dict[str, Any] = {
            "group": group,
            "standing": standing,
            "level": level,
            "plan": plan,
            "division": division,
            "received": received,
            "ended": ended,
        }
        chosen = Chosen(**wanted)
        found = await run.read(list_cases, chosen, after, PAGE)
        context = {
            "found": found,
            "chosen": chosen,
            "group": GROUPS.get(group),
            "standing": STANDINGS.get(standing),
            **_turns("/cockpit/cases", wanted, after, found.next),
        }
        return Page("enablement.indicators/cases.html", context)

    @get("/matters", permission=READ)
    async def matters(
        self, run: NamedDependency[Run], level: FromQuery[Level] = "", after: FromQuery[Key] = ""
    ) -> Page:
        """The matters behind a promise."""
        found = await run.read(list_matters, level, after, PAGE)
        context = {"found": found, "level": level, **_turns("/cockpit/matters", {"level": level}, after, found.next)}
        return Page("enablement.indicators/matters.html", context)


def _turns(path: str, wanted: dict[str, str], after: str, following: str) -> dict[str, Any]:
    def address(**more: str) -> str:
        query = urlencode({name: value for name, value in {**wanted, **more}.items() if value})
        return f"{path}?{query}" if query else path

    return {"next": address(after=following) if following else "", "first": address() if after else ""}
