"""A new epoch (纪元) of a log whose end was lost: the documented way on where no backup holds the lost records.

Until then the node only reads: appending would fork what others have seen. Two administrators begin the epoch, one proposing and
another confirming. The log's records so far stay as they are, under a name of their own (``calls-1``), verifiable as before;
the new log's first record names what was lost, who said so and why.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from gdbos.actor import Actor, plugin_actor
from gdbos.config import Settings
from gdbos.errors import Conflict, NotFound
from gdbos.ids import new_id
from gdbos.ledger.leaf import LOGS, Act, encode
from gdbos.ledger.names import origin
from gdbos.ledger.publication import Seen, falls_short
from gdbos.ledger.sequencer import latest, size_of
from gdbos.ledger.tables import checkpoint, epoch, leaf, node, pending
from gdbos.unit import Unit

RECOVERY: Final = "kernel.recovery"
"""In whose name administrators act while the node only reads."""
e = epoch.c


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch that was proposed, and begun once somebody else confirmed it."""

    log: str
    epoch: int
    held: int
    """Records the database held."""
    lost: int
    """Records that others had seen when it was proposed; those from ``held`` on are lost."""
    seen_by: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str = ""
    confirmed_at: datetime | None = None


def current(connection: Connection, log: str) -> int:
    """The epoch a log is in."""
    begun = select(e.epoch).where(e.log == log, e.confirmed_at.is_not(None)).order_by(e.epoch.desc()).limit(1)
    return connection.execute(begun).scalar() or 1


def proposed(connection: Connection, log: str) -> Epoch | None:
    """The epoch that waits for a second administrator."""
    row = connection.execute(select(epoch).where(e.log == log, e.confirmed_at.is_(None))).first()
    return _epoch(row) if row else None


def acting(actor: Actor) -> Actor:
    """An administrator as they act on a node that only reads."""
    return plugin_actor(RECOVERY, actor.chain)


def propose(unit: Unit, log: str, reason: str, by: str, folder: Path) -> Epoch:
    """Propose a new epoch of ``log``. :raises NotFound: no such log. :raises Conflict: nothing is lost, or one is proposed."""
    seen = _lost(unit.connection, log, folder)
    if proposed(unit.connection, log) is not None:
        raise Conflict("A new epoch of {log} is proposed already; another administrator confirms it.", log=log)
    new = Epoch(
        log=log,
        epoch=current(unit.connection, log) + 1,
        held=size_of(unit.connection, log),
        lost=seen.size,
        seen_by=seen.by,
        reason=reason,
        proposed_by=by,
        proposed_at=unit.now,
    )
    unit.execute(insert(epoch).values(msgspec.structs.asdict(new)))
    return new


def withdraw(unit: Unit, log: str) -> None:
    """Take a proposal back. :raises NotFound: there is none."""
    if unit.execute(epoch.delete().where(e.log == log, e.confirmed_at.is_(None))).rowcount != 1:
        raise _nothing_proposed(log)


def confirm(unit: Unit, log: str, by: Actor, settings: Settings, folder: Path) -> Epoch:
    """Begin the proposed epoch. :raises NotFound: none is. :raises Conflict: who proposed it may not confirm it, or nothing is lost."""
    found = proposed(unit.connection, log)
    if found is None:
        raise _nothing_proposed(log)
    if by.answers_for(found.proposed_by):
        raise Conflict("You proposed this epoch yourself; another administrator has to confirm it.")
    _lost(unit.connection, log, folder)
    begun = msgspec.structs.replace(found, confirmed_by=by.id, confirmed_at=unit.now)
    values = {"confirmed_by": by.id, "confirmed_at": unit.now}
    unit.execute(update(epoch).where(e.log == log, e.epoch == found.epoch).values(values))
    _first_leaf(unit, begun, origin(settings, log, found.epoch - 1))
    return begun


def _lost(connection: Connection, log: str, folder: Path) -> Seen:
    if log not in LOGS:
        raise NotFound("There is no log {log}; there are: {logs}.", log=log, logs=", ".join(LOGS))
    seen = falls_short(connection, folder, log)
    if seen is None:
        raise Conflict("The log {log} holds everything that others have seen; it goes on as it is.", log=log)
    return seen


def set_aside(connection: Connection, log: str, now: int) -> None:
    """Before epoch ``now`` is sequenced: the records of an earlier one, under a name of their own. Only the sequencer may."""
    last = latest(connection, log)
    ended = int(last[1].origin.rpartition("/")[2]) if last else now
    for table in (leaf, node, checkpoint) if ended < now else ():
        connection.execute(update(table).where(table.c.log == log).values(log=f"{log}-{ended}"))


def _first_leaf(unit: Unit, begun: Epoch, before: str) -> None:
    facts = {
        "epoch": begun.epoch,
        "before": before,
        "held": begun.held,
        "lost_from": begun.held,
        "lost_to": begun.lost - 1,
        "seen_by": begun.seen_by or "this node",
        "proposed_by": begun.proposed_by,
    }
    act = Act(
        id=new_id(),
        at=unit.now,
        act="ledger.epoch-begun",
        acting=[f"{link.kind}:{link.id}" for link in unit.actor.chain],
        facts=facts,
        approver=begun.confirmed_by,
        reason=begun.reason,
    )
    # Before whatever waits: records are taken in the order of their ids, and these begin with the time.
    row = {"id": UUID(int=begun.epoch), "log": begun.log, "leaf": encode(act), "records": 1, "at": unit.now}
    unit.execute(insert(pending), row)


def _nothing_proposed(log: str) -> NotFound:
    return NotFound("No new epoch of {log} is proposed.", log=log)


def _epoch(row: Row[tuple[object, ...]]) -> Epoch:
    return Epoch(**row._mapping)
