"""The node's two logs as they run: sequenced within a second, signed, and published as files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from gdbos.config import Settings
from gdbos.errors import ReadOnly
from gdbos.ledger.cosigning import Cosigning
from gdbos.ledger.epoch import current, set_aside
from gdbos.ledger.leaf import CALLS, LOGS
from gdbos.ledger.merkle import EMPTY_ROOT
from gdbos.ledger.names import followed, log_signers, log_verifiers, own_policy, witness_signer
from gdbos.ledger.note import Checkpoint, Note, Signer
from gdbos.ledger.publication import Seen, lacks, make_room, most_seen, publish
from gdbos.ledger.sequencer import Spread, latest, sequence, waiting
from gdbos.storage.lane import Lane
from gdbos.text import N_
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
        self._signers = partial(log_signers, settings, ring)
        self.epochs: dict[str, int] = dict.fromkeys(LOGS, 1)
        self._looking = asyncio.Lock()  # what an earlier look found may not come after what a later one found
        self.short: dict[str, Seen] = {}
        """What others have seen of a log and the database does not hold; while there is any, the node only reads."""
        self.policy = own_policy(settings, log_verifiers(settings, ring))
        self.followed, self.witness = followed(settings), witness_signer(settings, ring)
        self.cosigning = Cosigning(settings, self.policy, self.folder)

    @property
    def signers(self) -> dict[str, Signer]:
        """What signs each log now."""
        return self._signers(self.epochs)

    async def begin(self) -> None:
        """Before anything is appended: find out whether others have seen more of a log than the database holds."""
        await self.look()
        for name in LOGS:
            await self.cosigning.ask(name, partial(self._stands, name))
        await self.look()

    async def look(self) -> None:
        """Hold the logs in the database against what their files remember."""
        async with self._looking:
            self.epochs, short = await self.lane.read(partial(_stand, self.folder))
            for name in short.keys() - self.short.keys():
                log.critical("ledger %s: records are missing that others have seen; this node only reads", name)
            self.short = short

    def shut(self) -> ReadOnly | None:
        """Why nothing may be written now, if so."""
        if not self.short:
            return None
        detail = N_(
            "This node only reads: its ledger {log} lacks records that were published or cosigned. Its administrators "
            "restore the newer backup or begin a new epoch at /console/ledger."
        )
        return ReadOnly(detail, log=", ".join(sorted(self.short)), retry_after=60)

    async def _stands(self, name: str) -> Note:
        """The checkpoint that the database stands at; that of the empty tree where there is none."""
        last = await self.lane.read(lambda connection: latest(connection, name))
        signer = self.signers[name]
        return last[0] if last else Checkpoint(signer.name, 0, EMPTY_ROOT).signed(signer)

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
        await self.look()
        for name in LOGS:
            moved += await self._bring_on(name)
        await self.lane.read(lambda connection: publish(connection, self.folder, self.policy, frozenset(self.short)))
        return moved

    async def catch_up(self) -> None:
        """Sequence until nothing is pending."""
        while await self.round():
            pass

    async def settle(self) -> None:
        """Give every call that is durable now its place and its rows, so that whoever looks next sees them."""
        await self._settled(None)

    async def _settle(self, asked: Sequence[None]) -> list[None]:
        if await self.lane.read(partial(self._waiting, CALLS)):
            await self._bring_on(CALLS, wait=True)
        return [None] * len(asked)

    async def _bring_on(self, name: str, *, wait: bool = False) -> int:
        """Sequence what is pending of one log now, in transactions so short that calls are recorded between them."""
        if name in self.short:
            return 0
        due, moved = await self.lane.read(partial(self._waiting, name)), 0
        while turn := await self.lane.write(partial(self._sequence, name, wait)):
            moved += turn
            if moved >= due:
                break
        return moved

    def _waiting(self, name: str, connection: Connection) -> int:
        self.enter(connection)
        return waiting(connection, name)

    def _sequence(self, name: str, wait: bool, connection: Connection) -> int:
        self.enter(connection)  # the rows that blocks carry are of every body
        if (epoch := self.epochs[name]) > 1:
            set_aside(connection, name, epoch)
        return sequence(connection, name, self.signers[name], AT_ONCE, spread=self.spread, wait=wait)


def _stand(folder: Path, connection: Connection) -> tuple[dict[str, int], dict[str, Seen]]:
    """The epoch of each log, and where it falls short. The files are read before the records: those only grow."""
    epochs = {name: current(connection, name) for name in LOGS}
    for name, epoch in epochs.items():
        make_room(folder, name, epoch)
    seen = {name: most_seen(folder / name) for name in LOGS}
    return epochs, {name: found for name, found in seen.items() if lacks(connection, name, found)}
