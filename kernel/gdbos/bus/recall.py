"""Recall (更正召回): a provider corrected a record, and whoever received the old value is told and says what they did about it.

Receipts say who received what: one task for each system that did, with its calls and cases, and one event for each case that may
rest on the old value. Neither says whose record it is; the consumer finds that by its own case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Column, Date, Index, String, Table, Text, Uuid, insert, select, update

from gdbos.bus.moment import Moment, moment
from gdbos.bus.record import bus_receipt
from gdbos.bus.seal import unsealed
from gdbos.config import Settings
from gdbos.errors import BadRequest, Conflict, Forbidden, NotFound
from gdbos.events import Event
from gdbos.ids import new_id
from gdbos.standards import NotPublished
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Scope, widely
from gdbos.subjects import subject_key
from gdbos.unit import Unit

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
REMINDED = 200
"""Tasks of which one turn of the job reminds."""

bus_recall = Table(
    "bus_recall",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("recall", Uuid, nullable=False, index=True),
    Column("body", String(18), nullable=False),
    Column("system", String(80), nullable=False),
    Column("provider", String(18), nullable=False),
    Column("service", String(120), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("calls", JSON, nullable=False),
    Column("cases", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("due", Date, nullable=False),
    Column("reminded_at", Instant),
    Column("acknowledged_by", String(80), nullable=False),
    Column("acknowledged_at", Instant),
    Column("action", Text, nullable=False),
    Index("bus_recall_body", "body", "id"),
    Index("bus_recall_provider", "provider", "id"),
    info={"scope": Scope(body=("body", "provider"))},
)


class ValueRecalled(Event, tag="kernel.bus.value-recalled/1"):
    """A value that a case received has been corrected at its source; one event for each case and system."""

    case: str
    matter: str
    body: str
    system: str
    task: str
    service: str
    fields: tuple[str, ...]


class RecallDue(Event, tag="kernel.bus.recall-due/1"):
    """The day by which a body was to say what it did about a recalled value has come, and it has not."""

    body: str
    system: str
    task: str
    service: str
    due: date


class Recall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was corrected."""

    service: Name
    kind: Literal["person", "enterprise"]
    number: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    """Whose record it is: a citizen id, or a unified social credit code."""
    fields: list[Name] = []
    """The fields that were wrong; empty: all."""
    since: Moment
    """From when on the wrong value was given out."""
    reason: Words


class Case(msgspec.Struct, frozen=True):
    """A case that received the value."""

    matter: str
    case: str


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One system that received the old value, and what it did about that."""

    id: UUID
    recall: UUID
    body: str
    system: str
    provider: str
    service: str
    fields: list[str]
    calls: list[UUID]
    cases: list[Case]
    reason: str
    at: datetime
    due: date
    """The day by which the body is to say what it did."""
    acknowledged_by: str
    acknowledged_at: datetime | None
    action: str


class Tasks(msgspec.Struct, frozen=True):
    """Tasks, newest first; ``next`` is the key of the following page."""

    tasks: list[Task]
    next: UUID | None = None


def recall(unit: Unit, wanted: Recall, offers: str) -> Tasks:
    """Tell everyone who received a value that has been corrected; the tasks, one for each system that did.

    :param offers: the body that offers the service now; empty where it has ended, and what it gave is recalled all the same.
    :raises Forbidden: the service is another body's. :raises BadRequest: ``since`` is still to come.
    :raises NotFound: nobody offers the service, and nothing that the body gave under its code is on record.
    """
    if not unit.actor.body or offers not in ("", unit.actor.body):
        raise Forbidden("Only the provider of a service recalls what it gave.")
    since = moment(wanted.since, "$.since")
    if since > unit.now:
        raise BadRequest("The wrong value cannot have been given out from a moment that is still to come.")
    subject = subject_key(unit.vault, wanted.kind, wanted.number)
    named, found = new_id(), _receipts(unit, wanted.service, subject, since, wanted.fields)
    if not offers and not found:
        raise NotFound("Nothing that your body gave by a service {code} is on record.", code=wanted.service)
    tasks = [_task(unit, named, wanted, consumer, ones) for consumer, ones in found.items()]
    for task in tasks:
        kept = insert(bus_recall).values(msgspec.to_builtins(task, builtin_types=(UUID, datetime, date)))
        unit.execute(widely(kept))
        for one in task.cases:
            unit.emit(_event(task, one))
    unit.record("value.recall", recall=str(named), service=wanted.service, consumers=len(tasks))
    return Tasks([_told(unit, task) for task in tasks if task.provider])


def _receipts(
    unit: Unit, service: str, subject: str, since: datetime, wrong: Sequence[str]
) -> dict[tuple[str, str], list[Mapping[Any, Any]]]:
    """The receipts of the old value by consumer. Nobody is shown them: what they say becomes tasks of those named in them."""
    r = bus_receipt.c
    open_now = unsealed(unit.today).label("open")
    ours = (r.subject == subject, r.service == service, r.provider == unit.actor.body, r.at >= since)
    given = select(bus_receipt, open_now).where(*ours).order_by(r.id)
    found: dict[tuple[str, str], list[Mapping[Any, Any]]] = {}
    for row in unit.execute(widely(given)).mappings():
        if _received(row["fields"], wrong):
            found.setdefault((row["body"], row["system"]), []).append(row)
    return found


def _received(fields: Iterable[str], wrong: Sequence[str]) -> list[str]:
    """Those of a receipt's fields that were wrong; what was asked about a field counts as received."""
    return [field for field in fields if not wrong or field.partition(" ")[0] in wrong]


