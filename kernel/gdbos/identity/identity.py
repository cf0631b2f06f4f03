"""Who is calling: from a cookie or a token to an actor, anew for every request."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Row, select

from gdbos.actor import Actor, Link
from gdbos.config import Settings
from gdbos.errors import Forbidden, Unavailable
from gdbos.identity import assertion, attempt, pending, setup
from gdbos.identity.account import account, greeting
from gdbos.identity.body import find_body
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.delegation import offices
from gdbos.identity.exchange import Signed, use_up_signed, verify_signed
from gdbos.identity.generation import Generations
from gdbos.identity.jose import refused
from gdbos.identity.mandate import acting_under, limited_to, may_act_for
from gdbos.identity.openid import Party
from gdbos.identity.password import Hashing
from gdbos.identity.person import person
from gdbos.identity.post import Post, aliases_of
from gdbos.identity.principal import principal_name
from gdbos.identity.role import Role, given, roles
from gdbos.identity.session import (
    ADMINISTRATOR_IDLE,
    ADMINISTRATOR_LONGEST,
    IDLE,
    LONGEST,
    NOTED,
    digest,
    session,
    touch,
)
from gdbos.identity.session import forget_old as forget_sessions
from gdbos.identity.system import find_system
from gdbos.identity.tokens import Tokens
from gdbos.pages.translation import DEFAULT_LOCALE
from gdbos.standards import Standards
from gdbos.unit import Unit, Units
from gdbos.vault import KeyRing

KEPT: Final = 10_000
"""Credentials that are remembered at most."""
TOKENS_PATH: Final = "/api/identity/tokens"


class Found(msgspec.Struct, frozen=True):
    """An actor as found in the database, and how long that may be believed without looking again."""

    actor: Actor
    seen_at: datetime
    until: datetime


class _Kept(msgspec.Struct, frozen=True):
    found: Found
    generation: int
    standards: Standards


class Identity:
    """What a node's edges need to know who is calling."""

    def __init__(self, units: Units, keys: KeyRing, settings: Settings) -> None:
        self.units = units
        self.settings = settings
        self.keys = keys
        self.tokens = Tokens(keys, issuer=settings.node.id)
        self.hashing = Hashing()
        self.parties = {
            name: Party(name, provider, f"{self.url}/login/openid/{name}/return", units.around.clock)
            for name, provider in settings.identity.providers.items()
        }
        self._generations = Generations(units, IDENTITY)
        self._kept: OrderedDict[tuple[str, str, bytes], _Kept] = OrderedDict()

    @property
    def cookie(self) -> str:
        """Name of the session cookie; ``__Host-`` ties it to this host, this path and https."""
        return "__Host-sid" if self.settings.http.secure_cookies else "sid"

    @property
    def audience(self) -> str:
        """The address of our token endpoint, which assertions must be meant for."""
        return self.url + TOKENS_PATH

    @property
    def url(self) -> str:
        """The address under which browsers and programs reach this node."""
        http = self.settings.http
        return (http.url or f"http://{http.host}:{http.port}").rstrip("/")

    async def by_token(self, token: str, locale: str = "zh") -> Actor:
        """Who presents this access token. :raises Unauthenticated: it is not valid, or its session has ended."""
        found = await self._look("token", token, locale)
        if found is None:
            raise refused()
        return found

    async def by_exchange(self, signed: Signed, locale: str = "zh") -> Actor:
        """Which old client signed. :raises Unauthenticated: none, not in time, seen before, or it no longer serves."""
        client_id = await self.units.read(IDENTITY, verify_signed, signed)
        await self.units.write(IDENTITY, use_up_signed, client_id, signed)
        found = await self.units.read(IDENTITY, system_actor, client_id, locale)
        if found is None:
            raise refused()
        return found

    def remembered(self, token: str) -> Actor | None:
        """Who presents this access token, where that was found out before and still holds: nothing is awaited."""
        kept, known = self._kept.get(("token", DEFAULT_LOCALE, digest(token))), self._generations.known
        around = self.units.around
        if kept is None or kept.generation != known or kept.standards is not around.standards():
            return None
        return kept.found.actor if around.clock() < kept.found.until else None

    async def by_cookie(self, secret: str, locale: str = "zh") -> Actor | None:
        """Whose session this is; nobody's when it has ended."""
        return await self._look("cookie", secret, locale)

    def close(self) -> None:
        self.hashing.close()

    async def _look(self, kind: Literal["token", "cookie"], credential: str, locale: str) -> Actor | None:
        key, now = (kind, locale, digest(credential)), self.units.around.clock()
        generation, standards = await self._generations.current(), self.units.around.standards()
        kept = self._kept.get(key)
        if kept and (kept.generation, kept.standards) == (generation, standards) and now < kept.found.until:
            return kept.found.actor
        found = await self._find(kind, credential, locale, now)
        if found is None:
            self._kept.pop(key, None)
            return None
        self._kept[key] = _Kept(found, generation, standards)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found.actor

    async def _find(
        self, kind: Literal["token", "cookie"], credential: str, locale: str, now: datetime
    ) -> Found | None:
        if kind == "token":
            claims = self.tokens.verify(credential, now)
            ends = datetime.fromtimestamp(claims.exp, now.tzinfo)
            found = await self.units.read(IDENTITY, find, session.c.id == claims.sid, locale)
        else:
            ends = datetime.max.replace(tzinfo=now.tzinfo)
            found = await self.units.read(IDENTITY, find, session.c.secret == digest(credential), locale)
        if found is None or found.actor.session is None:
            return None
        if now - found.seen_at >= NOTED:
            with contextlib.suppress(Unavailable):  # a node that only reads still knows who is calling
                await self.units.write(IDENTITY, touch, found.actor.session)
        return msgspec.structs.replace(found, until=min(found.until, ends))


