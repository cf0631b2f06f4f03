"""Many records as one document of lines (NDJSON), as departments send their rows.

They are decoded in one go and looked at by column: what stands in many rows, such as a code, is looked up once. Only where
something is wrong is every line read by itself, so that each flaw is named with its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec

from gdbos.errors import BadRequest, Invalid, Violation

from .compiled import Compiled, Part
from .record import Record


def read_lines(record: Record, document: bytes, first: int = 1) -> list[msgspec.Struct]:
    """The records of ``document``, one a line, each as ``record.read`` would give it; empty lines are passed over.

    Raises:
        BadRequest: a line is not JSON.
        Invalid: lines have flaws; every one is listed, with the number of its line: ``$[3].name``. The first has number ``first``.
    """
    compiled, lines = record.compiled, document.splitlines()
    if compiled.simple:
        try:
            found: list[msgspec.Struct] = compiled.decoder.decode_lines(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = []
        if len(found) == len(lines) and compiled.letters.fit_all(found) and _sound(record, compiled, found):
            return found
    return _one_by_one(record, lines, first)


def _sound(record: Record, compiled: Compiled, rows: Sequence[msgspec.Struct]) -> bool:
    """Whether codes and check digits of all rows are right, and what comes before what."""
    return all(record.valid(part, one) for part in compiled.checked for one in _distinct(part, rows)) and not (
        compiled.ordered and any(map(record.disordered, rows))
    )


def _distinct(part: Part, rows: Sequence[msgspec.Struct]) -> set[Any]:
    column = map(attrgetter(part.attribute), rows)
    return set(chain.from_iterable(filter(None, column)) if part.field.repeat else column) - {None}


def _one_by_one(record: Record, lines: Sequence[bytes], first: int) -> list[msgspec.Struct]:
    found: list[msgspec.Struct] = []
    wrong: list[Violation] = []
    for number, line in enumerate(lines, first):
        try:
            found += [record.read(line)] if line.strip() else []
        except BadRequest:
            raise BadRequest("Line {number} is not JSON that can be read.", number=number) from None
        except Invalid as invalid:
            wrong += _at(number, invalid)
    if wrong:
        raise Invalid(violations=wrong)
    return found


def _at(number: int, invalid: Invalid) -> Iterator[Violation]:
    for one in invalid.violations:
        yield msgspec.structs.replace(one, path=f"$[{number}]" + one.path.removeprefix("$"))
