"""The organisation as the console shows it: one body with what stands above and below it, its past, and who holds which post."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import or_, select

from gdbos.errors import NotFound
from gdbos.identity.account import account
from gdbos.identity.body import Body, Former, as_body, body, find_body, history, reached
from gdbos.identity.post import open_today, post
from gdbos.identity.role import Role, apart, roles
from gdbos.plugin import Permission
from gdbos.text import Text
from gdbos.unit import Unit

PAGE = 50


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A post at a body, and by which log-in name it is held."""

    id: UUID
    login: str
    role: str
    title: Text
    area: str
    matters: tuple[str, ...]
    since: date
    until: date | None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A body in its place; without one the uppermost bodies."""

    body: Body | None
    above: list[Body]
    below: list[Body]
    next: str
    past: list[Former]
    held: list[Held]


def show(unit: Unit, uscc: str, after: str = "") -> Shown:
    """The body ``uscc``, or the uppermost ones, with a page of those below. :raises NotFound: it is not known, or out of reach."""
    found = _one(unit, uscc) if uscc else None
    below = _below(unit, uscc, after)
    return Shown(
        body=found,
        above=_above(unit, found) if found else [],
        below=below[:PAGE],
        next=below[PAGE - 1].uscc if len(below) > PAGE else "",
        past=history(unit, uscc) if found else [],
        held=_held(unit, uscc) if found else [],
    )


def find_bodies(unit: Unit, words: str) -> list[Body]:
    """Bodies in reach whose name or USCC has ``words`` in it."""
    has = or_(*(column.contains(words, autoescape=True) for column in (body.c.uscc, body.c.name_zh, body.c.name_en)))
    return [
        as_body(row) for row in unit.execute(select(body).where(reached(unit), has).order_by(body.c.uscc).limit(PAGE))
    ]


def _one(unit: Unit, uscc: str) -> Body:
    row = unit.execute(select(body).where(body.c.uscc == uscc, reached(unit))).first()
    if row is None:
        raise NotFound("There is no body {uscc} within the reach of your post.", uscc=uscc)
    return as_body(row)


def _above(unit: Unit, found: Body) -> list[Body]:
    chain: list[Body] = []
    while found.parent and (upper := find_body(unit, found.parent)) and upper not in chain:
        chain.insert(0, upper)
        found = upper
    return chain


def _below(unit: Unit, uscc: str, after: str) -> list[Body]:
    upper = body.alias()
    top = or_(
        body.c.parent == "", ~select(upper.c.uscc).where(upper.c.uscc == body.c.parent, reached(unit, upper)).exists()
    )
    chosen = select(body).where(reached(unit), body.c.uscc > after, body.c.parent == uscc if uscc else top)
    return [as_body(row) for row in unit.execute(chosen.order_by(body.c.uscc).limit(PAGE + 1))]


def _held(unit: Unit, uscc: str) -> list[Held]:
    chosen = select(post, account.c.login).join(account, account.c.id == post.c.account)
    rows = unit.execute(
        chosen.where(post.c.body == uscc, open_today(unit)).order_by(account.c.login, post.c.id).limit(500)
    )
    known = roles(unit)
    return [_as_held(row, known[row.role]) for row in rows if row.role in known]


def _as_held(row: Any, role: Role) -> Held:
    return Held(
        id=row.id,
        login=row.login,
        role=row.role,
        title=role.title,
        area=row.area,
        matters=tuple(row.matters),
        since=row.since,
        until=row.until,
    )


class Line(msgspec.Struct, frozen=True):
    """A permission, and the roles that have it."""

    permission: Permission
    held_by: frozenset[str]


class Matrix(msgspec.Struct, frozen=True):
    """Roles × permissions (角色权限矩阵) as they stand here today: the packs' roles, what enabled plugins declare."""

    roles: list[Role]
    lines: list[Line]
    apart: dict[str, list[Text]]
    """Role → the titles of those that nobody may hold beside it."""


def matrix(unit: Unit, permissions: list[Permission]) -> Matrix:
    """Which role may do what. A prefix that a role names holds for every permission under it."""
    known = sorted(roles(unit).values(), key=lambda role: (role.given_to, role.id))
    lines = [Line(one, frozenset(role.id for role in known if _has(role, one.name))) for one in permissions]
    kept = {role.id: [other.title for other in known if apart(role, other)] for role in known}
    return Matrix(known, sorted(lines, key=lambda line: line.permission.name), kept)


def _has(role: Role, name: str) -> bool:
    return any(one == name or (one.endswith(".*") and name.startswith(one[:-1])) for one in role.permissions)
