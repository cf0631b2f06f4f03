"""Blows up: a whole plugin whose check fails, to see that the node contains it."""

from gdbos import Plugin, Unit, hookimpl


@hookimpl
def before_commit(unit: Unit) -> None:
    """Fail as a mistake does. The kernel refuses the unit (a veto fails closed) and quarantines a repeat offender."""
    raise RuntimeError("a mistake in a vendor's plugin")


@hookimpl
def scan_file(content: bytes, media_type: str) -> str | None:
    """Fail here too: a file whose scanner failed stays in quarantine."""
    raise RuntimeError("a mistake in a vendor's scanner")


@hookimpl
def describe() -> Plugin:
    """Nothing but its hooks."""
    return Plugin(name="acme.blows_up", title="Blows up")
