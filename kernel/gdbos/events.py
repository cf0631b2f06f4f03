"""Events: what happened, in the past tense, kept in the outbox of the unit that caused it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, dataclass_transform

import msgspec

TAG = re.compile(r"\A[a-z_]+\.[a-z_]+\.[a-z-]+/[0-9]+\Z")
_SUBSCRIPTION = "__gdbos_subscription__"


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that happened. Subclass with ``tag="family.feature.noun-verbed/version"``.

    Events carry ids and facts of procedure, never personal data: who needs those reads them through the bus.
    The first field is the key whose events are delivered in order.
    """

    @property
    def key(self) -> str:
        """Events with the same key reach each handler in the order they were emitted."""
        return str(getattr(self, self.__struct_fields__[0])) if self.__struct_fields__ else ""


Handler = Callable[..., object]
Fetch = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)


class Subscription(msgspec.Struct, frozen=True):
    """That a function handles an event type; kept on the function."""

    event: type[Event]
    fetch: Fetch | None = None


def on(event: type[Event], *, fetch: Fetch | None = None) -> Callable[[H], H]:
    """Handle ``event``: ``handler(unit, event)`` runs in a unit of its own, once in effect.

    With ``fetch``, ``await fetch(event, bus)`` runs first and outside any unit (it may call other systems), and the
    handler receives ``(unit, event, value)``. Another family's event is handled through one's own struct with the same tag,
    holding only the fields one reads: a declared contract.
    """

    def mark(handler: H) -> H:
        setattr(handler, _SUBSCRIPTION, Subscription(event, fetch))
        return handler

    return mark


def subscription(handler: Handler) -> Subscription:
    """The subscription of a function decorated with :func:`on`."""
    found = getattr(handler, _SUBSCRIPTION, None)
    if not isinstance(found, Subscription):
        raise TypeError(
            f"{getattr(handler, '__qualname__', handler)} is listed as a handler but not marked with @on(Event)"
        )
    return found


def tag(event: type[Event]) -> str:
    """The event type's name and version: ``services.cases.case-accepted/1``."""
    value = msgspec.inspect.type_info(event)
    found = getattr(value, "tag", None)
    if not isinstance(found, str) or not TAG.match(found):
        raise TypeError(f'{event.__name__} needs tag="family.feature.noun-verbed/version"')
    return found
