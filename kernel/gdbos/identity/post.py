"""Posts (岗位): what an official may do, at which body, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Column, Date, Index, Row, String, Table, Uuid, and_, insert, or_, select, update

from gdbos.errors import Conflict, Forbidden, Invalid, NotFound, Violation
from gdbos.identity.account import Account, account, as_account, get_account
from gdbos.identity.body import body, get_body, reached, refuse_beyond_reach
from gdbos.identity.deciding import in_force
from gdbos.identity.duty import leave_duty, take_duty
from gdbos.identity.generation import advance
from gdbos.identity.matter_choice import refuse_unknown_matters
from gdbos.identity.number import known_division
from gdbos.identity.role import Role, excluded, role, roles
from gdbos.ids import new_id
from gdbos.reach import under
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Guarded
from gdbos.text import N_, Text
from gdbos.unit import Unit

_ORDER = ("own", "body", "division", "node")

post = Table(
    "identity_post",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("account", Uuid, nullable=False),
    Column("body", String(18), nullable=False),
    Column("role", String(80), nullable=False),
    Column("area", String(6), nullable=False),
    Column("matters", JSON, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("asked_by", String(80), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("confirmed_by", String(80), nullable=False),
    Column(
        "confirmed_at", Instant
    ),  # from when on it counts; none: an administrator's, which waits for a second official
    Index("identity_post_account", "account"),
    Index("identity_post_body", "body"),
    info={
        "guarded": Guarded(
            "officials hold posts at several bodies and must see them all to switch; always read by account"
        )
    },
)

delegation = Table(
    "identity_delegation",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("post", Uuid, nullable=False),
    Column("holder", Uuid, nullable=False),
    Column("delegate", Uuid, nullable=False),
    Column("matters", JSON, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Index("identity_delegation_delegate", "delegate"),
    Index("identity_delegation_holder", "holder"),
    info={
        "guarded": Guarded(
            "ids of accounts and posts and nothing about anybody; read by holder, by delegate, or to keep duties apart"
        )
    },
)


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """An official's post, with what a page says of it."""

    id: UUID
    account: UUID
    body: str
    body_name: Text
    division: str
    role: str
    title: Text
    since: date
    until: date | None = None
    """No longer from this day on."""
    area: str = ""
    """Division to whose subtree the post is limited; empty: all that its body or role reaches."""
    matters: tuple[str, ...] = ()
    """Matters to which it is limited; empty: all."""
    delegation: UUID | None = None
    """Under which delegation (代理) it is taken up, when it is another's."""


def appoint(
    unit: Unit,
    account_id: UUID,
    *,
    body: str,
    role_id: str,
    since: date | None = None,
    until: date | None = None,
    area: str = "",
    matters: tuple[str, ...] = (),
) -> UUID:
    """Give an official a post. Rights of posts are never added up: one post is active in a session.

    Where it makes an administrator (三员), it counts only once another confirms it (:mod:`gdbos.identity.appointment`).

    :raises Forbidden: the body or the role's reach lies beyond the appointer's own, or they appoint themselves.
    :raises Conflict: the official holds a role that excludes this one (三员分立), or already holds this very post.
    :param area: division below the body's to whose subtree the post is limited. :param matters: the only ones it is for.
    :raises Invalid: the account is not an official's, the role is none, the period is empty, or a limit is none.
    """
    wanted, where, since = role(unit, role_id), get_body(unit, body), since or unit.today
    _refuse_own(unit, account_id)
    refuse_beyond_reach(unit, where.uscc, where.division)
    refuse_farther(unit, wanted)
    if _waits(unit, wanted) and unit.actor.kind != "official":
        raise Forbidden("Only officials ask for the appointment of an administrator.")
    if until is not None and until <= since:
        detail = N_("A post must end after it begins.")
        raise Invalid(detail, violations=[Violation("$.until", "period", detail)])
    _refuse_wrong_limits(unit, where.division, area, matters)
    _refuse_conflicts(unit, account_id, wanted, body, since, until)
    row = new_id()
    limits = {"area": area, "matters": list(matters)}
    whole = {"id": row, "account": account_id, "body": body, "role": role_id, "since": since, "until": until}
    unit.execute(insert(post).values(**whole, **limits, **_said(unit, wanted)))
    take_duty(unit, wanted, row, account_id, since, until)
    advance(unit)
    act = "identity.post-asked" if _waits(unit, wanted) else "identity.post-given"
    unit.record(act, account=account_id, post=row, body=body, role=role_id)
    return row


