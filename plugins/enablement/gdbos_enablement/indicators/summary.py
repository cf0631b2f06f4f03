"""What the cockpit shows, counted within the reader's reach. Every figure names how it was reckoned and opens what is behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import and_, func

from gdbos import N_, Disclosed, Offer, Text, Unit
from gdbos_enablement.matter import MatterView, matters

from .config import Config
from .group import STANDINGS, Chosen, Group, beneath, condition, standing_of
from .speed import Aggregation, SpeedUp, Taken, speed_up
from .tables import indicator_bundle, indicator_case

t = indicator_case.c
Measure = Literal["steps", "materials", "trips", "days"]
MEASURES: tuple[Measure, ...] = ("steps", "materials", "trips", "days")
FORMULA = N_("(before − now) ÷ before, summed over all finished bundles")


class SummaryAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which division and everything below it; none: of all within reach."""

    division: Annotated[str, msgspec.Meta(pattern=r"\A([0-9]{6})?\Z")] = ""


class StandingCount(msgspec.Struct, frozen=True):
    """Cases in one state."""

    standing: str
    title: Text
    cases: int


class LevelSpeed(msgspec.Struct, frozen=True, kw_only=True):
    """The speed-ups of one exercise level (行使层级): of what is promised, and of what was done."""

    level: str
    title: Text
    promise: SpeedUp
    """Over matters."""
    actual: SpeedUp
    """Over closed cases."""


class Reduction(msgspec.Struct, frozen=True, kw_only=True):
    """One of the four reductions (四减), as the mean of a bundle."""

    measure: Measure
    before: float
    now: float
    share: float | None
    """From 1 (nothing is left) to below 0 (it has become more); None where there was nothing before."""


