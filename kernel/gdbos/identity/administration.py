"""``/api/identity``: bodies, accounts, posts and systems, for those who administer them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from gdbos.errors import Forbidden
from gdbos.identity.account import Account, AccountKind, disable, get_account, login_of, open_account, restore
from gdbos.identity.appointment import Appointment, confirm, waiting
from gdbos.identity.body import Body, Former, bodies, history, merge, register_body
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.enterprise import Enterprise, register_enterprise
from gdbos.identity.exchange import ExchangeClient, ExchangeKnown, admit_exchange_client, dismiss_exchange_client
from gdbos.identity.password import generated, refuse_weak
from gdbos.identity.permission import ADMIT, APPOINT, CONFIRM, CONNECT, READ, REGISTER
from gdbos.identity.person import Person, get_person, register_person
from gdbos.identity.post import Post, accounts, appoint, end_post, posts, refuse_foreign_account
from gdbos.identity.session import end_all
from gdbos.identity.setup import redeem
from gdbos.identity.system import PublicKey, System, register_system, replace_keys, systems
from gdbos.kernel import Kernel
from gdbos.plugin import PUBLIC
from gdbos.unit import Run, Unit

Word = Annotated[str, msgspec.Meta(max_length=100)]
Phrase = Annotated[str, msgspec.Meta(max_length=2000)]
Limit = FromQuery[Annotated[int, QueryParameter(ge=1, le=200)]]
Matters = Annotated[tuple[Word, ...], msgspec.Meta(max_length=200)]
After = FromQuery[Annotated[str, QueryParameter(max_length=100)]]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an administrator enters."""


class AccountEntry(Entry, frozen=True, kw_only=True):
    """An account to open."""

    login: Word
    name: Word
    kind: AccountKind = "official"
    citizen_id: Word = ""
    """Needed for a person; for an official, so that all their accounts are known to be one human's."""
    phone: Word = ""


class AccountOpened(msgspec.Struct, frozen=True, kw_only=True):
    """An account just opened."""

    id: UUID
    login: str
    password: str
    """Generated, told this once, and changed by the account's holder at the first log-in: administrators choose none."""


class PostEntry(Entry, frozen=True, kw_only=True):
    """A post to give."""

    account: UUID
    body: Word
    role: Word
    since: date | None = None
    until: date | None = None
    area: Word = ""
    """Division at or below the body's to whose subtree the post is limited; empty: no limit."""
    matters: Matters = ()
    """The only matters the post is for; empty: all."""


class MergeEntry(Entry, frozen=True, kw_only=True):
    """Which body takes another over."""

    into: Word


class EnterpriseEntry(Entry, frozen=True, kw_only=True):
    """An enterprise to register."""

    uscc: Word
    name: Annotated[str, msgspec.Meta(max_length=200)]
    division: Word
    legal_representative_citizen_id: Word = ""


class KeysEntry(Entry, frozen=True, kw_only=True):
    """The keys a system shall have from now on."""

    keys: tuple[PublicKey, ...]
    active: bool = True


class SetUp(Entry, frozen=True, kw_only=True):
    """The first account of a node, against the code that its set-up printed."""

    code: Word
    login: Word
    name: Word
    password: Phrase
    body: Body


class Made(msgspec.Struct, frozen=True):
    """The id of what was made."""

    id: str


class BodyList(msgspec.Struct, frozen=True):
    """A page of bodies."""

    items: list[Body]
    after: str = ""
    """Give this as ``after`` for the next page; empty on the last."""


class AccountList(msgspec.Struct, frozen=True):
    """A page of accounts."""

    items: list[Account]
    after: str = ""


class PostList(msgspec.Struct, frozen=True):
    """A page of posts."""

    items: list[Post]
    after: UUID | None = None


class SystemList(msgspec.Struct, frozen=True):
    """A page of systems."""

    items: list[System]
    after: str = ""


