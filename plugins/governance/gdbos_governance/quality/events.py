"""What happens to quality tickets."""

from __future__ import annotations

from gdbos import Event


class TicketOpened(Event, tag="governance.quality.ticket-opened/1"):
    """A wrong value was found; its source has to look at it."""

    ticket: str
    resource: str
    body: str
    finder: str
    rule: str
    check: str
    element: str


class TicketAnswered(Event, tag="governance.quality.ticket-answered/1"):
    """The source has said what it did about a wrong value."""

    ticket: str
    resource: str
    body: str
    finder: str
    verdict: str


class TicketClosed(Event, tag="governance.quality.ticket-closed/1"):
    """The finder is content with the answer."""

    ticket: str
    resource: str
    body: str
    finder: str


EVENTS = (TicketOpened, TicketAnswered, TicketClosed)
