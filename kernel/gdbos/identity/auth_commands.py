"""``gdbos auth``: why somebody may do something, or may not."""

from __future__ import annotations

import asyncio
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gdbos.cli import emit
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.explain import Explained, actor_named, explain, permission_named, resource_named
from gdbos.unit import Unit


@click.group()
def auth() -> None:
    """What is decided about who may do what. A node that runs on SQLite must be stopped first."""


@auth.command("explain")
@click.argument("actor")
@click.argument("action")
@click.argument("resource", default="-")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def explain_command(context: Any, actor: str, action: str, resource: str, as_json: bool) -> None:
    """Say whether ACTOR may do ACTION to RESOURCE, and every rule that spoke. Exit code 1 when not.

    ACTOR is a log-in name, LOGIN/ROLE, system:CLIENT_ID or anonymous; ACTION a permission such as services.cases.accept;
    RESOURCE a row (TABLE:ID), or what one would say: "division=450103 body=USCC subject=KEY matter=ID asked-by=ACCOUNT".
    """
    kernel = context.kernel

    def look(unit: Unit) -> Explained:
        about = resource_named(unit, kernel.tables, resource)
        wanted = permission_named(kernel.permissions, action)
        return explain(actor_named(unit, actor), actor, wanted, resource, about)

    async def run() -> Explained:
        async with kernel.running(background=False, beside=True):
            found: Explained = await kernel.units.read(IDENTITY, look)
            return found

    found = asyncio.run(run())
    if as_json:
        emit(found)
    else:
        _show(found)
    if found.result != "allowed":
        raise click.exceptions.Exit(1)


def _show(found: Explained) -> None:
    grid = Table("Rule", "Says", "Because")
    for reason in found.reasons:
        grid.add_row(reason.rule, reason.result, reason.because.format(**reason.facts))
    out = Console()
    out.print(f"{found.actor} ({found.kind}), {' → '.join(found.chain) or 'no chain'}", highlight=False)
    out.print(grid)
    out.print(f"{found.result}: {found.action} on {found.resource}", highlight=False)
