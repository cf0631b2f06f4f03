"""On which days each edition (版次) of a pack speaks, so that what is published later never changes what was answered for an earlier day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec


class Days(msgspec.Struct, frozen=True):
    """From ``since`` (inclusive) until ``until`` (exclusive); None is without bound."""

    since: date | None = None
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the day is one of them."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    def meets(self, other: Days) -> bool:
        """Whether they have a day in common."""
        return (self.until is None or other.since is None or other.since < self.until) and (
            other.until is None or self.since is None or self.since < other.until
        )

    def within(self, other: Days) -> Days:
        """The days in both; empty where they do not meet."""
        begins = [one.since for one in (self, other) if one.since is not None]
        ends = [one.until for one in (self, other) if one.until is not None]
        return Days(max(begins, default=None), min(ends, default=None))

    @property
    def empty(self) -> bool:
        """Whether there is no such day."""
        return self.since is not None and self.until is not None and self.until <= self.since


ALWAYS = Days()


class Speaking(msgspec.Struct, frozen=True):
    """A published edition of a pack, and the days in which it speaks for the pack."""

    folder: Path
    days: Days


Published = Mapping[str, Sequence[Speaking]]
"""By pack, earliest days first. On the days that none covers, the pack in the folders speaks, where there is one."""


def speaking(editions: Iterable[Speaking]) -> list[Speaking]:
    """Who speaks when, from editions in the order of their publication: of two in force the one that began later, then the newer."""
    known = sorted(editions, key=lambda one: one.days.since or date.min)
    known = [one for one in known if not one.days.empty]
    days = sorted({day for one in known for day in (one.days.since, one.days.until) if day is not None})
    found: list[Speaking] = []
    for since, until in zip([None, *days], [*days, None], strict=True):
        heard = [one for one in known if one.days.covers(since or date.min)]
        if not heard:
            continue
        if found and found[-1].folder == heard[-1].folder and found[-1].days.until == since:
            found[-1] = Speaking(heard[-1].folder, Days(found[-1].days.since, until))
        else:
            found.append(Speaking(heard[-1].folder, Days(since, until)))
    return found


def silent(spoken: Sequence[Speaking]) -> list[Days]:
    """The days that none of ``spoken`` covers."""
    starts = [None, *(one.days.until for one in spoken)]
    ends = [*(one.days.since for one in spoken), None]
    gaps = [Days(since, until) for since, until in zip(starts, ends, strict=True)]
    open_start = bool(spoken) and spoken[0].days.since is None
    open_end = bool(spoken) and spoken[-1].days.until is None
    gaps = gaps[1:] if open_start else gaps
    gaps = gaps[:-1] if open_end else gaps
    return [gap for gap in gaps if not gap.empty]
