"""``gdbos dlq``: dead letters, whether the node is running or not; people see the same at /console/letters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from gdbos.actor import plugin_actor
from gdbos.cli import emit
from gdbos.console.letter import Settled, drop_letter, list_letters, retry_letter, show_letter
from gdbos.unit import Unit

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")
out = Console()


@click.group()
def dlq() -> None:
    """Dead letters: events that a handler could not take."""


@dlq.command("list")
@click.option("--after", default="", help="The key that the page before ended with.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@JSON
def list_command(after: str, limit: int, as_json: bool) -> None:
    """List dead letters, oldest first."""
    found = _in_unit(lambda unit: list_letters(unit, after, limit))
    if as_json:
        emit(found)
        return
    table = Table("Event", "Handler", "Type", "Attempts", "Error")
    for one in found.letters:
        table.add_row(str(one.event), one.handler, one.type, str(one.attempts), one.error)
    out.print(table)
    if found.next:
        out.print(f"More: --after {found.next}", highlight=False)


@dlq.command()
@click.argument("event", type=click.UUID)
@click.argument("handler")
@JSON
def show(event: UUID, handler: str, as_json: bool) -> None:
    """Show the letter of EVENT for HANDLER with the facts of the event."""
    found = _in_unit(lambda unit: show_letter(unit, event, handler))
    if as_json:
        emit(found)
        return
    table = Table("What", "Which", title=found.letter.type)
    for name in ("handler", "key", "attempts", "error", "emitted_at"):
        table.add_row(name, str(getattr(found.letter, name)))
    for name, value in found.facts.items():
        table.add_row(f"event.{name}", str(value))
    table.add_row("waiting behind it", str(found.behind))
    out.print(table)


@dlq.command()
@click.argument("event", type=click.UUID)
@click.argument("handler")
@JSON
def retry(event: UUID, handler: str, as_json: bool) -> None:
    """Have EVENT delivered to HANDLER again: within a second where the node runs, else when it next does."""
    _say(_in_unit(lambda unit: retry_letter(unit, event, handler)), as_json)


@dlq.command()
@click.argument("event", type=click.UUID)
@click.argument("handler")
@click.option("--reason", required=True, help="Why the event need not be handled; goes on record.")
@JSON
def drop(event: UUID, handler: str, reason: str, as_json: bool) -> None:
    """Give EVENT up for HANDLER, for good."""
    _say(_in_unit(lambda unit: drop_letter(unit, event, handler, reason)), as_json)


def _say(settled: Settled, as_json: bool) -> None:
    if as_json:
        emit(settled)
        return
    out.print(f"{settled.event} for {settled.handler} is {settled.state} now.", highlight=False)


def _in_unit(act: Callable[[Unit], T]) -> T:
    """Run ``act`` in one committed unit of the node, opened for this command alone."""
    kernel: Any = click.get_current_context().obj.kernel

    async def run() -> T:
        async with kernel.running(background=False, beside=True):
            done: T = await kernel.units.write(plugin_actor("kernel"), act)
            return done

    return asyncio.run(run())
