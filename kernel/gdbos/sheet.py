"""Spreadsheets (电子表格): tables written so that nothing in them acts, and read row by row within bounds.

A cell that begins like a formula stays the text it is: in a workbook it is stored as text, in CSV it gets an apostrophe in front
(CWE-1236). Reading takes ``.xlsx`` and CSV in UTF-8 or GB 18030, tells them apart by their first bytes, and evaluates nothing.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import IO, Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils.exceptions import InvalidFileException

from gdbos.errors import TooLarge, Unsupported

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
ROWS, COLUMNS, UNPACKED = 100_000, 256, 200_000_000
"""Rows and columns of a sheet, and bytes of a workbook once unpacked, that are read."""
ACTS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet program takes for the beginning of a formula."""

Rows = Iterable[Sequence[object]]
HEAD = Font(bold=True)
SHADE = PatternFill("solid", start_color="FFE8EEF5")


def workbook(sheets: Mapping[str, Rows], *, heads: int = 1) -> bytes:
    """An ``.xlsx`` workbook; the first ``heads`` rows of each sheet are its head."""
    book = Workbook(write_only=True)
    for title, rows in sheets.items():
        _fill(book.create_sheet(title), rows, heads)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _fill(sheet: Any, rows: Rows, heads: int) -> None:
    sheet.freeze_panes = f"A{heads + 1}"
    for number, row in enumerate(rows):
        sheet.append([_cell(sheet, value, number < heads) for value in row])


def _cell(sheet: Any, value: object, head: bool) -> Any:
    """Numbers and dates as such, everything else as text, which is never a formula."""
    if isinstance(value, int | float | date | datetime) and not isinstance(value, bool):
        return value
    cell = WriteOnlyCell(sheet, "" if value is None else _printable(str(value)))
    cell.data_type = "s"
    if head:
        cell.font, cell.fill, cell.alignment = HEAD, SHADE, Alignment(wrap_text=True, vertical="top")
    return cell


def _printable(text: str) -> str:
    """Without the control characters that no workbook can hold."""
    return "".join(sign for sign in text if sign >= " " or sign in "\t\n\r")


def save(file: IO[bytes], rows: Rows, *, as_workbook: bool) -> None:
    """Write one table into ``file``, row by row, as a workbook or as CSV."""
    if not as_workbook:
        file.writelines(lines(rows))
        return
    book = Workbook(write_only=True)
    _fill(book.create_sheet("1"), rows, 1)
    book.save(file)


def lines(rows: Rows) -> Iterator[bytes]:
    """CSV in UTF-8, row by row, with the mark at its front by which spreadsheet programs know it."""
    yield codecs.BOM_UTF8
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([_inert("" if value is None else str(value)) for value in row])
        yield line.getvalue().encode()


def _inert(text: str) -> str:
    return "'" + text if text.startswith(ACTS) else text


def is_workbook(file: IO[bytes]) -> bool:
    """Whether the file's first bytes are a workbook's."""
    file.seek(0)
    first = file.read(4)
    file.seek(0)
    return first == b"PK\x03\x04"


def rows(file: IO[bytes]) -> Iterator[tuple[str, ...]]:
    """The rows of a workbook's first sheet or of a CSV file, as text; empty rows are left out.

    Raises:
        Unsupported: it is neither.
        TooLarge: it has more rows, columns or unpacked bytes than are read.
    """
    found = _of_workbook(file) if is_workbook(file) else _of_csv(file)
    for number, row in enumerate(found):
        if number >= ROWS or len(row) > COLUMNS:
            raise TooLarge(
                "The table has more than {rows} rows or {columns} columns; send it in parts.",
                rows=ROWS,
                columns=COLUMNS,
            )
        if any(row):
            yield row


def _of_workbook(file: IO[bytes]) -> Iterator[tuple[str, ...]]:
    try:
        _refuse_bombs(file)
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        for row in book.worksheets[0].iter_rows(values_only=True):
            yield tuple(_text(value) for value in row)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError, SyntaxError, OSError) as error:
        raise Unsupported("The file is no workbook that can be read; save it as .xlsx or CSV.") from error


def _refuse_bombs(file: IO[bytes]) -> None:
    """Refuse what unpacks to far more than was sent, and XML that defines entities."""
    with zipfile.ZipFile(file) as packed:
        if sum(part.file_size for part in packed.infolist()) > UNPACKED:
            raise TooLarge("The workbook unpacks to more than {bytes} bytes.", bytes=UNPACKED)
        for part in packed.infolist():
            if part.filename.endswith((".xml", ".rels")):
                with packed.open(part) as xml:
                    if b"<!DOCTYPE" in xml.read(4096):
                        raise ValueError("a document type in a workbook")
    file.seek(0)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time().isoformat() == "00:00:00" else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return ("1" if value else "0") if isinstance(value, bool) else str(value).strip()


def _of_csv(file: IO[bytes]) -> Iterator[tuple[str, ...]]:
    text = io.TextIOWrapper(file, encoding=_encoding(file), newline="")
    try:
        for row in csv.reader(text, strict=True):
            yield tuple(_restored(cell.strip()) for cell in row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unsupported("The file is neither a workbook nor CSV in UTF-8 or GB 18030.") from error
    finally:
        if not file.closed:
            text.detach()


def _encoding(file: IO[bytes]) -> str:
    """UTF-8 where the whole file is, else what Chinese spreadsheet programs write."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while part := file.read(1 << 16):
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "gb18030"
    finally:
        file.seek(0)
    return "utf-8-sig"


def _restored(cell: str) -> str:
    """Without the apostrophe that :func:`lines` put in front of what would have acted."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(ACTS) else cell
