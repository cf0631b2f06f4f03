"""Repeats: a call that carries an ``Idempotency-Key`` is made once; whoever sends it again receives the first answer.

The first answer is kept sealed, for a day at most. Sent again, the call passes identify, grant and basis like any other and is
recorded with receipts of its own; what is spared is asking the provider. A key belongs to one system of one body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import Column, Connection, LargeBinary, String, Table, Uuid, delete, insert, select, update

from gdbos.bus.adapters.adapter import Answered
from gdbos.errors import Conflict, Invalid, Violation
from gdbos.reach import Reach
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Scope
from gdbos.text import N_
from gdbos.unit import Unit, Units

if TYPE_CHECKING:
    from gdbos.bus.call import Call
    from gdbos.bus.grant import Grant

KEPT: Final = timedelta(hours=24)
ABANDONED: Final = timedelta(seconds=90)
"""A call that never ended, since its worker died, holds its key no longer than this."""

bus_repeat = Table(
    "bus_repeat",
    kernel_metadata,
    Column("body", String(18), primary_key=True),
    Column("system", String(80), primary_key=True),
    Column("key", String(120), primary_key=True),
    Column("asked", LargeBinary, nullable=False),
    Column("grant", Uuid),
    Column("reply", LargeBinary),
    Column("at", Instant, nullable=False, index=True),
    info={"scope": Scope(body=("body",))},
)
_t: Final = bus_repeat.c


async def once(units: Units, call: Call, grant: Grant, provide: Callable[[], Awaitable[Answered]]) -> Answered:
    """What ``call`` is answered: the first time by ``provide``, afterwards what it gave then.

    :raises Conflict: the first is still being answered, or was answered under another grant.
    :raises Invalid: the key was used for another request.
    """
    vault, asked = units.around.vault, _fingerprint(units, call)
    now = units.around.clock()
    own = partial(_entered, units, call)
    first = await units.lane.write(lambda connection: _claim(own(connection), call, asked, grant.id, now))
    if first is not None:
        _refuse_other(first, asked, grant.id)
        sealed = vault.open(first["reply"], table="bus_repeat", column="reply", row=_place(call))
        return msgspec.json.decode(sealed, type=Answered)
    try:
        shown = await provide()
    except BaseException:
        await units.lane.write(lambda connection: own(connection).execute(delete(bus_repeat).where(*_mine(call))))
        raise
    sealed = vault.seal(msgspec.json.encode(shown), table="bus_repeat", column="reply", row=_place(call))
    await units.lane.write(
        lambda connection: own(connection).execute(update(bus_repeat).where(*_mine(call)).values(reply=sealed))
    )
    return shown


def _entered(units: Units, call: Call, connection: Connection) -> Connection:
    """The connection, reaching the answers of the calling body and no others."""
    if units.around.wall is not None:
        units.around.wall.enter(connection, Reach(office=call.body))
    return connection


def _claim(connection: Connection, call: Call, asked: bytes, grant: object, now: datetime) -> Mapping[str, Any] | None:
    """The first answer to this key; None when it is this call's to find it."""
    over = (_t.at <= now - KEPT) | (_t.reply.is_(None) & (_t.at <= now - ABANDONED))
    connection.execute(delete(bus_repeat).where(*_mine(call), over))
    found = connection.execute(select(bus_repeat).where(*_mine(call))).mappings().first()
    if found is None:
        mine = {"body": call.body, "system": call.system, "key": call.key, "asked": asked, "grant": grant, "at": now}
        connection.execute(insert(bus_repeat).values(mine))
    return dict(found) if found is not None else None


def _refuse_other(first: Mapping[str, Any], asked: bytes, grant: object) -> None:
    if first["asked"] != asked:
        detail = N_("This Idempotency-Key came with another request before; a new request needs a new key.")
        raise Invalid(violations=[Violation("header:Idempotency-Key", "reused", detail)])
    if first["reply"] is None:
        raise Conflict("The first call with this Idempotency-Key is still being answered; send it again in a moment.")
    if first["grant"] != grant:
        raise Conflict("The first call with this Idempotency-Key was made under another grant; use a new key.")


def _mine(call: Call) -> tuple[Any, ...]:
    return _t.body == call.body, _t.system == call.system, _t.key == call.key


def _place(call: Call) -> str:
    return f"{call.body}/{call.system}/{call.key}"


def _fingerprint(units: Units, call: Call) -> bytes:
    """The request without what it says: equal for equal requests, and telling nothing without the node's key."""
    value = msgspec.json.decode(call.value) if isinstance(call.value, bytes) else call.value
    said = [call.service, call.version, value, call.matter, call.case, [one.words for one in call.ask]]
    return units.around.vault.blind("bus_repeat.asked", msgspec.json.encode(said, order="deterministic").decode())


def forget_answers(unit: Unit) -> int:
    """Delete the answers that have been kept long enough; returns how many."""
    return unit.execute(delete(bus_repeat).where(_t.at <= unit.now - KEPT)).rowcount
