"""Rows of the files that departments deliver: CSV, XLSX, NDJSON. A formula is never worked out, and a bomb never unpacked."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from typing import IO, Any, Literal

import msgspec
import openpyxl

from gdbos.bus.adapters.manifest import refused
from gdbos.bus.adapters.plain import plain
from gdbos.errors import ProviderFailed
from gdbos.text import N_

Kind = Literal["text", "number"]
Row = dict[str, Any]

LONGEST_LINE = 1_048_576
MOST_MEMBERS = 1_000
MOST_UNPACKED = 100 * 1_048_576
MOST_RATIO = 100
EXACT = 2**53
"""Beyond this a number of a spreadsheet has lost digits: an identity number kept as a number is not one any more."""
NUMBER = re.compile(r"\A[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?\Z")
DOCTYPE = re.compile(rb"<\0?!\0?D\0?O\0?C\0?T\0?Y\0?P\0?E", re.IGNORECASE)


def rows_of(
    file: IO[bytes], name: str, columns: Mapping[str, Kind], *, form: str, charset: str, delimiter: str
) -> Iterator[Row]:
    """Each row with the registered columns, others left out; an empty value is none.

    :raises ProviderFailed: the file is not of this form, lacks a column, or a value is not of its column's kind.
    """
    match form:
        case "csv":
            tables = _csv(file, name, charset, delimiter)
        case "xlsx":
            tables = _xlsx(file, name)
        case _:
            tables = _ndjson(file, name, charset)
    for number, row in enumerate(tables, 1):
        yield {column: _value(row, column, kind, name, number) for column, kind in columns.items()}


def _csv(file: IO[bytes], name: str, charset: str, delimiter: str) -> Iterator[Mapping[str, Any]]:
    lines = _lines(file, name, charset)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    headings: Sequence[str] | None = None
    try:
        for number, cells in enumerate(reader):
            if headings is None:
                headings = _headings(cells, name)
            elif len(cells) != len(headings):
                raise refused(
                    name,
                    N_(
                        "File {file} of the department's delivery is refused: row {row} has another number of values than there are headings."
                    ),
                    number,
                )
            else:
                yield dict(zip(headings, cells, strict=True))
    except csv.Error:
        raise refused(
            name, N_("File {file} of the department's delivery is refused: line {row} is no CSV."), reader.line_num
        ) from None
    if headings is None:
        raise refused(name, N_("File {file} of the department's delivery is refused: it has no line of headings."))


def _lines(file: IO[bytes], name: str, charset: str) -> Iterator[str]:
    encoding = "utf-8-sig" if charset == "utf-8" else charset
    text = io.TextIOWrapper(file, encoding=encoding, errors="strict", newline="")
    number = 0
    try:
        while line := text.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                raise refused(
                    name, N_("File {file} of the department's delivery is refused: line {row} is too long."), number
                )
            if "\0" in line:
                raise refused(
                    name,
                    N_("File {file} of the department's delivery is refused: line {row} holds a NUL character."),
                    number,
                )
            yield line
    except UnicodeDecodeError:
        raise refused(
            name,
            N_("File {file} of the department's delivery is refused: line {row} is not in the character set agreed."),
            number + 1,
        ) from None


def _headings(cells: Sequence[Any], name: str) -> list[str]:
    headings = ["" if cell is None else str(cell).strip() for cell in cells]
    named = [one for one in headings if one]
    if not named or len(set(named)) < len(named):
        raise refused(
            name,
            N_("File {file} of the department's delivery is refused: its headings are missing, or two are the same."),
        )
    return headings


def _ndjson(file: IO[bytes], name: str, charset: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(_lines(file, name, charset), 1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            raise refused(
                name, N_("File {file} of the department's delivery is refused: line {row} is no JSON object."), number
            ) from None


def _xlsx(file: IO[bytes], name: str) -> Iterator[Mapping[str, Any]]:
    _refuse_bombs(file, name)
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the sheet says of its own size is not believed
        cells = sheet.iter_rows()
        headings = _headings([cell.value for cell in next(cells, ())], name)
        for number, row in enumerate(cells, 1):
            values = [_cell(cell, name, number) for cell in row]
            if any(value is not None for value in values):
                yield dict(zip(headings, chain(values, [None] * (len(headings) - len(values))), strict=False))
    except ProviderFailed:
        raise
    except Exception:  # openpyxl raises whatever its XML, its dates or its styles raise
        raise refused(name, N_("File {file} of the department's delivery is refused: it is no XLSX.")) from None


def _cell(cell: Any, name: str, number: int) -> Any:
    value = cell.value
    if cell.data_type == "f":
        raise refused(
            name,
            N_("File {file} of the department's delivery is refused: row {row} holds a formula; deliver values."),
            number,
        )
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= EXACT:
        raise refused(
            name,
            N_(
                "File {file} of the department's delivery is refused: a number in row {row} has more digits than a spreadsheet keeps; deliver it as text."
            ),
            number,
        )
    return value


def _refuse_bombs(file: IO[bytes], name: str) -> None:
    """Before anything is unpacked: what is said to be inside is little enough, and holds no document type."""
    try:
        with zipfile.ZipFile(file) as packed:
            members = packed.infolist()
            unpacked = sum(member.file_size for member in members)
            small = sum(member.compress_size for member in members)
            if len(members) > MOST_MEMBERS or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(small, 10_240):
                raise refused(
                    name, N_("File {file} of the department's delivery is refused: it unpacks to more than agreed.")
                )
            if any(DOCTYPE.search(_beginning(packed, member)) for member in members):
                raise refused(
                    name,
                    N_("File {file} of the department's delivery is refused: it holds a document type declaration."),
                )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise refused(name, N_("File {file} of the department's delivery is refused: it is no XLSX.")) from None
    file.seek(0)


def _beginning(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with packed.open(member) as content:
        return content.read(65_536)


def _value(row: Mapping[str, Any], column: str, kind: Kind, name: str, number: int) -> Any:
    if column not in row:
        raise refused(
            name,
            N_("File {file} of the department's delivery is refused: row {row} lacks a registered column."),
            number,
        )
    value = row[column]
    if value is None or value == "":
        return None
    try:
        return _number(value) if kind == "number" else _text(value)
    except (ValueError, ArithmeticError):
        raise refused(
            name,
            N_(
                "File {file} of the department's delivery is refused: a value in row {row} is not of its column's kind."
            ),
            number,
        ) from None


def _text(value: Any) -> str:
    if isinstance(value, datetime) and (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0):
        return value.date().isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float | date | time):
        return str(plain(value))
    raise ValueError


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise ValueError
    words = format(Decimal(str(value)), "f") if isinstance(value, int | float) else str(value).strip()
    if not NUMBER.match(words):
        raise ValueError
    found = Decimal(words)
    return int(found) if found == found.to_integral_value() else float(found)
