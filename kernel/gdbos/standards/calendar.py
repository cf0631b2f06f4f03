"""Working days (工作日): weekends, holidays and make-up days as published, with regional holidays laid over.

A day outside what has been published is ``NotPublished``: whether it will be a working day nobody knows, so nobody is told.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import date, timedelta
from typing import Annotated

import msgspec

from gdbos.errors import Conflict
from gdbos.text import Text

from .document import Item

DAY = timedelta(days=1)
WEEKEND = Text("周末", "weekend")


class NotPublished(Conflict):
    """The answer needs a day whose holidays have not been published yet."""

    code, title = "not-published", "The holidays of that year have not been published yet"


class Off(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """Days off: from ``since`` (``from``) until the day before ``until``."""

    since: date
    until: date
    title: Text
    source: str = ""
    note: Text | None = None


class Working(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A weekend day that is worked (调休上班)."""

    on: date
    title: Text = Text(zh="调休上班", en="make-up working day")
    source: str = ""
    note: Text | None = None


class Doubt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """Days, from ``since`` (``from``) until the day before ``until``, of which it is not certain whether they are worked."""

    since: date
    until: date
    note: Text
    """Why, and who knows: told with every deadline that is counted over one of the days."""


Prefix = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{2,6}\Z")]


class Local(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Divisions that may have days off of their own which this calendar does not hold."""

    divisions: tuple[Prefix, ...]
    note: Text
    """Told with every deadline counted there, unless a calendar is laid over this one that speaks for the division."""


class CalendarDefinition(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A calendar, or the days that a region lays over one."""

    title: Text | None = None
    zone: str = "Asia/Shanghai"
    extends: str = ""
    divisions: tuple[Prefix, ...] = ()
    """Prefixes of the divisions it speaks for."""
    published_from: date | None = None
    published_until: date | None = None
    """The first day not published any more."""
    weekend: tuple[Annotated[int, msgspec.Meta(ge=1, le=7)], ...] = ()
    off: tuple[Off, ...] = ()
    working: tuple[Working, ...] = ()
    doubt: tuple[Doubt, ...] = ()
    local: tuple[Local, ...] = ()


class Calendar:
    """Working-day arithmetic over the published days."""

    __slots__ = ("_days", "_titles", "_working", "doubts", "id", "since", "until", "weekend")

    def __init__(
        self, id: str, weekend: Iterable[int], since: date, until: date, levels: Sequence[CalendarDefinition]
    ) -> None:
        """``levels``: the root first, each later one laid over those before it."""
        self.id, self.since, self.until = id, since, until
        self.weekend = frozenset(weekend)
        self._titles: dict[date, Text] = {}
        self._working: dict[date, Text] = {}
        self.doubts: tuple[Doubt, ...] = tuple(doubt for level in levels for doubt in level.doubt)
        for level in levels:
            self._lay(level)
        self._days = [day for day in self._span() if self._works(day)]

    def _lay(self, level: CalendarDefinition) -> None:
        for off in level.off:
            for number in range((off.until - off.since).days):
                self._titles[off.since + number * DAY] = off.title
                self._working.pop(off.since + number * DAY, None)
        for working in level.working:
            self._working[working.on] = working.title
            self._titles.pop(working.on, None)

    def _span(self) -> Iterable[date]:
        return (self.since + number * DAY for number in range((self.until - self.since).days))

    def _works(self, day: date) -> bool:
        return day in self._working or (day not in self._titles and day.isoweekday() not in self.weekend)

    def published(self, day: date) -> bool:
        """Whether it is known what kind of day this is."""
        return self.since <= day < self.until

    def doubted(self, note: Text) -> Calendar:
        """The same calendar, with ``note`` told of all its days."""
        made = copy(self)
        made.doubts = (*self.doubts, Doubt(since=self.since, until=self.until, note=note))
        return made

    def caveats(self, first: date, last: date) -> tuple[Text, ...]:
        """What is not certain of the days from ``first`` to ``last``, each once; empty where they are known as published."""
        found = (one.note for one in self.doubts if one.since <= last and first < one.until)
        return tuple(dict.fromkeys(found))

    def is_working(self, day: date) -> bool:
        """Whether ``day`` is a working day.

        Raises:
            NotPublished: nobody knows yet.
        """
        self._known(day)
        return self._works(day)

    def title(self, day: date) -> Text:
        """The holiday's name, or ``weekend``, or what is special about a working day; empty for an ordinary one."""
        if day in self._titles:
            return self._titles[day]
        if day in self._working:
            return self._working[day]
        return WEEKEND if day.isoweekday() in self.weekend else Text("")

    def add(self, start: date, days: int) -> date:
        """The ``days``-th working day after ``start`` (before it, if negative); ``start`` itself is not counted.

        Raises:
            NotPublished: the answer lies in days not published.
        """
        if days == 0:
            return start
        self._known(start)
        at = bisect_right(self._days, start) + days - 1 if days > 0 else bisect_left(self._days, start) + days
        if not 0 <= at < len(self._days):
            raise self._unknown()
        return self._days[at]

    def between(self, a: date, b: date) -> int:
        """How many working days come after ``a`` up to and with ``b``; negative where ``b`` is earlier.

        Raises:
            NotPublished: one of the days is not published.
        """
        self._known(a)
        self._known(b)
        return bisect_right(self._days, b) - bisect_right(self._days, a)

    def next(self, day: date) -> date:
        """``day`` if it is a working day, else the first after it.

        Raises:
            NotPublished: the answer lies in days not published.
        """
        self._known(day)
        at = bisect_left(self._days, day)
        if at == len(self._days):
            raise self._unknown()
        return self._days[at]

    def after(self, day: date) -> Iterable[date]:
        """The published working days after ``day``."""
        self._known(day)
        return iter(self._days[bisect_right(self._days, day) :])

    def _known(self, day: date) -> None:
        if not self.published(day):
            raise self._unknown()

    def _unknown(self) -> NotPublished:
        return NotPublished(
            "The calendar {calendar} is published from {since} until the day before {until}; a later or earlier day cannot be counted yet.",
            calendar=self.id,
            since=self.since,
            until=self.until,
        )


def calendar(id: str, definitions: Mapping[str, CalendarDefinition]) -> Calendar:
    """The calendar ``id`` with those it extends beneath it.

    Raises:
        ValueError: it extends itself or something absent, says no weekend, or not until when it is published.
    """
    levels = _levels(id, definitions)
    weekend = next((level.weekend for level in reversed(levels) if level.weekend), None)
    until = min((level.published_until for level in levels if level.published_until), default=None)
    since = max((day for level in levels if (day := _since(level, level is levels[0]))), default=None)
    if weekend is None or until is None or since is None:
        raise ValueError(
            "a calendar needs weekend, published_until and dated days, its own or those of the one it extends"
        )
    return Calendar(id, weekend, since, until, levels)


def unheld(division: str, id: str, definitions: Mapping[str, CalendarDefinition]) -> Text | None:
    """What the calendar ``id`` says of days off that ``division`` may have of its own; None where it has none or they are in it."""
    levels = _levels(id, definitions)
    spoken = max((len(one) for level in levels for one in level.divisions if division.startswith(one)), default=0)
    nearer = (
        local.note
        for level in levels
        for local in level.local
        if any(len(one) > spoken and division.startswith(one) for one in local.divisions)
    )
    return next(nearer, None)


def _levels(id: str, definitions: Mapping[str, CalendarDefinition]) -> list[CalendarDefinition]:
    levels: list[CalendarDefinition] = []
    above = id
    while above:
        if above not in definitions or any(level.id == above for level in levels):
            raise ValueError(f"extends {above!r}, which is not there or extends it in turn")
        levels.insert(0, definitions[above])
        above = definitions[above].extends
    return levels


def _since(level: CalendarDefinition, root: bool) -> date | None:
    """When a calendar's days begin to be published; a region's overlay only where it says so."""
    if level.published_from or not root or not level.off:
        return level.published_from
    return min(off.since for off in level.off).replace(month=1, day=1)
