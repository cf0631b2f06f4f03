"""``gdbos standards``: what is loaded, one item, where it comes from, and whether a pack is sound."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from gdbos.errors import Misconfigured

from .authoring_commands import COMMANDS as AUTHORING
from .compile_commands import compile_record
from .document import Document
from .edition_commands import COMMANDS as EDITIONS
from .example import check as check_pack
from .fault import Fault, nearest
from .load import Kinds
from .provenance import explain as explain_item
from .registry import Standards
from .rows_commands import check_rows

JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")
ON = click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="As of this day; without it, the last version.")


@click.group()
def standards() -> None:
    """Standards packs: what is in force, who says so, whether a pack is sound."""


for command in (compile_record, check_rows, *AUTHORING, *EDITIONS):
    standards.add_command(command)


def loaded() -> Standards:
    """The node's standards."""
    found: Standards = click.get_current_context().obj.standards()
    return found


@standards.command("list")
@click.argument("kind", default="")
@JSON
def list_items(kind: str, as_json: bool) -> None:
    """List the loaded packs, or the items of KIND."""
    if kind:
        rows = [_row(document) for document in loaded().documents(_kind(kind))]
        _out(rows, as_json, lambda row: f"{row['id']:40} {row['pack']:16} {row['title']}")
        return
    packs = [msgspec.to_builtins(pack) for pack in loaded().packs]
    _out(packs, as_json, lambda pack: f"{pack['id']:20} {pack['version']:12} {pack['level']:10} {pack['title']['zh']}")


@standards.command()
@click.argument("kind")
@click.argument("id")
@ON
@JSON
def show(kind: str, id: str, on: datetime | None, as_json: bool) -> None:
    """Show the item ID of KIND as it stands after all levels have spoken."""
    document = loaded().document(_kind(kind), id, _day(on))
    shown = msgspec.json.encode(document.value if not as_json else document, enc_hook=str)
    click.echo(msgspec.json.format(shown, indent=0 if as_json else 2).decode())


@standards.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--beneath", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where the packs lie that it extends; else beside it.")  # fmt: skip
@JSON
def check(path: Path, beneath: tuple[Path, ...], as_json: bool) -> None:
    """Check the pack in the folder PATH and run its examples; exit 1 when anything is wrong."""
    faults = check_pack(path.resolve(), _declared(), [one.resolve() for one in beneath] or None)
    _out([msgspec.to_builtins(fault) for fault in faults], as_json, lambda fault: str(msgspec.convert(fault, Fault)))
    if not as_json:
        click.echo(f"{path}: {len(faults)} fault(s)" if faults else f"{path}: sound")
    if faults:
        click.get_current_context().exit(1)


@standards.command()
@click.argument("kind")
@click.argument("id")
@ON
@JSON
def explain(kind: str, id: str, on: datetime | None, as_json: bool) -> None:
    """Say where the item ID of KIND comes from and what each level changed."""
    if not as_json:
        click.echo(explain_item(loaded(), _kind(kind), id, _day(on)))
        return
    document = loaded().document(_kind(kind), id, _day(on))
    shown = {"pack": document.pack, "file": document.file, "locked": document.locks, "changes": document.changes}
    click.echo(msgspec.json.encode(shown, enc_hook=str).decode())


def _declared() -> Kinds:
    """The kinds that plugins of the deployment declare; none where it cannot start, for a pack must be checkable without it."""
    try:
        kinds: Kinds = click.get_current_context().obj.kernel.shelf.kinds
    except Misconfigured:
        return {}
    return kinds


def _kind(word: str) -> str:
    """The kind, also in the singular."""
    kinds = loaded().kinds
    if word not in kinds and f"{word}s" in kinds:
        return f"{word}s"
    if word not in kinds:
        raise click.BadParameter(f"no kind {word!r}; {nearest(word, kinds)}")
    return word


def _day(on: datetime | None) -> date | None:
    return on.date() if on else None


def _row(document: Document[Any]) -> dict[str, str]:
    title = getattr(document.value, "title", None)
    return {"id": document.id, "pack": document.pack, "title": title.zh if title else ""}


def _out(rows: list[dict[str, Any]], as_json: bool, line: Any) -> None:
    if as_json:
        click.echo(msgspec.json.encode(rows, enc_hook=str).decode())
        return
    for row in rows:
        click.echo(line(row))
