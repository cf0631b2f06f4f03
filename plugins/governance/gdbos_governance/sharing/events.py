"""What happens to requests for shared data."""

from __future__ import annotations

from gdbos import Event


class RequestAsked(Event, tag="governance.sharing.request-asked/1"):
    """A department has asked another for a data resource."""

    request: str
    number: str
    resource: str
    body: str
    owner: str
    due: str
    """Last day for the reply, ISO 8601; empty where the calendar is not published so far."""


class RequestAgreed(Event, tag="governance.sharing.request-agreed/1"):
    """The owner has agreed, wholly or to less than was asked."""

    request: str
    number: str
    resource: str
    body: str
    owner: str
    narrower: bool


class RequestRefused(Event, tag="governance.sharing.request-refused/1"):
    """The owner has refused, with reasons."""

    request: str
    number: str
    resource: str
    body: str
    owner: str


class ShareRevoked(Event, tag="governance.sharing.share-revoked/1"):
    """What had been agreed has ended; the next call is refused."""

    request: str
    number: str
    resource: str
    body: str
    owner: str


EVENTS = (RequestAsked, RequestAgreed, RequestRefused, ShareRevoked)
