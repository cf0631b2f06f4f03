"""Objections (数据异议) to a published resource: another department disputes what it says, or who may say it; the owner answers.

open → answered → closed, by whoever raised it. As long as one is not closed, every reply of the service that carries the resource
tells that there is one and on which field; what it says is read by the two departments alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import insert, update

from gdbos import (
    N_,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotPublished,
    Text,
    Unit,
    Violation,
    body_names,
    due,
    lift_notice,
    new_id,
    on,
    post_notice,
)

from .events import ObjectionAnswered, ObjectionClosed, ObjectionRaised, ResourceMounted
from .resource import Done, Shown, find
from .tables import objection

DEADLINE = "sharing-correction"
"""政务数据共享条例 art. 26: corrections are handled within this time."""
TABLE = "catalogue_objection"
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Raised(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody objects to."""

    kind: Literal["catalogue", "use", "other"]
    """``catalogue``: the entry is wrong (目录纠错) · ``use``: the data are, or are not this source's to say (使用异议)."""
    field: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """One field of the resource; empty: the whole of it."""
    words: Words


class Answered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the owner says to it."""

    verdict: Literal["accepted", "rejected"]
    words: Words


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """An objection as the two departments see it."""

    id: UUID
    state: str
    kind: str
    field: str
    words: str
    resource: UUID
    body: str
    objector: str
    objector_name: Text
    verdict: str
    answer: str
    answered_by: str
    opened_at: datetime
    due: date | None
    """The last day for the answer; none where the calendar is not published so far."""


# Acts.


def raise_objection(unit: Unit, resource_id: UUID, raised: Raised) -> Done:
    """Object to a published resource of another body.

    :raises NotFound: there is none. :raises Forbidden: it is one's own, or one acts for no body. :raises Invalid: it has no such field.
    """
    shown = find(unit, resource_id)
    if not unit.actor.body or shown.body == unit.actor.body:
        raise Forbidden("Departments object to the data of others; withdraw and mend what is your own.")
    if raised.field and raised.field not in {item.field for item in shown.entry.items}:
        detail = N_("The resource has no field {field}.")
        raise Invalid(violations=[Violation("$.field", "unknown", detail, facts={"field": raised.field})])
    row = _opened(unit, shown, raised)
    unit.execute(insert(objection).values(row))
    _tell(unit, row, shown.service)
    unit.emit(ObjectionRaised(**_parties(row), kind=raised.kind))
    unit.record("governance.catalogue.objection-open", objection=str(row["id"]), resource=str(resource_id))
    return Done(id=row["id"], state="open")


def _opened(unit: Unit, shown: Shown, raised: Raised) -> dict[str, Any]:
    id = new_id()
    return {
        "id": id,
        "division": shown.division,
        "body": shown.body,
        "objector": unit.actor.body,
        "resource": shown.id,
        "kind": raised.kind,
        "field": raised.field,
        "words": unit.vault.seal(raised.words, table=TABLE, column="words", row=id, division=shown.division),
        "state": "open",
        "verdict": "",
        "opened_by": unit.actor.id,
        "opened_at": unit.now,
        "opened_on": unit.today,
        "answered_by": "",
        "closed_by": "",
    }


def answer(unit: Unit, objection_id: UUID, said: Answered) -> Done:
    """Say what one's body makes of it. :raises NotFound: none of one's own. :raises Forbidden: another's. :raises Conflict: not open."""
    row = _row(unit, objection_id)
    if row["body"] != unit.actor.body:
        raise Forbidden("Only the department that provides the resource answers.")
    if row["state"] != "open":
        raise Conflict("The objection is {state}; only an open one can be answered.", state=row["state"])
    place = {"table": TABLE, "column": "answer", "row": objection_id, "division": row["division"]}
    changed = {"verdict": said.verdict, "answer": unit.vault.seal(said.words, **place)}
    unit.emit(ObjectionAnswered(**_parties(row), verdict=said.verdict))
    return _moved(unit, row, "answered", answered_by=unit.actor.id, answered_at=unit.now, **changed)


