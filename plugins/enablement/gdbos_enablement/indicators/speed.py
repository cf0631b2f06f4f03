"""Speed-ups (提速率): how much of the time the law allows is not promised, and not used. Pure functions.

Promise speed-up (承诺提速率): over matters, (legal - promised) / legal. Actual speed-up (办理提速率): over closed cases,
(legal - working days used) / legal. How single ratios become one figure is a matter of definition, and the two usual ways differ:

ratio of sums    (Σ legal - Σ taken) / Σ legal           long matters weigh more
mean of ratios   Σ ((legal - taken) / legal) / count     every matter or case weighs the same
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Literal

import msgspec

Aggregation = Literal["ratio-of-sums", "mean-of-ratios"]
PLACES = 6


class Taken(msgspec.Struct, frozen=True):
    """``count`` matters or cases that the law allows ``legal`` working days for and that take ``taken``."""

    legal: int
    taken: int
    count: int = 1


class SpeedUp(msgspec.Struct, frozen=True, kw_only=True):
    """A speed-up in both ways of putting it together; None where there is nothing to measure."""

    count: int
    legal: int
    """Σ of the working days the law allows."""
    taken: int
    """Σ of the working days promised or used."""
    ratio_of_sums: float | None
    mean_of_ratios: float | None

    def by(self, aggregation: Aggregation) -> float | None:
        """The figure put together as configured."""
        return self.ratio_of_sums if aggregation == "ratio-of-sums" else self.mean_of_ratios


def speed_up(taken: Iterable[Taken]) -> SpeedUp:
    """The speed-up of all that has a legal limit; what has none, or one of no days, cannot be quicker than it and is left out."""
    measured = [one for one in taken if one.legal > 0 and one.count > 0]
    count = sum(one.count for one in measured)
    legal = sum(one.legal * one.count for one in measured)
    used = sum(one.taken * one.count for one in measured)
    ratios = sum((Fraction(one.legal - one.taken, one.legal) * one.count for one in measured), Fraction())
    return SpeedUp(
        count=count,
        legal=legal,
        taken=used,
        ratio_of_sums=_rounded(Fraction(legal - used, legal)) if count else None,
        mean_of_ratios=_rounded(ratios / count) if count else None,
    )


def _rounded(ratio: Fraction) -> float:
    return round(float(ratio), PLACES)
