"""Instant decisions (秒批): what a rule of the standards can decide is decided when it is received, and sampled by people later."""

from __future__ import annotations

from gdbos import N_, Plugin, hookimpl

from .decision import decide_at_once
from .rule import KIND


@hookimpl
def describe() -> Plugin:
    """Decisions by rule, for matters that name one."""
    return Plugin(
        name="services.instant",
        title=N_("Instant decisions"),
        needs=["services.cases"],
        handlers=[decide_at_once],
        kinds=[KIND],
    )
