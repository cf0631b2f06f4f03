"""What a record compiles to beside its decoder: JSON Schema, an OpenAPI component, DDL, a workbook to fill in, a page to read.

Each is made from the record's compiled parts alone, so that none can say other than the decoder does. They hold the shape; check digits
and dated code lists are the second step and stand in them as words.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from gdbos.sheet import XLSX, workbook

from .codes import Code
from .compiled import Part
from .ddl import ddl
from .record import Record

LISTED = 250
"""Codes that a cell of a template offers to choose from; longer lists are only named."""


def json_schema(record: Record) -> bytes:
    """JSON Schema 2020-12."""
    return _pretty(record.schema())


def openapi(record: Record) -> bytes:
    """An OpenAPI 3.1 document that holds the record as a component."""
    schema = {key: value for key, value in record.schema().items() if key not in ("$schema", "$id")}
    info = {"title": record.title.into("en"), "version": record.on.isoformat()}
    return _pretty({"openapi": "3.1.0", "info": info, "components": {"schemas": {record.id: schema}}})


def _pretty(value: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def sql(record: Record) -> bytes:
    """DDL for PostgreSQL."""
    return ddl(record).encode()


def template(record: Record) -> bytes:
    """A workbook to fill in: a sheet for the rows, one that explains its columns, one with the codes."""
    parts = record.parts
    lists = {part.codes.definition.id: _listed(record, part) for part in parts if part.codes is not None}
    made = workbook(
        {
            "数据": [
                [part.title.zh + ("*" if part.field.required else "") for part in parts],
                [part.field.name for part in parts],
            ],
            "说明": [EXPLAINED, *(_explained(part) for part in parts)],
            "代码": [list(lists), *_columns(lists)],
        }
    )
    return _with_choices(made, parts, {id: (at, len(codes)) for at, (id, codes) in enumerate(lists.items())})


EXPLAINED = ("字段", "名称", "Name", "表示", "必填", "可重复", "代码集", "校验规则", "来源")


def _explained(part: Part) -> list[str]:
    yes = {True: "是", False: "否"}
    codes = part.codes.definition.id if part.codes is not None else ""
    told = [part.field.name, part.title.zh, part.title.en, part.element.form]
    return [*told, yes[part.field.required], yes[part.field.repeat], codes, part.element.scheme, part.element.source]


def _listed(record: Record, part: Part) -> list[Code]:
    assert part.codes is not None
    return list(islice((row for row in part.codes.definition.code if row.in_force(record.on)), LISTED + 1))


def _columns(lists: Mapping[str, list[Code]]) -> Iterator[list[str]]:
    """The codes of each list one below the other; of long lists, a word that they are long."""
    told = [[row.code for row in codes] if len(codes) <= LISTED else ["…"] for codes in lists.values()]
    for at in range(max(map(len, told), default=0)):
        yield [codes[at] if at < len(codes) else "" for codes in told]


def _with_choices(made: bytes, parts: tuple[Part, ...], columns: Mapping[str, tuple[int, int]]) -> bytes:
    """The workbook whose cells offer the codes of their list and refuse other ones."""
    book = load_workbook(io.BytesIO(made))
    rows = book["数据"]
    for at, part in enumerate(parts, 1):
        column = get_column_letter(at)
        rows.column_dimensions[column].width = max(12, 2 * len(part.title.zh) + 2)
        place, count = columns.get(part.codes.definition.id, (0, 0)) if part.codes is not None else (0, 0)
        if 0 < count <= LISTED:
            letter = get_column_letter(place + 1)
            choice = DataValidation("list", formula1=f"代码!${letter}$2:${letter}${count + 1}", allow_blank=True)
            choice.error, choice.errorTitle = f"请选择代码集 {part.element.codes} 中的代码", part.title.zh
            rows.add_data_validation(choice)
            choice.add(f"{column}3:{column}5000")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def documentation(record: Record) -> bytes:
    """A page in both languages that needs nothing else: for a web site, a contract's annex, or print."""
    rows = [(part, list(record.sources(part))) for part in record.parts]
    return _environment().get_template("record.html").render(record=record, rows=rows).encode()


@cache
def _environment() -> Environment:
    folder = Path(__file__).parent / "documentation"
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


class Output(msgspec.Struct, frozen=True):
    """One thing a record compiles to."""

    make: Callable[[Record], bytes]
    media_type: str
    ending: str


OUTPUTS: Mapping[str, Output] = {
    "json-schema": Output(json_schema, "application/schema+json", "schema.json"),
    "openapi": Output(openapi, "application/json", "openapi.json"),
    "sql": Output(sql, "application/sql", "sql"),
    "xlsx": Output(template, XLSX, "xlsx"),
    "html": Output(documentation, "text/html", "html"),
}
"""By the name that the address and ``gdbos standards compile --to`` take."""
