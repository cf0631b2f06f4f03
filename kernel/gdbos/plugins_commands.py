"""``gdbos plugins``: what is installed, what is enabled, what each brings, and why one is refused."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gdbos.cli import Context, emit
from gdbos.errors import Misconfigured
from gdbos.loading import described, installed, load
from gdbos.plugin import Plugin
from gdbos.strict import nearest

out = Console()


@click.group()
def plugins() -> None:
    """Plugins: installed, enabled, refused."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def list_plugins(context: Context, as_json: bool) -> None:
    """List every installed plugin; none is imported for it."""
    enabled = context.deployment.settings.enabled()
    rows = [
        {
            "name": name,
            "enabled": name in enabled,
            "distribution": o.distribution,
            "version": o.version,
            "module": o.entry.value,
        }
        for name, offers in installed().items()
        for o in offers
    ]
    rows += [
        {"name": n, "enabled": True, "distribution": "", "version": "", "module": ""}
        for n in enabled
        if n not in installed()
    ]
    if as_json:
        emit(rows)
        return
    table = Table("Plugin", "Enabled", "Distribution", "Module")
    for row in rows:
        where = f"{row['distribution']} {row['version']}" if row["distribution"] else "not installed"
        table.add_row(str(row["name"]), "yes" if row["enabled"] else "no", where, str(row["module"]))
    out.print(table)


@plugins.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def show(context: Context, name: str, as_json: bool) -> None:
    """Show what plugin NAME brings, whether it is enabled or not."""
    offers = installed().get(name)
    if not offers:
        raise Misconfigured(f'no installed distribution brings a plugin "{name}".{nearest(name, installed())}')
    brought = brings(described(name, offers[0].entry.load())) | {
        "enabled": name in context.deployment.settings.enabled(),
        "distribution": [f"{o.distribution} {o.version}" for o in offers],
    }
    if as_json:
        emit(brought)
        return
    table = Table("What", "Which", title=name, show_lines=True)
    for what, which in brought.items():
        table.add_row(what, "\n".join(map(str, which)) if isinstance(which, list) else str(which))
    out.print(table)


@plugins.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def check(context: Context, as_json: bool) -> None:
    """Try every enabled plugin by itself and say why one is refused. Exit 2 when any is."""
    deployment, available = context.deployment, installed()
    enabled = deployment.settings.enabled()
    found: list[dict[str, Any]] = []
    for name in enabled:
        try:
            with_needs = {name: enabled[name]}
            while missing := [
                n for m in with_needs for n in _needs(m, available) if n in enabled and n not in with_needs
            ]:
                with_needs |= {n: enabled[n] for n in missing}
            load(with_needs, str(deployment.path), available)
            found.append({"name": name, "ok": True, "why": ""})
        except Misconfigured as wrong:
            found.append({"name": name, "ok": False, "why": str(wrong)})
    if as_json:
        emit(found)
    for one in found if not as_json else []:
        out.print(
            f"{'[green]ok[/green]     ' if one['ok'] else '[red]refused[/red]'} {one['name']}  {escape(one['why'])}",
            highlight=False,
            soft_wrap=True,
        )
    if not all(one["ok"] for one in found):
        raise click.exceptions.Exit(2)


def _needs(name: str, available: Any) -> list[str]:
    offers = available.get(name)
    return list(described(name, offers[0].entry.load()).needs) if offers else []


def brings(plugin: Plugin) -> dict[str, Any]:
    """What ``plugin`` declares, as plain values."""
    return {
        "title": plugin.title,
        "api": plugin.api,
        "needs": list(plugin.needs),
        "settings": list(plugin.config.__struct_fields__) if plugin.config else [],
        "permissions": [p.name for p in plugin.permissions],
        "routes": [r.__name__ for r in plugin.routes],
        "pages": [getattr(p, "__name__", str(p)) for p in plugin.pages],
        "tables": sorted(plugin.tables.tables) if plugin.tables else [],
        "events": [str(e.__struct_config__.tag) for e in plugin.events],
        "handlers": [getattr(h, "__name__", str(h)) for h in plugin.handlers],
        "services": [f"{s.code} v{s.version}" for s in plugin.services],
        "consumes": [c.service for c in plugin.consumes],
        "kinds": [k.name for k in plugin.kinds],
        "jobs": [f"{j.name} every {j.every}" for j in plugin.jobs],
        "commands": [c.name for c in plugin.commands],
    }
