"""How every adapter asks: in its line, in time, again only where that is safe and affordable, and never a system that is down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

import msgspec

from gdbos.bus.adapters.breaker import Line
from gdbos.errors import Problem, ProviderFailed, ProviderTimeout, Unavailable

ATTEMPTS = 3
BACKOFF_SECONDS = 0.1
"""The first wait before a retry is random below this, the next below twice as much."""
PATIENCE = 1.0
"""A caller who waits less than this (and less than the service's own limit) proves nothing against the provider."""
NEARLY = 0.9
"""Share of the service's own limit that is the whole of it: some of it went on the way here."""

T = TypeVar("T")
Verdict = Literal["well", "failing", "passing"]
"""Of an answer: the system works; it does not; it does not, and may in a moment."""


class BrokeOff(ProviderFailed):
    """The connection ended before the answer did; what is safe to repeat may be tried again."""


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """One question on its way."""

    line: str
    """The service and provider that fail or recover together."""
    deadline: float
    """The event loop's time at which the caller must know."""
    timeout: float
    """Seconds the system may take, retries included."""
    repeatable: bool
    concurrency: int


def well(_: object) -> Verdict:
    """Every answer is one of a system that works."""
    return "well"


class Lines:
    """The lines of this worker, by name."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    def line(self, name: str, room: int) -> Line:
        """The line ``name``; ``room`` counts when it is first asked for."""
        if name not in self._lines:
            self._lines[name] = Line(room, asyncio.get_running_loop().time)
        return self._lines[name]

    async def through(
        self, trip: Trip, attempt: Callable[[float], Awaitable[T]], judge: Callable[[T], Verdict] = well
    ) -> T:
        """What ``attempt`` returns, which is given the event loop's time at which it must have ended.

        :raises ProviderTimeout, ProviderFailed, Unavailable: there is no answer; never later than ``trip.deadline``.
        """
        until = min(trip.deadline, asyncio.get_running_loop().time() + trip.timeout)
        line = self.line(trip.line, trip.concurrency)
        async with line.place(until):
            line.budget.earn()
            return await _attempts(line, trip, until, attempt, judge)


async def _attempts(
    line: Line, trip: Trip, until: float, attempt: Callable[[float], Awaitable[T]], judge: Callable[[T], Verdict]
) -> T:
    turn = 0
    while True:
        wait = random.uniform(0, BACKOFF_SECONDS * 2**turn)  # noqa: S311  (spreads load, guards nothing)
        turn += 1
        repeatable = trip.repeatable and turn < ATTEMPTS
        try:
            answer = await _counted(line, trip, until, attempt, judge)
            if not (judge(answer) == "passing" and repeatable and affordable(line, wait, until)):
                return answer
        except (Unavailable, BrokeOff):
            if not (repeatable and affordable(line, wait, until)):
                raise
        await asyncio.sleep(wait)


async def _counted(
    line: Line, trip: Trip, until: float, attempt: Callable[[float], Awaitable[T]], judge: Callable[[T], Verdict]
) -> T:
    """One attempt, the outcome of which its breaker learns."""
    trial = line.breaker.admit()
    started = asyncio.get_running_loop().time()
    try:
        answer = await _timed(attempt, until)
    except ProviderTimeout:
        patient = until - started >= min(trip.timeout * NEARLY, PATIENCE)
        line.breaker.failed(trial) if patient else line.breaker.withdrew(trial)
        raise
    except (ProviderFailed, Unavailable):
        line.breaker.failed(trial)
        raise
    except Problem:  # the question was at fault, and the system said so
        line.breaker.succeeded(trial)
        raise
    except BaseException:
        line.breaker.withdrew(trial)
        raise
    line.breaker.succeeded(trial) if judge(answer) == "well" else line.breaker.failed(trial)
    return answer


async def _timed(attempt: Callable[[float], Awaitable[T]], until: float) -> T:
    try:
        async with asyncio.timeout_at(until):
            return await attempt(until)
    except TimeoutError:
        raise ProviderTimeout("The provider did not answer in time.") from None


def affordable(line: Line, wait: float, until: float) -> bool:
    """Whether a retry after ``wait`` seconds can still end in time, meets a closed breaker, and is paid for."""
    in_time = asyncio.get_running_loop().time() + wait < until
    return in_time and line.breaker.state == "closed" and line.budget.spend()