def find(unit: Unit, which: Any, locale: str = "zh") -> Found | None:
    """The actor of the live session ``which`` names; None where session, account, system or body no longer serve."""
    columns = (session, account.c.kind, account.c.person, account.c.name, account.c.disabled)
    joined = session.outerjoin(account, account.c.id == session.c.account)
    row = unit.execute(select(*columns).select_from(joined).where(which)).first()
    if row is None or row.ended_at is not None or row.expires_at <= unit.now:
        return None
    if row.account is None:
        return _system(unit, row, locale)
    if row.disabled is not False or row.seen_at + IDLE <= unit.now:
        return None
    if row.kind in unit.config(Settings).identity.second_factor and row.proven_at is None:
        return None  # opened before it was demanded
    return _official(unit, row, locale) if row.kind == "official" else _person(unit, row, locale)


def _system(unit: Unit, row: Row[Any], locale: str) -> Found | None:
    actor = system_actor(unit, row.system, locale)
    return _found(unit, row, actor) if actor else None


def system_actor(unit: Unit, client_id: str, locale: str = "zh") -> Actor | None:
    """The system ``client_id`` as it acts now; None where it or its body is not active."""
    known = find_system(unit, client_id)
    owner = find_body(unit, known.body) if known and known.active else None
    if known is None or owner is None or not owner.active:
        return None
    return Actor(
        kind="system",
        id=known.client_id,
        name=known.name,
        body=owner.uscc,
        division=owner.division,
        reach="body",
        represents=owner.name.into(locale),
        locale=locale,
        permissions=given(unit, "system"),
        chain=_chain(unit, "system", known.client_id),
    )


def _person(unit: Unit, row: Row[Any], locale: str) -> Found | None:
    actor = person_actor(unit, row.account, row.person, row.name, row.acts_for, locale)
    return _found(unit, row, actor) if actor else None


