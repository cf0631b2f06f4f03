"""``gdbos standards import-elements``: elements out of a table, a form or a database's schema, as proposals."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import click
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from gdbos.actor import plugin_actor
from gdbos.cli import emit
from gdbos.standards import Element
from gdbos.standards.importing import of_database

from .proposal import Imported, propose
from .routes import of_form_file, of_sheet


@click.command("import-elements")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--database", metavar="VARIABLE", help="Read a schema instead: the environment variable that holds the database's SQLAlchemy URL.")  # fmt: skip
@click.option("--schema", help="The schema in that database; else its default.")
@click.option("--source", help="What to call it; else the file's or database's name.")
@click.option("--dry-run", is_flag=True, help="Only show what would be proposed.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def import_elements(
    file: Path | None, database: str | None, schema: str | None, source: str | None, dry_run: bool, as_json: bool
) -> None:
    """Propose the data elements of FILE (.xlsx, .csv, or a form as .toml) or of a database. A node on SQLite must be stopped first."""
    if (file is None) == (database is None):
        raise click.UsageError("Give either a file or --database.")
    name, elements = _of_file(file) if file is not None else _of_database(str(database), schema)
    if dry_run:
        for element in elements:
            click.echo(f"{element.id:40} {element.form:12} {element.title.zh}")
        return
    done = _in_node(source or name, elements)
    emit(done) if as_json else click.echo(f"{done.source}: {done.proposed} proposed, {done.resembling} of them resemble others, {done.known} known")  # fmt: skip


def _of_file(file: Path) -> tuple[str, list[Element]]:
    with file.open("rb") as opened:
        return file.name, list(of_form_file(opened) if file.suffix == ".toml" else of_sheet(opened))


def _of_database(variable: str, schema: str | None) -> tuple[str, list[Element]]:
    url = os.environ.get(variable)
    if not url:
        raise click.UsageError(f"The environment has no {variable}; it holds the URL, so that no password stands in a command line.")  # fmt: skip
    try:
        engine = create_engine(url)
        try:
            return f"{engine.url.database}", list(of_database(engine, schema))
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database cannot be read: {type(error).__name__}") from None


def _in_node(source: str, elements: list[Element]) -> Imported:
    kernel: Any = click.get_current_context().obj.kernel

    async def run() -> Imported:
        async with kernel.running(background=False):
            done: Imported = await kernel.units.write(plugin_actor("kernel"), propose, source, elements)
            return done

    return asyncio.run(run())
