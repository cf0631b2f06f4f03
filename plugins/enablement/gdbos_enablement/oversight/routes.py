"""Cards over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from gdbos import Run

from . import card
from .card import Done
from .permission import EXPLAIN, READ, REVIEW, WITHDRAW
from .state import Outcome
from .view import CardHistory, CardPage, Rules, list_cards, list_rules, show_card

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
StateName = Literal["", "issued", "explained", "upheld", "excused", "withdrawn"]
SignalName = Literal["", "yellow", "red"]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


class Explanation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How it came about. Name no applicant."""

    words: Words


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the supervisor found."""

    outcome: Outcome
    words: Words


class Withdrawal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the card should not have been issued."""

    words: Words


class Cards(Controller):
    """Cards of electronic supervision."""

    path = "/cards"
    tags = ("oversight",)

    @get(permission=READ)
    async def list_cards(
        self,
        run: NamedDependency[Run],
        standing: FromQuery[StateName] = "",
        signal: FromQuery[SignalName] = "",
        after: FromQuery[UUID | None] = None,
        limit: FromQuery[Limit] = 50,
    ) -> CardPage:
        """Cards within the reader's reach, newest first."""
        return await run.read(list_cards, standing, signal, after, limit)

    @get("/{card_id:uuid}", permission=READ)
    async def show_card(self, card_id: FromPath[UUID], run: NamedDependency[Run]) -> CardHistory:
        """One card with all that was done with it."""
        return await run.read(show_card, card_id)

    @post("/{card_id:uuid}/explanation", permission=EXPLAIN, status_code=200)
    async def explain_card(
        self, card_id: FromPath[UUID], data: JSONBody[Explanation], run: NamedDependency[Run]
    ) -> Done:
        """Explain a card of one's own body (说明)."""
        return await run(card.explain, card_id, data.words)

    @post("/{card_id:uuid}/review", permission=REVIEW, status_code=200)
    async def review_card(self, card_id: FromPath[UUID], data: JSONBody[Review], run: NamedDependency[Run]) -> Done:
        """Uphold a card of another body, or excuse the body (复核)."""
        return await run(card.review, card_id, data.outcome, data.words)

    @post("/{card_id:uuid}/withdrawal", permission=WITHDRAW, status_code=200)
    async def withdraw_card(
        self, card_id: FromPath[UUID], data: JSONBody[Withdrawal], run: NamedDependency[Run]
    ) -> Done:
        """Withdraw a card of another body, saying why (撤销)."""
        return await run(card.withdraw, card_id, data.words)


class OversightRules(Controller):
    """The rules that cards are issued by."""

    path = "/rules"
    tags = ("oversight",)

    @get(permission=READ)
    async def list_rules(self, run: NamedDependency[Run]) -> Rules:
        """The rules in force, with their thresholds."""
        return await run.read(list_rules)
