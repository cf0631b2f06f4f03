"""Who comes in (准入): beyond what a worker takes, calls are told at once when to come back, and nobody takes it all.

A worker that takes every call serves none in time, so the number of calls in progress has a limit; at the limit everybody is sent away
(503). Before it, whoever holds much is (429): no consumer may hold more than :data:`GREED` times what is still free. Alone it may have
three quarters; as others come it gets no further place until it has given some back, so that all end up with equal parts. Both
refusals cost a few microseconds: one that works hard is part of the overload.
"""

from __future__ import annotations

import random
import time
from typing import Final

from gdbos.errors import TooMany, Unavailable

Consumer = tuple[str, str]
"""Body and system."""
GREED: Final = 3
SOONEST: Final = 0.02
LATEST: Final = 5.0
"""Seconds within which those sent away are told to come back."""
LEISURE: Final = 4
"""How many places are given back between two who were told to come again: most of them go to others, and refusing costs too."""
_NEWS: Final = 0.05
"""How much one call counts in what a call takes on average."""


class Admission:
    """The places of one worker for one kind of work, such as its bus, and who holds them."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.inside = 0
        self._holding: dict[Consumer, int] = {}
        self._takes = SOONEST
        self._queue_ends = 0.0
        """The moment that the last one sent away was told."""

    def refuse_beyond_capacity(self) -> None:
        """:raises Unavailable: as many calls are in progress as this worker takes."""
        if self.inside >= self.capacity:
            raise Unavailable("All places for this are taken; ask again in a moment.", **self._when())

    def place(self, consumer: Consumer) -> Place:
        """A place for one call of ``consumer`` (body and system; or the address of somebody nobody knows), held inside ``with``; entering it raises as :meth:`take`."""
        return Place(self, consumer)

    def take(self, consumer: Consumer) -> None:
        """Take a place, to be given back by :meth:`leave`.

        :raises Unavailable: there is none. :raises TooMany: the consumer holds much already, and others may come.
        """
        self.refuse_beyond_capacity()
        held = self._holding.get(consumer, 0)
        if held >= GREED * (self.capacity - self.inside):
            raise TooMany(
                "{held} requests of yours are in progress, which is your share while places are few; wait for some of them.",
                held=held,
                **self._when(),
            )
        self.inside += 1
        self._holding[consumer] = held + 1

    def leave(self, consumer: Consumer, taken: float) -> None:
        """Give back a place that was held for ``taken`` seconds."""
        self.inside -= 1
        self._takes += (taken - self._takes) * _NEWS
        if self._holding[consumer] > 1:
            self._holding[consumer] -= 1
        else:
            del self._holding[consumer]

    def _when(self) -> dict[str, int]:
        """When to come back: one after another, as if they stood in a queue, or all would come at the same moment again."""
        now = time.monotonic()
        behind = max(self._queue_ends, now + self._takes) + LEISURE * self._takes / self.capacity
        self._queue_ends = min(behind, now + LATEST)
        wait = max((self._queue_ends - now) * random.uniform(0.8, 1), SOONEST)  # noqa: S311
        return {"retry_after": int(wait) + 1, "retry_after_ms": round(wait * 1000)}


class Place:
    """One place, taken by ``with`` and given back at its end."""

    def __init__(self, admission: Admission, consumer: Consumer) -> None:
        self._admission, self._consumer = admission, consumer

    def __enter__(self) -> None:
        self._admission.take(self._consumer)
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._admission.leave(self._consumer, time.perf_counter() - self._began)
