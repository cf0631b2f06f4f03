"""Logging in with a password: two short units with the slow hash between them, outside any."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select

from gdbos.errors import Forbidden, Unauthenticated
from gdbos.identity import attempt
from gdbos.identity.account import AccountKind, account, get_account, greeting, login_of, set_password
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.identity import Identity, account_of
from gdbos.identity.password import refuse_weak
from gdbos.identity.post import posts_of
from gdbos.identity.session import Opened, browser_digest, end_all, end_presented, open_session
from gdbos.identity.tokens import LIFETIME, Issued
from gdbos.unit import Run, Unit


class Credential(msgspec.Struct, frozen=True):
    """What a log-in is checked against. Its ``repr`` shows no hash."""

    account: UUID
    password: str

    def __repr__(self) -> str:
        return f"Credential({self.account})"


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in that succeeded."""

    account: UUID
    kind: AccountKind
    name: str
    session: Opened
    access: Issued

    @property
    def until(self) -> datetime:
        """When the session ends at the latest."""
        return self.session.expires_at


async def log_in(identity: Identity, login: str, password: str, *, browser: str = "", presented: str = "") -> LoggedIn:
    """Check a password and open a session.

    :param browser: the User-Agent header, for the list of devices.
    :param presented: the session secret the request brought along; that session ends, whoever's it was.
    :raises Unauthenticated: name or password is wrong, or the account is disabled; which, is not told.
    :raises TooMany: this name was tried too often.
    :raises Unavailable: too many log-ins at once.
    """
    allowed = identity.settings.passwords.attempts
    credential = await identity.units.write(IDENTITY, present, login, allowed)
    right = await identity.hashing.verify(credential.password if credential else None, password)
    if credential is None or not right:
        if credential is not None:
            await identity.units.write(IDENTITY, note_failure, credential.account)
        raise _wrong()
    admitted = await identity.units.write(IDENTITY, admit, credential.account, browser_digest(browser), presented)
    return _logged_in(identity, *admitted)


def present(unit: Unit, login: str, allowed: int) -> Credential | None:
    """Charge an attempt for ``login`` and give what it must match; nothing for an unknown or disabled account."""
    attempt.charge(unit, login, allowed)
    folded = login_of(login)
    if not folded.isprintable():
        return None
    row = unit.execute(select(account).where(account.c.login == folded, ~account.c.disabled)).first()
    return Credential(row.id, row.password) if row else None


def note_failure(unit: Unit, account_id: UUID) -> None:
    """Record that somebody tried a wrong password for this account."""
    unit.record("identity.log-in-refused", account=account_id)


def admit(unit: Unit, account_id: UUID, browser: bytes, presented: str) -> tuple[UUID, AccountKind, str, Opened]:
    """Open a session for an account whose password was right. :raises Unauthenticated: it was disabled meanwhile."""
    row = unit.execute(select(account).where(account.c.id == account_id, ~account.c.disabled)).first()
    if row is None:
        raise _wrong()
    attempt.clear(unit, row.login)
    if presented:
        end_presented(unit, presented)
    held = posts_of(unit, account_id) if row.kind == "official" else []
    opened = open_session(unit, account_id, post=held[0].id if held else None, browser=browser)
    return row.id, row.kind, greeting(unit, row.id, row.name), opened


async def change_password(identity: Identity, run: Run, old: str, new: str) -> None:
    """Replace one's own password after giving the old one; ends every other session of the account.

    :raises Invalid: the new one is too weak. :raises Forbidden: the old one is wrong.
    """
    folded = await run.read(_own_login)
    refuse_weak(new, folded, identity.settings.passwords.min_length)
    credential = await identity.units.write(IDENTITY, present, folded, identity.settings.passwords.attempts)
    if not await identity.hashing.verify(credential.password if credential else None, old) or credential is None:
        raise Forbidden("The present password is not right; nothing was changed.")
    await run(_replace, folded, credential.account, await identity.hashing.hash(new))


def _own_login(unit: Unit) -> str:
    return get_account(unit, account_of(unit)).login


def _replace(unit: Unit, login: str, account_id: UUID, password_hash: str) -> None:
    attempt.clear(unit, login)
    set_password(unit, account_id, password_hash)
    end_all(unit, account_id, but=unit.actor.session)


def _logged_in(identity: Identity, account_id: UUID, kind: AccountKind, name: str, opened: Opened) -> LoggedIn:
    access = identity.tokens.issue(
        subject=str(account_id),
        session=opened.id,
        client=identity.settings.node.id,
        lifetime=LIFETIME[kind],
        now=identity.units.around.clock(),
    )
    return LoggedIn(account=account_id, kind=kind, name=name, session=opened, access=access)


def _wrong() -> Unauthenticated:
    return Unauthenticated("The log-in name or the password is not right.")
