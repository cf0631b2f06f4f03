"""A statement of receipts (回执清单) that its subject can take away: a signed note, checked offline by ``gdbos ledger statement``.

The note's text is a head of four lines and then one receipt a line, as JSON: who, which body, which fields by name, for which
matter and case, under which grant, when. It is signed with the key of the node's log of calls; since no second line of a
checkpoint begins with “node”, neither can pass for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from gdbos.actor import refuse_agent
from gdbos.bus.bus import Bus
from gdbos.bus.receipts import CODE, Receipt, Receipts
from gdbos.bus.receipts import MOST as PAGE
from gdbos.kernel import Kernel
from gdbos.ledger.leaf import CALLS
from gdbos.ledger.note import Note, Signer
from gdbos.ledger.statement import TITLE

MOST: Final = 1000
"""Receipts in one statement; what is older comes in the next one."""


async def own_statement(bus: Bus, kernel: Kernel, after: UUID | None) -> str:
    """The statement of whoever ``bus`` speaks for, from their newest receipt on or from the one after ``after``.

    :raises Forbidden: the actor is an agent: a mandate is for matters, not for all that is known of who gave it.
    """
    refuse_agent(bus.actor)
    found: list[Receipt] = []
    while len(found) < MOST:
        wanted = {"after": after and str(after), "limit": PAGE}
        reply = await bus.call(CODE, wanted, purpose="own data")
        page = msgspec.convert(reply.value, Receipts)
        found, after = found + page.receipts, page.next
        if after is None:
            break
    signer, now = kernel.book.signers[CALLS], kernel.units.around.clock()
    return statement(found, node=kernel.settings.node.id, made=now, older=str(after or ""), signer=signer)


def statement(receipts: Sequence[Receipt], *, node: str, made: datetime, older: str, signer: Signer) -> str:
    """``receipts`` as a signed note; ``older`` is the key after which the next statement goes on, empty where there is none."""
    head = [TITLE, f"node {node}", f"made {made.isoformat()}", f"receipts {len(receipts)}, older {older or 'none'}"]
    lines = [*head, *(msgspec.json.encode(one).decode() for one in receipts)]
    text = "".join(f"{line}\n" for line in lines)
    return str(Note(text, (signer.sign(text),)))
