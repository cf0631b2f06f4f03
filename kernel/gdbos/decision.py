"""May this actor do this to that? One pure function says so, and says why (授权判定).

The guard before every handler asks it about addresses; :mod:`gdbos.storage.scope` and the database's policies ask the same
:func:`~gdbos.reach.reach_of` about rows; ``gdbos auth explain`` and the console show every rule that spoke. Denied unless allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Table

from gdbos.actor import Actor
from gdbos.plugin import KNOWN, PUBLIC, Permission
from gdbos.reach import Reach, reach_of
from gdbos.storage.scope import scope_of
from gdbos.text import N_

Rule = Literal["public", "known", "permission", "four-eyes", "matter", "area", "reach"]
Result = Literal["allowed", "denied", "passed"]


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """What is acted on, as far as a decision looks at it."""

    division: str | None = None
    """None: it does not say one, and then a post's division does not lead to it."""
    bodies: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    matter: str | None = None


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What else a decision rests on."""

    asked_by: str = ""
    """Who asked for what is being decided: nobody approves their own request (四眼原则)."""


class Reason(msgspec.Struct, frozen=True):
    """A rule that spoke: it lets pass, allows or denies."""

    rule: Rule
    result: Result
    because: str
    """An English message id, filled by ``facts``."""
    facts: dict[str, str] = {}


class Decision(msgspec.Struct, frozen=True):
    """What was decided, by which rule; ``reasons`` are all rules that spoke, the deciding one last."""

    rule: Rule
    result: Literal["allowed", "denied"]
    reasons: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        return self.result == "allowed"


NOTHING: Final = Context()
_LIMITED: Final = N_("The post is limited to {to}.")


def decide(actor: Actor, action: Permission, resource: Resource | None = None, context: Context = NOTHING) -> Decision:
    """Whether ``actor`` may do ``action``, to ``resource`` where one is named. Pure and total."""
    acts = _act(actor, action)
    if not acts.allowed or (resource is None and not context.asked_by):
        return acts
    reasons = [Reason(acts.rule, "passed", acts.reasons[0].because, acts.reasons[0].facts)]
    for reason in _about(actor, resource, context):
        reasons.append(reason)
        if reason.result != "passed":
            return Decision(reason.rule, reason.result, tuple(reasons))
    raise AssertionError("the last rule decides")


def resource_of(table: Table, row: Mapping[str, Any]) -> Resource:
    """A row of a scoped table as a resource."""
    scope = scope_of(table)
    assert scope is not None
    return Resource(
        division=row[scope.division] if scope.division else None,
        bodies=tuple(row[name] for name in scope.body if row[name]),
        subjects=tuple(row[name] for name in scope.subject if row[name]),
        matter=row[scope.matter] if scope.matter else None,
    )


def _act(actor: Actor, action: Permission) -> Decision:
    if action == PUBLIC:
        return _ANYBODY
    if actor.kind == "anonymous":
        return _NOBODY
    if action == KNOWN:
        return _ANYBODY_KNOWN
    return _permission(action.name, actor.may(action))


def _decided(rule: Rule, result: Literal["allowed", "denied"], because: str, **facts: str) -> Decision:
    return Decision(rule, result, (Reason(rule, result, because, facts),))


@lru_cache(1024)
def _permission(name: str, held: bool) -> Decision:
    """Every request is decided by one of these, and they are few: they are made once."""
    if held:
        return _decided("permission", "allowed", N_("What is held here gives {permission}."), permission=name)
    return _decided("permission", "denied", N_("Nothing that is held here gives {permission}."), permission=name)


_ANYBODY: Final = _decided("public", "allowed", N_("Anybody may."))
_NOBODY: Final = _decided("known", "denied", N_("Nobody known is asking."))
_ANYBODY_KNOWN: Final = _decided("known", "allowed", N_("Anybody known may."))


def _about(actor: Actor, resource: Resource | None, context: Context) -> Iterator[Reason]:
    if context.asked_by:
        if actor.answers_for(context.asked_by):
            yield Reason("four-eyes", "denied", N_("Who asked for it does not decide it."))
        yield Reason("four-eyes", "passed" if resource else "allowed", N_("Somebody else asked for it."))
    if resource is not None:
        yield from _row(reach_of(actor), resource)


def _row(reach: Reach, row: Resource) -> Iterator[Reason]:
    if reach.matters and row.matter is not None:
        kept: Result = "passed" if row.matter in reach.matters else "denied"
        yield Reason("matter", kept, _LIMITED, {"to": ", ".join(reach.matters)})
    if reach.area_low and row.division is not None:
        within: Result = "passed" if reach.area_low <= row.division <= reach.area_high else "denied"
        yield Reason("area", within, _LIMITED, {"to": reach.area_low})
    if way := _way(reach, row):
        yield Reason("reach", "allowed", *way)
    else:
        yield Reason("reach", "denied", N_("No way leads to the row: neither division, body nor subject."))


def _way(reach: Reach, row: Resource) -> tuple[str, dict[str, str]] | None:
    """The first way by which ``reach`` leads to ``row``."""
    if reach.everything:
        return N_("The whole node is within reach."), {}
    if reach.low and row.division is not None and reach.low <= row.division <= reach.high:
        return N_("The row's division lies in the subtree of {division}."), {"division": reach.low}
    body = reach.office if row.division is None else reach.body
    if body and body in row.bodies:
        return N_("The row is of the body {body}."), {"body": body}
    if set(reach.subjects) & set(row.subjects):
        return N_("The row is about the actor, or about whom they act for."), {}
    return None
