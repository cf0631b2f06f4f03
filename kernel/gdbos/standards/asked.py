"""What addresses of the standards are asked with: a day, and a page of a list by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from itertools import islice
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from litestar.params import FromQuery, QueryParameter

On = FromQuery[Annotated[date | None, QueryParameter(description="As of this day (YYYY-MM-DD); today if absent.")]]
ZONE = ZoneInfo("Asia/Shanghai")
R = TypeVar("R")


def today() -> date:
    """The civil day where the standards hold."""
    return datetime.now(ZONE).date()


def page(rows: Iterable[R], after: str, limit: int, key: Callable[[R], str]) -> tuple[list[R], str]:
    """Up to ``limit`` rows behind the one with the key ``after``, and the key to go on from; empty where nothing is left."""
    left = iter(rows)
    if after:
        next((row for row in left if key(row) == after), None)
    found = list(islice(left, limit + 1))
    return found[:limit], key(found[limit - 1]) if len(found) > limit else ""
