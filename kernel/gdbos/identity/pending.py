"""Log-ins that take several steps (未完成的登录): what the node knows between them, held by one browser and for minutes only."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Column, LargeBinary, Table, delete, insert, select

from gdbos.identity.session import digest
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Guarded
from gdbos.unit import Unit
from gdbos.vault import Sealed

T = TypeVar("T", bound=msgspec.Struct)

LIFETIME: Final = timedelta(minutes=10)

pending = Table(
    "identity_pending",
    kernel_metadata,
    Column("secret", LargeBinary(32), primary_key=True),
    Column("content", LargeBinary, nullable=False, info={"sealed": Sealed(row="secret")}),
    Column("until", Instant, nullable=False),
    info={"guarded": Guarded("it is found by a browser's secret before anybody is known, and gone within minutes")},
)


def hold(unit: Unit, content: msgspec.Struct) -> str:
    """Keep ``content`` until the browser comes back with the secret this returns."""
    secret = secrets.token_urlsafe(32)
    key = digest(secret)
    sealed = unit.vault.seal(msgspec.json.encode(content), table=pending.name, column="content", row=key.hex())
    unit.execute(insert(pending).values(secret=key, content=sealed, until=unit.now + LIFETIME))
    return secret


def held(unit: Unit, secret: str, kind: type[T]) -> T | None:
    """What is held under ``secret``, when it is a ``kind`` and still in time."""
    key = digest(secret)
    chosen = select(pending.c.content).where(pending.c.secret == key, pending.c.until > unit.now)
    sealed = unit.execute(chosen).scalar()
    if sealed is None:
        return None
    content = unit.vault.open(sealed, table=pending.name, column="content", row=key.hex())
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError:  # another kind of log-in
        return None


def take(unit: Unit, secret: str, kind: type[T]) -> T | None:
    """The same, for the last time: of two who come with one secret, one finds nothing."""
    found = held(unit, secret, kind)
    gone = unit.execute(delete(pending).where(pending.c.secret == digest(secret))).rowcount
    return found if gone else None


def forget_old(unit: Unit) -> None:
    """Drop log-ins that nobody finished."""
    unit.execute(delete(pending).where(pending.c.until <= unit.now))