class BodyRoutes(Controller):
    """Bodies and enterprises."""

    path = "/api/identity"
    tags = ("identity",)

    @get("/bodies", permission=READ)
    async def bodies(self, run: NamedDependency[Run], after: After = "", limit: Limit = 50) -> BodyList:
        """Bodies in the order of their USCC."""
        found = await run.read(bodies, after=after, limit=limit)
        return BodyList(found, found[-1].uscc if len(found) == limit else "")

    @post("/bodies", permission=REGISTER)
    async def register_body(self, run: NamedDependency[Run], data: JSONBody[Body]) -> Body:
        """Register a body, or change the entry of one already known."""
        return await run(register_body, data)

    @get("/bodies/{uscc:str}/history", permission=READ)
    async def body_history(self, uscc: FromPath[str], run: NamedDependency[Run]) -> list[Former]:
        """What a body was called, and where it stood, before."""
        return await run.read(history, uscc)

    @post("/bodies/{uscc:str}/merge", permission=REGISTER, status_code=200)
    async def merge_body(self, uscc: FromPath[str], run: NamedDependency[Run], data: JSONBody[MergeEntry]) -> Body:
        """Let another body take this one over (机构合并); its past stays readable."""
        return await run(merge, uscc, data.into)

    @post("/enterprises", permission=REGISTER)
    async def register_enterprise(self, run: NamedDependency[Run], data: JSONBody[EnterpriseEntry]) -> Made:
        """Register an enterprise and who represents it by law; answers with its subject key."""
        return Made(await run(enter_enterprise, data))


class AccountRoutes(Controller):
    """Accounts."""

    path = "/api/identity"
    tags = ("identity",)

    @get("/accounts", permission=READ)
    async def accounts(self, run: NamedDependency[Run], after: After = "", limit: Limit = 50) -> AccountList:
        """Accounts within one's reach in the order of their log-in names; whose they are is not shown."""
        found = await run.read(accounts, after=after, limit=limit)
        return AccountList(found, found[-1].login if len(found) == limit else "")

    @post("/accounts", permission=ADMIT)
    async def open(
        self, kernel: NamedDependency[Kernel], run: NamedDependency[Run], data: JSONBody[AccountEntry]
    ) -> AccountOpened:
        """Open an account for an official or a person."""
        password = generated()
        made = await run(enter_account, data, await kernel.identity.hashing.hash(password))
        return AccountOpened(id=made, login=login_of(data.login), password=password)

    @post("/accounts/{account_id:uuid}/disable", permission=ADMIT, status_code=204)
    async def disable(self, account_id: FromPath[UUID], run: NamedDependency[Run]) -> None:
        """End an account's access at its next request, on every worker."""
        await run(shut, account_id)

    @post("/accounts/{account_id:uuid}/restore", permission=ADMIT, status_code=204)
    async def restore(self, account_id: FromPath[UUID], run: NamedDependency[Run]) -> None:
        """Let a disabled account log in again."""
        await run(reopen, account_id)

    @post("/setup", permission=PUBLIC)
    async def set_up(self, kernel: NamedDependency[Kernel], data: JSONBody[SetUp]) -> Made:
        """Open the first account of a node with its one-time set-up code."""
        password_hash = await new_hash(kernel, data.login, data.password)
        return Made(str(await run_set_up(kernel, data, password_hash)))


class PostRoutes(Controller):
    """Posts."""

    path = "/api/identity/posts"
    tags = ("identity",)

    @get(permission=READ)
    async def posts(
        self, run: NamedDependency[Run], after: FromQuery[UUID | None] = None, limit: Limit = 50
    ) -> PostList:
        """Posts held today within one's reach."""
        found = await run.read(posts, after=after, limit=limit)
        return PostList(found, found[-1].id if len(found) == limit else None)

    @post(permission=APPOINT)
    async def appoint(self, run: NamedDependency[Run], data: JSONBody[PostEntry]) -> Made:
        """Give an official a post; nobody gives one to themself. An administrator's counts once a second official confirms it."""
        return Made(str(await run(enter_post, data)))

    @get("/waiting", permission=CONFIRM)
    async def waiting(self, run: NamedDependency[Run]) -> list[Appointment]:
        """Appointments of administrators that wait for a second official."""
        return await run.read(waiting)

    @post("/{post_id:uuid}/confirm", permission=CONFIRM, status_code=204)
    async def confirm(self, post_id: FromPath[UUID], run: NamedDependency[Run]) -> None:
        """Confirm an administrator's appointment that another official asked for."""
        await run(confirm, post_id)

    @delete("/{post_id:uuid}", permission=APPOINT)
    async def end(self, post_id: FromPath[UUID], run: NamedDependency[Run]) -> None:
        """End a post today, or withdraw one that waits to be confirmed."""
        await run(end_post, post_id)