def _waits(unit: Unit, wanted: Role) -> bool:
    # The node itself acts at set-up, for whoever runs it on its own machine, and for seeds: there is nobody else yet.
    return bool(wanted.administration) and unit.actor.kind != "plugin"


def _said(unit: Unit, wanted: Role) -> dict[str, Any]:
    waits = _waits(unit, wanted)
    confirmed = {"confirmed_by": "" if waits else unit.actor.id, "confirmed_at": None if waits else unit.now}
    return {"asked_by": unit.actor.id, "asked_at": unit.now, **confirmed}


def refuse_farther(unit: Unit, wanted: Role) -> None:
    """:raises Forbidden: the role reaches further than the actor's own post."""
    if _ORDER.index(wanted.scope) > _ORDER.index(unit.actor.reach):
        raise Forbidden("The role {role} reaches further than your own post.", role=wanted.id)


def end_post(unit: Unit, post_id: UUID) -> None:
    """End a post today, or withdraw one that waits to be confirmed.

    :raises NotFound: there is none within the actor's reach. :raises Forbidden: it is their own.
    """
    there = or_(open_today(unit), and_(post.c.confirmed_at.is_(None), ahead(unit)))
    chosen = select(post.c.account).join(body, body.c.uscc == post.c.body).where(post.c.id == post_id)
    row = unit.execute(chosen.where(there, reached(unit))).first()
    if row is None:
        raise NotFound("There is no post {post} in force.", post=post_id)
    _refuse_own(unit, row.account)
    unit.execute(update(post).where(post.c.id == post_id).values(until=unit.today))
    leave_duty(unit, post_id)
    advance(unit)
    unit.record("identity.post-ended", account=row.account, post=post_id)


def posts_of(unit: Unit, account_id: UUID) -> list[Post]:
    """The posts an account holds today, the oldest first, at active bodies and with roles that are in force."""
    found = unit.execute(
        _posts().where(post.c.account == account_id, open_today(unit)).order_by(post.c.since, post.c.id)
    )
    known = roles(unit)
    return [_post(row, known[row.role]) for row in found if row.role in known]


def posts(unit: Unit, *, after: UUID | None = None, limit: int = 50) -> list[Post]:
    """Posts held today within the actor's reach, in the order of their ids."""
    chosen = _posts().where(open_today(unit)).order_by(post.c.id)
    if after is not None:
        chosen = chosen.where(post.c.id > after)
    chosen = chosen.where(reached(unit))
    known = roles(unit)
    return [_post(row, known[row.role]) for row in unit.execute(chosen.limit(limit)) if row.role in known]


def accounts(unit: Unit, *, after: str = "", limit: int = 50) -> list[Account]:
    """Accounts in the order of their log-in names: all for who reaches the node, else those with a post in reach."""
    chosen = select(account).where(account.c.login > after).order_by(account.c.login).limit(limit)
    if unit.actor.reach != "node":
        held = select(post.c.account).join(body, body.c.uscc == post.c.body).where(reached(unit), ahead(unit))
        chosen = chosen.where(account.c.id.in_(held))
    return [as_account(row) for row in unit.execute(chosen)]


def refuse_foreign_account(unit: Unit, account_id: UUID) -> None:
    """Let administrators of less than the node act on accounts whose every post they reach, and on no others.

    :raises Forbidden: the account is a person's, has no post, or one elsewhere.
    """
    if unit.actor.reach == "node":
        return
    held = select(post.c.id).where(post.c.account == account_id, ahead(unit))
    within = held.join(body, body.c.uscc == post.c.body).where(reached(unit))
    everywhere, here = (len(unit.execute(chosen).all()) for chosen in (held, within))
    if not here or here < everywhere:
        raise Forbidden("The account lies outside the reach of your post.")


def ahead(unit: Unit) -> Any:
    """Whether a post is in force today or will be, or waits to be confirmed."""
    return or_(post.c.until.is_(None), post.c.until > unit.today)


def _posts() -> Any:
    columns = (post, body.c.name_zh, body.c.name_en, body.c.division)
    return select(*columns).join(body, body.c.uscc == post.c.body).where(body.c.active)


