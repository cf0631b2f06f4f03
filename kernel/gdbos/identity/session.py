"""Sessions: that someone has logged in, with which post, and for whom they act."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Column, Index, LargeBinary, String, Table, Uuid, delete, insert, or_, select, update

from gdbos.actor import Trust
from gdbos.errors import Forbidden, NotFound
from gdbos.identity.delegation import offices
from gdbos.identity.generation import advance
from gdbos.identity.mandate import may_act_for
from gdbos.ids import new_id
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Guarded
from gdbos.unit import Unit

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=8)
ADMINISTRATOR_IDLE: Final = timedelta(minutes=15)
ADMINISTRATOR_LONGEST: Final = timedelta(hours=2)
NOTED: Final = timedelta(seconds=60)
"""How exactly we know when a session was last used: writing it on every request would cost a commit each."""
_KEPT: Final = timedelta(days=180)
"""How long ended sessions stay (网络安全法 art. 21: at least six months)."""

session = Table(
    "identity_session",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("secret", LargeBinary(32), unique=True),
    Column("account", Uuid),
    Column("system", String(80), nullable=False),
    Column("post", Uuid),
    Column("acts_for", String(80), nullable=False),
    Column("device", String(60), nullable=False),
    Column("method", String(60), nullable=False),
    Column("trust", String(2), nullable=False),
    Column("proven_at", Instant),
    Column("authenticated_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index("identity_session_account", "account"),
    Index("identity_session_expires", "expires_at"),
    info={
        "guarded": Guarded(
            "a session is found by its secret before anybody is known, and listed by its own account only"
        )
    },
)


class Opened(msgspec.Struct, frozen=True):
    """A session just opened or renewed; only now is its secret known."""

    id: UUID
    secret: str
    expires_at: datetime


class How(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody logged in."""

    method: str = "password"
    device: str = ""
    trust: Trust = "L1"
    proven: bool = False
    """With a second factor."""
    authenticated_at: datetime | None = None
    """When they showed the provider who they are, which may be long before this log-in; None where it does not say."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its owner sees it in the list of devices."""

    id: UUID
    created_at: datetime
    seen_at: datetime
    current: bool
    device: str
    """Browser and system, as far as the browser says; nothing that tells one machine from another."""
    method: str
    """``password``, or the name of the OpenID provider."""
    second_factor: bool


def digest(secret: str) -> bytes:
    """What the database keeps of a secret: who reads the database cannot log in with it."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def open_session(unit: Unit, account_id: UUID, *, how: How, post: UUID | None = None, acts_for: str = "") -> Opened:
    """Open a session for an account under a fresh secret of 256 bits."""
    opened = Opened(new_id(), secrets.token_urlsafe(32), unit.now + LONGEST)
    proven_at = unit.now if how.proven else None
    _insert(
        unit,
        opened.id,
        opened.expires_at,
        secret=digest(opened.secret),
        account=account_id,
        post=post,
        acts_for=acts_for,
        device=how.device,
        method=how.method,
        trust=how.trust,
        proven_at=proven_at,
        authenticated_at=unit.now if how.method == "password" else how.authenticated_at,
    )
    unit.record("identity.session-opened", account=account_id, session=opened.id, method=how.method, trust=how.trust)
    return opened


def open_system_session(unit: Unit, client_id: str, lifetime: timedelta) -> UUID:
    """Open a session that a system's token names; it has no cookie."""
    row = new_id()
    _insert(unit, row, unit.now + lifetime, system=client_id)
    return row


def end(unit: Unit, session_id: UUID, account_id: UUID) -> None:
    """End one session of an account at once. :raises NotFound: the account has no such session."""
    if _end(unit, session.c.id == session_id, session.c.account == account_id) == 0:
        raise NotFound("There is no such session; it may have ended already.")
    unit.record("identity.session-ended", account=account_id, session=session_id)


def end_presented(unit: Unit, secret: str) -> None:
    """End the session that a log-in finds already there, so that nobody goes on under a name they were handed."""
    _end(unit, session.c.secret == digest(secret))


def end_all(unit: Unit, account_id: UUID, *, but: UUID | None = None) -> int:
    """End every session of an account, except ``but``; returns how many."""
    others = [session.c.id != but] if but else []
    count = _end(unit, session.c.account == account_id, *others)
    unit.record("identity.sessions-ended", account=account_id, count=count)
    return count