def close(unit: Unit, objection_id: UUID) -> Done:
    """Be content, or give up; replies no longer tell of it. :raises NotFound, Forbidden, Conflict: it is not one's own to close."""
    row = _row(unit, objection_id)
    if row["objector"] != unit.actor.body:
        raise Forbidden("Only the department that objected closes the objection.")
    if row["state"] == "closed":
        raise Conflict("The objection is closed already.")
    if unit.actor.answers_for(row["answered_by"]):
        raise Forbidden("Nobody closes an objection that they answered.")
    lift_notice(unit, notice_of(objection_id))
    unit.emit(ObjectionClosed(**_parties(row)))
    return _moved(unit, row, "closed", closed_by=unit.actor.id, closed_at=unit.now)


def _moved(unit: Unit, row: Mapping[Any, Any], state: str, **values: Any) -> Done:
    unit.execute(update(objection).where(objection.c.id == row["id"]).values(state=state, **values))
    unit.record(f"governance.catalogue.objection-{state}", objection=str(row["id"]))
    return Done(id=row["id"], state=state, version=2 if state == "answered" else 3)


# What replies tell.


def notice_of(objection_id: UUID) -> str:
    """Under which name the bus tells of an objection with every reply that holds the field."""
    return f"governance.catalogue.objection/{objection_id}"


def _tell(unit: Unit, row: Mapping[Any, Any], service: str) -> None:
    if service:
        post_notice(unit, notice_of(row["id"]), service=service, kind="objection", field=row["field"])


@on(ResourceMounted)
def tell_where_mounted(unit: Unit, event: ResourceMounted) -> None:
    """An objection that is older than the mount is told by the service the resource is mounted on now."""
    mine = unit.rows(objection).where(objection.c.resource == UUID(event.resource), objection.c.state != "closed")
    for row in unit.execute(mine).mappings().all():
        _tell(unit, row, event.service)


# Looks.


def objections(unit: Unit, resource_id: UUID) -> list[Objection]:
    """The objections to a resource that concern the actor's body, newest first. :raises NotFound: the resource is not theirs to see."""
    find(unit, resource_id)
    found = unit.rows(objection).where(objection.c.resource == resource_id).order_by(objection.c.id.desc())
    rows = unit.execute(found).mappings().all()
    names = body_names(unit, sorted({row["objector"] for row in rows}))
    return [_shown(unit, row, names) for row in rows]


def _row(unit: Unit, objection_id: UUID) -> Mapping[Any, Any]:
    wanted = unit.rows(objection).where(objection.c.id == objection_id).with_for_update()
    row = unit.execute(wanted).mappings().first()
    if row is None:
        raise NotFound("There is no such objection, or it is not yours to see.")
    return row


def _shown(unit: Unit, row: Mapping[Any, Any], names: Mapping[str, Text]) -> Objection:
    same = {name: row[name] for name in Objection.__struct_fields__ if name in row and name not in ("words", "answer")}
    return Objection(
        **same,
        objector_name=names.get(row["objector"], Text(row["objector"])),
        words=_read(unit, row, "words"),
        answer=_read(unit, row, "answer"),
        due=answer_due(unit, row["opened_on"]),
    )


def _read(unit: Unit, row: Mapping[Any, Any], column: str) -> str:
    if row[column] is None:
        return ""
    return unit.vault.open(row[column], table=TABLE, column=column, row=row["id"], division=row["division"]).decode()


def answer_due(unit: Unit, opened_on: date) -> date | None:
    """The last day on which a source answers what was reported to it; none where the calendar is not published so far."""
    rule = unit.standards.deadline(DEADLINE, opened_on)
    try:
        return due(opened_on, rule, unit.standards.calendar(unit.around.division)).due
    except NotPublished:
        return None


def _parties(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "objection": str(row["id"]),
        "resource": str(row["resource"]),
        "body": row["body"],
        "objector": row["objector"],
    }