def open_today(unit: Unit) -> Any:
    """Whether a post counts today: its period holds the day, and it does not wait to be confirmed."""
    return and_(in_force(post.c.since, post.c.until, unit.today), post.c.confirmed_at.is_not(None))


def _refuse_wrong_limits(unit: Unit, division: str, area: str, matters: tuple[str, ...]) -> None:
    if area:
        known_division(unit, area, "$.area")
        if not under(division, area):
            detail = N_("A post is limited to a division at or below its body's own, {division}.")
            raise Invalid(detail, division=division, violations=[Violation("$.area", "reach", detail)])
    refuse_unknown_matters(unit, matters)


def _refuse_own(unit: Unit, account_id: UUID) -> None:
    if unit.actor.answers_for(str(account_id)):
        raise Forbidden("Nobody gives or ends a post of their own; ask another administrator.")


def _refuse_conflicts(unit: Unit, account_id: UUID, wanted: Role, at: str, since: date, until: date | None) -> None:
    holder = get_account(unit, account_id)
    if holder.kind != "official":
        detail = N_("Only an official's account can hold a post.")
        raise Invalid(detail, violations=[Violation("$.account", "kind", detail)])
    refuse_excluded(unit, wanted, held_by(unit, account_id, since, until))
    held = _overlapping(unit, account_id, since, until)
    if any((row.account, row.body, row.role) == (account_id, at, wanted.id) for row in held):
        raise Conflict("The official already holds the role {role} at {body}.", role=wanted.id, body=at)


def held_by(unit: Unit, account_id: UUID, since: date, until: date | None) -> list[str]:
    """The roles that the human of an account holds, or stands in at, within a period."""
    return [row.role for row in _overlapping(unit, account_id, since, until)] + _stood_in(
        unit, account_id, since, until
    )


def _overlapping(unit: Unit, account_id: UUID, since: date, until: date | None) -> Sequence[Row[Any]]:
    then = [or_(post.c.until.is_(None), post.c.until > since), *([post.c.since < until] if until is not None else [])]
    chosen = select(post.c.account, post.c.body, post.c.role).where(post.c.account.in_(accounts_of(unit, account_id)))
    return unit.execute(chosen.where(*then)).all()


def refuse_excluded(unit: Unit, wanted: Role, held: Sequence[str]) -> None:
    """:raises Conflict: one of the roles ``held`` may not be held by whoever holds ``wanted`` (三员分立)."""
    if found := excluded(unit, wanted, held):
        raise Conflict(
            "Nobody may hold the role {role} together with {held}: their duties check each other.",
            role=wanted.id,
            held=", ".join(found),
        )


def _stood_in(unit: Unit, account_id: UUID, since: date, until: date | None) -> list[str]:
    """The roles in which the human of an account stands in for others within a period."""
    t = delegation.c
    then = [t.delegate.in_(accounts_of(unit, account_id)), t.revoked_at.is_(None), t.until > since]
    chosen = (
        select(post.c.role).join(delegation, t.post == post.c.id).where(*then, *([t.since < until] if until else []))
    )
    return list(unit.execute(chosen).scalars())


def accounts_of(unit: Unit, account_id: UUID) -> list[UUID]:
    """All accounts of the one human, locked: two appointments at the same moment must not miss each other."""
    return list(unit.execute(_same_human(unit, account_id).with_for_update()).scalars())


def aliases_of(unit: Unit, account_id: UUID) -> tuple[str, ...]:
    """The further accounts of the human of an account."""
    return tuple(str(one) for one in unit.execute(_same_human(unit, account_id)).scalars() if one != account_id)


def _same_human(unit: Unit, account_id: UUID) -> Any:
    owner = unit.execute(select(account.c.person).where(account.c.id == account_id)).scalar()
    same = account.c.id == account_id if owner is None else or_(account.c.id == account_id, account.c.person == owner)
    return select(account.c.id).where(same).order_by(account.c.id)


def _post(row: Row[Any], held: Role) -> Post:
    return Post(
        id=row.id,
        account=row.account,
        body=row.body,
        body_name=Text(row.name_zh, row.name_en),
        division=row.division,
        role=row.role,
        title=held.title,
        since=row.since,
        until=row.until,
        area=row.area,
        matters=tuple(row.matters),
    )
