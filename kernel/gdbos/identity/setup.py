"""The first account of a node: opened with a code shown once, never with a default password."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import Column, Integer, LargeBinary, Table, delete, insert, select

from gdbos.errors import Conflict, Unauthenticated
from gdbos.identity.account import account, any_account, open_account
from gdbos.identity.body import Body, register_body
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.post import appoint
from gdbos.identity.session import digest
from gdbos.storage.engine import connected
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Guarded
from gdbos.unit import Unit

if TYPE_CHECKING:
    from gdbos.kernel import Kernel

FIRST_ROLE: Final = "security-administrator"
_VALID: Final = timedelta(hours=24)

setup = Table(
    "identity_setup",
    kernel_metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("code", LargeBinary(32), nullable=False),
    Column("until", Instant, nullable=False),
    info={"guarded": Guarded("one row, a digest, before there is anybody it could belong to")},
)


def bootstrap(unit: Unit) -> str | None:
    """A one-time set-up code of 160 bits, good for a day, while no account exists; None once one does.

    Each call makes the codes before it worthless. The caller shows it to whoever runs the node and keeps it nowhere.
    """
    if any_account(unit):
        return None
    code = "-".join(secrets.token_hex(4) for _ in range(5))
    unit.execute(delete(setup))
    unit.execute(insert(setup).values(id=1, code=digest(code), until=unit.now + _VALID))
    unit.record("identity.set-up-offered")
    return code


def offer(kernel: Kernel) -> str | None:
    """A set-up code for a node that nobody can log in to yet, before it is served; None where somebody can."""
    with connected(kernel.settings.database_url()) as connection:
        if kernel.wall:
            kernel.wall.enter_all(connection)
        if connection.execute(select(account.c.id).limit(1)).first() is not None:
            return None

    async def offered() -> str | None:
        async with kernel.running(background=False):
            return await kernel.units.write(IDENTITY, bootstrap)

    return asyncio.run(offered())


def forget_old(unit: Unit) -> None:
    """Drop a code that nobody redeemed in time."""
    unit.execute(delete(setup).where(setup.c.until <= unit.now))


def redeem(
    unit: Unit, code: str, *, login: str, password_hash: str, name: str, body: Body, role_id: str = FIRST_ROLE
) -> UUID:
    """Open the first account with the set-up code: an official who appoints all others. The code is then used up.

    :raises Unauthenticated: the code is wrong or too old. :raises Conflict: an account exists already.
    """
    row = unit.execute(select(setup).with_for_update()).first()
    if row is None or row.until <= unit.now or not hmac.compare_digest(row.code, digest(code.strip())):
        raise Unauthenticated("The set-up code is not valid; run gdbos identity setup for a new one.")
    if any_account(unit):
        raise Conflict("This node has accounts already; ask its security administrator for one.")
    entered = register_body(unit, body)
    account_id = open_account(unit, login=login, password_hash=password_hash, name=name, kind="official")
    appoint(unit, account_id, body=entered.uscc, role_id=role_id)
    unit.execute(delete(setup))
    unit.record("identity.set-up-done", account=account_id)
    return account_id
