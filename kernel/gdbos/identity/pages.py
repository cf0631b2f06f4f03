"""The pages of identity: logging in and out, and one's own account."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.actor import Actor
from gdbos.errors import Problem
from gdbos.identity.identity import account_of
from gdbos.identity.login import change_password
from gdbos.identity.mandate import Mandate, mandates, revoke
from gdbos.identity.post import Post, posts_of
from gdbos.identity.principal import Principal, principal_name, principals
from gdbos.identity.routes import (
    Asked,
    Entered,
    MandateGiven,
    Phrase,
    Word,
    end_one,
    end_others,
    end_own,
    entered,
    give,
    no_cookie,
    session_cookie,
)
from gdbos.identity.session import Device, browser_digest, current_post, devices, switch_acts_for, switch_post
from gdbos.kernel import Kernel
from gdbos.pages.language import local_path, locale_of
from gdbos.pages.render import Page
from gdbos.plugin import KNOWN, PUBLIC
from gdbos.text import N_
from gdbos.unit import Run, Unit

_ACCOUNT = "/account"


class LogInForm(Entered, frozen=True, kw_only=True):
    """What the log-in page sends."""

    login: Word = ""
    password: Phrase = ""
    next: Phrase = "/"


class PasswordForm(Entered, frozen=True, kw_only=True):
    """What the form for another password sends."""

    old: Phrase = ""
    new: Phrase = ""
    again: Phrase = ""


class MandateForm(Entered, frozen=True, kw_only=True):
    """What the form for a mandate sends; matters are separated by blanks or commas."""

    agent_citizen_id: Word = ""
    principal: Word = ""
    matters: Phrase = ""
    until: Word = ""


class ChoiceForm(Entered, frozen=True, kw_only=True):
    """What the forms that choose a post or a principal send."""

    choice: Word = ""


class MandateShown(msgspec.Struct, frozen=True, kw_only=True):
    """A mandate as its own parties see it."""

    mandate: Mandate
    principal: str
    given: bool
    """Given by the reader, not received."""


class Mine(msgspec.Struct, frozen=True, kw_only=True):
    """All that the account page shows."""

    devices: list[Device]
    posts: list[Post]
    post: UUID | None
    principals: list[Principal]
    mandates: list[MandateShown]


@get("/login", permission=PUBLIC)
async def log_in_page(actor: NamedDependency[Actor], next: FromQuery[str] = "/") -> Page | Redirect:
    """Where one logs in; who has logged in already is led on."""
    if actor.kind != "anonymous":
        return _to(local_path(next))
    return _log_in_page(next=local_path(next))


@post("/login", permission=PUBLIC)
async def log_in(request: Asked, kernel: NamedDependency[Kernel], data: URLEncodedBody[LogInForm]) -> Page | Redirect:
    """Log in and go where one wanted to; what went wrong is said on the same page."""
    try:
        opened = await entered(request, kernel, data.login, data.password)
    except Problem as problem:
        return _log_in_page(
            next=local_path(data.next),
            login=data.login,
            status=422 if problem.status == 401 else problem.status,
            problem=kernel.pages.translate(problem.detail, locale_of(request), problem.facts),
            headers={"retry-after": str(problem.facts["retry_after"])} if "retry_after" in problem.facts else {},
        )
    return Redirect(
        local_path(data.next), status_code=HTTP_303_SEE_OTHER, cookies=[session_cookie(kernel, opened.session)]
    )


@post("/logout", permission=PUBLIC)
async def log_out(
    actor: NamedDependency[Actor], kernel: NamedDependency[Kernel], run: NamedDependency[Run]
) -> Redirect:
    """Log out; the browser is told to forget what it kept of this site."""
    if actor.kind in ("person", "official"):
        await run(end_own)
    forget = {"clear-site-data": '"cache", "storage"'}
    return Redirect("/", status_code=HTTP_303_SEE_OTHER, cookies=[no_cookie(kernel)], headers=forget)


@get(_ACCOUNT, permission=KNOWN)
async def account_page(request: Asked, run: NamedDependency[Run], done: FromQuery[str] = "") -> Page:
    """One's own account: devices, posts, whom one acts for, mandates, password, language."""
    return await _account_page(request, run, done=done)


@post("/account/sessions/{session_id:uuid}/end", permission=KNOWN)
async def end_session(session_id: FromPath[UUID], run: NamedDependency[Run]) -> Redirect:
    """Log out on another device."""
    await run(end_one, session_id)
    return _to(f"{_ACCOUNT}?done=device")


@post("/account/sessions/end-others", permission=KNOWN)
async def end_other_sessions(run: NamedDependency[Run]) -> Redirect:
    """Log out on all other devices."""
    await run(end_others)
    return _to(f"{_ACCOUNT}?done=devices")


