"""Indicators over HTTP."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from gdbos import Bus, Run

from .case_list import CaseRows, MatterRows, list_cases, list_matters
from .group import MONTH, Chosen, Group, Standing
from .mounts import MountRate, mount_rate
from .permission import READ
from .summary import Summary, SummaryAsked, summary

Division = Annotated[str, QueryParameter(pattern=r"\A([0-9]{6})?\Z")]
Level = Annotated[str, QueryParameter(pattern=r"\A[1-7]?\Z")]
Month = Annotated[str, QueryParameter(pattern=MONTH)]
Key = Annotated[str, QueryParameter(max_length=120)]
Plan = Annotated[str, QueryParameter(max_length=80)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


class Indicators(Controller):
    """What the cockpit shows."""

    tags = ("indicators",)

    @get("/summary", permission=READ)
    async def summary(self, run: NamedDependency[Run], division: FromQuery[Division] = "") -> Summary:
        """All figures within the reader's reach."""
        return await run.read(summary, SummaryAsked(division=division))

    @get("/mount-rate", permission=READ)
    async def mount_rate(self, bus: NamedDependency[Bus], division: FromQuery[Division] = "") -> MountRate:
        """The mount rate of data resources, or why there is none."""
        return await mount_rate(bus, division)

    @get("/cases", permission=READ)
    async def list_cases(
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
        limit: FromQuery[Limit] = 50,
    ) -> CaseRows:
        """The cases behind a figure: procedural facts only."""
        chosen = Chosen(
            group=group,
            standing=standing,
            level=level,
            plan=plan,
            division=division,
            received=received,
            ended=ended,
        )
        return await run.read(list_cases, chosen, after, limit)

    @get("/matters", permission=READ)
    async def list_matters(
        self,
        run: NamedDependency[Run],
        level: FromQuery[Level] = "",
        after: FromQuery[Key] = "",
        limit: FromQuery[Limit] = 50,
    ) -> MatterRows:
        """The matters behind a promise speed-up."""
        return await run.read(list_matters, level, after, limit)
