"""Where each log of this node stands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from gdbos.ledger.leaf import LOGS
from gdbos.ledger.note import Checkpoint
from gdbos.ledger.publication import COSIGNED, Seen, falls_short, note_in, published
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
    falls_short: Seen | None
    """What was published or cosigned and the database does not hold: nothing may be appended before it is restored."""
    cosigned: int
    """Records in the newest checkpoint that the node's witnesses cosigned."""
    cosigners: list[str]


def status(connection: Connection, folder: Path) -> list[LogStatus]:
    """The state of every log; ``folder`` is where they are published."""
    return [_log(connection, folder, log) for log in LOGS]


def _log(connection: Connection, folder: Path, log: str) -> LogStatus:
    short = falls_short(connection, folder, log)
    newest = select(checkpoint.c.size, checkpoint.c.note, checkpoint.c.at).where(checkpoint.c.log == log)
    row = connection.execute(newest.order_by(checkpoint.c.size.desc()).limit(1)).first()
    out, together = published(folder / log), note_in(folder / log, COSIGNED)
    origin = row.note.partition("\n")[0] if row else ""
    return LogStatus(
        log=log,
        origin=origin,
        pending=waiting(connection, log),
        size=row.size if row else 0,
        signed_at=row.at if row else None,
        published=out.size if out else 0,
        falls_short=short,
        cosigned=Checkpoint.parse(together.text).size if together else 0,
        cosigners=sorted({line.name for line in together.signatures} - {origin}) if together else [],
    )
