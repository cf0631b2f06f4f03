"""``gdbos standards rows``: a file of records looked at before it is handed over, as the node that receives it would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Final

import click
import msgspec

from gdbos.errors import Invalid, Problem, Violation

from .asked import today
from .lines import read_lines
from .record import Record
from .registry import Standards

PORTION: Final = 20_000
"""Lines read at once: a file may be larger than memory."""


@click.command("rows")
@click.argument("record")
@click.argument("file", type=click.File("rb"))
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="As of this day; today if absent.")
@click.option("--json", "as_json", is_flag=True, help="For machines: a flaw a line.")
def check_rows(record: str, file: IO[bytes], on: datetime | None, as_json: bool) -> None:
    """Check FILE (- for the input), which holds a RECORD on each line (NDJSON); exit 1 when one is wrong."""
    standards: Standards = click.get_current_context().obj.standards()
    flaws = 0
    for flaw in _flaws(standards.record(record, on.date() if on else today()), file):
        flaws += 1
        click.echo(msgspec.json.encode(flaw).decode() if as_json else f"{flaw.path}: {_words(flaw)}")
    if not as_json:
        click.echo(f"{file.name}: {flaws} flaw(s)" if flaws else f"{file.name}: every row fits")
    if flaws:
        click.get_current_context().exit(1)


def _flaws(record: Record, file: IO[bytes]) -> Iterator[Violation]:
    first = 1
    while lines := list(islice(file, PORTION)):
        try:
            read_lines(record, b"".join(lines), first)
        except Invalid as wrong:
            yield from wrong.violations
        first += len(lines)


def _words(flaw: Violation) -> str:
    return Problem(flaw.detail, **flaw.facts).message()
