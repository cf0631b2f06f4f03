"""The node's two logs as they run: sequenced within a second, signed, and published as files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from gdbos.config import Settings
from gdbos.ledger.cosigning import Cosigning
from gdbos.ledger.leaf import CALLS
from gdbos.ledger.names import followed, log_signers, log_verifiers, own_policy, witness_signer
from gdbos.ledger.publication import publish
from gdbos.ledger.sequencer import Spread, sequence, waiting
from gdbos.storage.lane import Lane
from gdbos.together import Together
from gdbos.vault import KeyRing

log = logging.getLogger("gdbos.ledger")

TICK = 0.5
"""Seconds between rounds: the log stays within a second of its records, and many share what a round costs."""
Enter = Callable[[Connection], None]
"""Lets a transaction reach every row behind the second wall."""
AT_ONCE = 256
"""Records per transaction: those who record calls wait for it."""


class Book:
    """Sequences and publishes the logs ``calls`` and ``audit``."""

    def __init__(self, settings: Settings, ring: KeyRing, lane: Lane, spread: Spread, enter: Enter) -> None:
        self.lane = lane
        self.enter = enter
        self.spread = spread
        self._settled = Together(self._settle)
        self.folder: Path = settings.home / "ledger"
        self.signers = log_signers(settings, ring)
        self.policy = own_policy(settings, log_verifiers(settings, ring))
        self.followed, self.witness = followed(settings), witness_signer(settings, ring)
        self.cosigning = Cosigning(settings, self.policy, self.folder)

    async def run(self) -> None:
        """Keep both logs in step until cancelled."""
        while True:
            try:
                await self.round()
            except Exception:
                log.exception("the ledger could not be brought on; records wait in the database")
            await asyncio.sleep(TICK)

    async def round(self) -> int:
        """Sequence what is pending once, publish it, and return how many records moved."""
        moved = 0
        for name in self.signers:
            moved += await self._bring_on(name)
        await self.lane.read(lambda connection: publish(connection, self.folder, self.policy))
        return moved

    async def catch_up(self) -> None:
        """Sequence until nothing is pending."""
        while await self.round():
            pass

    async def settle(self) -> None:
        """Give every call that is durable now its place and its rows, so that whoever looks next sees them."""
        await self._settled(None)

    async def _settle(self, asked: Sequence[None]) -> list[None]:
        if await self.lane.read(lambda connection: waiting(connection, CALLS)):
            await self._bring_on(CALLS, wait=True)
        return [None] * len(asked)

    async def _bring_on(self, name: str, *, wait: bool = False) -> int:
        """Sequence what is pending of one log now, in transactions so short that calls are recorded between them."""
        due, moved = await self.lane.read(lambda connection: waiting(connection, name)), 0
        while turn := await self.lane.write(partial(self._sequence, name, wait)):
            moved += turn
            if moved >= due:
                break
        return moved

    def _sequence(self, name: str, wait: bool, connection: Connection) -> int:
        self.enter(connection)  # the rows that blocks carry are of every body
        return sequence(connection, name, self.signers[name], AT_ONCE, spread=self.spread, wait=wait)
