"""The mount rate (挂载率): published resources with a live mount ÷ those that must be mounted (without 不予共享)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from sqlalchemy import ColumnElement, case, func, select

from gdbos import Disclosed, Offer, Text, Unit, body_names

from .config import Config
from .resource import NOT_SHARED, live_since
from .tables import publication

FORMULA = Text(
    "挂载率 = 有有效挂载的已发布资源 ÷ 应挂载的已发布资源（不含不予共享）",
    "Mount rate = published resources with a live mount ÷ published resources that must be mounted (without those not shared)",
)


class RatesAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which body, or of which division and everything below it; neither: of the whole node."""

    body: Annotated[str, msgspec.Meta(max_length=18)] = ""
    division: Annotated[str, msgspec.Meta(pattern=r"\A([0-9]{6})?\Z")] = ""


class BodyRate(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one body."""

    body: str
    name: Text
    published: int
    due: int
    mounted: int

    @property
    def share(self) -> float | None:
        return share(self.mounted, self.due)


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """The mount rate and what it was reckoned from."""

    published: int
    due: int
    """Of these, those that must be mounted."""
    mounted: int
    """Of these, those with a live mount."""
    rate: float | None
    """From 0 to 1; nothing where nothing must be mounted."""
    formula: Text
    live_within_hours: int
    bodies: list[BodyRate]


def share(mounted: int, due: int) -> float | None:
    """The rate of these counts, to four places; none of nothing."""
    return round(mounted / due, 4) if due else None


def rates(unit: Unit, asked: RatesAsked) -> Rates:
    """The mount rate as of now. Counts only; no resource holds data about anybody."""
    t = publication.c
    due = t.sharing != NOT_SHARED
    live = due & t.live_at.is_not(None) & (t.live_at > live_since(unit))
    counted = select(t.body, func.count(), _sum(due), _sum(live)).where(*_of(asked)).group_by(t.body).order_by(t.body)
    rows = unit.execute(counted).all()
    names = body_names(unit, [row[0] for row in rows])
    bodies = [_body(row, names.get(row[0], Text(row[0]))) for row in rows]
    must, mounted = sum(one.due for one in bodies), sum(one.mounted for one in bodies)
    return Rates(
        published=sum(one.published for one in bodies),
        due=must,
        mounted=mounted,
        rate=share(mounted, must),
        formula=FORMULA,
        live_within_hours=unit.config(Config).stale_hours,
        bodies=bodies,
    )


def _body(row: Sequence[Any], name: Text) -> BodyRate:
    return BodyRate(body=row[0], name=name, published=row[1], due=int(row[2]), mounted=int(row[3]))


def _sum(condition: ColumnElement[bool]) -> Any:
    return func.sum(case((condition, 1), else_=0))


def _of(asked: RatesAsked) -> list[ColumnElement[bool]]:
    stem = asked.division.rstrip("0")
    stem += "0" * (len(stem) % 2)
    wanted = [publication.c.body == asked.body] if asked.body else []
    return [*wanted, publication.c.division.startswith(stem)] if stem else wanted


def _nobody(_: RatesAsked, __: Rates) -> list[Disclosed]:
    return []


OFFER = Offer(
    code="governance.catalogue.rates",
    title=Text("数据资源挂载率", "Mount rate of data resources"),
    takes=RatesAsked,
    gives=Rates,
    provide=rates,
    discloses=_nobody,
    sharing="unconditional",
)