@post("/account/post", permission=KNOWN)
async def take_up_post(
    kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: URLEncodedBody[ChoiceForm]
) -> Redirect:
    """Take up another of one's posts."""
    opened = await run(switch_post, _id(data.choice))
    return Redirect(f"{_ACCOUNT}?done=post", status_code=HTTP_303_SEE_OTHER, cookies=[session_cookie(kernel, opened)])


@post("/account/acts-for", permission=KNOWN)
async def act_for(run: NamedDependency[Run], data: URLEncodedBody[ChoiceForm]) -> Redirect:
    """Act for someone else, or for oneself again."""
    await run(switch_acts_for, data.choice)
    return _to(f"{_ACCOUNT}?done=acts-for")


@post("/account/password", permission=KNOWN)
async def set_password(
    request: Asked, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: URLEncodedBody[PasswordForm]
) -> Page | Redirect:
    """Change one's password."""
    if data.new != data.again:
        return await _account_page(request, run, wrong=("again", N_("The two new passwords are not the same.")))
    try:
        await change_password(kernel.identity, run, data.old, data.new)
    except Problem as problem:
        field = "old" if problem.status == 403 else "new"
        return await _account_page(request, run, wrong=(field, problem.detail), facts=problem.facts)
    return _to(f"{_ACCOUNT}?done=password")


@post("/account/mandates", permission=KNOWN)
async def give_mandate(request: Asked, run: NamedDependency[Run], data: URLEncodedBody[MandateForm]) -> Page | Redirect:
    """Let another person act for oneself or for one's enterprise."""
    try:
        await run(give, _mandate(data))
    except (Problem, msgspec.ValidationError) as problem:
        detail = problem.detail if isinstance(problem, Problem) else N_("The last day is not a date.")
        field = "until" if isinstance(problem, msgspec.ValidationError) else "agent_citizen_id"
        facts = problem.facts if isinstance(problem, Problem) else {}
        return await _account_page(request, run, wrong=(field, detail), facts=facts)
    return _to(f"{_ACCOUNT}?done=mandate")


@post("/account/mandates/{mandate_id:uuid}/revoke", permission=KNOWN)
async def revoke_mandate(mandate_id: FromPath[UUID], run: NamedDependency[Run]) -> Redirect:
    """End a mandate at once."""
    await run(revoke, mandate_id)
    return _to(f"{_ACCOUNT}?done=revoked")


def mine(unit: Unit, user_agent: str) -> Mine:
    """What the account page shows of this unit's actor."""
    account_id, actor = account_of(unit), unit.actor
    a_person = actor.kind == "person"
    return Mine(
        devices=devices(unit, account_id, browser_digest(user_agent)),
        posts=[] if a_person else posts_of(unit, account_id),
        post=current_post(unit),
        principals=principals(unit, UUID(actor.id)) if a_person else [],
        mandates=[_shown(unit, one) for one in mandates(unit) if not one.revoked] if a_person else [],
    )


def _shown(unit: Unit, one: Mandate) -> MandateShown:
    given = one.agent != unit.actor.subject
    name = unit.actor.name if one.principal == unit.actor.subject else principal_name(unit, one.principal)
    return MandateShown(mandate=one, principal=name, given=given)


async def _account_page(
    request: Asked,
    run: Run,
    *,
    done: str = "",
    wrong: tuple[str, str] | None = None,
    facts: dict[str, Any] | None = None,
) -> Page:
    shown = await run.read(mine, request.headers.get("user-agent", ""))
    kernel: Kernel = request.app.state.kernel
    errors = {wrong[0]: kernel.pages.translate(wrong[1], locale_of(request), facts)} if wrong else {}
    context = {"mine": shown, "actor": run.actor, "done": done, "errors": errors}
    return Page("identity/account.html", context, status=422 if wrong else 200)


def _log_in_page(
    *,
    next: str,
    login: str = "",
    problem: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Page:
    context = {"next": next, "login": login, "problem": problem}
    return Page("identity/login.html", context, status=status, headers=headers or {})


def _mandate(form: MandateForm) -> MandateGiven:
    return msgspec.convert(
        {
            "agent_citizen_id": form.agent_citizen_id,
            "principal": form.principal,
            "matters": form.matters.replace(",", " ").replace("，", " ").split(),
            "until": form.until or None,
        },
        MandateGiven,
    )


def _id(choice: str) -> UUID:
    try:
        return UUID(choice)
    except ValueError:
        return UUID(int=0)


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)


PAGES: list[Any] = [
    log_in_page,
    log_in,
    log_out,
    account_page,
    end_session,
    end_other_sessions,
    take_up_post,
    act_for,
    set_password,
    give_mandate,
    revoke_mandate,
]
