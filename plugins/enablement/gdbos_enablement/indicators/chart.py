"""Column charts, laid out on the server: pure numbers that a template writes as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

WIDTH, HEIGHT = 720, 200
GAP = 0.28
"""Share of a month's width that stays empty on both sides together."""


class Column(msgspec.Struct, frozen=True):
    """One column: its value, and where it stands."""

    value: int
    x: float
    y: float
    width: float
    height: float


class Pair(msgspec.Struct, frozen=True):
    """The columns of one month side by side, and the middle of the month."""

    first: date
    middle: float
    received: Column
    ended: Column


class Chart(msgspec.Struct, frozen=True):
    """A chart; ``most`` is the value its height stands for."""

    pairs: list[Pair]
    most: int
    width: int = WIDTH
    height: int = HEIGHT


def columns(months: Sequence[tuple[date, int, int]]) -> Chart:
    """Two columns a month, to one scale that begins at nought."""
    most = max((value for _, *pair in months for value in pair), default=0)
    step = WIDTH / max(len(months), 1)
    return Chart([_pair(month, index * step, step, most) for index, month in enumerate(months)], most)


def _pair(month: tuple[date, int, int], left: float, step: float, most: int) -> Pair:
    first, received, ended = month
    width = step * (1 - GAP) / 2
    start = left + step * GAP / 2
    return Pair(
        first,
        round(left + step / 2, 2),
        _column(received, start, width, most),
        _column(ended, start + width, width, most),
    )


def _column(value: int, x: float, width: float, most: int) -> Column:
    height = HEIGHT * value / most if most else 0.0
    return Column(value, round(x, 2), round(HEIGHT - height, 2), round(width - 2, 2), round(height, 2))