def person_actor(
    unit: Unit, account_id: UUID, person_id: UUID, name: bytes, acts_for: str = "", locale: str = "zh"
) -> Actor | None:
    """The person of an account, acting for themself or for whom they still may act for."""
    subject = unit.execute(unit.rows(person, person.c.subject).where(person.c.id == person_id)).scalar()
    if subject is None:
        return None
    acts_for = acts_for if acts_for and may_act_for(unit, person_id, acts_for) else ""
    return Actor(
        kind="person",
        id=str(person_id),
        name=greeting(unit, account_id, name),
        subject=subject,
        acts_for=acts_for,
        matters=limited_to(unit, person_id, acts_for),
        represents=principal_name(unit, acts_for) if acts_for else "",
        locale=locale,
        permissions=given(unit, "person"),
        chain=(*_chain(unit, "person", str(person_id)), *acting_under(unit, person_id, acts_for)),
    )


def _official(unit: Unit, row: Row[Any], locale: str) -> Found | None:
    active = next((held for held in offices(unit, row.account) if held.id == row.post), None)
    if active and _over(unit, row, roles(unit)[active.role]):
        return None
    if active and active.role in unit.config(Settings).identity.second_factor and row.proven_at is None:
        active = None  # it is taken up at a log-in with the second factor
    return _found(unit, row, official_actor(unit, row.account, row.name, active, locale))


def _over(unit: Unit, row: Row[Any], held: Role) -> bool:
    # Administrators (三员) and roles kept apart from others: their sessions are the shortest.
    longest, idle = (
        (ADMINISTRATOR_LONGEST, ADMINISTRATOR_IDLE) if held.administration or held.excludes else (LONGEST, IDLE)
    )
    return bool(row.created_at + longest <= unit.now or row.seen_at + idle <= unit.now)


def official_actor(unit: Unit, account_id: UUID, name: bytes, active: Post | None, locale: str = "zh") -> Actor:
    """The official of an account in one post, their own or another's; without one they are known and may do nothing."""
    actor = Actor(
        kind="official",
        id=str(account_id),
        aliases=aliases_of(unit, account_id),
        name=greeting(unit, account_id, name),
        chain=_chain(unit, "official", str(account_id)),
        locale=locale,
    )
    if active is None:
        return actor
    held = roles(unit)[active.role]
    return msgspec.structs.replace(
        actor,
        body=active.body,
        division=active.area if active.area and held.scope == "division" else active.division,
        reach=held.scope,
        area=active.area,
        matters=active.matters,
        represents=active.body_name.into(locale),
        permissions=frozenset(held.permissions),
        chain=(*actor.chain, *under(active)),
    )


def under(active: Post) -> tuple[Link, ...]:
    """The links that say in whose post an official stands in, and by which delegation."""
    if active.delegation is None:
        return ()
    return (Link("delegation", str(active.delegation)), Link("holder", str(active.account)))


def _found(unit: Unit, row: Row[Any], actor: Actor) -> Found:
    # Not beyond the civil day: posts and mandates begin and end with days.
    local = unit.now.astimezone(unit.around.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    actor = msgspec.structs.replace(actor, session=row.id, trust=row.trust, proven_at=row.proven_at)
    return Found(actor, row.seen_at, min(unit.now + NOTED, row.expires_at, midnight))


def _chain(unit: Unit, kind: str, principal: str) -> tuple[Link, ...]:
    return (Link("node", unit.around.node), Link(kind, principal))


def forget_old(unit: Unit) -> None:
    """Drop attempts, assertions, sessions, set-up codes and unfinished log-ins that are of no more use; run it every few minutes."""
    setup.forget_old(unit)
    attempt.forget_old(unit)
    pending.forget_old(unit)
    assertion.forget_old(unit)
    forget_sessions(unit)


def account_of(unit: Unit) -> UUID:
    """The account this unit's actor has logged in with. :raises Forbidden: they are no person or official."""
    found = unit.execute(select(session.c.account).where(session.c.id == unit.actor.session)).scalar()
    if found is None:
        raise Forbidden("This is only for those who have logged in with an account.")
    account_id: UUID = found
    return account_id
