"""A record as a table of PostgreSQL, with the checks that the database can keep and words on every column."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Column, Date, DateTime, MetaData, Numeric, String, Table, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable, ExecutableDDLElement, SetColumnComment, SetTableComment
from sqlalchemy.sql.type_api import TypeEngine

from .compiled import Part
from .element import Form, form
from .pattern import compiled
from .record import Record

DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
"""Not the driver's own style, which would double every per cent sign."""


def ddl(record: Record) -> str:
    """``CREATE TABLE`` with its comments; one statement a paragraph."""
    table = Table(_name(record.id), MetaData(), *(_column(part) for part in record.parts), comment=record.title.zh)
    for part in record.parts:
        if checks := _checks(part):
            # A colon is escaped, or what follows it would be taken for a parameter.
            table.append_constraint(CheckConstraint(" AND ".join(checks).replace(":", r"\:"), name=part.field.name))
    statements: list[ExecutableDDLElement] = [
        CreateTable(table),
        SetTableComment(table),
        *(SetColumnComment(column) for column in table.columns),
    ]
    return "\n".join(str(one.compile(dialect=DIALECT)).strip() + ";\n" for one in statements)


def _name(id: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", id.lower()).strip("_")


def _column(part: Part) -> Column[Any]:
    one = _type(form(part.element.form))
    codes = f";代码集 {part.codes.definition.id}" if part.codes is not None else ""
    scheme = f";校验 {part.element.scheme}" if part.element.scheme else ""
    comment = f"{part.title.zh}({part.element.id},{part.element.form}{codes}{scheme})"
    return Column(part.field.name, ARRAY(one) if part.field.repeat else one, nullable=not part.field.required, comment=comment)  # fmt: skip


def _type(read: Form) -> TypeEngine[Any]:
    plain: dict[str, TypeEngine[Any]] = {"d": Date(), "dt": DateTime(timezone=True), "bl": Boolean()}
    if read.kind in plain:
        return plain[read.kind]
    if read.kind == "number":
        return Numeric(read.longest, read.decimals)
    return String(read.longest) if read.longest else Text()


def _checks(part: Part) -> list[str]:
    """Bounds and characters of a single value; of a list PostgreSQL's checks can say nothing simple."""
    quoted = DIALECT.identifier_preparer.quote(part.field.name)
    schema = part.shape.schema
    if part.field.repeat:
        return [f"cardinality({quoted}) > 0"]
    checks = [f"{quoted} {sign} {Decimal(str(schema[key])):f}" for key, sign in LIMITS.items() if key in schema]
    if schema["type"] == "string" and "minLength" in schema:
        checks.append(f"char_length({quoted}) >= {schema['minLength']}")
        checks += [f"{quoted} ~ '{text}'" for text in _characters(part)]
    return checks


LIMITS = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}


def _characters(part: Part) -> list[str]:
    """The pattern, where PostgreSQL reads it as RE2 does: short runs of classes, no named groups; text of any script needs none."""
    text = part.element.pattern
    if text:
        return [_literal(text)] if compiled(text).native else []
    return [] if form(part.element.form).kind == "any" else [_literal(_bare(str(part.shape.schema["pattern"])))]


def _bare(ecma: str) -> str:
    return ecma.removeprefix("^(?:").removesuffix(")$")


def _literal(pattern: str) -> str:
    return "^(?:" + pattern.replace("'", "''") + ")$"
