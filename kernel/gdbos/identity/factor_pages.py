"""The pages on which one sets up a second factor, keeps its recovery codes, and takes it away."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from gdbos.config import Settings
from gdbos.errors import Problem
from gdbos.identity.account import get_account, has_password
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.entries import Asked, Entered, Phrase, Word
from gdbos.identity.factor import Enrolment, enrolment, new_recovery_codes
from gdbos.identity.factor_routes import begin, confirmed, log_in_anew, proven, shown, taken_away
from gdbos.identity.identity import account_of
from gdbos.identity.login_pages import CODES, CodesShown, to
from gdbos.identity.pending import held, hold
from gdbos.identity.qr import qr
from gdbos.identity.session_cookie import session_cookie, step_carried, step_cookie
from gdbos.kernel import Kernel
from gdbos.pages.language import locale_of
from gdbos.pages.render import Page
from gdbos.plugin import KNOWN
from gdbos.unit import Run, Unit

FACTOR = "/account/second-factor"


class FactorForm(Entered, frozen=True, kw_only=True):
    """What the forms of the second factor send."""

    code: Word = ""
    password: Phrase = ""


@get(FACTOR, permission=KNOWN)
async def factor_page(request: Asked, run: NamedDependency[Run], done: FromQuery[str] = "") -> Page:
    """One's second factor: set it up, renew its recovery codes, take it away."""
    return await _page(request, run, done=done)


@post(f"{FACTOR}/begin", permission=KNOWN)
async def begin_factor(
    request: Asked, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: URLEncodedBody[FactorForm]
) -> Page | Redirect:
    """Begin to set up an authenticator app."""
    try:
        await begin(kernel, run, data.password)
    except Problem as problem:
        return await _page(request, run, wrong=("password", problem))
    return to(FACTOR)


@post(f"{FACTOR}/confirm", permission=KNOWN)
async def confirm_factor(
    request: Asked, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: URLEncodedBody[FactorForm]
) -> Page | Redirect:
    """Show that the app works, and get the recovery codes."""
    try:
        codes = await confirmed(kernel, run, data.code)
    except Problem as problem:
        return await _page(request, run, wrong=("code", problem))
    return await _show_codes(kernel, codes)


@post(f"{FACTOR}/codes", permission=KNOWN)
async def renew_codes(
    request: Asked, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: URLEncodedBody[FactorForm]
) -> Page | Redirect:
    """Get other recovery codes against a code of the app."""
    try:
        opened = await proven(kernel, run, data.code)
    except Problem as problem:
        return await _page(request, run, wrong=("code", problem))
    codes = await run(_new_codes)
    return await _show_codes(kernel, codes, session_cookie(kernel, opened))


@post(f"{FACTOR}/remove", permission=KNOWN)
async def remove_factor(
    request: Asked, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: URLEncodedBody[FactorForm]
) -> Page | Redirect:
    """Take the second factor away against a code of it."""
    try:
        await taken_away(kernel, run, data.code)
    except Problem as problem:
        return await _page(request, run, wrong=("code", problem))
    return to(f"{FACTOR}?done=removed")


@get(CODES, permission=KNOWN)
async def codes_page(request: Asked, kernel: NamedDependency[Kernel]) -> Page | Redirect:
    """The recovery codes, for a few minutes after they were made."""
    found = await kernel.units.read(IDENTITY, held, step_carried(request, kernel), CodesShown)
    return Page("identity/codes.html", {"codes": found.codes, "next": found.next}) if found else to(FACTOR)


async def _show_codes(kernel: Kernel, codes: list[str], *cookies: Any) -> Redirect:
    secret = await kernel.units.write(IDENTITY, hold, CodesShown(codes=codes, next="/account"))
    return to(CODES, step_cookie(kernel, secret), *cookies)


def _new_codes(unit: Unit) -> list[str]:
    return new_recovery_codes(unit, account_of(unit))


def _own(unit: Unit) -> tuple[str | None, Enrolment | None]:
    """Where to log in anew first, None for those who have a password, and what is being set up."""
    account_id = account_of(unit)
    login = get_account(unit, account_id).login
    issuer = unit.config(Settings).node.title.into("zh")
    anew = None if has_password(unit, account_id) else log_in_anew(unit)
    return anew, enrolment(unit, account_id, login, issuer)


async def _page(request: Asked, run: Run, *, done: str = "", wrong: tuple[str, Problem] | None = None) -> Page:
    (anew, begun), own = await run.read(_own), await run.read(shown)
    kernel: Kernel = request.app.state.kernel
    errors = {wrong[0]: kernel.pages.translate(wrong[1].detail, locale_of(request), wrong[1].facts)} if wrong else {}
    context = {"own": own, "anew": anew, "enrolment": begun, "qr": qr(begun.uri) if begun else ""}
    return Page("identity/factor.html", {**context, "errors": errors, "done": done}, status=422 if wrong else 200)


FACTOR_PAGES: list[Any] = [
    factor_page,
    begin_factor,
    confirm_factor,
    renew_codes,
    remove_factor,
    codes_page,
]
