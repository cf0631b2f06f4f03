"""Cards (红黄牌): issued by the clock, explained by the body, reviewed and, where they were wrong, withdrawn by others."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gdbos import Conflict, Forbidden, NotFound, NotPublished, Unit, new_id, on
from gdbos_enablement.heard import Limit

from .events import CardDue, CardIssued
from .permission import EXPLAIN
from .rule import Rule, Signal, find
from .state import Act, Outcome, State, refuse_unless
from .tables import oversight_act, oversight_card, oversight_serial
from .watched import Watched, calendar_of, watched


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One card, with the fields of GB/T 39046 table 11. Facts of procedure: no names, nothing about the applicant."""

    id: UUID
    number: str
    """Number of supervision (监察编号)."""
    division: str
    body: str
    """USCC of the responsible body."""
    case: str
    case_number: str
    matter: str
    rule: str
    signal: Signal
    trigger: str
    watched: Limit
    """Which time limit."""
    due: date
    at: datetime
    explain_by: date | None
    state: State
    version: int


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done with a card."""

    act: Act
    state: State
    at: datetime
    by_body: str
    words: str


class Done(msgspec.Struct, frozen=True):
    """What an act led to."""

    id: UUID
    number: str
    state: State
    version: int


# Issued by the clock.


@on(CardDue)
def issue(unit: Unit, event: CardDue) -> None:
    """Issue the card that has fallen due; nothing where the limit was met, has moved or stands still. Twice is once."""
    one, rule = watched(unit, event.case), find(unit.standards, event.rule, unit.today)
    if one is None or rule is None or one.due(event.limit) != event.due or not one.runs(event.limit):
        return
    card = _card(unit, one, rule, event.limit, event.due)
    if not _insert(unit, card):
        return
    _note(unit, card, Act.ISSUE, "")
    unit.emit(
        CardIssued(
            case=card.case,
            card=str(card.id),
            number=card.number,
            case_number=card.case_number,
            body=card.body,
            division=card.division,
            rule=card.rule,
            signal=card.signal,
        )
    )


def _card(unit: Unit, one: Watched, rule: Rule, limit: Limit, due: date) -> Card:
    return Card(
        id=new_id(),
        number=_number(unit, one.division),
        division=one.division,
        body=one.body,
        case=one.case,
        case_number=one.number,
        matter=one.matter,
        rule=rule.id,
        signal=rule.signal,
        trigger=rule.trigger,
        watched=limit,
        due=due,
        at=unit.now,
        explain_by=_explain_by(unit, rule, one.division),
        state=State.ISSUED,
        version=1,
    )


def _explain_by(unit: Unit, rule: Rule, division: str) -> date | None:
    calendar = calendar_of(unit, division)
    try:
        return calendar.add(unit.today, rule.explain_days) if calendar else None
    except NotPublished:
        return None


def _insert(unit: Unit, card: Card) -> bool:
    """Write the card down, unless the case has this rule's card for this limit already."""
    row = msgspec.structs.asdict(card)
    added = _dialect(unit).insert(oversight_card).values(row).on_conflict_do_nothing()
    return unit.execute(added.returning(oversight_card.c.id)).first() is not None


def _number(unit: Unit, division: str) -> str:
    """Division, day, and the serial of that day; numbers never repeat and may have gaps."""
    prefix = f"JC{division}{unit.today:%Y%m%d}"
    unit.execute(_dialect(unit).insert(oversight_serial).values(prefix=prefix, last=0).on_conflict_do_nothing())
    this = oversight_serial.c.prefix == prefix
    unit.execute(update(oversight_serial).where(this).values(last=oversight_serial.c.last + 1))
    serial: int = unit.execute(select(oversight_serial.c.last).where(this)).scalar_one()
    return f"{prefix}{serial:05d}"


def _dialect(unit: Unit) -> Any:
    return postgresql if unit.connection.dialect.name == "postgresql" else sqlite


# What people do with it.


def explain(unit: Unit, card_id: UUID, words: str) -> Done:
    """The responsible body says how it came about (说明).

    :raises Forbidden: the actor is of another body. :raises Conflict: it was explained, reviewed or withdrawn already.
    """
    card = get(unit, card_id, lock=True)
    if unit.actor.body != card.body:
        raise Forbidden("Only the responsible body explains a card; others review it.")
    return _act(unit, card, Act.EXPLAIN, State.EXPLAINED, words)


