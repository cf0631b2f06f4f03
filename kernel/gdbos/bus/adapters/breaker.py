"""What keeps one failing system from taking its callers with it: a breaker, a retry budget, a bulkhead per line.

A line is one service of one provider. Time is the event loop's, so that a simulated loop can drive all of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gdbos.errors import Unavailable

WINDOW = 10.0
"""Seconds a breaker looks back."""
LEAST_CALLS = 20
FAILING_SHARE = 0.5
IN_A_ROW = 5
"""Failures one after another that open a breaker however few the calls."""
COOLING = 5.0
"""Seconds a breaker stays open before one call tries again."""
RETRY_SHARE = 0.1
RETRY_RESERVE = 3.0
"""Retries a line may spend before its calls have earned any; also the most it can save up."""

TOO_LATE = 0.1
"""Seconds before its deadline from which a call that waited is not sent any more: it would only load the system."""

Clock = Callable[[], float]


class Breaker:
    """Closed: calls go. Open: they are told at once. Half-open: one call tries while the others are told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: deque[tuple[float, bool]] = deque()
        self._failed = 0
        self._row = 0
        self._until = 0.0
        self._open = False
        self._trying = False

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        if not self._open:
            return "closed"
        return "open" if self._clock() < self._until else "half-open"

    def admit(self) -> bool:
        """Let a call go; whether it is the one that tries a failing provider again.

        What this returns is handed back with the outcome: ``succeeded``, ``failed`` or ``withdrew``.

        :raises Unavailable: it may not go; says after how many seconds it makes sense to ask again.
        """
        if not self._open:
            return False
        if self._trying or self.state == "open":
            wait = max(1, round(self._until - self._clock()))
            raise Unavailable("The provider has been failing and is given a moment to recover.", retry_after=wait)
        self._trying = True
        return True

    def succeeded(self, trial: bool) -> None:
        """The provider answered. A late answer to a call made before it failed closes nothing."""
        if trial:
            self._open = self._trying = False
            self._calls.clear()
            self._failed = 0
        self._row = 0
        self._remember(failed=False)

    def failed(self, trial: bool) -> None:
        """The provider did not answer, or not as one that works."""
        self._row += 1
        self._remember(failed=True)
        share = self._failed / len(self._calls)
        tripped = self._row >= IN_A_ROW or (len(self._calls) >= LEAST_CALLS and share >= FAILING_SHARE)
        if trial or (tripped and not self._open):
            self._open, self._trying, self._until = True, False, self._clock() + COOLING

    def withdrew(self, trial: bool) -> None:
        """The call ended without saying anything about the provider: its caller went away."""
        if trial:
            self._trying = False

    def _remember(self, *, failed: bool) -> None:
        now = self._clock()
        self._calls.append((now, failed))
        self._failed += failed
        while self._calls[0][0] < now - WINDOW:
            self._failed -= self._calls.popleft()[1]


class Budget:
    """Retries earned by calls, so that a provider in trouble gets at most a tenth more and not three times as much."""

    def __init__(self) -> None:
        self._saved = RETRY_RESERVE

    def earn(self) -> None:
        """A call was made."""
        self._saved = min(RETRY_RESERVE, self._saved + RETRY_SHARE)

    def spend(self) -> bool:
        """Whether one retry is affordable; it is then paid for."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


class Line:
    """One service of one provider, with room for so many calls at a time and twice as many waiting."""

    def __init__(self, room: int, clock: Clock) -> None:
        self.breaker = Breaker(clock)
        self.budget = Budget()
        self._room = asyncio.Semaphore(room)
        self._queue = 2 * room
        self._waiting = 0

    @asynccontextmanager
    async def place(self, until: float) -> AsyncIterator[None]:
        """A place among the calls in progress. :raises Unavailable: none became free in time for an answer before ``until``."""
        await self._enter(until - TOO_LATE if self._room.locked() else until)
        try:
            yield
        finally:
            self._room.release()

    async def _enter(self, until: float) -> None:
        if self._room.locked() and self._waiting >= self._queue:
            raise _crowded()
        self._waiting += 1
        try:
            async with asyncio.timeout_at(until):
                await self._room.acquire()
        except TimeoutError:
            raise _crowded() from None
        finally:
            self._waiting -= 1


def _crowded() -> Unavailable:
    return Unavailable("Too many calls to this provider are in progress.", retry_after=1)
