"""Everything this node holds of a person, as one file they can take away (个人信息查阅、复制: 个人信息保护法 art. 45).

The data leave by the bus like any other: each service that says it holds a person's own data is called in their name, page by
page. The file is a signed note, one answer a line as JSON; ``gdbos ledger statement`` checks it offline.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from gdbos.actor import refuse_agent
from gdbos.bus.bus import Bus
from gdbos.errors import Forbidden
from gdbos.kernel import Kernel
from gdbos.ledger.leaf import CALLS
from gdbos.ledger.note import Note
from gdbos.ledger.statement import OWN_DATA
from gdbos.own import ITSELF
from gdbos.plugin import Offer

MOST_PAGES: Final = 500
"""Of one service; more than anybody has, and an end to a service that never says it is done."""


class Answered(msgspec.Struct, frozen=True):
    """What one service answered."""

    service: str
    title: dict[str, str]
    value: dict[str, Any]


async def own_data(bus: Bus, kernel: Kernel) -> str:
    """The file of whoever ``bus`` speaks for. Raises as :func:`answers`."""
    found = [one async for one in answers(bus, kernel)]
    signer, made = kernel.book.signers[CALLS], kernel.clock()
    head = [
        OWN_DATA,
        f"node {kernel.settings.node.id}",
        f"made {made.isoformat()}",
        f"answers {len(found)}, older none",
    ]
    lines = [*head, *(msgspec.json.encode(one).decode() for one in found)]
    text = "".join(f"{line}\n" for line in lines)
    return str(Note(text, (signer.sign(text),)))


async def answers(bus: Bus, kernel: Kernel) -> AsyncIterator[Answered]:
    """What each service says of whoever ``bus`` speaks for.

    :raises Forbidden: they are no person, or an agent: a mandate is for matters.
    """
    if bus.actor.kind != "person":
        raise Forbidden("Only a person has data of their own here.")
    refuse_agent(bus.actor)
    for offer in _services(kernel):
        async for one in _pages(bus, offer):
            yield one


def _services(kernel: Kernel) -> list[Offer]:
    offers = [offer for plugin in (ITSELF, *kernel.plugins) for offer in plugin.services]
    return [offer for offer in offers if offer.own]


async def _pages(bus: Bus, offer: Offer) -> AsyncIterator[Answered]:
    asked: dict[str, Any] = {}
    title = {"zh": offer.title.into("zh"), "en": offer.title.into("en")}
    for _ in range(MOST_PAGES):
        value = (await bus.call(offer.code, asked, purpose="own data")).value
        yield Answered(offer.code, title, value)
        if not value.get("next"):
            return
        asked = {"after": value["next"]}
