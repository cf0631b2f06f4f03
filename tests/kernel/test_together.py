"""What many ask for at the same time is done at once, and each is answered for themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from gdbos.together import Together


def played(scene: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(scene(), 10))


def test_callers_at_the_same_time_share_one_round_that_began_after_they_asked() -> None:
    async def scene() -> tuple[list[int], int]:
        begun, value = 0, 0

        async def look(asked: Sequence[None]) -> list[int]:
            nonlocal begun
            begun += 1
            seen = value
            await asyncio.sleep(0.01)
            return [seen] * len(asked)

        together = Together(look)
        first = together(None)
        await asyncio.sleep(0.005)  # its round has begun
        value = 1
        later = [together(None) for _ in range(50)]
        return [await first, *await asyncio.gather(*later)], begun

    answers, begun = played(scene)
    assert answers == [0] + [1] * 50
    assert begun == 2


def test_each_gets_the_answer_to_their_own_question_in_rounds_of_at_most_so_many() -> None:
    async def scene() -> tuple[list[int], list[int]]:
        sizes = []

        async def double(asked: Sequence[int]) -> list[int]:
            sizes.append(len(asked))
            await asyncio.sleep(0)
            return [2 * one for one in asked]

        together = Together(double, most=8)
        return await asyncio.gather(*(together(number) for number in range(20))), sizes

    answers, sizes = played(scene)
    assert answers == [2 * number for number in range(20)]
    assert sizes == [8, 8, 4]


def test_a_refusal_is_its_askers_alone_and_a_failed_round_everybodys() -> None:
    async def scene() -> tuple[list[Any], list[Any], list[Any]]:
        async def act(asked: Sequence[str]) -> list[str | Exception]:
            if "break" in asked:
                raise OSError("the disk is full")
            return [ValueError(one) if one == "bad" else one for one in asked]

        together = Together(act)
        mixed = await asyncio.gather(*map(together, ("good", "bad", "good")), return_exceptions=True)
        failed = await asyncio.gather(*map(together, ("good", "break", "good")), return_exceptions=True)
        return mixed, failed, [await together("good")]

    mixed, failed, after = played(scene)
    assert [type(one) for one in mixed] == [str, ValueError, str]
    assert [type(one) for one in failed] == [OSError] * 3
    assert after == ["good"]


def test_who_goes_away_takes_nobody_along() -> None:
    async def scene() -> tuple[str, list[str]]:
        done: list[str] = []

        async def act(asked: Sequence[str]) -> Sequence[str]:
            await asyncio.sleep(0.01)
            done.extend(asked)
            return asked

        together = Together(act)
        leaving, staying = together("leaving"), together("staying")
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying, done

    answer, done = played(scene)
    assert answer == "staying"
    assert done == ["leaving", "staying"]


def test_nobody_waits_for_ever_when_the_worker_ends() -> None:
    async def scene() -> None:
        async def act(asked: Sequence[None]) -> Sequence[None]:
            await asyncio.sleep(60)
            return asked

        together = Together(act)
        first = together(None)
        await asyncio.sleep(0)
        later = together(None)
        assert together._round is not None
        together._round.cancel()
        for waiting in (first, later):
            with pytest.raises(asyncio.CancelledError):
                await waiting

    played(scene)
