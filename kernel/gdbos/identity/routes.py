"""``/api/identity``: logging in, who one is, for whom one acts; tokens for systems. Administration is in its own file."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from gdbos.actor import Trust
from gdbos.bus.bus import Bus
from gdbos.errors import Forbidden
from gdbos.identity.account import AccountKind
from gdbos.identity.administration import ADMINISTRATION
from gdbos.identity.delegation import offices
from gdbos.identity.delegation_routes import DelegationRoutes
from gdbos.identity.device import device_of
from gdbos.identity.entries import Asked, Entered, Phrase, Word
from gdbos.identity.factor_routes import FactorRoutes, ProofRoutes
from gdbos.identity.identity import account_of
from gdbos.identity.import_routes import ImportRoutes
from gdbos.identity.login import change_password, log_in
from gdbos.identity.mandate import Mandate, give_mandate, mandates, revoke
from gdbos.identity.number import checked
from gdbos.identity.own_data import own_data
from gdbos.identity.person import get_person
from gdbos.identity.post import Post
from gdbos.identity.principal import Principal, principals
from gdbos.identity.session import Device, current_post, devices, end, end_all, switch_acts_for, switch_post
from gdbos.identity.session_cookie import carried, known_cookie, no_cookie, origin_of, session_cookie
from gdbos.identity.token_routes import TokenRoutes
from gdbos.kernel import Kernel
from gdbos.plugin import KNOWN, PUBLIC
from gdbos.unit import Run, Unit


class LogIn(Entered, frozen=True, kw_only=True):
    """A log-in with a built-in account."""

    login: Word
    password: Phrase
    code: Word = ""
    """Of the second factor, where the account has one: from the app, or one of recovery."""
    new_password: Phrase = ""
    """Where the present one has to be changed."""


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
    trust: Trust
    """How surely this log-in shows who one is."""
    proven_at: datetime | None
    """When this session last showed a second factor."""
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


class SessionRoutes(Controller):
    """Sessions."""

    path = "/api/identity/sessions"
    tags = ("identity",)

    @post(permission=PUBLIC, reserved=True)
    async def log_in(
        self, request: Asked, kernel: NamedDependency[Kernel], data: JSONBody[LogIn]
    ) -> Response[SessionOpened]:
        """Log in with a password; opens a session and gives a token bound to it."""
        opened = await log_in(
            kernel.identity,
            data.login,
            data.password,
            code=data.code,
            new_password=data.new_password,
            device=device_of(request.headers.get("user-agent", "")),
            presented=carried(request, kernel),
            origin=origin_of(request, kernel),
        )
        shown = AccountShown(opened.account, opened.kind, opened.name)
        content = SessionOpened(
            token=opened.access.token, expires_at=opened.access.expires_at, session=opened.session.id, account=shown
        )
        return Response(content, cookies=[session_cookie(kernel, opened.session), known_cookie(kernel, opened.browser)])

    @get(permission=KNOWN)
    async def devices(self, run: NamedDependency[Run]) -> list[Device]:
        """Where one is logged in."""
        return await run.read(own_devices)

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

    @get("/data", permission=KNOWN, media_type=MediaType.TEXT)
    async def data(self, bus: NamedDependency[Bus], kernel: NamedDependency[Kernel]) -> Response[str]:
        """All that this node holds of oneself, as a signed note with one answer a line; ``gdbos ledger statement`` checks it."""
        named = {"content-disposition": 'attachment; filename="own-data.txt"'}
        return Response(await own_data(bus, kernel), headers=named)

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


def me(unit: Unit) -> Me:
    """Who this unit's actor is, and what they could be."""
    actor = unit.actor
    held = offices(unit, account_of(unit)) if actor.kind == "official" else []
    return Me(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        body=actor.body,
        division=actor.division,
        reach=actor.reach,
        represents=actor.represents,
        acts_for=actor.acts_for,
        trust=actor.trust,
        proven_at=actor.proven_at,
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


def own_devices(unit: Unit) -> list[Device]:
    """Where this unit's actor is logged in."""
    return devices(unit, account_of(unit))


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


ROUTES: list[Any] = [
    SessionRoutes,
    MeRoutes,
    ProofRoutes,
    FactorRoutes,
    MandateRoutes,
    DelegationRoutes,
    ImportRoutes,
    TokenRoutes,
    *ADMINISTRATION,
]
