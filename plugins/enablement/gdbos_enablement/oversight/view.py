"""Cards as people read them: with the names of body, matter and rule beside the codes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from gdbos import Text, Unit, body_names
from gdbos_enablement.matter import matter

from .card import Card, Noted, cards, counts, get, history, judges
from .permission import EXPLAIN, REVIEW, WITHDRAW
from .rule import Rule, find, rules
from .state import SOURCES, STATES, Act

LIMITS = {
    "acceptance": Text("受理时限", "time to accept"),
    "legal": Text("法定时限", "time limit by law"),
    "promise": Text("承诺时限", "time promised"),
}


class CardView(msgspec.Struct, frozen=True, kw_only=True):
    """One card."""

    card: Card
    body_name: Text
    matter_title: Text
    rule_title: Text
    signal_title: Text
    trigger_title: Text
    limit_title: Text
    state_title: Text


class CardPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of cards, newest first; ``next`` is the key of the following page."""

    cards: list[CardView]
    next: UUID | None = None
    counts: dict[str, int]
    """Cards by state, all that the reader may see."""


class CardHistory(msgspec.Struct, frozen=True, kw_only=True):
    """One card with all that was done with it, and what the reader may do."""

    view: CardView
    content: Text
    """What the body is urged to do (督办内容)."""
    history: list[Noted]
    names: dict[str, Text]
    """Bodies by USCC."""
    acts: list[Act]


class Rules(msgspec.Struct, frozen=True):
    """The rules of supervision in force."""

    rules: list[Rule]


def list_cards(unit: Unit, state: str, signal: str, after: UUID | None, limit: int) -> CardPage:
    """A page of cards within the reader's reach."""
    found, following = cards(unit, state=state, signal=signal, after=after, limit=limit)
    return CardPage(cards=_views(unit, found), next=following, counts=counts(unit))


def show_card(unit: Unit, card_id: UUID) -> CardHistory:
    """One card, whole. :raises NotFound: it is not the reader's to see."""
    card = get(unit, card_id)
    noted = history(unit, card)
    rule = find(unit.standards, card.rule, card.due)
    return CardHistory(
        view=_views(unit, [card])[0],
        content=rule.urges if rule else Text(""),
        history=noted,
        names=body_names(unit, sorted({one.by_body for one in noted if one.by_body})),
        acts=_acts(unit, card),
    )


def list_rules(unit: Unit) -> Rules:
    """The rules in force today."""
    return Rules(list(rules(unit.standards, unit.today)))


def _acts(unit: Unit, card: Card) -> list[Act]:
    own, independent = unit.actor.body == card.body, judges(unit, card)
    late = card.explain_by is not None and unit.today > card.explain_by
    allowed = {
        Act.EXPLAIN: own and unit.actor.may(EXPLAIN),
        Act.REVIEW: independent and unit.actor.may(REVIEW) and (late or card.state != "issued"),
        Act.WITHDRAW: independent and unit.actor.may(WITHDRAW),
    }
    return [act for act, may in allowed.items() if may and card.state in SOURCES[act]]


def _views(unit: Unit, found: Sequence[Card]) -> list[CardView]:
    names = body_names(unit, sorted({card.body for card in found}))
    signals, triggers = unit.standards.words("supervision.card"), unit.standards.words("supervision.trigger")
    return [
        CardView(
            card=card,
            body_name=names.get(card.body, Text(card.body, card.body)),
            matter_title=matter(unit.standards, card.matter, unit.today).title,
            rule_title=rule.title
            if (rule := find(unit.standards, card.rule, card.due))
            else Text(card.rule, card.rule),
            signal_title=signals.get(card.signal, Text(card.signal, card.signal)),
            trigger_title=triggers.get(card.trigger, Text(card.trigger, card.trigger)),
            limit_title=LIMITS[card.watched],
            state_title=STATES[card.state],
        )
        for card in found
    ]
