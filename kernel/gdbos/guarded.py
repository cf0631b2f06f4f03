"""Hooks called one by one, each with a deadline and a span: one that raises or hangs never takes the others with it."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pluggy

from gdbos.errors import Problem, Unavailable
from gdbos.unit import Unit, Veto

log = logging.getLogger("gdbos.plugins")

SLOW = 1.0
"""Seconds a hook may take; a synchronous hook cannot be cut short, so it is counted as an offence instead."""
SCANNER_FAILED = "the scanner failed"
"""The complaint that says nothing about the file: it stays in quarantine."""
OFFENCES = 5
"""Offences within a minute after which a hook is quarantined until the node restarts."""


class Quarantine:
    """Counts what a hook implementation does wrong."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._recent: deque[float] = deque(maxlen=OFFENCES)

    @property
    def closed(self) -> bool:
        return len(self._recent) == OFFENCES and self._recent[-1] - self._recent[0] < 60

    def offence(self, what: str) -> None:
        was = self.closed
        self._recent.append(time.monotonic())
        log.error("%s %s%s", self.name, what, "; it is quarantined now" if self.closed and not was else "")


class Guarded:
    """The node's hook implementations, resolved once into plain calls."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self.manager = manager

    def _implementations(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        found = getattr(self.manager.hook, hook).get_hookimpls()
        return [(one.plugin_name, one.function) for one in found]

    def vetoes(self) -> list[Veto]:
        """``before_commit`` of every plugin. They fail closed: an error of the hook refuses the unit."""
        return [
            _veto(Quarantine(f"{name}.before_commit"), call) for name, call in self._implementations("before_commit")
        ]

    def lifespans(self) -> list[Callable[[Any], AbstractAsyncContextManager[None]]]:
        """``lifespan`` of every plugin, in the order they were loaded."""
        return [call for _, call in reversed(self._implementations("lifespan"))]

    def scan(self, content: bytes, media_type: str) -> str | None:
        """The first scanner's complaint about a file; a scanner that fails is a complaint too."""
        for name, call in self._implementations("scan_file"):
            try:
                complaint = call(content=content, media_type=media_type)
            except Exception:
                log.exception("%s.scan_file failed; the file stays in quarantine", name)
                return SCANNER_FAILED
            if complaint:
                return str(complaint)
        return None

    @property
    def scanners(self) -> int:
        return len(self._implementations("scan_file"))


def _veto(quarantine: Quarantine, call: Callable[..., Any]) -> Veto:
    def check(unit: Unit) -> None:
        if quarantine.closed:
            raise Unavailable(
                "A check of this node ({hook}) is out of order; its operators have been told.", hook=quarantine.name
            )
        started = time.monotonic()
        try:
            call(unit=unit)
        except Problem:
            raise
        except Exception as failure:
            quarantine.offence(f"failed with {type(failure).__name__}")
            raise Unavailable(
                "A check of this node ({hook}) failed; nothing was changed.", hook=quarantine.name
            ) from failure
        if time.monotonic() - started > SLOW:
            quarantine.offence(f"took longer than {SLOW:.0f} s")

    return check
