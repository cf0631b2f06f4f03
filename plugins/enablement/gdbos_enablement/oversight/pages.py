"""The pages of supervision: cards for leaders in the cockpit, and for bodies in the workbench."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos import Page, Run

from . import card
from .permission import EXPLAIN, READ, REVIEW, WITHDRAW
from .routes import SignalName, StateName
from .state import STATES, Outcome
from .view import list_cards, list_rules, show_card

PAGE = 20
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class WordsForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the forms for an explanation and a withdrawal send."""

    words: Words


class ReviewForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form for a review sends."""

    words: Words
    outcome: Outcome


class CockpitCards(Controller):
    """Cards for leaders and supervisors."""

    path = "/cockpit/cards"

    @get(permission=READ)
    async def cards_page(
        self,
        run: NamedDependency[Run],
        standing: FromQuery[StateName] = "",
        signal: FromQuery[SignalName] = "",
        after: FromQuery[UUID | None] = None,
    ) -> Page:
        """Cards of all bodies within reach."""
        return await _list(run, self.path, standing, signal, after)

    @get("/{card_id:uuid}", permission=READ)
    async def card_page(self, card_id: FromPath[UUID], run: NamedDependency[Run]) -> Page:
        """One card."""
        return await _card(run, self.path, card_id)

    @post("/{card_id:uuid}/review", permission=REVIEW)
    async def review(
        self, card_id: FromPath[UUID], data: URLEncodedBody[ReviewForm], run: NamedDependency[Run]
    ) -> Redirect:
        """Uphold or excuse."""
        await run(card.review, card_id, data.outcome, data.words)
        return _back(self.path, card_id)

    @post("/{card_id:uuid}/withdraw", permission=WITHDRAW)
    async def withdraw(
        self, card_id: FromPath[UUID], data: URLEncodedBody[WordsForm], run: NamedDependency[Run]
    ) -> Redirect:
        """Withdraw, with reasons."""
        await run(card.withdraw, card_id, data.words)
        return _back(self.path, card_id)


class WorkbenchCards(Controller):
    """Cards of one's own body."""

    path = "/workbench/cards"

    @get(permission=EXPLAIN)
    async def cards_page(
        self,
        run: NamedDependency[Run],
        standing: FromQuery[StateName] = "",
        signal: FromQuery[SignalName] = "",
        after: FromQuery[UUID | None] = None,
    ) -> Page:
        """Cards of one's own body."""
        return await _list(run, self.path, standing, signal, after)

    @get("/{card_id:uuid}", permission=EXPLAIN)
    async def card_page(self, card_id: FromPath[UUID], run: NamedDependency[Run]) -> Page:
        """One card."""
        return await _card(run, self.path, card_id)

    @post("/{card_id:uuid}/explain", permission=EXPLAIN)
    async def explain(
        self, card_id: FromPath[UUID], data: URLEncodedBody[WordsForm], run: NamedDependency[Run]
    ) -> Redirect:
        """Say how it came about."""
        await run(card.explain, card_id, data.words)
        return _back(self.path, card_id)


async def _list(run: Run, path: str, standing: str, signal: str, after: UUID | None) -> Page:
    found = await run.read(list_cards, standing, signal, after, PAGE)
    chosen = {name: value for name, value in (("standing", standing), ("signal", signal)) if value}

    def address(**changed: str) -> str:
        query = urlencode({name: value for name, value in {**chosen, **changed}.items() if value})
        return f"{path}?{query}" if query else path

    context = {
        "path": path,
        "found": found,
        "rules": (await run.read(list_rules)).rules,
        "states": STATES,
        "standing": standing,
        "signal": signal,
        "address": address,
        "next": address(after=str(found.next)) if found.next else "",
        "first": address() if after else "",
    }
    return Page("enablement.oversight/cards.html", context)


async def _card(run: Run, path: str, card_id: UUID) -> Page:
    return Page("enablement.oversight/card.html", {"path": path, "shown": await run.read(show_card, card_id)})


def _back(path: str, card_id: UUID) -> Redirect:
    return Redirect(f"{path}/{card_id}", status_code=HTTP_303_SEE_OTHER)
