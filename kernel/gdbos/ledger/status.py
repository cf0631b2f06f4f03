"""Where each log of this node stands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from gdbos.ledger.leaf import LOGS
from gdbos.ledger.publication import falls_short, published
from gdbos.ledger.sequencer import waiting
from gdbos.ledger.tables import checkpoint


class LogStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One log: what waits, what is in the tree, what is out."""

    log: str
    origin: str
    pending: int
    size: int
    signed_at: datetime | None
    published: int
    falls_short: bool
    """The database holds fewer records than were published: nothing may be appended before they are restored."""


def status(connection: Connection, folder: Path) -> list[LogStatus]:
    """The state of every log; ``folder`` is where they are published."""
    return [_log(connection, folder, log) for log in LOGS]


def _log(connection: Connection, folder: Path, log: str) -> LogStatus:
    newest = select(checkpoint.c.size, checkpoint.c.note, checkpoint.c.at).where(checkpoint.c.log == log)
    row = connection.execute(newest.order_by(checkpoint.c.size.desc()).limit(1)).first()
    out = published(folder / log)
    return LogStatus(
        log=log,
        origin=row.note.partition("\n")[0] if row else "",
        pending=waiting(connection, log),
        size=row.size if row else 0,
        signed_at=row.at if row else None,
        published=out.size if out else 0,
        falls_short=falls_short(connection, folder, log),
    )
