"""``/api/identity``: logging in, who one is, for whom one acts; tokens for systems. Administration is in its own file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import SerializationException
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath, JSONBody

from gdbos.answers import explained
from gdbos.errors import BadRequest, Forbidden, Invalid, Violation
from gdbos.identity.account import AccountKind
from gdbos.identity.administration import ADMINISTRATION
from gdbos.identity.assertion import ASSERTION, GRANT, read_assertion, use_up, verify_assertion
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.identity import account_of
from gdbos.identity.login import LoggedIn, change_password, log_in
from gdbos.identity.mandate import Mandate, give_mandate, mandates, revoke
from gdbos.identity.number import checked
from gdbos.identity.person import get_person
from gdbos.identity.post import Post, posts_of
from gdbos.identity.principal import Principal, principals
from gdbos.identity.session import (
    Device,
    Opened,
    browser_digest,
    current_post,
    devices,
    end,
    end_all,
    open_system_session,
    switch_acts_for,
    switch_post,
)
from gdbos.identity.system import find_system
from gdbos.identity.tokens import LIFETIME
from gdbos.kernel import Kernel
from gdbos.plugin import KNOWN, PUBLIC
from gdbos.text import N_
from gdbos.unit import Run, Unit

Asked = Request[Any, Any, Any]
Word = Annotated[str, msgspec.Meta(max_length=100)]
Phrase = Annotated[str, msgspec.Meta(max_length=2000)]


class Entered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request brings in."""


class LogIn(Entered, frozen=True, kw_only=True):
    """A log-in with a built-in account."""

    login: Word
    password: Phrase


class AccountShown(msgspec.Struct, frozen=True):
    """Whose account it is."""

    id: UUID
    kind: AccountKind
    name: str


class SessionOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A session; browsers hold it in a cookie, other clients send the token."""

    token: str
    expires_at: datetime
    """When the token ends; the session may last longer and be asked for no new one."""
    session: UUID
    account: AccountShown


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling."""

    kind: str
    id: str
    name: str
    body: str
    division: str
    reach: str
    represents: str
    acts_for: str
    post: UUID | None
    posts: list[Post]
    principals: list[Principal]
    permissions: list[str]


class PostChosen(Entered, frozen=True, kw_only=True):
    """Which of one's posts to take up."""

    post_id: UUID


class ActsForChosen(Entered, frozen=True, kw_only=True):
    """Whom to act for; empty: oneself."""

    subject: Word = ""


class PasswordChosen(Entered, frozen=True, kw_only=True):
    """A change of one's own password."""

    old: Phrase
    new: Phrase


class MandateGiven(Entered, frozen=True, kw_only=True):
    """A mandate to give: for oneself, or for the enterprise one represents by law."""

    agent_citizen_id: Word
    principal: Word = ""
    """Subject key; empty: oneself."""
    matters: Annotated[tuple[Word, ...], msgspec.Meta(max_length=200)] = ()
    since: date | None = None
    until: date | None = None


class Made(msgspec.Struct, frozen=True):
    """The id of what was made."""

    id: UUID


class TokenAsked(Entered, frozen=True, kw_only=True):
    """A request for an access token (RFC 6749 §4.4, RFC 7523 §2.2)."""

    grant_type: Word
    client_assertion_type: Word
    client_assertion: Annotated[str, msgspec.Meta(max_length=8192)]
    client_id: Word = ""


class TokenGiven(msgspec.Struct, frozen=True):
    """An access token."""

    access_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105  (the name of a scheme)


@dataclass
class TokenOperation(Operation):
    """Says in OpenAPI what the token endpoint reads: the form of the standard, or the same as JSON."""

    def __post_init__(self) -> None:
        text = Schema(type=OpenAPIType.STRING)
        fields = ("grant_type", "client_assertion_type", "client_assertion", "client_id")
        schema = Schema(
            type=OpenAPIType.OBJECT,
            title="TokenAsked",
            properties=dict.fromkeys(fields, text),
            required=list(fields[:3]),
            additional_properties=False,
        )
        media = OpenAPIMediaType(schema=schema)
        self.request_body = RequestBody(
            required=True, content={"application/x-www-form-urlencoded": media, "application/json": media}
        )


