"""Quality tickets (工单): a wrong value reported to its source, answered there, closed by whoever found it.

open → answered → closed. The ticket commits to the record by a keyed index, so that the source can tell whether a record of its own
is the one, and nobody else learns which it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import insert, update

from gdbos import (
    Conflict,
    Forbidden,
    NotFound,
    Text,
    Unit,
    body_names,
    lift_notice,
    new_id,
    on,
    post_notice,
)
from gdbos_governance.catalogue.events import ResourceMounted
from gdbos_governance.catalogue.objection import answer_due
from gdbos_governance.catalogue.resource import Done, Shown

from .events import TicketAnswered, TicketClosed, TicketOpened
from .rule import Check
from .tables import ticket

Verdict = Literal["corrected", "right"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A check that a value did not pass, and the record it stands in."""

    rules: str
    check: Check
    key: str
    """The record's own number; kept only as a commitment."""
    call: UUID | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the source says of a wrong value."""

    verdict: Verdict
    """``corrected``: it was wrong and is mended · ``right``: it is right as it stands."""
    words: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as the source and the finder see it."""

    id: UUID
    state: str
    body: str
    body_name: Text
    finder: str
    finder_name: Text
    resource: UUID
    code: str
    name: Text
    service: str
    rule: str
    check: str
    title: Text
    """What should have held."""
    field: str
    element: str
    element_name: Text
    key: str
    call: UUID | None
    verdict: str
    answer: str
    answered_by: str
    opened_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    due: date | None
    late: bool


class Listed(msgspec.Struct, frozen=True):
    """Tickets, newest first; ``next`` is the key of the following page."""

    tickets: list[Ticket]
    next: UUID | None = None


# Acts.


def notice_of(ticket_id: UUID) -> str:
    """Under which name the bus tells of a ticket with every reply that holds the field."""
    return f"governance.quality.ticket/{ticket_id}"


def commitment(unit: Unit, key: str) -> str:
    """What a ticket keeps of a record's number: the same for the same record, and telling nothing without the node's key."""
    return unit.vault.blind("quality_ticket.key", key).hex()


def open_all(unit: Unit, shown: Shown, findings: Sequence[Finding]) -> list[UUID]:
    """A ticket at the source for each finding that has no open one of this finder; returns the new ones."""
    opened = [_open(unit, shown, finding) for finding in findings]
    return [one for one in opened if one is not None]


def _open(unit: Unit, shown: Shown, finding: Finding) -> UUID | None:
    t, key = ticket.c, commitment(unit, finding.key)
    same = (t.finder == unit.actor.body, t.resource == shown.id, t.check == finding.check.id, t.key == key)
    if unit.execute(unit.rows(ticket, t.id).where(*same, t.state != "closed")).first():
        return None
    id = new_id()
    unit.execute(
        insert(ticket).values(
            id=id,
            division=shown.division,
            body=shown.body,
            finder=unit.actor.body,
            resource=shown.id,
            code=shown.entry.code,
            name_zh=shown.entry.name.zh,
            name_en=shown.entry.name.en,
            service=shown.service,
            rule=finding.rules,
            check=finding.check.id,
            field=finding.check.field,
            element=finding.check.element,
            key=key,
            call=finding.call,
            state="open",
            verdict="",
            opened_by=unit.actor.id,
            opened_at=unit.now,
            opened_on=unit.today,
            answered_by="",
            closed_by="",
        )
    )
    unit.emit(
        TicketOpened(
            ticket=str(id),
            resource=str(shown.id),
            body=shown.body,
            finder=unit.actor.body,
            rule=finding.rules,
            check=finding.check.id,
            element=finding.check.element,
        )
    )
    _tell(unit, id, shown.service, finding.check.field)
    unit.record("governance.quality.ticket-opened", ticket=str(id), rule=finding.rules, check=finding.check.id)
    return id


def _tell(unit: Unit, ticket_id: UUID, service: str, field: str) -> None:
    if service:
        post_notice(unit, notice_of(ticket_id), service=service, kind="ticket", field=field)


@on(ResourceMounted)
def tell_where_mounted(unit: Unit, event: ResourceMounted) -> None:
    """A ticket that is older than the mount is told by the service the resource is mounted on now."""
    mine = unit.rows(ticket).where(ticket.c.resource == UUID(event.resource), ticket.c.state != "closed")
    for row in unit.execute(mine).mappings().all():
        _tell(unit, row["id"], event.service, row["field"])


def answer(unit: Unit, ticket_id: UUID, said: Answer) -> Done:
    """Say what became of the value. :raises NotFound: none of one's own. :raises Forbidden: another's data. :raises Conflict: not open."""
    row = _row(unit, ticket_id)
    if row["body"] != unit.actor.body:
        raise Forbidden("Only the source of the data answers its tickets.")
    if row["state"] != "open":
        raise Conflict("The ticket is {state}; only an open one can be answered.", state=row["state"])
    sealed = unit.vault.seal(
        said.words, table="quality_ticket", column="answer", row=ticket_id, division=row["division"]
    )
    changed = {"state": "answered", "verdict": said.verdict, "answer": sealed}
    _change(unit, row, {**changed, "answered_by": unit.actor.id, "answered_at": unit.now})
    unit.emit(TicketAnswered(**_parties(row), verdict=said.verdict))
    return Done(id=ticket_id, state="answered", version=2)


