"""How existing systems are reached without being changed: one adapter per way of talking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gdbos.bus.adapters.adapter import Adapter, Answered, Asking, Way
from gdbos.bus.adapters.client import HttpClient
from gdbos.bus.adapters.database import SQLITE
from gdbos.bus.adapters.file import File, FileSettings
from gdbos.bus.adapters.http import Http, HttpSettings
from gdbos.bus.adapters.lines import Lines
from gdbos.bus.adapters.settings import Settings, settings_fault
from gdbos.bus.adapters.soap import Soap, SoapSettings
from gdbos.bus.adapters.sql import Sql, SqlSettings
from gdbos.bus.adapters.target import Target
from gdbos.bus.service import Service
from gdbos.config import Bus
from gdbos.strict import Fault, decode

__all__ = ["KINDS", "Adapter", "Answered", "Asking", "HttpClient", "Target", "Way", "adapters_for", "faults"]

KINDS: Mapping[str, type[Settings]] = {
    "http": HttpSettings,
    "soap": SoapSettings,
    "sql": SqlSettings,
    "file": FileSettings,
}
"""What `[settings]` of a service decode to, by its adapter."""


def adapters_for(bus: Bus) -> dict[str, Adapter[Any]]:
    """The adapters of a worker by name; close each when the worker ends.

    Every address among ``[bus.places]`` is registered with its networks; a place that is no address (a folder of
    keys) is only filled in.

    :raises Misconfigured: an address or a network cannot be read.
    """
    places, lines = bus.addresses(), Lines()
    targets = {url: _target(bus, name) for name, url in places.items() if "://" in url and not url.startswith(SQLITE)}
    files = {url: Path(url.removeprefix(SQLITE)) for url in places.values() if url.startswith(SQLITE)}
    folders = [url for url in places.values() if "://" not in url]
    client = HttpClient(targets.values(), lines=lines)
    ways: dict[str, Way[Any]] = {
        "http": Http(client),
        "soap": Soap(client),
        "sql": Sql({**targets, **files}, lines),
        "file": File(folders, lines),
    }
    return {name: Adapter(way, places) for name, way in ways.items()}


def faults(service: Service, standards: object) -> Iterable[str]:
    """What is wrong with the settings of a pack's service, whatever places a node has; a check of its kind of document."""
    if (kind := KINDS.get(service.adapter)) is not None:
        settings = decode(kind, service.settings)
        if isinstance(settings, Fault):
            yield settings_fault(settings)
        elif settings.stale and service.effect != "read":
            yield "[settings.stale] only a service that reads may answer with what it said before"


def _target(bus: Bus, name: str) -> Target:
    place = bus.place(name)
    return Target(place.url, place.networks, ca=place.ca, certificate=place.certificate)
