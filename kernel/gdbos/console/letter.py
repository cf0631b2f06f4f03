"""Dead letters: events that one handler could not take, parked until an operator has them delivered again or drops them.

Events hold facts of procedure and never personal data; an error keeps only its kind and a problem's own template.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import and_, or_, select

from gdbos.bus.delivery import drop, retry
from gdbos.bus.outbox import delivery, outbox
from gdbos.errors import BadRequest, NotFound
from gdbos.unit import EVENTS, Unit

d, o = delivery.c, outbox.c


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One parked delivery."""

    event: UUID
    handler: str
    """Plugin and function that could not take it."""
    type: str
    key: str
    """Later events of this key wait for the handler too."""
    attempts: int
    error: str
    emitted_at: datetime
    due_at: datetime


class Letters(msgspec.Struct, frozen=True):
    """A page of letters, oldest first; ``next`` is the key of the following page."""

    letters: list[Letter]
    next: str = ""


class LetterShown(msgspec.Struct, frozen=True, kw_only=True):
    """One letter with the event's own facts, and how many others wait behind it."""

    letter: Letter
    facts: dict[str, Any]
    behind: int


class Settled(msgspec.Struct, frozen=True):
    """What became of a letter: ``pending`` again, or ``dropped``."""

    event: UUID
    handler: str
    state: str


def list_letters(unit: Unit, after: str, limit: int) -> Letters:
    """A page of dead letters. :raises BadRequest: ``after`` is not the key of a page."""
    wanted = _letters().order_by(d.event, d.handler).limit(limit + 1)
    rows = unit.execute(wanted.where(_behind(after)) if after else wanted).all()
    shown = [Letter(**row._mapping) for row in rows[:limit]]
    return Letters(shown, f"{shown[-1].event}.{shown[-1].handler}" if len(rows) > limit else "")


def show_letter(unit: Unit, event: UUID, handler: str) -> LetterShown:
    """One dead letter. :raises NotFound: there is none such."""
    row = unit.execute(_letters().where(d.event == event, d.handler == handler)).first()
    if row is None:
        raise _missing(event, handler)
    letter = Letter(**row._mapping)
    body = unit.execute(select(o.body).where(o.id == event)).scalar_one()
    facts = msgspec.json.decode(body, type=dict[str, Any])
    waiting = select(d.event).where(d.handler == handler, d.key == letter.key, d.state == "pending")
    return LetterShown(letter=letter, facts=facts, behind=len(unit.execute(waiting).all()))


def retry_letter(unit: Unit, event: UUID, handler: str) -> Settled:
    """Have a letter delivered again. :raises NotFound: there is none such."""
    if not retry(unit, event, handler):
        raise _missing(event, handler)
    unit.announce(EVENTS)
    return Settled(event, handler, "pending")


def drop_letter(unit: Unit, event: UUID, handler: str, reason: str) -> Settled:
    """Give a letter up for good; the events behind it go on. :raises NotFound: there is none such."""
    if not drop(unit, event, handler, reason):
        raise _missing(event, handler)
    unit.announce(EVENTS)
    return Settled(event, handler, "dropped")


def _letters() -> Any:
    columns = (d.event, d.handler, o.type, d.key, d.attempts, d.error, o.emitted_at, d.due_at)
    return select(*columns).join_from(delivery, outbox, d.event == o.id).where(d.state == "dead")


def _behind(after: str) -> Any:
    event, _, handler = after.partition(".")
    try:
        last = UUID(event)
    except ValueError:
        raise BadRequest("This is not the key of a page; take it from “next” of the page before.") from None
    return or_(d.event > last, and_(d.event == last, d.handler > handler))


def _missing(event: UUID, handler: str) -> NotFound:
    return NotFound("There is no dead letter {event} for {handler}.", event=str(event), handler=handler)
