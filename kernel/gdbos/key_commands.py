"""``gdbos key``: the keys of a node, on its own machine: what there are, renewing them, retiring old ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Literal, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from gdbos.actor import plugin_actor
from gdbos.cli import Context, emit
from gdbos.errors import Conflict
from gdbos.kernel import Kernel
from gdbos.reseal import in_use, reseal
from gdbos.unit import Unit
from gdbos.vault import OVERLAP, USES, KeyRing, Use

T = TypeVar("T")
out = Console()
err = Console(stderr=True)
json_option = click.option("--json", "as_json", is_flag=True, help="For machines.")
ROTATED = click.Choice(["kek", "token"])


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the ring, never the secret."""

    use: Use
    id: int
    state: Literal["current", "next", "retired"]
    since: datetime
    sealed: int | None = None
    """How many values it has sealed; only for keys that seal."""


@click.group()
def key() -> None:
    """The node's keys. To change them, a node that runs on SQLite must be stopped first; on PostgreSQL it may go on."""


@key.command()
@json_option
@click.pass_obj
def status(context: Context, as_json: bool) -> None:
    """Show every key, since when, and how many values it has sealed."""
    shown = _on(context.kernel, _shown, beside=True)
    if as_json:
        emit(shown)
        return
    grid = Table("Use", "Key", "State", "Since", "Sealed values")
    for one in shown:
        sealed = "" if one.sealed is None else f"{one.sealed:,}"
        grid.add_row(one.use, str(one.id), one.state, f"{one.since:%Y-%m-%d %H:%M} UTC", sealed)
    out.print(grid)


@key.command()
@click.argument("use", type=ROTATED)
@json_option
@click.pass_obj
def rotate(context: Context, use: Use, as_json: bool) -> None:
    """Put the next key for USE in the current one's place; the old one goes on opening and verifying what it made.

    kek seals columns and files, token signs access tokens. Running workers take the new key up within a minute.
    """

    async def rotated(kernel: Kernel) -> int:
        fresh = kernel.ring().rotate(use)
        await kernel.units.write(plugin_actor("kernel"), _record, "vault.key-rotated", use, fresh.id)
        return fresh.id

    number = _on(context.kernel, rotated)
    hint = " Next: back up the keys, then gdbos key reseal." if use == "kek" else " Next: back up the keys."
    emit({"use": use, "current": number}) if as_json else out.print(f"The current key for {use} is {number}.{hint}")


@key.command("reseal")
@json_option
@click.pass_obj
def reseal_command(context: Context, as_json: bool) -> None:
    """Seal anew all that an older key has sealed. It may be stopped and begun again."""

    async def renewed(kernel: Kernel) -> int:
        with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=err) as bars:
            tasks: dict[str, Any] = {}

            def told(what: str, done: int, total: int) -> None:
                tasks.setdefault(what, None)
                if tasks[what] is None:
                    tasks[what] = bars.add_task(what, total=total)
                bars.update(tasks[what], completed=done)

            return await reseal(kernel, told)

    count = _on(context.kernel, renewed)
    emit({"resealed": count}) if as_json else out.print(f"Sealed anew: {count:,} values.")


@key.command()
@click.argument("use", type=ROTATED)
@click.argument("number", type=int)
@json_option
@click.pass_obj
def retire(context: Context, use: Use, number: int, as_json: bool) -> None:
    """Forget the rotated key NUMBER for good. Refused while anything still needs it."""

    async def retired(kernel: Kernel) -> None:
        ring = kernel.ring()
        refuse_needed(ring, use, number, kernel.clock(), (await in_use(kernel))[number] if use == "kek" else 0)
        ring.drop(use, number)
        await kernel.units.write(plugin_actor("kernel"), _record, "vault.key-retired", use, number)

    _on(context.kernel, retired)
    emit({"use": use, "retired": number}) if as_json else out.print(f"The key {number} for {use} is forgotten.")


def refuse_needed(ring: KeyRing, use: Use, number: int, now: datetime, sealed: int) -> None:
    """:raises Conflict: values are sealed with the key, or it was rotated out so lately that workers may still use it."""
    if sealed:
        raise Conflict(
            "The key {number} seals {count} values; run gdbos key reseal first.", number=number, count=sealed
        )
    if ring.key(use, number).state == "retired" and now - ring.key(use, number).since < OVERLAP:
        raise Conflict(
            "The key {number} was rotated out less than {hours} hours ago; workers, tokens and kept answers may still need it.",
            number=number,
            hours=int(OVERLAP.total_seconds() // 3600),
        )


async def _shown(kernel: Kernel) -> list[KeyShown]:
    ring, counted = kernel.ring(), await in_use(kernel)
    return [
        KeyShown(use=use, id=one.id, state=one.state, since=one.since, sealed=counted[one.id] if use == "kek" else None)
        for use in USES
        for one in ring.all(use)
    ]


def _record(unit: Unit, act: str, use: Use, number: int) -> None:
    unit.record(act, use=use, key=number)


def _on(kernel: Kernel, act: Callable[[Kernel], Coroutine[Any, Any, T]], *, beside: bool = False) -> T:
    async def run() -> T:
        async with kernel.running(background=False, beside=beside):
            return await act(kernel)

    return asyncio.run(run())
