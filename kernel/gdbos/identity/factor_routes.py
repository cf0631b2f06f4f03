"""``/api/identity/me``: one's second factor, and showing it again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gdbos.config import Settings
from gdbos.errors import Forbidden
from gdbos.identity import factor
from gdbos.identity.account import get_account, has_password
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.entering import factor_demanded
from gdbos.identity.entries import Entered, Phrase, Word
from gdbos.identity.identity import account_of
from gdbos.identity.login import confirm_password
from gdbos.identity.proof import prove_now
from gdbos.identity.session import Opened, way_in
from gdbos.identity.session_cookie import session_cookie
from gdbos.kernel import Kernel
from gdbos.plugin import KNOWN
from gdbos.unit import Run, Unit

FRESH: Final = timedelta(minutes=10)
"""How long ago who has no password may have shown their platform who they are."""


class CodeGiven(Entered, frozen=True, kw_only=True):
    """A code of the second factor."""

    code: Word


class EnrolmentAsked(Entered, frozen=True, kw_only=True):
    """One's password again, where the account has one, before a second factor is set up."""

    password: Phrase = ""


class FactorShown(msgspec.Struct, frozen=True):
    """Whether one has a second factor, and how many recovery codes are left."""

    since: datetime | None
    recovery_codes: int


class EnrolmentShown(msgspec.Struct, frozen=True):
    """What an authenticator app needs (RFC 6238); told until a code of it has been shown, and never again."""

    secret: str
    uri: str


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Codes that each open the account once in place of the app; told this once."""

    codes: list[str]


class FactorRoutes(Controller):
    """One's second factor."""

    path = "/api/identity/me/second-factor"
    tags = ("identity",)

    @get(permission=KNOWN)
    async def second_factor(self, run: NamedDependency[Run]) -> FactorShown:
        """Whether one has a second factor."""
        return await run.read(shown)

    @post(permission=KNOWN)
    async def enrol(
        self, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: JSONBody[EnrolmentAsked]
    ) -> EnrolmentShown:
        """Begin to set up an authenticator app; it counts once a code of it has been confirmed."""
        found = await begin(kernel, run, data.password)
        return EnrolmentShown(found.secret, found.uri)

    @post("/confirm", permission=KNOWN)
    async def confirm(
        self, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: JSONBody[CodeGiven]
    ) -> RecoveryCodes:
        """Show that the app works; answers with the recovery codes."""
        return RecoveryCodes(await confirmed(kernel, run, data.code))

    @delete(permission=KNOWN)
    async def remove(
        self, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: JSONBody[CodeGiven]
    ) -> None:
        """Take one's second factor away, against a code of it."""
        await taken_away(kernel, run, data.code)


class ProofRoutes(Controller):
    """Showing one's second factor again."""

    path = "/api/identity/me/proof"
    tags = ("identity",)

    @post(permission=KNOWN, status_code=204)
    async def prove(
        self, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: JSONBody[CodeGiven]
    ) -> Response[None]:
        """Show one's second factor, for what decides for others; the session's cookie changes."""
        return Response(None, cookies=[session_cookie(kernel, await proven(kernel, run, data.code))])


def shown(unit: Unit) -> FactorShown:
    """Whether this unit's actor has a second factor."""
    account_id = account_of(unit)
    return FactorShown(factor.enrolled(unit, account_id), factor.recovery_left(unit, account_id))


async def begin(kernel: Kernel, run: Run, password: str) -> factor.Enrolment:
    """A secret for the caller's app. :raises Conflict: there is a factor.

    :raises Forbidden: the password is wrong, or who has none has not shown their platform just now who they are.
    """
    needed, anew = await run.read(_own)
    if needed:
        await confirm_password(kernel.identity, run, password)
    elif anew:
        raise Forbidden(
            "Log in by your platform anew first, at {address}: whoever finds your browser open must not set up a second"
            " factor in your place.",
            address=anew,
        )
    return await run(_enrol)


def log_in_anew(unit: Unit) -> str:
    """Where who has no password must log in before they set up a second factor; empty where they just did."""
    method, shown = way_in(unit)
    if shown is not None and unit.now - shown <= FRESH:
        return ""
    return f"/login/openid/{method}?fresh=true&next=/account/second-factor"


async def confirmed(kernel: Kernel, run: Run, code: str) -> list[str]:
    """The recovery codes of a factor that has just begun to count. :raises Forbidden: the code is wrong."""
    account_id = await _charged(kernel, run)
    codes = await run(factor.confirm, account_id, code)
    if codes is None:
        raise factor.wrong_code()
    return codes


async def proven(kernel: Kernel, run: Run, code: str) -> Opened:
    """The caller's session after they have shown their second factor. :raises Forbidden: the code is wrong."""
    account_id = await _charged(kernel, run)
    opened = await run(_prove, account_id, code)
    if opened is None:
        raise factor.wrong_code()
    return opened


async def taken_away(kernel: Kernel, run: Run, code: str) -> None:
    """Remove the caller's second factor. :raises Forbidden: the code is wrong, or the account may not be without one."""
    account_id = await _charged(kernel, run)
    if not await run(factor.show, account_id, code):
        raise factor.wrong_code()
    await run(_remove, account_id)


async def _charged(kernel: Kernel, run: Run) -> UUID:
    account_id = await run.read(account_of)
    await kernel.identity.units.write(IDENTITY, factor.charge, account_id, kernel.settings.passwords.attempts)
    return account_id


def _own(unit: Unit) -> tuple[bool, str]:
    account_id = account_of(unit)
    return has_password(unit, account_id), log_in_anew(unit)


def _enrol(unit: Unit) -> factor.Enrolment:
    account_id = account_of(unit)
    factor.enrol(unit, account_id)
    return own_enrolment(unit, account_id)


def own_enrolment(unit: Unit, account_id: UUID) -> factor.Enrolment:
    """What the account's app needs while its factor is being set up. :raises Forbidden: none is."""
    issuer = unit.config(Settings).node.title.into("zh")
    found = factor.enrolment(unit, account_id, get_account(unit, account_id).login, issuer)
    if found is None:
        raise Forbidden("No second factor is being set up; begin again.")
    return found


def _prove(unit: Unit, account_id: UUID, code: str) -> Opened | None:
    return prove_now(unit, account_id) if factor.show(unit, account_id, code) else None


def _remove(unit: Unit, account_id: UUID) -> None:
    if factor_demanded(unit, account_id, unit.actor.kind):
        raise Forbidden("Your account must have a second factor; set up another one after an administrator reset it.")
    factor.remove(unit, account_id)
