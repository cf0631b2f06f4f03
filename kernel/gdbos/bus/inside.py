"""How a plugin's own function is asked: in the caller's time, and no more of them hanging than the node can spare.

A function that runs cannot be ended from outside. Its caller is answered in time all the same; until it returns it holds one of the
database's readers, so a service of which some hang is not asked further.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from gdbos.errors import ProviderTimeout, Unavailable
from gdbos.unit import Unit, Units

if TYPE_CHECKING:
    from gdbos.bus.call import Call
    from gdbos.bus.service import Offered

HANGING: Final = 2
"""Questions to one service that may outlive their callers, of the four that read at a time on SQLite."""


class Question:
    """One question to a plugin's function, as far as its thread has got."""

    def __init__(self, service: Offered, request: Any) -> None:
        assert service.offer is not None
        self._provide, self._request = service.offer.provide, request
        self.running = False

    def __call__(self, unit: Unit) -> Any:
        self.running = True
        try:
            return self._provide(unit, self._request)
        finally:
            self.running = False


class Inside:
    """Asks the functions of this worker's plugins."""

    def __init__(self, units: Units, timeout: float) -> None:
        self.units = units
        self.timeout = timeout
        """Seconds a function may take where its caller waits longer."""
        self._hanging: dict[str, list[Question]] = defaultdict(list)

    async def ask(self, service: Offered, call: Call, request: Any) -> Any:
        """What the function answers.

        :raises ProviderTimeout: not in the caller's time. :raises Unavailable: earlier callers gave up on it, and it still runs.
        """
        if service.code in self._hanging:
            self._refuse_hanging(service.code)
        question = Question(service, request)
        try:
            async with asyncio.timeout_at(min(call.deadline, asyncio.get_running_loop().time() + self.timeout)):
                return await self.units.read(call.actor, question)
        except TimeoutError:
            if question.running:
                self._hanging[service.code].append(question)
            raise ProviderTimeout("The provider did not answer in time.") from None

    def _refuse_hanging(self, code: str) -> None:
        left = [question for question in self._hanging.pop(code) if question.running]
        if left:
            self._hanging[code] = left
        if len(left) >= HANGING:
            raise Unavailable("The provider has been failing and is given a moment to recover.", retry_after=1)
