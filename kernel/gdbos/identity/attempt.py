"""How often a log-in may be tried: bounded for every name, whether it exists or not, and for every network they come from.

Each attempt is charged before the password is looked at, so that a thousand guesses sent at once are no cheaper than a
thousand in a row. A charge is one moment (a generic cell rate): so many at once, then one each part of a quarter of an hour; nobody
waits for good. A name has one budget for all the world and each browser that logged in under it one of its own, so its owner comes in
while others guess. A network has one for all names, so that one common password is not tried on all of them; who succeeds is given the
charge back.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import Column, LargeBinary, Table, bindparam, delete, select, text, update

from gdbos.config import Passwords
from gdbos.errors import TooMany
from gdbos.identity.account import login_of
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.text import N_
from gdbos.unit import Unit

WINDOW: Final = timedelta(minutes=15)
_WIDTH: Final = {4: 24, 6: 56}
"""What one household or office is given: whoever has one address has all of these (a /64 of IPv6 costs nothing)."""

attempt = Table(
    "identity_attempt",
    kernel_metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("until", Instant, nullable=False),
    # No scope: it says of a digest when it may be tried again, and is read before anybody is known.
)

# Two who come first at the same moment must meet on one row, or both would be first.
_FIRST = text(
    "INSERT INTO identity_attempt (key, until) VALUES (:key, :until) ON CONFLICT (key) DO NOTHING"
).bindparams(bindparam("key", type_=LargeBinary), bindparam("until", type_=Instant))


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """From where somebody tries to log in."""

    network: str = ""
    """The client's network (:func:`network_of`); empty: nothing is known of it."""
    browser: str = ""
    """What a browser brings along that logged in under this name before; it counts only while it proves that."""


def network_of(host: str) -> str:
    """The network of a client's address: its /24, of IPv6 its /56; a name that is no address stands for itself."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, _WIDTH[address.version]), strict=False))


def charge_all(unit: Unit, login: str, origin: Origin, known: bool, rules: Passwords) -> None:
    """Take one attempt of what this name has left here. :param known: whether the browser has shown that it knows the name.

    :raises TooMany: nothing is left; ``retry_after`` is in seconds.
    """
    if known:
        charge(unit, _own(login, origin), rules.attempts)
        return
    if origin.network:
        detail = N_("Too many log-ins from your network failed; try again in {retry_after} seconds.")
        charge(unit, _net(origin), rules.network_attempts, detail)
    charge(unit, _named(login), rules.attempts)


def settle(unit: Unit, login: str, origin: Origin, known: bool, rules: Passwords) -> None:
    """Forget the attempts on a name: whoever made the last one knew the password. The network is given back that one alone."""
    if known:
        clear(unit, _own(login, origin))
        return
    if origin.network:  # first, as when it is charged: two units never wait for each other's row
        _give_back(unit, _key(_net(origin)), WINDOW / rules.network_attempts)
    clear(unit, _named(login))


def _give_back(unit: Unit, key: bytes, one: timedelta) -> None:
    row = unit.execute(select(attempt.c.until).where(attempt.c.key == key).with_for_update()).first()
    if row is not None:
        unit.execute(update(attempt).where(attempt.c.key == key).values(until=row.until - one))


def charge(
    unit: Unit,
    name: str,
    allowed: int,
    detail: str = N_("This account was tried too often; try again in {retry_after} seconds."),
) -> None:
    """Take one attempt from what ``name`` has left. :raises TooMany: nothing is left; ``retry_after`` is in seconds."""
    key, now = _key(name), unit.now
    unit.execute(_FIRST, {"key": key, "until": now})
    until = unit.execute(select(attempt.c.until).where(attempt.c.key == key).with_for_update()).scalar_one()
    if until > now + WINDOW:
        until = now  # charged before the clock was set back, it would keep everybody out for as long as that
    spent = max(until, now) + WINDOW / allowed
    if spent > now + WINDOW:
        wait = math.ceil((spent - now - WINDOW).total_seconds())
        raise TooMany(detail, retry_after=wait)
    unit.execute(update(attempt).where(attempt.c.key == key).values(until=spent))


def clear(unit: Unit, name: str) -> None:
    """Forget the attempts on ``name``."""
    unit.execute(delete(attempt).where(attempt.c.key == _key(name)))


def forget_old(unit: Unit) -> None:
    """Drop what no longer makes anybody wait."""
    unit.execute(delete(attempt).where(attempt.c.until <= unit.now))


# Each begins with what it is: nobody spends another's budget by a log-in name that is written like it.
def _named(login: str) -> str:
    return f"login {login_of(login)}"


def _net(origin: Origin) -> str:
    return f"network {origin.network}"


def _own(login: str, origin: Origin) -> str:
    return f"browser {origin.browser} {login_of(login)}"


def _key(name: str) -> bytes:
    return hashlib.sha256(name.encode(errors="surrogatepass")).digest()