def _task(
    unit: Unit,
    named: UUID,
    wanted: Recall,
    consumer: tuple[str, str],
    receipts: Sequence[Mapping[Any, Any]],
) -> Task:
    body, system = consumer
    return Task(
        id=new_id(),
        recall=named,
        body=body,
        system=system,
        provider=unit.actor.body
        if all(row["open"] for row in receipts)
        else "",  # of a sealed inquiry it hears nothing
        service=wanted.service,
        fields=sorted({field for row in receipts for field in row["fields"]}),
        calls=[row["call"] for row in receipts],
        cases=[Case(*pair) for pair in sorted({(row["matter"], row["case"]) for row in receipts if row["case"]})],
        reason=wanted.reason,
        at=unit.now,
        due=_due(unit),
        acknowledged_by="",
        acknowledged_at=None,
        action="",
    )


def _due(unit: Unit) -> date:
    """The day by which consumers say what they did: working days, or days as they come where no calendar says which work."""
    days = unit.config(Settings).bus.recall_days
    try:
        return unit.standards.calendar(unit.around.division).add(unit.today, days)
    except (NotFound, NotPublished):
        return unit.today + timedelta(days=days)


def _event(task: Task, one: Case) -> ValueRecalled:
    return ValueRecalled(
        case=one.case,
        matter=one.matter,
        body=task.body,
        system=task.system,
        task=str(task.id),
        service=task.service,
        fields=tuple(task.fields),
    )


def acknowledge(unit: Unit, task_id: UUID, action: str) -> Task:
    """Say what was done about a recalled value. :raises NotFound: no such task of one's own body. :raises Conflict: said already."""
    mine = unit.rows(bus_recall).where(bus_recall.c.id == task_id, bus_recall.c.body == unit.actor.body)
    row = unit.execute(mine.with_for_update()).mappings().first()
    if row is None:
        raise NotFound("There is no such task, or it is not your body's.")
    if row["acknowledged_at"] is not None:
        raise Conflict("The recall has been acknowledged already.")
    said = {"acknowledged_by": unit.actor.id, "acknowledged_at": unit.now, "action": action}
    unit.execute(update(bus_recall).where(bus_recall.c.id == task_id).values(said))
    unit.record("value.recall-acknowledged", task=str(task_id), recall=str(row["recall"]))
    return _read({**row, **said})


def tasks(unit: Unit, after: UUID | None, limit: int) -> Tasks:
    """The tasks of one's own body, and those of the recalls that it started."""
    wanted = unit.rows(bus_recall).order_by(bus_recall.c.id.desc()).limit(limit + 1)
    rows = unit.execute(wanted.where(bus_recall.c.id < after) if after else wanted).mappings().all()
    shown = [_told(unit, _read(row)) for row in rows[:limit]]
    return Tasks(shown, shown[-1].id if len(rows) > limit else None)


def remind(unit: Unit) -> int:
    """Remind each body once of what it has not acknowledged by the day it was due; returns of how many tasks."""
    t = bus_recall.c
    waiting = (t.acknowledged_at.is_(None), t.reminded_at.is_(None), t.due <= unit.today)
    rows = unit.execute(unit.rows(bus_recall).where(*waiting).order_by(t.id).limit(REMINDED)).mappings().all()
    for row in rows:
        unit.emit(
            RecallDue(
                body=row["body"], system=row["system"], task=str(row["id"]), service=row["service"], due=row["due"]
            )
        )
        unit.record("value.recall-reminded", task=str(row["id"]), recall=str(row["recall"]), body=row["body"])
        unit.execute(update(bus_recall).where(t.id == row["id"]).values(reminded_at=unit.now))
    return len(rows)


def _told(unit: Unit, task: Task) -> Task:
    """As much of ``task`` as the actor's body may know: who consumed the value, and only to the consumer in which cases."""
    return task if unit.actor.body == task.body else msgspec.structs.replace(task, calls=[], cases=[])


def _read(row: Mapping[Any, Any]) -> Task:
    return msgspec.convert({name: row[name] for name in Task.__struct_fields__}, Task)
