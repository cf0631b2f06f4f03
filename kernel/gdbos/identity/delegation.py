"""Delegation (代理): an official lets another stand in at their post while they are away; revocable at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, insert, or_, select, update

from gdbos.errors import Conflict, Forbidden, Invalid, NotFound, Violation
from gdbos.identity.account import account, find_account
from gdbos.identity.body import body, get_body, refuse_beyond_reach
from gdbos.identity.deciding import in_force
from gdbos.identity.duty import leave_duty, take_duty
from gdbos.identity.generation import advance
from gdbos.identity.permission import APPOINT
from gdbos.identity.post import Post, accounts_of, delegation, held_by, post, posts_of, refuse_excluded
from gdbos.identity.role import role, roles
from gdbos.ids import new_id
from gdbos.text import N_, Text
from gdbos.unit import Unit

LONGEST: Final = timedelta(days=366)


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """That a delegate stands in at a post; log-in names, since both are colleagues."""

    id: UUID
    post: UUID
    body: str
    body_name: Text
    title: Text
    holder: str
    delegate: str
    matters: tuple[str, ...] = ()
    """Matters to which it is limited, within those of the post; empty: all of the post's."""
    since: date
    until: date
    """No longer from this day on."""
    revoked: bool = False


def delegate(
    unit: Unit, post_id: UUID, to: str, *, until: date, since: date | None = None, matters: tuple[str, ...] = ()
) -> UUID:
    """Let the official with the log-in name ``to`` stand in at one of the actor's own posts.

    They act under the delegation in the chain, with the post's rights and no others; they cannot pass it on.

    :raises NotFound: the post is none of the actor's own. :raises Invalid: the period is empty or longer than a year.
    :raises Forbidden: the other is the actor, or holds no post at the body.
    :raises Conflict: they hold a role that excludes this one, or stand in at this post already.
    """
    since = since or unit.today
    held = posts_of(unit, UUID(unit.actor.id)) if unit.actor.kind == "official" else []
    own = next((one for one in held if one.id == post_id), None)
    if own is None:
        raise NotFound("You hold no such post today.")
    if not since < until <= since + LONGEST:
        detail = N_("A delegation begins before it ends, and lasts a year at most.")
        raise Invalid(detail, violations=[Violation("$.until", "period", detail)])
    if own.matters and not (matters and set(matters) <= set(own.matters)):
        matters = tuple(one for one in own.matters if not matters or one in matters)
        if not matters:
            detail = N_("Your post is for none of these matters.")
            raise Invalid(detail, violations=[Violation("$.matters", "reach", detail)])
    other = _colleague(unit, to, own)
    _refuse_conflicts(unit, other, own, since, until)
    row = new_id()
    whole = {"id": row, "post": post_id, "holder": UUID(unit.actor.id), "delegate": other, "matters": list(matters)}
    unit.execute(insert(delegation).values(**whole, since=since, until=until, given_at=unit.now, revoked_at=None))
    take_duty(unit, role(unit, own.role), row, other, since, until)
    advance(unit)
    unit.record("identity.delegation-given", delegation=row, post=post_id, account=other, until=until)
    return row


def revoke_delegation(unit: Unit, delegation_id: UUID) -> None:
    """End a delegation at once: its holder, its delegate, or who appoints at the body may. :raises NotFound: there is none to end."""
    chosen = _all().where(delegation.c.id == delegation_id, delegation.c.revoked_at.is_(None))
    row = unit.execute(chosen.where(delegation.c.until > unit.today)).first()
    if row is None or not _may_end(unit, row):
        raise NotFound("There is no delegation {delegation} in force that you could end.", delegation=delegation_id)
    unit.execute(update(delegation).where(delegation.c.id == delegation_id).values(revoked_at=unit.now))
    leave_duty(unit, delegation_id)
    advance(unit)
    unit.record("identity.delegation-revoked", delegation=delegation_id, post=row.post)


