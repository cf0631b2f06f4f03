"""The four reductions (四减) of a plan as the bus shows them: what bundles took, on the mean. Figures only: nobody's data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import Select

from gdbos import Disclosed, Offer, Text, Unit

from .plan import Plan, find
from .record import State, bundle_of
from .reductions import Amounts, Reduction, reductions, sources, total
from .tables import bundle


class ReductionsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of which plan, and finished when: from the first day to the last, both included."""

    plan: Annotated[str, msgspec.Meta(max_length=120)]
    since: date | None = None
    until: date | None = None


class Reductions(msgspec.Struct, frozen=True, kw_only=True):
    """The four reductions of a plan, measured on what was finished."""

    plan: str
    title: Text
    finished: int
    reductions: list[Reduction]
    """Means per bundle; none while nothing is finished."""
    bundles: list[UUID]
    """Behind the figures: the last hundred of them."""


def show_reductions(unit: Unit, query: ReductionsQuery) -> Reductions:
    """What bundles took, on the mean, of those the caller's rows hold.

    :raises NotFound: there is no such plan.
    """
    plan: Plan = find(unit.standards, query.plan, unit.today)
    found = [bundle_of(row) for row in unit.execute(_finished(unit, query)).mappings()]
    measured = [one.counts for one in found if one.counts]
    before = total(msgspec.convert(one["before"], Amounts) for one in measured)
    now = total(msgspec.convert(one["now"], Amounts) for one in measured)
    source = sources([Text(**one["source"]) for one in measured])
    return Reductions(
        plan=plan.id,
        title=plan.title,
        finished=len(measured),
        reductions=reductions(before, now, source, len(measured)) if measured else [],
        bundles=[one.id for one in found[:100]],
    )


def _finished(unit: Unit, query: ReductionsQuery) -> Select[Any]:
    t = bundle.c
    statement = unit.rows(bundle).where(t.plan == query.plan, t.state == str(State.FINISHED))
    for day, edge in ((query.since, "since"), (query.until, "until")):
        if day is not None:
            moment = datetime.combine(day, datetime.min.time(), unit.around.zone)
            late = datetime.combine(day, datetime.max.time(), unit.around.zone)
            statement = statement.where(t.finished_at >= moment if edge == "since" else t.finished_at <= late)
    return statement.order_by(t.finished_at.desc()).limit(10_000)


def _nobody(_: Any, __: Reductions) -> Iterable[Disclosed]:
    return []


REDUCTIONS = Offer(
    code="services.bundles.reductions",
    title=Text("一件事四减成效", "The four reductions of a bundle"),
    takes=ReductionsQuery,
    gives=Reductions,
    provide=show_reductions,
    discloses=_nobody,
    sharing="unconditional",
)
