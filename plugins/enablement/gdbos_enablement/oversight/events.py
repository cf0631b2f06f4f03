"""What supervision tells, and the alarm it sets itself. Facts of procedure only, never personal data."""

from __future__ import annotations

from datetime import date

from gdbos import Event
from gdbos_enablement.heard import Limit


class CardIssued(Event, kw_only=True, tag="enablement.oversight.card-issued/1"):
    """A body was shown a yellow or a red card."""

    case: str
    card: str
    number: str
    case_number: str
    body: str
    division: str
    rule: str
    signal: str


class CardDue(Event, kw_only=True, tag="enablement.oversight.card-due/1"):
    """The day has come on which a case earns a card, if its limit still stands and still runs."""

    case: str
    rule: str
    limit: Limit
    due: date


OWN: list[type[Event]] = [CardIssued, CardDue]
