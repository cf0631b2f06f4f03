"""The bus as its consumers see it: one call, or many in one batch, in the name of one actor and one system."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gdbos.actor import Actor
from gdbos.bus.call import Call, Door, Reply
from gdbos.bus.derived import Question
from gdbos.errors import Problem
from gdbos.ids import new_id

log = logging.getLogger("gdbos.bus")

AT_ONCE: Final = 16
"""Items of one batch in progress: a batch must not take the places of everybody else's calls."""


class Item(msgspec.Struct, frozen=True):
    """One item of a batch: what is asked, and the matter and case where they differ from the batch's."""

    value: Any
    matter: str = ""
    case: str = ""


class Bus:
    """The bus as one consumer sees it: an actor, its body, and the system or plugin that asks."""

    def __init__(self, door: Door, actor: Actor, system: str) -> None:
        self.door = door
        self.actor = actor
        self.system = system

    async def call(
        self,
        service: str,
        value: Any = None,
        *,
        matter: str = "",
        case: str = "",
        purpose: str = "",
        body: str = "",
        version: int = 0,
        business: str = "",
        deadline: float = math.inf,
        ask: Sequence[Question] = (),
        key: str = "",
    ) -> Reply:
        """Call ``service`` with ``value``.

        :param matter: the matter (事项) the call serves; :param case: the live case that is its basis.
        :param body: for a plugin acting in a body's matter: that body. An official or system always acts for its own.
        :param version: the version of the service; by default the newest that the grant covers.
        :param business: a number of the caller's own under which a repeated write is the same write.
        :param deadline: the event loop's time after which the answer is of no use; passed on to the provider.
        :param ask: questions to be answered with yes or no instead of receiving values (:mod:`gdbos.bus.derived`).
        :param key: Idempotency-Key: with the same key the same call gets the first answer again.
        :raises NotFound, Gone, NoGrant, NoBasis, Invalid, ProviderFailed, ProviderTimeout, Unavailable, TooMany: see the steps.
        """
        own_body = self.actor.body if self.actor.kind in ("official", "system") else body
        return await self.door.pass_through(
            Call(
                id=new_id(),
                actor=self.actor,
                body=own_body,
                system=self.actor.id if self.actor.kind == "system" else self.system,
                service=service,
                value={} if value is None else value,
                matter=matter,
                case=case,
                purpose=purpose,
                version=version,
                business=business or case,
                deadline=deadline,
                ask=tuple(ask),
                key=key,
            )
        )

    async def call_many(
        self,
        service: str,
        items: Sequence[Item],
        *,
        matter: str = "",
        case: str = "",
        business: str = "",
        key: str = "",
        **how: Any,
    ) -> list[Reply | Problem]:
        """Call ``service`` about many subjects: each item is a call with its own record, receipts and outcome, in their order.

        ``how`` is what :meth:`call` takes besides. One key serves the batch: sent again, each item gets its first answer.
        """
        free = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, item: Item) -> Reply | Problem:
            about: dict[str, Any] = {"matter": item.matter or matter, "case": item.case or case}
            about |= {"key": key and f"{key}:{number}", "business": business and f"{business}:{number}"}
            async with free:
                try:
                    return await self.call(service, item.value, **about, **how)
                except Problem as refused:
                    return refused
                except Exception:
                    log.exception("an item of a batch to %s failed", service)
                    return Problem()

        return list(await asyncio.gather(*(one(number, item) for number, item in enumerate(items))))