def delegations(unit: Unit) -> list[Delegation]:
    """The delegations the actor has given and received, newest first, ended ones too."""
    if unit.actor.kind != "official":
        return []
    own = UUID(unit.actor.id)
    party = or_(delegation.c.holder == own, delegation.c.delegate == own)
    found = unit.execute(_all().where(party).order_by(delegation.c.id.desc()).limit(100)).all()
    logins = _logins(unit, {one for row in found for one in (row.holder, row.delegate)})
    titles = {one.id: one.title for one in roles(unit).values()}
    return [_delegation(row, logins, titles) for row in found if row.role in titles]


def offices(unit: Unit, account_id: UUID) -> list[Post]:
    """Every post an account may take up today: its own, then those at which it stands in for others."""
    return posts_of(unit, account_id) + [one for one, _ in stood_in(unit, account_id)]


def stood_in(unit: Unit, account_id: UUID) -> list[tuple[Post, UUID]]:
    """The posts at which an account stands in today, each with its holder; none whose holder's access has ended."""
    t = delegation.c
    mine = (t.delegate == account_id, t.revoked_at.is_(None), in_force(t.since, t.until, unit.today))
    chosen = select(t.id, t.post, t.holder, t.matters).join(account, account.c.id == t.holder)
    found = []
    for row in unit.execute(chosen.where(*mine, ~account.c.disabled).order_by(t.id)).all():
        held = next((one for one in posts_of(unit, row.holder) if one.id == row.post), None)
        if held is not None:
            matters = tuple(row.matters) or held.matters
            found.append((msgspec.structs.replace(held, delegation=row.id, matters=matters), row.holder))
    return found


def _colleague(unit: Unit, login: str, own: Post) -> UUID:
    other = find_account(unit, login)
    if other is None or other.disabled or other.kind != "official":
        raise NotFound("There is no official with the log-in name {login}.", login=login)
    if other.id in accounts_of(unit, UUID(unit.actor.id)):
        raise Forbidden("Nobody stands in for themself; name a colleague.")
    if not any(one.body == own.body for one in posts_of(unit, other.id)):
        raise Forbidden("{login} holds no post at your body; only a colleague stands in.", login=login)
    return other.id


def _refuse_conflicts(unit: Unit, other: UUID, own: Post, since: date, until: date) -> None:
    refuse_excluded(unit, role(unit, own.role), held_by(unit, other, since, until))
    t = delegation.c
    same = (t.post == own.id, t.delegate == other, t.revoked_at.is_(None), t.since < until, t.until > since)
    if unit.execute(select(t.id).where(*same)).first():
        raise Conflict("The official stands in at this post already; end that delegation first.")


def _may_end(unit: Unit, row: Row[Any]) -> bool:
    actor = unit.actor
    if actor.id in (str(row.holder), str(row.delegate)):
        return True
    if not actor.may(APPOINT):
        return False
    where = get_body(unit, row.body)
    try:
        refuse_beyond_reach(unit, where.uscc, where.division)
    except Forbidden:
        return False
    return True


def _all() -> Any:
    columns = (delegation, post.c.body, post.c.role, body.c.name_zh, body.c.name_en)
    joined = delegation.join(post, post.c.id == delegation.c.post).join(body, body.c.uscc == post.c.body)
    return select(*columns).select_from(joined)


def _logins(unit: Unit, accounts: set[UUID]) -> dict[UUID, str]:
    found = unit.execute(select(account.c.id, account.c.login).where(account.c.id.in_(accounts)))
    return {row.id: row.login for row in found}


def _delegation(row: Row[Any], logins: dict[UUID, str], titles: dict[str, Text]) -> Delegation:
    return Delegation(
        id=row.id,
        post=row.post,
        body=row.body,
        body_name=Text(row.name_zh, row.name_en),
        title=titles[row.role],
        holder=logins[row.holder],
        delegate=logins[row.delegate],
        matters=tuple(row.matters),
        since=row.since,
        until=row.until,
        revoked=row.revoked_at is not None,
    )