def review(unit: Unit, card_id: UUID, outcome: Outcome, words: str) -> Done:
    """A supervisor upholds the card or excuses the body (复核), once it has explained itself or its time for that is over.

    :raises Forbidden: the actor answers for the body. :raises Conflict: it is too early, or decided already.
    """
    card = get(unit, card_id, lock=True)
    _refuse_own(unit, card)
    if card.state is State.ISSUED and (card.explain_by is None or unit.today <= card.explain_by):
        raise Conflict(
            "Card {number} has not been explained yet; the body has until {day} to do so.",
            number=card.number,
            day=card.explain_by or "—",
        )
    return _act(unit, card, Act.REVIEW, State(outcome), words)


def withdraw(unit: Unit, card_id: UUID, words: str) -> Done:
    """A supervisor takes back a card that should not have been issued (撤销); it stays on record as withdrawn.

    :raises Forbidden: the actor answers for the body. :raises Conflict: it is withdrawn already.
    """
    card = get(unit, card_id, lock=True)
    _refuse_own(unit, card)
    return _act(unit, card, Act.WITHDRAW, State.WITHDRAWN, words)


def judges(unit: Unit, card: Card) -> bool:
    """Whether the actor is independent of the card: of another body, or of a role that does not explain for this one."""
    return unit.actor.body != card.body or not unit.actor.may(EXPLAIN)


def _refuse_own(unit: Unit, card: Card) -> None:
    if not judges(unit, card):
        raise Forbidden("Nobody judges a card of their own body; a supervisor of another body must decide.")


def _act(unit: Unit, card: Card, act: Act, state: State, words: str) -> Done:
    refuse_unless(act, card.state, card.number)
    after = msgspec.structs.replace(card, state=state, version=card.version + 1)
    this = oversight_card.c.id == card.id
    unit.execute(update(oversight_card).where(this).values(state=after.state, version=after.version))
    _note(unit, after, act, words)
    return Done(after.id, after.number, after.state, after.version)


def _note(unit: Unit, card: Card, act: Act, words: str) -> None:
    row = new_id()
    sealed = unit.vault.seal(words, table="oversight_act", column="words", row=row, division=card.division)
    unit.execute(
        insert(oversight_act).values(
            id=row,
            card=card.id,
            division=card.division,
            body=card.body,
            act=act,
            state=card.state,
            at=unit.now,
            by=unit.actor.id,
            by_body=unit.actor.body,
            words=sealed,
        )
    )
    unit.record(f"oversight.card-{act}", card=card.number, case=card.case, rule=card.rule, state=str(card.state))


# Reading.


def get(unit: Unit, card_id: UUID, *, lock: bool = False) -> Card:
    """One card. :raises NotFound: there is none such within the actor's reach."""
    chosen = unit.rows(oversight_card).where(oversight_card.c.id == card_id)
    row = unit.execute(chosen.with_for_update() if lock else chosen).first()
    if row is None:
        raise NotFound("There is no such card, or it is not yours to see.")
    return _of(row)


def cards(
    unit: Unit, *, state: str = "", signal: str = "", after: UUID | None = None, limit: int = 50
) -> tuple[list[Card], UUID | None]:
    """A page of cards within the actor's reach, newest first, and the key of the following page."""
    t = oversight_card.c
    chosen = unit.rows(oversight_card).order_by(t.id.desc()).limit(limit + 1)
    for column, wanted in ((t.state, state), (t.signal, signal)):
        chosen = chosen.where(column == wanted) if wanted else chosen
    found = [_of(row) for row in unit.execute(chosen.where(t.id < after) if after else chosen)]
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def counts(unit: Unit) -> dict[str, int]:
    """How many cards within the actor's reach stand in each state."""
    t = oversight_card.c
    counted = unit.rows(oversight_card, t.state, func.count().label("cards")).group_by(t.state)
    return {row.state: row.cards for row in unit.execute(counted)}


def history(unit: Unit, card: Card) -> list[Noted]:
    """What was done with a card, oldest first."""
    t = oversight_act.c
    found = unit.execute(unit.rows(oversight_act).where(t.card == card.id).order_by(t.id))
    return [_noted(unit, card, row) for row in found]


def _noted(unit: Unit, card: Card, row: Any) -> Noted:
    words = unit.vault.open(row.words, table="oversight_act", column="words", row=row.id, division=card.division)
    return Noted(act=Act(row.act), state=State(row.state), at=row.at, by_body=row.by_body, words=words.decode())


def _of(row: Any) -> Card:
    values: dict[str, Any] = {**row._mapping, "state": State(row.state)}
    return Card(**values)
