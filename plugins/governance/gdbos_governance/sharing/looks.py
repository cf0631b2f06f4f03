"""Requests for shared data as the two departments see them, with the day by which an answer is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from gdbos import NotFound, NotPublished, Text, Unit, body_names, due

from .tables import request

RULES = {"1": "sharing-reply-unconditional", "2": "sharing-reply-conditional"}
"""Deadline of the reply by sharing attribute (政务数据共享条例 art. 21)."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the two departments see it."""

    id: UUID
    number: str
    state: str
    body: str
    body_name: Text
    owner: str
    owner_name: Text
    resource: UUID
    code: str
    name: Text
    sharing: str
    service: str
    system: str
    matters: list[str]
    purpose: str
    legal_basis: str
    fields: list[str]
    clear: list[str]
    until: date | None
    granted: list[str]
    grant: UUID | None
    reason: str
    asked_by: str
    asked_at: datetime
    decided_at: datetime | None
    due: date | None
    """Last day for the reply; none where the calendar is not published so far."""
    due_why: Text
    late: bool


class Listed(msgspec.Struct, frozen=True):
    """Requests, newest first; ``next`` is the key of the following page."""

    requests: list[Request]
    next: UUID | None = None


def get(unit: Unit, request_id: UUID) -> Request:
    """One request. :raises NotFound: none that concerns the actor's body."""
    row = unit.execute(unit.rows(request).where(request.c.id == request_id)).mappings().first()
    if row is None:
        raise NotFound("There is no such request, or it is not yours to see.")
    return _shown(unit, [row])[0]


def asked_by_us(unit: Unit, after: UUID | None = None, limit: int = 20) -> Listed:
    """What the actor's body has asked for, newest first."""
    return _listed(unit, request.c.body == unit.actor.body, after, limit)


def asked_of_us(unit: Unit, after: UUID | None = None, limit: int = 20) -> Listed:
    """What others have asked of the actor's body, newest first."""
    return _listed(unit, request.c.owner == unit.actor.body, after, limit)


def _listed(unit: Unit, condition: Any, after: UUID | None, limit: int) -> Listed:
    ordered = unit.rows(request).where(condition).order_by(request.c.id.desc()).limit(limit + 1)
    page = unit.execute(ordered.where(request.c.id < after) if after else ordered).mappings().all()
    shown = _shown(unit, page[:limit])
    return Listed(shown, shown[-1].id if len(page) > limit else None)


def _shown(unit: Unit, rows: Sequence[Mapping[Any, Any]]) -> list[Request]:
    names = body_names(unit, sorted({uscc for row in rows for uscc in (row["body"], row["owner"])}))
    return [_one(unit, row, names) for row in rows]


def _one(unit: Unit, row: Mapping[Any, Any], names: Mapping[str, Text]) -> Request:
    reply, why = reply_due(unit, row["sharing"], row["asked_on"])
    same = {name: row[name] for name in Request.__struct_fields__ if name in row}
    return Request(
        **same,
        body_name=names.get(row["body"], Text(row["body"])),
        owner_name=names.get(row["owner"], Text(row["owner"])),
        name=Text(row["name_zh"], row["name_en"]),
        due=reply,
        due_why=why,
        late=row["state"] == "asked" and reply is not None and unit.today > reply,
    )


def reply_due(unit: Unit, sharing: str, asked_on: date) -> tuple[date | None, Text]:
    """The last day for the reply to a request of that day, and how it was counted.

    Reckoned anew each time: a calendar that was not published when it was asked may be by now.
    """
    rule = unit.standards.deadline(RULES[sharing], asked_on)
    try:
        found = due(asked_on, rule, unit.standards.calendar(unit.around.division))
    except NotPublished:
        return None, Text(
            "国务院尚未公布该期间的放假安排", "The State Council has not published the calendar of that time"
        )
    return found.due, found.explanation
