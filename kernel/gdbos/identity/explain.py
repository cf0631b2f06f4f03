"""Explaining a decision (授权说明): who is asking, in which post, for what; and every rule that spoke."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Table, select

from gdbos.actor import ANONYMOUS, Actor
from gdbos.decision import Context, Decision, Reason, Resource, decide, resource_of
from gdbos.errors import BadRequest, NotFound
from gdbos.identity.account import account, login_of
from gdbos.identity.delegation import offices
from gdbos.identity.identity import official_actor, person_actor, system_actor
from gdbos.plugin import KNOWN, PUBLIC, Permission
from gdbos.storage.scope import scope_of
from gdbos.unit import Unit

_ROW = re.compile(r"(\w+):([0-9a-f-]{36})\Z")
_PARTS = ("division", "body", "subject", "matter", "asked-by")


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with what it was made from; ids and codes, never a name."""

    actor: str
    kind: str
    chain: list[str]
    body: str
    division: str
    reach: str
    action: str
    resource: str
    result: str
    rule: str
    reasons: tuple[Reason, ...]


def explain(
    actor: Actor, named: str, action: Permission, said: str, about: tuple[Resource | None, Context]
) -> Explained:
    """Decide, and tell it whole."""
    found: Decision = decide(actor, action, *about)
    return Explained(
        actor=named,
        kind=actor.kind,
        chain=[f"{link.kind}:{link.id}" for link in actor.chain],
        body=actor.body,
        division=actor.division,
        reach="" if actor.kind in ("anonymous", "person") else actor.reach,
        action=action.name,
        resource=said,
        result=found.result,
        rule=found.rule,
        reasons=found.reasons,
    )


def actor_named(unit: Unit, named: str) -> Actor:
    """Who ``named`` is today: ``anonymous``, ``system:CLIENT_ID``, a log-in name, or one with a role of theirs: ``LOGIN/ROLE``.

    Without a role it is the post that a log-in begins with. Runs in identity's own name: it looks past everybody's reach.

    :raises NotFound: there is nobody by that name, they are disabled, or hold no such post.
    """
    if named == "anonymous":
        return ANONYMOUS
    if named.startswith("system:"):
        found = system_actor(unit, named.removeprefix("system:"))
    else:
        found = _with_account(unit, *named.partition("/")[::2])
    if found is None:
        raise NotFound("Nobody acts here as {actor} today.", actor=named)
    return found


def _with_account(unit: Unit, login: str, role: str) -> Actor | None:
    row = unit.execute(select(account).where(account.c.login == login_of(login), ~account.c.disabled)).first()
    if row is None:
        return None
    if row.kind == "person":
        return None if role else person_actor(unit, row.id, row.person, row.name)
    held = [one for one in offices(unit, row.id) if not role or one.role == role]
    if role and not held:
        return None
    return official_actor(unit, row.id, row.name, held[0] if held else None)


def permission_named(known: Iterable[Permission], name: str) -> Permission:
    """The permission of this name. :raises NotFound: nothing that runs here declares it."""
    for one in (PUBLIC, KNOWN, *known):
        if one.name == name:
            return one
    raise NotFound("Nothing that runs here declares a permission {permission}.", permission=name)


def resource_named(unit: Unit, tables: Mapping[str, Table], said: str) -> tuple[Resource | None, Context]:
    """What ``said`` names: nothing (empty, or ``-``), a row (``TABLE:ID``, within the reach of who asks), or what a row would say
    (``division=450103 body=… subject=… matter=… asked-by=ACCOUNT``).

    :raises BadRequest: it is none of these. :raises NotFound: there is no such row within reach.
    """
    words = said.split()
    if not words or words == ["-"]:
        return None, Context()
    if row := _ROW.match(words[0]):
        return _row(unit, tables, row[1], UUID(row[2])), Context()
    pairs = [(name, value) for name, _, value in (word.partition("=") for word in words)]
    if any(name not in _PARTS or not value for name, value in pairs):
        raise BadRequest("A resource is TABLE:ID, or division=… body=… subject=… matter=… asked-by=….")
    several = {part: tuple(value for name, value in pairs if name == part) for part in _PARTS}
    one = {part: values[0] if values else None for part, values in several.items()}
    context = Context(asked_by=one["asked-by"] or "")
    if set(dict(pairs)) == {"asked-by"}:
        return None, context
    whose = {"bodies": several["body"], "subjects": several["subject"]}
    return Resource(division=one["division"], matter=one["matter"], **whose), context


def _row(unit: Unit, tables: Mapping[str, Table], name: str, row_id: UUID) -> Resource:
    table = tables.get(name)
    if table is None or scope_of(table) is None:
        raise NotFound("There is no table {table} here whose rows are somebody's.", table=name)
    key: Any = table.primary_key.columns.values()[0]
    found = unit.execute(unit.rows(table).where(key == row_id)).mappings().first()
    if found is None:
        raise NotFound("There is no such row of {table} within your reach.", table=name)
    return resource_of(table, found)  # type: ignore[arg-type]
