"""Logging in with a password: short units with the slow hash between them, outside any."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select

from gdbos.config import Passwords
from gdbos.errors import Forbidden, PasswordExpired, SecondFactorNeeded, WrongPassword
from gdbos.identity import attempt, browser, factor
from gdbos.identity.account import account, get_account, login_of, set_password
from gdbos.identity.attempt import Origin
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.entering import Admitted, Entering, admit, next_step
from gdbos.identity.identity import Identity, account_of
from gdbos.identity.password import refuse_weak
from gdbos.identity.session import How, end_all
from gdbos.identity.tokens import LIFETIME, Issued
from gdbos.unit import Run, Unit


class Credential(msgspec.Struct, frozen=True):
    """What a log-in is checked against. Its ``repr`` shows no hash."""

    account: UUID
    password: str

    def __repr__(self) -> str:
        return f"Credential({self.account})"


class LoggedIn(Admitted, frozen=True, kw_only=True):
    """A log-in that succeeded, with a token for programs."""

    access: Issued

    @property
    def until(self) -> datetime:
        """When the session ends at the latest."""
        return self.session.expires_at


async def log_in(
    identity: Identity,
    login: str,
    password: str,
    *,
    code: str = "",
    new_password: str = "",
    device: str = "",
    presented: str = "",
    origin: Origin = Origin(),  # noqa: B008  (immutable)
) -> LoggedIn:
    """Log in at once, with all that the account asks for.

    :param code: of the second factor; needed where the account has one.
    :param new_password: needed where the present one is too old, or was not chosen by the account's holder.
    :param presented: the session secret the request brought along; that session ends, whoever's it was.
    :raises WrongPassword: name or password is wrong, or the account is disabled; which, is not told.
    :raises SecondFactorNeeded, PasswordExpired: what is missing beside the right password.
    :param origin: from where: the network, and what the browser keeps of earlier log-ins.
    :raises TooMany: this name, or names from this network, were tried too often. :raises Unavailable: too many log-ins at once.
    """
    account_id = await check(identity, login, password, origin)
    entering = Entering(account=account_id, how=How(device=device), origin=origin)
    step = await identity.units.read(IDENTITY, next_step, entering)
    if step == "password":
        if not new_password:
            raise PasswordExpired(
                "The password is right and has to be changed; send a new one beside it, as new_password."
            )
        await renew(identity, entering, new_password)
        step = await identity.units.read(IDENTITY, next_step, entering)
    if step == "code" and code:
        entering = await show(identity, entering, code)
    elif step:
        raise SecondFactorNeeded(_MISSING[step])
    admitted = await identity.units.write(IDENTITY, admit, entering, presented)
    return with_token(identity, admitted)


_MISSING = {
    "code": "The password is right; send the code of your second factor beside it, as code.",
    "enrol": "This account needs a second factor and has none; log in at /login with a browser to set one up.",
}


async def check(identity: Identity, login: str, password: str, origin: Origin) -> UUID:
    """The account whose name and password these are. :raises WrongPassword: there is none; why, is not told."""
    credential = await identity.units.write(IDENTITY, present, login, origin, identity.settings.passwords)
    return await _verified(identity, credential, password)


async def _verified(identity: Identity, credential: Credential | None, password: str) -> UUID:
    right = await identity.hashing.verify(credential.password if credential else None, password)
    if credential is None or not right:
        if credential is not None:
            await identity.units.write(IDENTITY, note_failure, credential.account)
        raise wrong()
    return credential.account


async def show(identity: Identity, entering: Entering, code: str) -> Entering:
    """The log-in with its second factor shown. :raises Forbidden: the code is wrong. :raises TooMany: tried too often."""
    await identity.units.write(IDENTITY, factor.charge, entering.account, identity.settings.passwords.attempts)
    if not await identity.units.write(IDENTITY, factor.show, entering.account, code):
        raise factor.wrong_code()
    return msgspec.structs.replace(entering, how=msgspec.structs.replace(entering.how, proven=True))


async def renew(identity: Identity, entering: Entering, password: str) -> None:
    """Replace a password that has to be changed. :raises Invalid: the new one is too weak, or the old one again."""
    login, old = await identity.units.read(IDENTITY, _held, entering.account)
    refuse_weak(password, login, identity.settings.passwords)
    if await identity.hashing.verify(old, password):
        raise Forbidden("The new password is the old one; choose another.")
    await identity.units.write(IDENTITY, _replace, entering.account, await identity.hashing.hash(password))


def present(unit: Unit, login: str, origin: Origin, rules: Passwords) -> Credential | None:
    """Charge an attempt for ``login`` and give what it must match; nothing for an unknown or disabled account."""
    attempt.charge_all(unit, login, origin, browser.knows(unit, login, origin.browser), rules)
    folded = login_of(login)
    if not folded.isprintable():
        return None
    row = unit.execute(select(account).where(account.c.login == folded, ~account.c.disabled)).first()
    return Credential(row.id, row.password) if row else None


def note_failure(unit: Unit, account_id: UUID) -> None:
    """Record that somebody tried a wrong password for this account."""
    unit.record("identity.log-in-refused", account=account_id)


async def change_password(identity: Identity, run: Run, old: str, new: str) -> None:
    """Replace one's own password after giving the old one; ends every other session of the account.

    :raises Invalid: the new one is too weak. :raises Forbidden: the old one is wrong.
    """
    refuse_weak(new, await run.read(_own_login), identity.settings.passwords)
    account_id = await confirm_password(identity, run, old)
    await run(_replace, account_id, await identity.hashing.hash(new))


async def confirm_password(identity: Identity, run: Run, password: str) -> UUID:
    """The account, once its holder, who has logged in, has given its password again. :raises Forbidden: it is wrong.

    :raises TooMany: it was wrong too often in this session; those who guess from elsewhere do not keep its holder from it.
    """
    name = f"session {run.actor.session}"
    credential = await run(_present_own, name, identity.settings.passwords.attempts)
    try:
        account_id = await _verified(identity, credential, password)
    except WrongPassword:
        raise Forbidden("The present password is not right; nothing was changed.") from None
    await run(attempt.clear, name)
    return account_id


def _present_own(unit: Unit, name: str, allowed: int) -> Credential:
    attempt.charge(unit, name, allowed)
    account_id = account_of(unit)
    return Credential(account_id, _held(unit, account_id)[1])


def _own_login(unit: Unit) -> str:
    return get_account(unit, account_of(unit)).login


def _held(unit: Unit, account_id: UUID) -> tuple[str, str]:
    row = unit.execute(select(account.c.login, account.c.password).where(account.c.id == account_id)).one()
    return row.login, row.password


def _replace(unit: Unit, account_id: UUID, password_hash: str) -> None:
    set_password(unit, account_id, password_hash)
    end_all(unit, account_id, but=unit.actor.session)


def with_token(identity: Identity, admitted: Admitted) -> LoggedIn:
    """The log-in with an access token bound to its session."""
    access = identity.tokens.issue(
        subject=str(admitted.account),
        session=admitted.session.id,
        client=identity.settings.node.id,
        lifetime=LIFETIME[admitted.kind],
        now=identity.units.around.clock(),
    )
    return LoggedIn(**msgspec.structs.asdict(admitted), access=access)


def wrong() -> WrongPassword:
    """One answer to every wrong log-in."""
    return WrongPassword("The log-in name or the password is not right.")
