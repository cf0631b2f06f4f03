"""Identifiers by the file: each row comes back with whether its value is one, why not, and what it is made of.

Rows are read and written one by one into a temporary file that has no name, so that memory does not grow with the file and nothing is
left of it afterwards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import IO

from gdbos.errors import Invalid, Violation
from gdbos.sheet import is_workbook, rows, save
from gdbos.text import N_

from .identifier import Identifier

ADDED = ("valid", "reason", "detail", "parts")
IN_MEMORY = 1 << 20


def annotated(
    file: IO[bytes], identifier: Identifier, column: str, on: date, say: Callable[[str], str]
) -> tuple[IO[bytes], bool]:
    """The table in ``file`` with four columns more, in its own format; and whether that is a workbook.

    ``column``: the heading over the values; where none is given, the first column. The first row is the head. ``say``: the
    words of a sentence in the language of whoever asks.

    Raises:
        Invalid: there is no such column, or no row.
        Unsupported: the file is no table that can be read.
        TooLarge: it has more rows, columns or bytes than are read.
    """
    workbook = is_workbook(file)
    table = rows(file)
    head = next(table, ())
    at = _position(head, column)
    # Whoever sends it closes it.
    made = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
    save(made, _annotated(head, table, identifier, at, on, say), as_workbook=workbook)
    made.seek(0)
    return made, workbook


def _position(head: Sequence[str], column: str) -> int:
    if head and not column:
        return 0
    if column in head:
        return head.index(column)
    detail = N_("The table has no column with the heading given; its first row holds the headings.")
    raise Invalid(violations=[Violation("$.column", "column", detail)])


def _annotated(
    head: Sequence[str],
    table: Iterator[tuple[str, ...]],
    identifier: Identifier,
    at: int,
    on: date,
    say: Callable[[str], str],
) -> Iterator[Sequence[str]]:
    yield [*head, *ADDED]
    for row in table:
        verdict = identifier.check(row[at] if at < len(row) else "", on)
        padded = [*row, *[""] * (len(head) - len(row))]
        parts = "; ".join(f"{name}={part}" for name, part in verdict.parts.items())
        yield [
            *padded,
            "true" if verdict.valid else "false",
            verdict.reason,
            say(verdict.detail) if verdict.detail else "",
            parts,
        ]
