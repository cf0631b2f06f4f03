"""``gdbos backup`` and ``gdbos restore``: a whole node into a file, and out of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gdbos.archive import Manifest
from gdbos.backup import Progress as Told
from gdbos.backup import backup as back_up
from gdbos.cli import Context, emit
from gdbos.home import alone
from gdbos.restore import Restored
from gdbos.restore import restore as bring_back

out = Console()
err = Console(stderr=True)

keys_option = click.option(
    "--keys", type=click.Path(path_type=Path, dir_okay=False), help="The file of the node's keys, kept elsewhere."
)
json_option = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@keys_option
@json_option
@click.pass_obj
def backup(context: Context, path: Path, keys: Path | None, as_json: bool) -> None:
    """Back up the whole node to the new file PATH; it may go on serving.

    The keys are no part of it: without them nothing sealed can be read again. Write them to another disk with --keys, and
    destroy copies of them after 30 days, so that erased subjects stay erased.
    """
    with _progress() as told:
        manifest = back_up(context.kernel, path, keys, progress=told)
    if as_json:
        emit(manifest)
        return
    _say_backup(path, keys, manifest)


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@keys_option
@json_option
@click.pass_obj
def restore(context: Context, path: Path, keys: Path | None, as_json: bool) -> None:
    """Restore the node from the backup PATH into an empty home and an empty database.

    Signature, digests and ledger are verified first; where one is wrong, nothing is restored.
    """
    with alone(context.kernel.settings.home), _progress() as told:
        restored = bring_back(context.kernel, path, keys, progress=told)
    if as_json:
        emit(restored)
        return
    _say_restored(restored)


def _say_backup(path: Path, keys: Path | None, manifest: Manifest) -> None:
    records = ", ".join(f"{log} {size:,}" for log, size in manifest.ledger.items()) or "none"
    out.print(f"Backed up to {path}: {manifest.parts:,} parts, {manifest.size:,} bytes; ledger records: {records}.")
    for table in manifest.database.left_out:
        err.print(f"[yellow]Left out:[/yellow] the table {table} belongs to no enabled plugin.", soft_wrap=True)
    if keys is None:
        err.print(
            "[yellow]No keys:[/yellow] this backup opens only with the node's keys; back them up with --keys PATH."
        )


def _say_restored(restored: Restored) -> None:
    records = ", ".join(f"{log} {size:,}" for log, size in restored.ledger.items()) or "none"
    out.print(
        f"Restored the node as it was at {restored.made_at:%Y-%m-%d %H:%M:%S} UTC (release {restored.release},"
        f" {restored.database}): {restored.files:,} files, ledger verified with {records} records,"
        f" in {restored.seconds:.1f} s. Next: gdbos migrate, gdbos doctor.",
        soft_wrap=True,
    )
    if restored.files_missing:
        err.print(f"[yellow]Missing:[/yellow] {restored.files_missing:,} files that rows name are not in the backup.")


@contextmanager
def _progress() -> Iterator[Told]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        tasks = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done + 1, total=total or None)

        yield told
