"""How existing systems are reached without being changed: one adapter per way of talking."""

from __future__ import annotations

from gdbos.bus.adapters.client import HttpClient
from gdbos.bus.adapters.service import HttpAdapter
from gdbos.bus.adapters.target import Target
from gdbos.config import Bus

__all__ = ["HttpAdapter", "HttpClient", "Target", "adapters_for"]


def adapters_for(bus: Bus) -> dict[str, HttpAdapter]:
    """The adapters of a worker by name; close each when the worker ends.

    Every address among ``[bus.places]`` is registered with the networks of ``[bus]``; a place that is no address (a folder of
    keys) is only filled in.

    :raises Misconfigured: an address or a network cannot be read.
    """
    targets = [Target(place, bus.networks) for place in bus.places.values() if "://" in place]
    return {"http": HttpAdapter(HttpClient(targets), bus.places)}