class SessionRoutes(Controller):
    """Sessions."""

    path = "/api/identity/sessions"
    tags = ("identity",)

    @post(permission=PUBLIC)
    async def log_in(
        self, request: Asked, kernel: NamedDependency[Kernel], data: JSONBody[LogIn]
    ) -> Response[SessionOpened]:
        """Log in with a password; opens a session and gives a token bound to it."""
        opened = await entered(request, kernel, data.login, data.password)
        shown = AccountShown(opened.account, opened.kind, opened.name)
        content = SessionOpened(
            token=opened.access.token, expires_at=opened.access.expires_at, session=opened.session.id, account=shown
        )
        return Response(content, cookies=[session_cookie(kernel, opened.session)])

    @get(permission=KNOWN)
    async def devices(self, request: Asked, run: NamedDependency[Run]) -> list[Device]:
        """Where one is logged in."""
        return await run.read(own_devices, request.headers.get("user-agent", ""))

    @delete("/current", permission=KNOWN)
    async def log_out(self, kernel: NamedDependency[Kernel], run: NamedDependency[Run]) -> Response[None]:
        """Log out; the session's token ends with it."""
        await run(end_own)
        return Response(None, status_code=204, cookies=[no_cookie(kernel)])

    @delete("/{session_id:uuid}", permission=KNOWN)
    async def end(self, session_id: FromPath[UUID], run: NamedDependency[Run]) -> None:
        """Log out elsewhere."""
        await run(end_one, session_id)

    @delete(permission=KNOWN)
    async def end_others(self, run: NamedDependency[Run]) -> None:
        """Log out everywhere else."""
        await run(end_others)


class MeRoutes(Controller):
    """Oneself."""

    path = "/api/identity/me"
    tags = ("identity",)

    @get(permission=KNOWN)
    async def me(self, run: NamedDependency[Run]) -> Me:
        """Who one is, which posts one holds and for whom one may act."""
        return await run.read(me)

    @post("/post", permission=KNOWN, status_code=204)
    async def take_up(
        self, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: JSONBody[PostChosen]
    ) -> Response[None]:
        """Take up another of one's posts in this session; its cookie changes."""
        opened = await run(switch_post, data.post_id)
        return Response(None, cookies=[session_cookie(kernel, opened)])

    @post("/acts-for", permission=KNOWN, status_code=204)
    async def act_for(self, run: NamedDependency[Run], data: JSONBody[ActsForChosen]) -> None:
        """Act for an enterprise or another person, or for oneself again."""
        await run(switch_acts_for, data.subject)

    @post("/password", permission=KNOWN, status_code=204)
    async def password(
        self, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: JSONBody[PasswordChosen]
    ) -> None:
        """Change one's password; every other session ends."""
        await change_password(kernel.identity, run, data.old, data.new)


class MandateRoutes(Controller):
    """Mandates."""

    path = "/api/identity/mandates"
    tags = ("identity",)

    @get(permission=KNOWN)
    async def mandates(self, run: NamedDependency[Run]) -> list[Mandate]:
        """The mandates one has given and received, newest first."""
        return await run.read(mandates)

    @post(permission=KNOWN)
    async def give(self, run: NamedDependency[Run], data: JSONBody[MandateGiven]) -> Made:
        """Let another person act for oneself, or for the enterprise one represents by law."""
        return Made(await run(give, data))

    @delete("/{mandate_id:uuid}", permission=KNOWN)
    async def revoke(self, mandate_id: FromPath[UUID], run: NamedDependency[Run]) -> None:
        """End a mandate at once."""
        await run(revoke, mandate_id)


class TokenRoutes(Controller):
    """Tokens."""

    path = "/api/identity/tokens"
    tags = ("identity",)

    @post(permission=PUBLIC, status_code=200, operation_class=TokenOperation)
    async def token(self, request: Asked, kernel: NamedDependency[Kernel]) -> TokenGiven:
        """Give a system a token for five minutes in exchange for an assertion signed with its own key."""
        asked = await _asked(request)
        if asked.grant_type != GRANT or asked.client_assertion_type != ASSERTION:
            detail = N_("Only grant_type {grant} with client_assertion_type {assertion} is served here.")
            facts = {"grant": GRANT, "assertion": ASSERTION}
            raise Invalid(detail, violations=[Violation("$.grant_type", "code", detail, facts=facts)], **facts)
        return await token_for(kernel, asked.client_assertion)


