"""The pages of logging in and out: password, the steps after it, and showing the second factor again."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.actor import Actor
from gdbos.errors import Invalid, Problem
from gdbos.identity import factor
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.device import device_of
from gdbos.identity.entering import Admitted, Entering, admit, next_step
from gdbos.identity.entries import Asked, Entered, Phrase, Word
from gdbos.identity.factor_routes import own_enrolment, proven, shown
from gdbos.identity.login import check, renew, show
from gdbos.identity.pending import held, hold, take
from gdbos.identity.qr import qr
from gdbos.identity.routes import end_own
from gdbos.identity.session import How
from gdbos.identity.session_cookie import (
    carried,
    known_cookie,
    no_cookie,
    origin_of,
    session_cookie,
    step_carried,
    step_cookie,
)
from gdbos.kernel import Kernel
from gdbos.pages.language import local_path, locale_of
from gdbos.pages.render import Page
from gdbos.plugin import KNOWN, PUBLIC
from gdbos.unit import Run

CODES = "/account/second-factor/codes"


class LogInForm(Entered, frozen=True, kw_only=True):
    """What the log-in page sends."""

    login: Word = ""
    password: Phrase = ""
    next: Phrase = "/"


class StepForm(Entered, frozen=True, kw_only=True):
    """What the pages after the password send."""

    code: Word = ""
    new: Phrase = ""
    again: Phrase = ""
    next: Phrase = "/"


class CodesShown(msgspec.Struct, frozen=True, kw_only=True):
    """Recovery codes that one browser may still look at, and where its user wanted to go."""

    codes: list[str]
    next: str = "/"


@get("/login", permission=PUBLIC, reserved=True)
async def log_in_page(
    actor: NamedDependency[Actor], kernel: NamedDependency[Kernel], next: FromQuery[str] = "/"
) -> Page | Redirect:
    """Where one logs in; who has logged in already is led on."""
    if actor.kind != "anonymous":
        return to(local_path(next))
    return log_in_form(kernel, next=local_path(next))


@post("/login", permission=PUBLIC, reserved=True)
async def log_in(request: Asked, kernel: NamedDependency[Kernel], data: URLEncodedBody[LogInForm]) -> Page | Redirect:
    """Log in and go where one wanted to; what went wrong is said on the same page."""
    origin = origin_of(request, kernel)
    try:
        account = await check(kernel.identity, data.login, data.password, origin)
    except Problem as problem:
        return log_in_form(kernel, next=local_path(data.next), login=data.login, problem=problem, request=request)
    how = How(device=device_of(request.headers.get("user-agent", "")))
    return await go_on(request, kernel, Entering(account=account, how=how, next=local_path(data.next), origin=origin))


@get("/login/step", permission=PUBLIC, reserved=True)
async def step_page(request: Asked, kernel: NamedDependency[Kernel]) -> Page | Redirect:
    """What is still missing after the password: a new one, a code, or a second factor to set up."""
    entering = await _waiting(request, kernel)
    return await _step_page(request, kernel, entering) if entering else to("/login")


@post("/login/step", permission=PUBLIC, reserved=True)
async def take_step(request: Asked, kernel: NamedDependency[Kernel], data: URLEncodedBody[StepForm]) -> Page | Redirect:
    """Give what was missing."""
    entering = await _waiting(request, kernel)
    if entering is None:
        return to("/login")
    try:
        step = await kernel.units.read(IDENTITY, next_step, entering)
        if step == "password":
            await _renew(kernel, entering, data)
        elif step == "code":
            entering = await show(kernel.identity, entering, data.code)
        elif step == "enrol":
            return await _enrolled(request, kernel, entering, data.code)
    except Problem as problem:
        return await _step_page(request, kernel, entering, problem)
    if await kernel.units.write(IDENTITY, take, step_carried(request, kernel), Entering) is None:
        return to("/login")
    return await go_on(request, kernel, entering)


@get("/login/confirm", permission=KNOWN)
async def confirm_page(request: Asked, run: NamedDependency[Run], next: FromQuery[str] = "/") -> Page:
    """Where one shows the second factor again, before something that decides for others."""
    return await _confirm_page(request, run, local_path(next))


@post("/login/confirm", permission=KNOWN)
async def confirm(
    request: Asked, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: URLEncodedBody[StepForm]
) -> Page | Redirect:
    """Show it and go back to what one was doing."""
    try:
        opened = await proven(kernel, run, data.code)
    except Problem as problem:
        return await _confirm_page(request, run, local_path(data.next), problem)
    return to(local_path(data.next), session_cookie(kernel, opened))


@post("/logout", permission=PUBLIC)
async def log_out(
    actor: NamedDependency[Actor], kernel: NamedDependency[Kernel], run: NamedDependency[Run]
) -> Redirect:
    """Log out; the browser is told to forget what it kept of this site."""
    if actor.kind in ("person", "official"):
        await run(end_own)
    forget = {"clear-site-data": '"cache", "storage"'}
    return Redirect("/", status_code=HTTP_303_SEE_OTHER, cookies=[no_cookie(kernel)], headers=forget)


async def go_on(request: Asked, kernel: Kernel, entering: Entering) -> Redirect:
    """Let somebody in, or lead them to the step that is still missing."""
    step = await kernel.units.read(IDENTITY, next_step, entering)
    if not step:
        admitted = await kernel.units.write(IDENTITY, admit, entering, carried(request, kernel))
        return to(entering.next, *_cookies(kernel, admitted), step_cookie(kernel, ""))
    if step == "enrol":
        await kernel.units.write(IDENTITY, factor.enrol, entering.account)
    return to("/login/step", step_cookie(kernel, await kernel.units.write(IDENTITY, hold, entering)))


def _cookies(kernel: Kernel, admitted: Admitted) -> tuple[Cookie, Cookie]:
    return session_cookie(kernel, admitted.session), known_cookie(kernel, admitted.browser)


def log_in_form(
    kernel: Kernel, *, next: str = "/", login: str = "", problem: Problem | None = None, request: Asked | None = None
) -> Page:
    """The log-in page, with what went wrong where something did."""
    context = {"next": next, "login": login, "problem": "", "providers": kernel.settings.identity.providers}
    if problem is None or request is None:
        return Page("identity/login.html", context)
    context["problem"] = kernel.pages.translate(problem.detail, locale_of(request), problem.facts)
    headers = {"retry-after": str(problem.facts["retry_after"])} if "retry_after" in problem.facts else {}
    status = 422 if problem.status in (401, 403) else problem.status
    return Page("identity/login.html", context, status=status, headers=headers)


def to(path: str, *cookies: Any) -> Redirect:
    """See other: ``path``."""
    return Redirect(path, status_code=HTTP_303_SEE_OTHER, cookies=list(cookies))


async def _waiting(request: Asked, kernel: Kernel) -> Entering | None:
    secret = step_carried(request, kernel)
    return await kernel.units.read(IDENTITY, held, secret, Entering) if secret else None


async def _renew(kernel: Kernel, entering: Entering, data: StepForm) -> None:
    if data.new != data.again:
        raise Invalid("The two new passwords are not the same.")
    await renew(kernel.identity, entering, data.new)


async def _enrolled(request: Asked, kernel: Kernel, entering: Entering, code: str) -> Redirect:
    units = kernel.units
    await units.write(IDENTITY, factor.charge, entering.account, kernel.settings.passwords.attempts)
    codes = await units.write(IDENTITY, factor.confirm, entering.account, code)
    if codes is None:
        raise factor.wrong_code()
    if await units.write(IDENTITY, take, step_carried(request, kernel), Entering) is None:
        return to("/login")
    sure = msgspec.structs.replace(entering, how=msgspec.structs.replace(entering.how, proven=True))
    admitted = await units.write(IDENTITY, admit, sure, carried(request, kernel))
    secret = await units.write(IDENTITY, hold, CodesShown(codes=codes, next=entering.next))
    return to(CODES, *_cookies(kernel, admitted), step_cookie(kernel, secret))


async def _step_page(request: Asked, kernel: Kernel, entering: Entering, problem: Problem | None = None) -> Page:
    step = await kernel.units.read(IDENTITY, next_step, entering)
    context: dict[str, Any] = {"step": step, "error": _said(request, problem)}
    if step == "enrol":
        found = await kernel.units.read(IDENTITY, own_enrolment, entering.account)
        context |= {"enrolment": found, "qr": qr(found.uri)}
    return Page("identity/step.html", context, status=422 if problem else 200)


async def _confirm_page(request: Asked, run: Run, next: str, problem: Problem | None = None) -> Page:
    own = await run.read(shown)
    context = {"next": next, "own": own, "error": _said(request, problem)}
    return Page("identity/confirm.html", context, status=422 if problem else 200)


def _said(request: Asked, problem: Problem | None) -> str:
    kernel: Kernel = request.app.state.kernel
    return kernel.pages.translate(problem.detail, locale_of(request), problem.facts) if problem else ""


LOGIN_PAGES: list[Any] = [log_in_page, log_in, step_page, take_step, confirm_page, confirm, log_out]
