"""One's own bundles, as the bus lists them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from gdbos import Disclosed, Offer, Text, Unit

from .permission import READ
from .record import Bundle, State, bundle_of, bundles_query, plan_of
from .tables import bundle
from .view import STATES

Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class MineQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of one's own bundles: the newest first, ``after`` the last one already seen."""

    after: UUID | None = None
    limit: Limit = 20


class MineView(msgspec.Struct, frozen=True, kw_only=True):
    """One of one's own bundles in a list."""

    bundle: UUID
    plan: str
    title: Text
    state: State
    state_title: Text
    started_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None
    subject: str


class MineList(msgspec.Struct, frozen=True):
    """A page of one's own bundles; ``next`` is the key of the following page."""

    bundles: list[MineView]
    next: UUID | None = None


def show_mine(unit: Unit, query: MineQuery) -> MineList:
    """The caller's own bundles; nothing for anybody but a person."""
    if unit.actor.kind != "person":
        return MineList([])
    statement = bundles_query(unit).order_by(bundle.c.id.desc()).limit(query.limit + 1)
    if query.after:
        statement = statement.where(bundle.c.id < query.after)
    found = [bundle_of(row) for row in unit.execute(statement).mappings()]
    shown = [_mine(unit, one) for one in found[: query.limit]]
    return MineList(shown, shown[-1].bundle if len(found) > query.limit else None)


def _mine(unit: Unit, one: Bundle) -> MineView:
    return MineView(
        bundle=one.id,
        plan=one.plan,
        title=plan_of(unit, one).title,
        state=one.state,
        state_title=STATES[one.state],
        started_at=one.started_at,
        submitted_at=one.submitted_at,
        finished_at=one.finished_at,
        subject=one.subject,
    )


def _of_list(_: Any, reply: MineList) -> Iterable[Disclosed]:
    return [Disclosed(one.subject) for one in reply.bundles]


MINE = Offer(
    code="services.bundles.mine",
    title=Text("我的一件事", "My bundles"),
    takes=MineQuery,
    gives=MineList,
    provide=show_mine,
    discloses=_of_list,
    permission=READ,
    own=True,
)
