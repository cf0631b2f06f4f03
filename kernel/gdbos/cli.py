"""The command line: ``gdbos`` and its groups. Exit code 0 done, 1 failed, 2 wrong input or configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import OperationalError

from gdbos.config import Deployment, load
from gdbos.errors import Misconfigured, Problem
from gdbos.shipped import shipped
from gdbos.storage.engine import away

if TYPE_CHECKING:
    from gdbos.kernel import Kernel
    from gdbos.standards import Standards

out = Console()
err = Console(stderr=True)


class Context:
    """What every command may ask for, made only when it is."""

    def __init__(self, config: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.config = config
        self.environ = environ

    @cached_property
    def deployment(self) -> Deployment:
        return load(self.config, self.environ)

    @cached_property
    def kernel(self) -> Kernel:
        from gdbos.kernel import Kernel

        return Kernel(self.deployment)

    def standards(self) -> Standards:
        """The standards as the node stands under them: with the editions published in its database, where there is one."""
        self.kernel.stand_under(self.kernel.published())
        return self.kernel.standards

    def changed(self, **values: str) -> Context:
        """The same deployment with values set as its environment would: ``GDBOS_HOME="…"``."""
        return Context(self.config, {**self.environ, **values})

    def plant(self, seed: Path) -> dict[str, str]:
        """Bring the database to this release and enter ``seed``; returns the passwords it generated, by log-in name."""
        from gdbos.identity.seed import plant_file

        return plant_file(self.kernel, seed)

    def serve(self, beside: Callable[[str], bool] | None = None, *, workers: int = 1) -> None:
        """Serve the node; once it answers, run ``beside(url)`` in a thread, and stop when that returns true."""
        from gdbos.serving import serve

        serve(self.kernel, beside, workers=workers)


class Program(click.Group):
    """Groups of the kernel, and the commands that enabled plugins bring."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _config_first(args))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_plugin_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _plugin_commands(ctx).get(cmd_name)


def _config_first(args: list[str]) -> list[str]:
    """``args`` with ``--config PATH`` in front, wherever it stands: the deployment says which commands there are."""
    options = args[: args.index("--")] if "--" in args else args
    for at, one in enumerate(options):
        if one == "--config" or one.startswith("--config="):
            end = at + 1 + (one == "--config")
            return [*args[at:end], *args[:at], *args[end:]]
    return args


def _plugin_commands(context: click.Context) -> dict[str, click.Command]:
    config = Path(context.params.get("config") or _default_config())
    try:
        plugins = Context(config).kernel.plugins
    except Misconfigured:
        return {}  # the command that was asked for will say what is wrong
    return {command.name: command for plugin in plugins for command in plugin.commands if command.name}


def _default_config() -> Path:
    return shipped("config") / "demo" / "city.toml"


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=_default_config,
    show_default="the demo city",
    help="The deployment to work on; may stand after the command too.",
)
@click.version_option(package_name="gdbos")
@click.pass_context
def program(context: click.Context, config: Path) -> None:
    """GDBOS, the government data and business operating system (政府数据业务操作系统)."""
    context.obj = Context(config)


@program.command()
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes; needs PostgreSQL."
)
@click.pass_obj
def serve(context: Context, workers: int) -> None:
    """Serve the node."""
    context.serve(workers=workers)


@program.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def migrate(context: Context, as_json: bool) -> None:
    """Bring the database to this release."""
    from gdbos.home import alone

    with alone(context.kernel.settings.home):
        moved = context.kernel.migrate()
    if as_json:
        emit({"migrated": moved})
    else:
        out.print(
            f"Brought to this release: {', '.join(moved)}." if moved else "The database is at this release already."
        )


@program.group()
def config() -> None:
    """The deployment's configuration."""


@config.command("show")
@click.option("--resolved", is_flag=True, help="Every value, and where it came from.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def show_config(context: Context, resolved: bool, as_json: bool) -> None:
    """Show the configuration; secrets are shown as the references they are."""
    deployment = context.deployment
    values = dict(_flat(msgspec.to_builtins(deployment.settings)))
    rows = {
        key: {"value": value, "from": deployment.origins.get(key, "default")}
        for key, value in values.items()
        if resolved or key in deployment.origins
    }
    if as_json:
        emit(rows)
        return
    table = Table("Key", "Value", "From", title=str(deployment.path))
    for key, row in rows.items():
        table.add_row(key, escape(str(row["value"])), escape(str(row["from"])))
    out.print(table)


def _flat(value: Any, at: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value and not {"env", "file"} >= set(value):
        return [leaf for name, below in value.items() for leaf in _flat(below, f"{at}.{name}" if at else name)]
    return [(at, value)]


def emit(value: Any) -> None:
    """Print ``value`` as one JSON document."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.flush()


def guarded(run: Callable[[], Any]) -> int:
    """Run a command and turn what went wrong into a sentence and an exit code."""
    try:
        code = run()  # click returns the code of an Exit that a command raised
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return 2
    except click.Abort:
        return 1
    except Misconfigured as wrong:
        # Escaped: rich would take the [section] that a message names for markup and swallow it.
        err.print(f"[bold]Cannot run:[/bold] {escape(str(wrong))}", highlight=False, soft_wrap=True)
        return 2
    except (Problem, OperationalError) as failure:
        failed = failure if isinstance(failure, Problem) else away(failure)
        err.print(f"[bold]{failed.title}.[/bold] {escape(failed.message())}", highlight=False, soft_wrap=True)
        return 2 if failed.status in (400, 422) else 1
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of ``gdbos``."""
    _mount()
    sys.exit(guarded(lambda: program(standalone_mode=False)))


def _mount() -> None:
    from gdbos.backup_commands import backup, restore
    from gdbos.doctor import doctor
    from gdbos.identity.auth_commands import auth
    from gdbos.identity.commands import identity
    from gdbos.key_commands import key
    from gdbos.ledger.commands import ledger
    from gdbos.letters_commands import dlq
    from gdbos.plugins_commands import plugins
    from gdbos.standards.commands import standards
    from gdbos.stewardship.commands import import_elements

    standards.add_command(import_elements)

    for command in (auth, backup, restore, dlq, doctor, identity, key, ledger, plugins, standards):
        program.add_command(command)


if __name__ == "__main__":
    main()