class SystemRoutes(Controller):
    """Systems."""

    path = "/api/identity/systems"
    tags = ("identity",)

    @get(permission=READ)
    async def systems(self, run: NamedDependency[Run], after: After = "", limit: Limit = 50) -> SystemList:
        """Systems within one's reach in the order of their client ids."""
        found = await run.read(systems, after=after, limit=limit)
        return SystemList(found, found[-1].client_id if len(found) == limit else "")

    @post(permission=CONNECT)
    async def register(self, run: NamedDependency[Run], data: JSONBody[System]) -> System:
        """Register a body's system with its public keys."""
        return await run(register_system, data)

    @put("/{client_id:str}/keys", permission=CONNECT)
    async def replace_keys(
        self, client_id: FromPath[str], run: NamedDependency[Run], data: JSONBody[KeysEntry]
    ) -> System:
        """Change a system's keys, or switch it off."""
        return await run(replace_keys, client_id, data.keys, active=data.active)

    @put("/{client_id:str}/exchange", permission=CONNECT)
    async def admit(
        self, client_id: FromPath[str], run: NamedDependency[Run], data: JSONBody[ExchangeClient]
    ) -> ExchangeKnown:
        """Let a system call as a client of the national exchange gateway does, by a secret it shares with this node."""
        return await run(admit_exchange_client, client_id, data)

    @delete("/{client_id:str}/exchange", permission=CONNECT)
    async def dismiss(self, client_id: FromPath[str], run: NamedDependency[Run]) -> None:
        """Let a system no longer call by such a secret."""
        await run(dismiss_exchange_client, client_id)


async def new_hash(kernel: Kernel, login: str, password: str) -> str:
    """The hash of a new password. :raises Invalid: it is too weak."""
    refuse_weak(password, login_of(login), kernel.settings.passwords)
    return await kernel.identity.hashing.hash(password)


async def run_set_up(kernel: Kernel, data: SetUp, password_hash: str) -> UUID:
    """Redeem a set-up code in the name of identity itself: nobody is known yet."""
    return await kernel.identity.units.write(
        IDENTITY, redeem, data.code, login=data.login, password_hash=password_hash, name=data.name, body=data.body
    )


def enter_account(unit: Unit, entry: AccountEntry, password_hash: str) -> UUID:
    """Open the account an administrator entered."""
    person = None
    if entry.citizen_id or entry.kind == "person":
        new = Person(name=entry.name, citizen_id=entry.citizen_id, phone=entry.phone, trust="L3")
        person = register_person(unit, new).id
    return open_account(
        unit, login=entry.login, password_hash=password_hash, name=entry.name, kind=entry.kind, person=person, due=True
    )


def enter_post(unit: Unit, entry: PostEntry) -> UUID:
    """Give the post an administrator entered."""
    return appoint(
        unit,
        entry.account,
        body=entry.body,
        role_id=entry.role,
        since=entry.since,
        until=entry.until,
        area=entry.area,
        matters=entry.matters,
    )


def enter_enterprise(unit: Unit, entry: EnterpriseEntry) -> str:
    """Register the enterprise an administrator entered."""
    number = entry.legal_representative_citizen_id
    head = get_person(unit, number).id if number else None
    new = Enterprise(uscc=entry.uscc, name=entry.name, division=entry.division, legal_representative=head)
    return register_enterprise(unit, new)


def shut(unit: Unit, account_id: UUID) -> None:
    """Disable an account within the actor's reach and end its sessions. :raises Forbidden: it is their own."""
    if unit.actor.answers_for(str(account_id)):
        raise Forbidden("Nobody disables their own account; another administrator does.")
    refuse_foreign_account(unit, get_account(unit, account_id).id)
    disable(unit, account_id)
    end_all(unit, account_id)


def reopen(unit: Unit, account_id: UUID) -> None:
    """Restore an account within the actor's reach."""
    refuse_foreign_account(unit, get_account(unit, account_id).id)
    restore(unit, account_id)


ADMINISTRATION: list[Any] = [BodyRoutes, AccountRoutes, PostRoutes, SystemRoutes]
