"""Grants as the console lists them, and several drafts decided in one act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from gdbos.bus.grant import Grant, bus_grant, decide, grant_of
from gdbos.identity.body import names as body_names
from gdbos.text import Text
from gdbos.unit import Unit

GrantState = Literal["draft", "live", "refused", "revoked"]


class GrantPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of grants of one state, newest first."""

    grants: list[Grant]
    names: dict[str, Text]
    """Bodies by USCC."""
    next: UUID | None = None


def list_grants(unit: Unit, state: GrantState, after: UUID | None, limit: int) -> GrantPage:
    """A page of the grants that concern the reader's body."""
    t = bus_grant.c
    wanted = unit.rows(bus_grant).where(t.state == state).order_by(t.id.desc()).limit(limit + 1)
    rows = unit.execute(wanted.where(t.id < after) if after else wanted).mappings().all()
    shown = [grant_of(row) for row in rows[:limit]]
    bodies = sorted({body for grant in shown for body in (grant.body, grant.provider)})
    return GrantPage(grants=shown, names=body_names(unit, bodies), next=shown[-1].id if len(rows) > limit else None)


def decide_all(unit: Unit, ids: Sequence[UUID], approve: bool, reason: str) -> int:
    """Decide several drafts with one reason, all or none; returns how many.

    Raises like :func:`gdbos.bus.grant.decide`, for the first that cannot be decided; then none is.
    """
    for grant_id in dict.fromkeys(ids):
        decide(unit, grant_id, approve=approve, reason=reason)
    return len(set(ids))
