"""What an adapter is: one way of talking to existing systems, behind one door that all ways share."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from gdbos.bus.adapters.lines import Trip
from gdbos.bus.adapters.settings import Settings, settings_of
from gdbos.errors import Misconfigured, NotFound, ProviderFailed, ProviderTimeout, Unavailable
from gdbos.text import N_

if TYPE_CHECKING:
    from gdbos.bus.call import Call
    from gdbos.bus.service import Offered

KEPT = 1_000
"""Answers that one adapter of a worker keeps for the time their system is away."""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """One question to an existing system."""

    value: Mapping[str, Any]
    deadline: float
    """The event loop's time (``time.monotonic()``) at which the caller must know."""
    call: str
    service: str
    provider: str
    business: str = ""
    """Number under which a repeated request is the same one."""
    traceparent: str | None = None

    def trip(self, settings: Settings, *, repeatable: bool) -> Trip:
        """This question on its way to a system with these ``settings``."""
        return Trip(
            line=f"{self.service}@{self.provider}",
            deadline=self.deadline,
            timeout=settings.timeout,
            repeatable=repeatable,
            concurrency=settings.concurrency,
        )


class Answered(msgspec.Struct, frozen=True):
    """What the system said, in our fields."""

    value: Any
    """A table of our fields."""
    as_of: datetime | None = None
    """The moment for which it is true, where that is not now."""
    stale: bool = False
    """Said earlier, and given again because the system does not answer."""


def not_set_up(service: Offered) -> Unavailable:
    """What a caller hears of a service whose settings this node cannot use."""
    detail = N_("Service {service} is not set up at this node; its operators have to mend its settings.")
    return Unavailable(detail, service=service.code)


S = TypeVar("S", bound=Settings)


class Way(Protocol[S]):
    """One way of talking. Everything it raises is a problem, and in time."""

    @property
    def kind(self) -> type[S]:
        """What `[settings]` decode to."""
        ...

    def check(self, settings: S) -> None:
        """:raises Misconfigured: what they name is not among the places of this node."""

    async def ask(self, settings: S, asking: Asking) -> Answered:
        """The answer to one question.

        :raises Invalid: a value has no counterpart in the system.
        :raises NotFound: it holds no such record.
        :raises ProviderFailed, ProviderTimeout, Unavailable: it did not answer, or not as agreed. No problem ever carries
            what the system said, or whom it was asked about.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection."""


class Adapter(Generic[S]):
    """Calls existing systems in one way; reads the settings of each service version once."""

    def __init__(self, way: Way[S], places: Mapping[str, str]) -> None:
        self._way = way
        self._places = places
        self._settings: dict[tuple[str, int], S] = {}
        self._kept: OrderedDict[bytes, tuple[float, Answered]] = OrderedDict()

    async def __call__(
        self, service: Offered, request: dict[str, Any], *, call: Call, traceparent: str | None
    ) -> Answered:
        try:
            settings = self.settings(service)
        except Misconfigured:
            raise not_set_up(service) from None
        asking = Asking(
            value=request,
            deadline=call.deadline,
            call=str(call.id),
            service=service.code,
            provider=service.provider,
            business=call.business,
            traceparent=traceparent,
        )
        return (
            await self._or_stale(settings, asking, service) if settings.stale else await self._way.ask(settings, asking)
        )

    async def _or_stale(self, settings: S, asking: Asking, service: Offered) -> Answered:
        """The system's answer, or while it gives none its last one to the same question."""
        now = asyncio.get_running_loop().time
        question = msgspec.json.encode([service.code, service.version, asking.value], order="deterministic")
        key = hashlib.sha256(question).digest()
        try:
            answered = await self._way.ask(settings, asking)
        except (ProviderFailed, ProviderTimeout, Unavailable):
            kept = self._kept.get(key)
            if kept is None or now() - kept[0] > settings.stale:
                raise
            return kept[1]
        except NotFound:
            self._kept.pop(key, None)
            raise
        self._kept[key] = now(), Answered(answered.value, answered.as_of or datetime.now(UTC), stale=True)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT or now() - next(iter(self._kept.values()))[0] > settings.stale:
            self._kept.popitem(last=False)
        return answered

    def settings(self, service: Offered) -> S:
        """The settings of ``service``. :raises Misconfigured: they cannot be used at this node."""
        version = (service.code, service.version)
        if version not in self._settings:
            self._settings[version] = self._read(service)
        return self._settings[version]

    def check(self, service: Offered) -> None:
        """Look over the settings of a service that is not registered yet; nothing of them is remembered.

        :raises Misconfigured: they cannot be used, or name what is not among the places of this node.
        """
        self._way.check(self._read(service))

    def _read(self, service: Offered) -> S:
        assert service.registered is not None
        settings = settings_of(self._way.kind, service.registered.settings, self._places, service=service.code)
        if settings.stale and service.effect != "read":
            raise Misconfigured(
                f"service {service.code}: [settings.stale] only a service that reads may answer with what it said before"
            )
        return settings

    async def aclose(self) -> None:
        """Close every connection, and forget every answer."""
        self._kept.clear()
        await self._way.aclose()