class BundleReductions(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of bundle has saved."""

    plan: str
    title: Text
    finished: int
    reductions: list[Reduction]
    source: Text
    """Where the figures before come from."""
    formula: str = FORMULA


class Month(msgspec.Struct, frozen=True):
    """Cases received and ended in one month; ``first`` is its first day."""

    first: date
    received: int
    ended: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The cockpit in figures."""

    at: datetime
    aggregation: Aggregation
    """How the speed-ups are put together (口径)."""
    standings: list[StandingCount]
    open: int
    overdue: int
    overdue_legal: int
    ended: int
    timed: int
    """Decided cases that had a limit: the promise where there is one, else the law's."""
    in_time: int
    in_time_rate: float | None
    levels: list[LevelSpeed]
    bundles: list[BundleReductions]
    months: list[Month]


def summary(unit: Unit, asked: SummaryAsked) -> Summary:
    """Count everything within the reader's reach."""
    config, division = unit.config(Config), asked.division
    count = {group: _count(unit, group, division) for group in _COUNTED}
    return Summary(
        at=unit.now,
        aggregation=config.aggregation,
        standings=_standings(unit, division),
        open=count["open"],
        overdue=count["overdue"],
        overdue_legal=count["overdue-legal"],
        ended=count["ended"],
        timed=count["timed"],
        in_time=count["in-time"],
        in_time_rate=round(count["in-time"] / count["timed"], 6) if count["timed"] else None,
        levels=_levels(unit, config, division),
        bundles=list(_bundles(unit, division)),
        months=_months(unit, config.months, division),
    )


_COUNTED: tuple[Group, ...] = ("open", "overdue", "overdue-legal", "ended", "timed", "in-time")


def _count(unit: Unit, group: Group, division: str) -> int:
    chosen = condition(unit, Chosen(group=group, division=division))
    counted: int = unit.execute(unit.rows(indicator_case, func.count()).where(chosen)).scalar_one()
    return counted


def _standings(unit: Unit, division: str) -> list[StandingCount]:
    still = (t.suspended > t.resumed).label("still")
    counted = unit.rows(indicator_case, t.stage, still, t.end, func.count().label("cases"))
    found: dict[str, int] = {}
    for row in unit.execute(counted.where(condition(unit, Chosen(division=division))).group_by(t.stage, still, t.end)):
        standing = standing_of(row.stage, bool(row.still), row.end)
        found[standing] = found.get(standing, 0) + row.cases
    return [StandingCount(standing, title, found.get(standing, 0)) for standing, title in STANDINGS.items()]


# Speed-ups.


def promised(unit: Unit, level: str = "") -> list[MatterView]:
    """The matters a promise speed-up is measured over: begun on application (依申请), with a legal limit, of one level or all."""
    types = unit.config(Config).on_application
    return [
        one
        for one in matters(unit.standards, unit.today)
        if one.type in types and one.legal_days and (not level or level in one.exercise_levels)
    ]


def _levels(unit: Unit, config: Config, division: str) -> list[LevelSpeed]:
    titles = unit.standards.words("gbt39046.exercise-level")
    by_promise: dict[str, list[Taken]] = {}
    for one in promised(unit):
        for level in one.exercise_levels:
            by_promise.setdefault(level, []).append(Taken(one.legal_days or 0, one.promise_days))
    by_cases = _taken(unit, division)
    return [
        LevelSpeed(
            level=level,
            title=titles.get(level, Text(level, level)),
            promise=speed_up(by_promise.get(level, ())),
            actual=speed_up(by_cases.get(level, ())),
        )
        for level in sorted({*by_promise, *by_cases})
    ]


def _taken(unit: Unit, division: str) -> dict[str, list[Taken]]:
    """Working days of the measured cases by level; equal ones are counted by the database, so that no sum is rounded."""
    columns = (t.level, t.legal_days, t.working_days)
    chosen = condition(unit, Chosen(group="measured", division=division))
    counted = unit.rows(indicator_case, *columns, func.count().label("cases")).where(chosen).group_by(*columns)
    found: dict[str, list[Taken]] = {}
    for row in unit.execute(counted):
        found.setdefault(row.level, []).append(Taken(row.legal_days, row.working_days, row.cases))
    return found


# The four reductions.


def _bundles(unit: Unit, division: str) -> Iterator[BundleReductions]:
    b = indicator_bundle.c
    sums = [func.sum(b[name]).label(name) for one in MEASURES for name in (one, f"{one}_before")]
    counted = unit.rows(
        indicator_bundle, b.plan, func.count().label("finished"), func.max(b.source).label("source"), *sums
    )
    if division:
        counted = counted.where(beneath(b.division, division))
    for row in unit.execute(counted.group_by(b.plan).order_by(b.plan)):
        yield BundleReductions(
            plan=row.plan,
            title=_title(unit, row.plan),
            finished=row.finished,
            reductions=[_reduction(one, row._mapping, row.finished) for one in MEASURES],
            source=msgspec.json.decode(row.source, type=Text),
        )


def _reduction(measure: Measure, sums: Any, finished: int) -> Reduction:
    before, now = int(sums[f"{measure}_before"]), int(sums[measure])
    return Reduction(
        measure=measure,
        before=round(before / finished, 2),
        now=round(now / finished, 2),
        share=round((before - now) / before, 6) if before else None,
    )


def _title(unit: Unit, plan: str) -> Text:
    found = next((one.value.title for one in unit.standards.documents("bundles", unit.today) if one.id == plan), None)
    return found if isinstance(found, Text) else Text(plan, plan)


# Month by month.


def _months(unit: Unit, back: int, division: str) -> list[Month]:
    firsts = [_month_before(unit.today, number) for number in reversed(range(back))]
    received, ended = (_by_month(unit, column, firsts[0], division) for column in (t.received_on, t.closed_on))
    return [Month(first, received.get(first, 0), ended.get(first, 0)) for first in firsts]


def _by_month(unit: Unit, column: Any, since: date, division: str) -> dict[date, int]:
    chosen = and_(condition(unit, Chosen(division=division)), column >= since)
    found: dict[date, int] = {}
    counted = unit.rows(indicator_case, column.label("day"), func.count().label("cases")).where(chosen)
    for row in unit.execute(counted.group_by(column)):
        first = row.day.replace(day=1)
        found[first] = found.get(first, 0) + row.cases
    return found


def _month_before(today: date, back: int) -> date:
    months = today.year * 12 + today.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def _nobody(_: SummaryAsked, __: Summary) -> list[Disclosed]:
    return []  # counts of procedure; no subject is in them


OFFER = Offer(
    code="enablement.indicators.summary",
    title=Text("政务服务运行指标", "Indicators of government services"),
    takes=SummaryAsked,
    gives=Summary,
    provide=summary,
    discloses=_nobody,
    sharing="unconditional",
)