def devices(unit: Unit, account_id: UUID) -> list[Device]:
    """The live sessions of an account, the last used first."""
    chosen = select(session).where(session.c.account == account_id, *_live(unit)).order_by(session.c.seen_at.desc())
    return [
        Device(
            id=row.id,
            created_at=row.created_at,
            seen_at=row.seen_at,
            current=row.id == unit.actor.session,
            device=row.device,
            method=row.method,
            second_factor=row.proven_at is not None,
        )
        for row in unit.execute(chosen.limit(100))
    ]


def switch_post(unit: Unit, post_id: UUID) -> Opened:
    """Take up another of one's posts in this session, under a new secret. :raises NotFound: it is not one of theirs."""
    account_id = _own_account(unit, "official")
    if not any(held.id == post_id for held in offices(unit, account_id)):
        raise NotFound("You hold no such post today.")
    unit.record("identity.post-taken-up", account=account_id, post=post_id)
    return _renew(unit, post=post_id)


def prove(unit: Unit, trust: Trust) -> Opened:
    """Note that this session has shown a second factor just now; it goes on under a new secret."""
    unit.record("identity.second-factor-shown", session=unit.actor.session)
    return _renew(unit, proven_at=unit.now, trust=trust)


def way_in(unit: Unit) -> tuple[str, datetime | None]:
    """By which method the session this unit runs in began, and when its holder showed there who they are."""
    chosen = select(session.c.method, session.c.authenticated_at).where(session.c.id == unit.actor.session)
    row = unit.execute(chosen).one()
    return row.method, row.authenticated_at


def current_post(unit: Unit) -> UUID | None:
    """The post taken up in the session this unit runs in."""
    found: UUID | None = unit.execute(select(session.c.post).where(session.c.id == unit.actor.session)).scalar()
    return found


def switch_acts_for(unit: Unit, subject: str) -> None:
    """Act for the principal with this subject key from now on; an empty key: for oneself again.

    :raises Forbidden: no mandate in force and no office of legal representative covers it.
    """
    _own_account(unit, "person")
    if subject and not may_act_for(unit, UUID(unit.actor.id), subject):
        raise Forbidden("No mandate in force lets you act for this principal; ask them for one.")
    unit.execute(update(session).where(session.c.id == unit.actor.session).values(acts_for=subject))
    advance(unit)
    unit.record("identity.acting-changed", session=unit.actor.session, acting=int(bool(subject)))


def touch(unit: Unit, session_id: UUID) -> None:
    """Note that a session is in use."""
    unit.execute(update(session).where(session.c.id == session_id).values(seen_at=unit.now))


def forget_old(unit: Unit) -> None:
    """Drop sessions that ended long ago; those of systems, of which each token makes one, as soon as they expire."""
    unit.execute(
        delete(session).where(
            or_(
                session.c.expires_at < unit.now - _KEPT,
                (session.c.account.is_(None)) & (session.c.expires_at < unit.now),
            )
        )
    )


def _insert(unit: Unit, row: UUID, expires_at: datetime, **values: Any) -> None:
    empty = {"secret": None, "account": None, "system": "", "post": None, "acts_for": ""}
    empty |= {"device": "", "method": "", "trust": "L1", "proven_at": None, "authenticated_at": None}
    times = {"created_at": unit.now, "seen_at": unit.now, "expires_at": expires_at, "ended_at": None}
    unit.execute(insert(session).values(id=row, **{**empty, **times, **values}))


def _renew(unit: Unit, **values: Any) -> Opened:
    session_id = unit.actor.session
    assert session_id is not None
    secret = secrets.token_urlsafe(32)
    mine = session.c.id == session_id
    unit.execute(update(session).where(mine).values(secret=digest(secret), **values))
    advance(unit)
    return Opened(session_id, secret, unit.execute(select(session.c.expires_at).where(mine)).scalar_one())


def _end(unit: Unit, *which: Any) -> int:
    ended = unit.execute(update(session).where(*which, session.c.ended_at.is_(None)).values(ended_at=unit.now)).rowcount
    if ended:
        advance(unit)
    return ended


def _live(unit: Unit) -> tuple[Any, ...]:
    return (session.c.ended_at.is_(None), session.c.expires_at > unit.now, session.c.seen_at > unit.now - IDLE)


def _own_account(unit: Unit, kind: str) -> UUID:
    """The account of the session this unit runs in. :raises Forbidden: it is none of this kind."""
    if unit.actor.kind != kind or unit.actor.session is None:
        raise Forbidden("This is only for someone who has logged in as {kind}.", kind=kind)
    found = unit.execute(select(session.c.account).where(session.c.id == unit.actor.session)).scalar()
    if found is None:
        raise NotFound("There is no such session; it may have ended already.")
    account_id: UUID = found
    return account_id
