"""Doing at once what many ask for at the same time (自然攒批): one transaction, one read, many callers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST = 256
"""How many may share one round."""


class Together(Generic[T, R]):
    """Carries what callers ask for to ``act`` in rounds: whoever asks while a round is under way joins the next.

    Nobody waits for a round to fill, so a lone caller is served at once and a crowd shares what it costs. ``act`` answers each of
    its askers in their order, one by one with a result or the exception that is theirs alone; when ``act`` itself raises,
    every caller of the round hears that.
    """

    def __init__(self, act: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]], most: int = MOST) -> None:
        self._act = act
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._round: asyncio.Task[None] | None = None

    def __call__(self, asked: T) -> asyncio.Future[R]:
        """The answer to ``asked``, found out after this call began."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._round is None:
            self._round = asyncio.create_task(self._rounds())
        return answer

    async def _rounds(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # once round the loop: whoever was answered just now may have come again
                taken, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._serve(taken)
        finally:
            self._round = None
            for _, answer in self._waiting:  # only where the worker ends: nobody may wait for ever
                answer.cancel()
            self._waiting.clear()

    async def _serve(self, taken: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            answers = await self._act([asked for asked, _ in taken])
        except BaseException as failure:
            for _, answer in taken:
                _settle(answer, failure if isinstance(failure, Exception) else asyncio.CancelledError())
            if not isinstance(failure, Exception):
                raise
            return
        for (_, answer), found in zip(taken, answers, strict=True):
            _settle(answer, found)


def _settle(answer: asyncio.Future[R], found: R | BaseException) -> None:
    if answer.done():  # its caller has gone away
        return
    if isinstance(found, asyncio.CancelledError):
        answer.cancel()
    elif isinstance(found, BaseException):
        answer.set_exception(found)
    else:
        answer.set_result(found)
