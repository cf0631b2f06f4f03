"""How often a log-in may be tried: bounded for every name, whether it exists or not.

Each attempt is charged before the password is looked at, so that a thousand guesses sent at once are no cheaper than a
thousand in a row. The charge is one moment (a generic cell rate): ten at once, then one each minute and a half, and a
success clears it. Nobody but the name under attack waits, and never for good.
"""

from __future__ import annotations

import hashlib
import math
from datetime import timedelta

from sqlalchemy import Column, LargeBinary, Table, bindparam, delete, select, text, update

from gdbos.errors import TooMany
from gdbos.identity.account import login_of
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.unit import Unit

WINDOW = timedelta(minutes=15)

attempt = Table(
    "identity_attempt",
    kernel_metadata,
    Column("login", LargeBinary(32), primary_key=True),
    Column("until", Instant, nullable=False),
    # No scope: it says of a digest when it may be tried again, and is read before anybody is known.
)

# Two who come first at the same moment must meet on one row, or both would be first.
_FIRST = text(
    "INSERT INTO identity_attempt (login, until) VALUES (:login, :until) ON CONFLICT (login) DO NOTHING"
).bindparams(bindparam("login", type_=LargeBinary), bindparam("until", type_=Instant))


def charge(unit: Unit, login: str, allowed: int) -> None:
    """Take one attempt from what ``login`` has left. :raises TooMany: nothing is left; ``retry_after`` is in seconds."""
    key, now = _key(login), unit.now
    unit.execute(_FIRST, {"login": key, "until": now})
    until = unit.execute(select(attempt.c.until).where(attempt.c.login == key).with_for_update()).scalar_one()
    spent = max(until, now) + WINDOW / allowed
    if spent > now + WINDOW:
        wait = math.ceil((spent - now - WINDOW).total_seconds())
        raise TooMany("This account was tried too often; try again in {retry_after} seconds.", retry_after=wait)
    unit.execute(update(attempt).where(attempt.c.login == key).values(until=spent))


def clear(unit: Unit, login: str) -> None:
    """Forget the attempts: whoever made the last one knew the password."""
    unit.execute(delete(attempt).where(attempt.c.login == _key(login)))


def forget_old(unit: Unit) -> None:
    """Drop what no longer makes anybody wait."""
    unit.execute(delete(attempt).where(attempt.c.until <= unit.now))


def _key(login: str) -> bytes:
    return hashlib.sha256(login_of(login).encode(errors="surrogatepass")).digest()
