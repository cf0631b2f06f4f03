"""``gdbos standards compile``: what a record compiles to, as files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from .asked import today
from .compilation import OUTPUTS
from .registry import Standards


@click.command("compile")
@click.argument("record")
@click.option("--to", "forms", multiple=True, type=click.Choice(sorted(OUTPUTS)), help="Only this; else everything.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="As of this day; today if absent.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder to write into; else here.")  # fmt: skip
def compile_record(record: str, forms: tuple[str, ...], on: datetime | None, out: Path) -> None:
    """Compile RECORD to JSON Schema, an OpenAPI component, DDL, a workbook to fill in, and a page to read."""
    standards: Standards = click.get_current_context().obj.standards()
    compiled = standards.record(record, on.date() if on else today())
    out.mkdir(parents=True, exist_ok=True)
    for form in forms or OUTPUTS:
        path = out / f"{record}.{OUTPUTS[form].ending}"
        path.write_bytes(OUTPUTS[form].make(compiled))
        click.echo(path)
