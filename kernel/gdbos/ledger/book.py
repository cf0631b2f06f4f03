"""The node's two logs as they run: sequenced within a second, signed, and published as files."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from gdbos.config import Settings
from gdbos.ledger.cosigning import Cosigning
from gdbos.ledger.names import followed, log_signers, log_verifiers, own_policy, witness_signer
from gdbos.ledger.note import Signer
from gdbos.ledger.publication import publish
from gdbos.ledger.sequencer import sequence
from gdbos.storage.lane import Lane
from gdbos.vault import KeyRing

log = logging.getLogger("gdbos.ledger")

TICK = 0.5
"""Seconds between rounds: the log stays within a second of its records, and many share what a round costs."""


class Book:
    """Sequences and publishes the logs ``calls`` and ``audit``."""

    def __init__(self, settings: Settings, ring: KeyRing, lane: Lane) -> None:
        self.lane = lane
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
        for name, signer in self.signers.items():
            moved += await self.lane.write(partial(_sequenced, name, signer))
        await self.lane.read(lambda connection: publish(connection, self.folder, self.policy))
        return moved

    async def catch_up(self) -> None:
        """Sequence until nothing is pending."""
        while await self.round():
            pass


def _sequenced(name: str, signer: Signer, connection: Connection) -> int:
    return sequence(connection, name, signer)