async def token_for(kernel: Kernel, compact: str) -> TokenGiven:
    """A token for the system that signed this assertion. :raises Unauthenticated: it is not valid, or was used before."""
    identity, units = kernel.identity, kernel.identity.units
    assertion = read_assertion(compact)
    known = await units.read(IDENTITY, find_system, assertion.client_id)
    now = units.around.clock()
    claims = verify_assertion(assertion, known, audience=identity.audience, now=now)

    def admit(unit: Unit) -> UUID:
        use_up(unit, claims)
        return open_system_session(unit, claims.iss, LIFETIME["system"])

    session_id = await units.write(IDENTITY, admit)
    issued = identity.tokens.issue(
        subject=claims.iss, session=session_id, client=claims.iss, lifetime=LIFETIME["system"], now=now
    )
    return TokenGiven(issued.token, int(LIFETIME["system"].total_seconds()))


async def entered(request: Asked, kernel: Kernel, login: str, password: str) -> LoggedIn:
    """Log in whoever sent ``request``; the session it brought along ends."""
    identity = kernel.identity
    return await log_in(
        identity,
        login,
        password,
        browser=request.headers.get("user-agent", ""),
        presented=request.cookies.get(identity.cookie, ""),
    )


def session_cookie(kernel: Kernel, opened: Opened) -> Cookie:
    """The cookie that holds a session's secret; it ends with the browser."""
    secure = kernel.settings.http.secure_cookies
    return Cookie(
        key=kernel.identity.cookie, value=opened.secret, path="/", httponly=True, samesite="lax", secure=secure
    )


def no_cookie(kernel: Kernel) -> Cookie:
    """Takes the session cookie away."""
    secure = kernel.settings.http.secure_cookies
    return Cookie(
        key=kernel.identity.cookie, value="", path="/", httponly=True, samesite="lax", secure=secure, max_age=0
    )


def me(unit: Unit) -> Me:
    """Who this unit's actor is, and what they could be."""
    actor = unit.actor
    held = posts_of(unit, account_of(unit)) if actor.kind == "official" else []
    return Me(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        body=actor.body,
        division=actor.division,
        reach=actor.reach,
        represents=actor.represents,
        acts_for=actor.acts_for,
        post=current_post(unit),
        posts=held,
        principals=principals(unit, UUID(actor.id)) if actor.kind == "person" else [],
        permissions=sorted(actor.permissions),
    )


def give(unit: Unit, asked: MandateGiven) -> UUID:
    """Give the mandate a person asks for. :raises Forbidden: somebody else than a person asks."""
    actor = unit.actor
    if actor.kind != "person":
        raise Forbidden("Only a person who has logged in gives a mandate.")
    return give_mandate(
        unit,
        principal=asked.principal or actor.subject,
        agent=get_person(unit, checked(unit, "citizen-id", asked.agent_citizen_id, "$.agent_citizen_id")),
        by=UUID(actor.id),
        matters=asked.matters,
        since=asked.since,
        until=asked.until,
    )


def own_devices(unit: Unit, user_agent: str) -> list[Device]:
    """Where this unit's actor is logged in."""
    return devices(unit, account_of(unit), browser_digest(user_agent))


def end_own(unit: Unit) -> None:
    """Log this unit's actor out of the session they are in."""
    assert unit.actor.session is not None
    end_one(unit, unit.actor.session)


def end_one(unit: Unit, session_id: UUID) -> None:
    """End one of this unit's actor's sessions."""
    end(unit, session_id, account_of(unit))


def end_others(unit: Unit) -> None:
    """End every other session of this unit's actor."""
    end_all(unit, account_of(unit), but=unit.actor.session)


async def _asked(request: Asked) -> TokenAsked:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        found: Any = dict((await request.form()).multi_items())
    else:
        try:
            found = await request.json()
        except SerializationException:
            raise BadRequest("The request for a token is neither a form nor JSON.") from None
    try:
        return msgspec.convert(found, TokenAsked)
    except msgspec.ValidationError as failure:
        what, _, at = str(failure).partition(" - at `")
        raise Invalid(violations=[explained(at.rstrip("`") or "$", what)]) from None


ROUTES: list[Any] = [SessionRoutes, MeRoutes, MandateRoutes, TokenRoutes, *ADMINISTRATION]