def close(unit: Unit, ticket_id: UUID) -> Done:
    """Be content with the answer. :raises NotFound, Forbidden, Conflict: it is not the finder's to close, or not answered."""
    row = _row(unit, ticket_id)
    if row["finder"] != unit.actor.body:
        raise Forbidden("Only the department that found the value closes the ticket.")
    if row["state"] != "answered":
        raise Conflict("The ticket is {state}; only an answered one can be closed.", state=row["state"])
    if unit.actor.answers_for(row["answered_by"]):
        raise Forbidden("Nobody closes a ticket that they answered.")
    _change(unit, row, {"state": "closed", "closed_by": unit.actor.id, "closed_at": unit.now})
    lift_notice(unit, notice_of(ticket_id))
    unit.emit(TicketClosed(**_parties(row)))
    return Done(id=ticket_id, state="closed", version=3)


def _change(unit: Unit, row: Mapping[Any, Any], values: dict[str, Any]) -> None:
    unit.execute(update(ticket).where(ticket.c.id == row["id"]).values(values))
    unit.record(f"governance.quality.ticket-{values['state']}", ticket=str(row["id"]))


def _parties(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "ticket": str(row["id"]),
        "resource": str(row["resource"]),
        "body": row["body"],
        "finder": row["finder"],
    }


# Looks.


def get(unit: Unit, ticket_id: UUID) -> Ticket:
    """One ticket. :raises NotFound: none that concerns the actor's body."""
    return _shown(unit, [_row(unit, ticket_id, lock=False)])[0]


def concerns(unit: Unit, ticket_id: UUID, key: str) -> bool:
    """Whether a ticket is about the record with this number, for the source, which has the number anyway."""
    row = _row(unit, ticket_id, lock=False)
    if row["body"] != unit.actor.body:
        raise Forbidden("Only the source of the data compares its records with a ticket.")
    return bool(row["key"] == commitment(unit, key))


def at_source(unit: Unit, after: UUID | None = None, limit: int = 20) -> Listed:
    """The tickets at the actor's body as the source, newest first."""
    return _listed(unit, ticket.c.body == unit.actor.body, after, limit)


def found_by_us(unit: Unit, after: UUID | None = None, limit: int = 20) -> Listed:
    """The tickets that the actor's body has opened, newest first."""
    return _listed(unit, ticket.c.finder == unit.actor.body, after, limit)


def _listed(unit: Unit, condition: Any, after: UUID | None, limit: int) -> Listed:
    ordered = unit.rows(ticket).where(condition).order_by(ticket.c.id.desc()).limit(limit + 1)
    page = unit.execute(ordered.where(ticket.c.id < after) if after else ordered).mappings().all()
    shown = _shown(unit, page[:limit])
    return Listed(shown, shown[-1].id if len(page) > limit else None)


def _row(unit: Unit, ticket_id: UUID, *, lock: bool = True) -> Mapping[Any, Any]:
    wanted = unit.rows(ticket).where(ticket.c.id == ticket_id)
    row = unit.execute(wanted.with_for_update() if lock else wanted).mappings().first()
    if row is None:
        raise NotFound("There is no such ticket, or it is not yours to see.")
    return row


def _shown(unit: Unit, rows: Sequence[Mapping[Any, Any]]) -> list[Ticket]:
    names = body_names(unit, sorted({uscc for row in rows for uscc in (row["body"], row["finder"])}))
    return [_one(unit, row, names) for row in rows]


def _one(unit: Unit, row: Mapping[Any, Any], names: Mapping[str, Text]) -> Ticket:
    same = {name: row[name] for name in Ticket.__struct_fields__ if name in row and name != "answer"}
    last = answer_due(unit, row["opened_on"])
    return Ticket(
        **same,
        body_name=names.get(row["body"], Text(row["body"])),
        finder_name=names.get(row["finder"], Text(row["finder"])),
        name=Text(row["name_zh"], row["name_en"]),
        title=_title(unit, row),
        element_name=unit.standards.element(row["element"]).title,
        answer=_opened(unit, row),
        due=last,
        late=row["state"] == "open" and last is not None and unit.today > last,
    )


def _title(unit: Unit, row: Mapping[Any, Any]) -> Text:
    """What the rule says, as it is written now; its id where no pack has it any more."""
    try:
        rules = unit.standards.document("quality", row["rule"]).value
    except NotFound:
        return Text(row["check"])
    return next((check.title for check in rules.check if check.id == row["check"]), Text(row["check"]))


def _opened(unit: Unit, row: Mapping[Any, Any]) -> str:
    if row["answer"] is None:
        return ""
    place = {"table": "quality_ticket", "column": "answer", "row": row["id"], "division": row["division"]}
    return unit.vault.open(row["answer"], **place).decode()
