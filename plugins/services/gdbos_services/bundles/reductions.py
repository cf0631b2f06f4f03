"""The four reductions (四减): steps, materials, trips and days, before and now. Pure; whoever shows a figure shows its formula.

Before: the baseline of each matter that was chosen, as its pack says with its source. Now: what the cases themselves say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from gdbos import N_, Text

Measure = Literal["steps", "materials", "trips", "days"]
MEASURES: tuple[Measure, ...] = ("steps", "materials", "trips", "days")
TITLES: dict[Measure, Text] = {
    "steps": Text("减环节", "Steps"),
    "materials": Text("减材料", "Materials"),
    "trips": Text("减跑动", "Trips"),
    "days": Text("减时限", "Working days"),
}
UNITS: dict[Measure, Text] = {
    "steps": Text("个", "steps"),
    "materials": Text("份", "materials"),
    "trips": Text("次", "trips"),
    "days": Text("个工作日", "working days"),
}
FORMULA = "(before - now) / before"
HOW_COUNTED: dict[Measure, str] = {
    "steps": N_("How often the applicant handed something in: the one form, and each correction."),
    "materials": N_("What the applicant handed in; what government holds is fetched and not counted."),
    "trips": N_("How often the matters of these cases made the applicant appear."),
    "days": N_("Working days from handing the form in to the last result; a day that was begun counts as one."),
}


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """The four measures of one thing done, or of several together."""

    steps: int = 0
    materials: int = 0
    trips: int = 0
    days: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(**{one: getattr(self, one) + getattr(other, one) for one in MEASURES})


class Reduction(msgspec.Struct, frozen=True, kw_only=True):
    """One measure, before and now."""

    measure: Measure
    title: Text
    unit: Text
    before: float
    now: float
    share: float | None
    """From 1 (nothing is left) to below 0 (it has become more); None where there was nothing before."""
    formula: str
    source: Text
    """Where ``before`` comes from."""
    source_now: str
    """An English message id."""


def share(before: float, now: float) -> float | None:
    """How much of ``before`` has gone: (before − now) ÷ before."""
    return None if before == 0 else (before - now) / before


def reductions(before: Amounts, now: Amounts, source: Text, cases: int = 1) -> list[Reduction]:
    """The four reductions of one thing done, or the means over ``cases`` of them."""
    if cases < 1:
        raise ValueError("reductions are measured on at least one case")
    return [
        Reduction(
            measure=one,
            title=TITLES[one],
            unit=UNITS[one],
            before=_mean(getattr(before, one), cases),
            now=_mean(getattr(now, one), cases),
            share=share(getattr(before, one), getattr(now, one)),
            formula=FORMULA,
            source=source,
            source_now=HOW_COUNTED[one],
        )
        for one in MEASURES
    ]


def total(amounts: Iterable[Amounts]) -> Amounts:
    """Several added up."""
    return sum(amounts, Amounts())


def sources(found: Sequence[Text]) -> Text:
    """The sources of several baselines, each named once."""
    once = dict.fromkeys(found)
    return Text("；".join(one.zh for one in once), "; ".join(one.into("en") for one in once))


def _mean(amount: int, cases: int) -> float:
    return amount if cases == 1 else round(amount / cases, 2)
