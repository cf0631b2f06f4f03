"""Refuses: a whole plugin that vetoes what it does not like, as a law-minded neighbour would."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from gdbos import Conflict, Plugin, Unit, hookimpl

log = logging.getLogger("acme.refuses")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.acme.refuses]` in the deployment's configuration."""

    events: tuple[str, ...] = ()
    """Names of event classes that must not happen while this plugin is enabled."""


@hookimpl
def before_commit(unit: Unit) -> None:
    """Veto a unit that emits a forbidden event. Nothing of it is kept."""
    forbidden = unit.config(Config).events
    for event in unit.events:
        if type(event).__name__ in forbidden:
            raise Conflict("{event} must not happen at this node.", event=type(event).__name__)


@hookimpl
@asynccontextmanager
async def lifespan(kernel: Any) -> AsyncIterator[None]:
    """Say when it begins to watch and when it stops; a real one would hold a connection open in between."""
    log.info("watching over %s", kernel.settings.node.id)
    yield
    log.info("no longer watching over %s", kernel.settings.node.id)


@hookimpl
def describe() -> Plugin:
    """A setting, a veto and a watch."""
    return Plugin(name="acme.refuses", title="Refuses", config=Config)
