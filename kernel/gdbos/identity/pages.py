"""The pages of one's own account: posts, whom one acts for, mandates, devices, password."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.errors import Problem
from gdbos.identity.account import has_password
from gdbos.identity.delegation import offices
from gdbos.identity.delegation_pages import DelegationPages
from gdbos.identity.entries import Asked, Entered, Phrase, Word
from gdbos.identity.factor_pages import FACTOR_PAGES
from gdbos.identity.factor_routes import FactorShown, shown
from gdbos.identity.identity import account_of
from gdbos.identity.login import change_password
from gdbos.identity.login_pages import LOGIN_PAGES
from gdbos.identity.mandate import Mandate, mandates
from gdbos.identity.mandate_pages import MANDATE_PAGES
from gdbos.identity.matter_choice import matter_titles
from gdbos.identity.openid_pages import OPENID_PAGES
from gdbos.identity.own_data_pages import DATA_PAGES
from gdbos.identity.post import Post
from gdbos.identity.principal import Principal, principal_name, principals
from gdbos.identity.routes import end_one, end_others
from gdbos.identity.session import Device, current_post, devices, switch_acts_for, switch_post
from gdbos.identity.session_cookie import session_cookie
from gdbos.identity.trust_pages import TRUST_PAGES
from gdbos.kernel import Kernel
from gdbos.pages.language import locale_of
from gdbos.pages.render import Page
from gdbos.plugin import KNOWN
from gdbos.text import N_, Text
from gdbos.unit import Run, Unit

_ACCOUNT = "/account"


class PasswordForm(Entered, frozen=True, kw_only=True):
    """What the form for another password sends."""

    old: Phrase = ""
    new: Phrase = ""
    again: Phrase = ""


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
    titles: dict[str, Text]
    """The names of the matters that mandates are limited to."""
    second_factor: FactorShown
    password: bool
    """Whether the account has one."""


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


def mine(unit: Unit) -> Mine:
    """What the account page shows of this unit's actor."""
    account_id, actor = account_of(unit), unit.actor
    a_person = actor.kind == "person"
    given = [_shown(unit, one) for one in mandates(unit) if not one.revoked] if a_person else []
    return Mine(
        devices=devices(unit, account_id),
        posts=[] if a_person else offices(unit, account_id),
        post=current_post(unit),
        principals=principals(unit, UUID(actor.id)) if a_person else [],
        mandates=given,
        titles=matter_titles(unit, {id for one in given for id in one.mandate.matters}),
        second_factor=shown(unit),
        password=has_password(unit, account_id),
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
    shown = await run.read(mine)
    kernel: Kernel = request.app.state.kernel
    errors = {wrong[0]: kernel.pages.translate(wrong[1], locale_of(request), facts)} if wrong else {}
    providers = kernel.settings.identity.providers
    context = {"mine": shown, "actor": run.actor, "done": done, "errors": errors, "providers": providers}
    return Page("identity/account.html", context, status=422 if wrong else 200)


def _id(choice: str) -> UUID:
    try:
        return UUID(choice)
    except ValueError:
        return UUID(int=0)


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)


PAGES: list[Any] = [
    DelegationPages,
    *LOGIN_PAGES,
    *FACTOR_PAGES,
    *OPENID_PAGES,
    *TRUST_PAGES,
    *MANDATE_PAGES,
    *DATA_PAGES,
    account_page,
    end_session,
    end_other_sessions,
    take_up_post,
    act_for,
    set_password,
]
