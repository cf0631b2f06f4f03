"""The ledger as the console tells it: where each log stands, and whether anybody else vouches for it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from gdbos.kernel import Kernel
from gdbos.ledger.epoch import Epoch, proposed
from gdbos.ledger.sequencer import latest
from gdbos.ledger.status import LogStatus, status
from gdbos.unit import Unit


class LogShown(msgspec.Struct, frozen=True, kw_only=True):
    """One log with its last checkpoint."""

    status: LogStatus
    checkpoint: str
    """The signed note, as published."""
    proposed: Epoch | None
    """A new epoch that waits for a second administrator."""

    @property
    def witnessed(self) -> bool:
        return bool(self.status.cosigners)


def logs(unit: Unit, kernel: Kernel) -> list[LogShown]:
    """Every log of the node."""
    return [_log(unit.connection, one) for one in status(unit.connection, kernel.book.folder)]


def _log(connection: Connection, one: LogStatus) -> LogShown:
    last = latest(connection, one.log)
    return LogShown(status=one, checkpoint=str(last[0]) if last else "", proposed=proposed(connection, one.log))
