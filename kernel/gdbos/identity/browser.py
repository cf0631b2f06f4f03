"""Browsers that an account has logged in with (熟悉的浏览器): what they bring along opens nothing, but lets their owner try.

While others guess at a name, its own budget of attempts is spent by them; a browser that proves it logged in under the name before has
a budget of its own. The proof is a MAC over the account and its present password, so that a changed password ends it everywhere.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any, Final

from sqlalchemy import Row, select

from gdbos.identity.account import account, login_of
from gdbos.unit import Unit

_FIELD: Final = "identity.known-browser"


def token(unit: Unit, row: Row[Any], presented: str) -> str:
    """What a browser keeps after a log-in to the account ``row``: what it brought along where that is good, else a new one."""
    return presented if _good(unit, row, presented) else _made(unit, row, secrets.token_hex(16))


def knows(unit: Unit, login: str, presented: str) -> bool:
    """Whether the browser that brings ``presented`` has logged in under this name with its present password."""
    folded = login_of(login)
    if not presented or not folded.isprintable():
        return False
    row = unit.execute(select(account).where(account.c.login == folded)).first()
    return row is not None and _good(unit, row, presented)


def _good(unit: Unit, row: Row[Any], presented: str) -> bool:
    nonce = presented.partition(".")[0]
    return len(nonce) == 32 and hmac.compare_digest(_made(unit, row, nonce).encode(), presented.encode())


def _made(unit: Unit, row: Row[Any], nonce: str) -> str:
    about = f"{nonce}|{row.id}|{row.password}"
    return f"{nonce}.{unit.vault.blind(_FIELD, about).hex()}"
