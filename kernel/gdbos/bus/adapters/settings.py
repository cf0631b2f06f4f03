"""`[settings]` of a service document: read strictly, with the places of this node filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from gdbos.errors import Misconfigured
from gdbos.strict import Fault, decode

PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
LONGEST_STALE = 86_400.0
"""Seconds: an answer is kept for a day at most, as everything is that holds somebody's data and is no record."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every adapter's settings hold."""

    timeout: float = 5.0
    """Seconds the system may take, retries included; what the provider promises (SLA)."""
    max_bytes: int = 1_048_576
    """Of one answer."""
    concurrency: int = 16
    """Calls in progress at a time, per worker."""
    stale: float = 0.0
    """Seconds for which the last answer may be given again, marked as such, while the system does not answer; 0: never."""

    def __post_init__(self) -> None:
        if self.timeout <= 0 or self.max_bytes <= 0 or self.concurrency <= 0:
            raise ValueError("`timeout`, `max_bytes` and `concurrency` are above zero")
        if not 0 <= self.stale <= LONGEST_STALE:
            raise ValueError(f"`stale` lies between 0 and {LONGEST_STALE:.0f} seconds")


S = TypeVar("S", bound=Settings)


def settings_of(kind: type[S], table: Mapping[str, Any], places: Mapping[str, str], *, service: str) -> S:
    """The settings in ``table`` with every ``{place}`` filled in.

    :raises Misconfigured: a key is unknown or wrong, a place has no address, or an address is not a plain one.
    """
    settings = decode(kind, _filled(table, places, service))
    if isinstance(settings, Fault):
        raise Misconfigured(f"service {service}: {settings_fault(settings)}")
    return settings


def settings_fault(fault: Fault) -> str:
    """Which key of `[settings]` is wrong, and how."""
    return f"[settings{'.' if fault.path else ''}{fault.path}] {fault.detail}"


def open_places(address: str) -> bool:
    """Whether places of ``address`` are not filled in yet: the document is looked over apart from any node."""
    return PLACE.search(address) is not None


def _filled(value: Any, places: Mapping[str, str], service: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(inner, places, service) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, places, service) for inner in value]
    if not isinstance(value, str):
        return value

    def place(match: re.Match[str]) -> str:
        if match[1] not in places:
            raise Misconfigured(f'service {service} refers to the place "{match[1]}", which [bus.places] does not name')
        return places[match[1]]

    return PLACE.sub(place, value)
