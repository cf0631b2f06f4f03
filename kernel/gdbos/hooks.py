"""The moments a plugin may act in: verbs that data cannot say. Each is used by a plugin that ships."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pluggy

from gdbos.plugin import Plugin

if TYPE_CHECKING:
    from gdbos.unit import Unit

hookspec = pluggy.HookspecMarker("gdbos")


@hookspec
def describe() -> Plugin:  # type: ignore[empty-body]
    """What this plugin brings; pure, called before its configuration is read."""


@hookspec
def lifespan(kernel: Any) -> AbstractAsyncContextManager[None]:  # type: ignore[empty-body]
    """Hold something open while the node runs; entered after migrations, left before the lanes close.

    :param kernel: the running kernel: its settings, standards, units and bus.
    """


@hookspec
def before_commit(unit: Unit) -> None:
    """Look at a unit that is about to commit; raise a Problem to veto it. Fails closed.

    :param unit: the unit, with the events it has emitted.
    """


@hookspec
def scan_file(content: bytes, media_type: str) -> str | None:
    """Say why an uploaded file must not be used, or nothing when it may. Fails closed: the file stays in quarantine.

    :param content: the whole file.
    :param media_type: what its first bytes say it is.
    """
