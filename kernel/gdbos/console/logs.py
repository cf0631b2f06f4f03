"""The ledger as the console tells it: where each log stands, and whether anybody else vouches for it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from gdbos.kernel import Kernel
from gdbos.ledger.sequencer import latest
from gdbos.ledger.status import LogStatus, status
from gdbos.unit import Unit


class LogShown(msgspec.Struct, frozen=True, kw_only=True):
    """One log with its last checkpoint."""

    status: LogStatus
    checkpoint: str
    """The signed note, as published."""
    cosigners: list[str]
    """Names under the checkpoint beside the log's own. A name is a claim; `gdbos ledger verify` with a policy checks it."""

    @property
    def witnessed(self) -> bool:
        return bool(self.cosigners)


def logs(unit: Unit, kernel: Kernel) -> list[LogShown]:
    """Every log of the node."""
    return [_log(unit.connection, one) for one in status(unit.connection, kernel.book.folder)]


def _log(connection: Connection, one: LogStatus) -> LogShown:
    last = latest(connection, one.log)
    if last is None:
        return LogShown(status=one, checkpoint="", cosigners=[])
    note, signed, _ = last
    others = sorted({line.name for line in note.signatures} - {signed.origin})
    return LogShown(status=one, checkpoint=str(note), cosigners=others)
