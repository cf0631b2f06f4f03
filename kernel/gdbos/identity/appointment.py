"""Appointments of administrators (三员任命): one official asks, an administrator who is another human confirms (四眼原则).

Otherwise the one who opens accounts and gives posts could make a puppet of each of the three who check one another. Two ways need no
second official, and the record says so: the set-up code of a new node, and whoever runs the node on its own machine
(``gdbos identity add-official``, seeds) — that is how the second administrator comes to be.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, update

from gdbos.errors import Forbidden, NotFound
from gdbos.identity.account import account
from gdbos.identity.body import body, get_body, reached, refuse_beyond_reach
from gdbos.identity.generation import advance
from gdbos.identity.post import ahead, post, refuse_farther
from gdbos.identity.role import roles
from gdbos.identity.session import current_post
from gdbos.text import Text
from gdbos.unit import Unit


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """A post that does not count yet: who is to hold it, and who asked for it."""

    id: UUID
    login: str
    body: str
    body_name: Text
    role: str
    title: Text
    since: date
    until: date | None
    asked_by: str
    """Log-in name of the official who asked."""
    asked_at: datetime
    own: bool
    """The reader asked for it or would hold it, and so cannot confirm it."""


def waiting(unit: Unit) -> list[Appointment]:
    """The appointments within the actor's reach that wait for a second official, oldest first; at most 200."""
    known = roles(unit)
    rows = unit.execute(_waiting(unit).where(reached(unit)).order_by(post.c.id).limit(200)).all()
    logins = _logins(unit, {UUID(row.asked_by) for row in rows})
    return [_appointment(unit, row, known[row.role].title, logins) for row in rows if row.role in known]


def confirm(unit: Unit, post_id: UUID) -> None:
    """Let a post count from now on, as another official asked.

    :raises NotFound: no such post waits. :raises Forbidden: the actor asked for it, would hold it, is no administrator, or it reaches
    further than their own post.
    """
    row = unit.execute(_waiting(unit).where(post.c.id == post_id).with_for_update(of=post)).first()
    if row is None or row.role not in roles(unit):
        raise NotFound("No appointment {post} waits to be confirmed.", post=post_id)
    if unit.actor.answers_for(row.asked_by) or unit.actor.answers_for(str(row.account)):
        raise Forbidden("Nobody appoints an administrator alone: another administrator has to confirm it.")
    _refuse_layman(unit)
    where = get_body(unit, row.body)
    refuse_beyond_reach(unit, where.uscc, where.division)
    refuse_farther(unit, roles(unit)[row.role])
    confirmed = {"confirmed_by": unit.actor.id, "confirmed_at": unit.now}
    unit.execute(update(post).where(post.c.id == post_id).values(confirmed))
    advance(unit)
    given = {"body": row.body, "role": row.role, "asked_by": row.asked_by, "confirmed_by": unit.actor.id}
    unit.record("identity.post-given", account=row.account, post=post_id, **given)


def _refuse_layman(unit: Unit) -> None:
    """A role of a lower pack may have the permission; the word of one whom somebody appointed alone counts for nothing here."""
    held = unit.execute(select(post.c.role).where(post.c.id == current_post(unit))).scalar()
    if held is None or not roles(unit)[held].administration:
        raise Forbidden("Only one of the system, security and audit administrators confirms another one's appointment.")


def _waiting(unit: Unit) -> Any:
    columns = (post, account.c.login, body.c.name_zh, body.c.name_en)
    joined = post.join(body, body.c.uscc == post.c.body).join(account, account.c.id == post.c.account)
    return select(*columns).select_from(joined).where(post.c.confirmed_at.is_(None), body.c.active, ahead(unit))


def _logins(unit: Unit, accounts: set[UUID]) -> dict[str, str]:
    found = unit.execute(select(account.c.id, account.c.login).where(account.c.id.in_(accounts)))
    return {str(row.id): row.login for row in found}


def _appointment(unit: Unit, row: Any, title: Text, logins: dict[str, str]) -> Appointment:
    return Appointment(
        id=row.id,
        login=row.login,
        body=row.body,
        body_name=Text(row.name_zh, row.name_en),
        role=row.role,
        title=title,
        since=row.since,
        until=row.until,
        asked_by=logins[row.asked_by],
        asked_at=row.asked_at,
        own=unit.actor.answers_for(row.asked_by) or unit.actor.answers_for(str(row.account)),
    )
