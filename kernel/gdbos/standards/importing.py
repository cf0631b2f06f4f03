"""Reading elements out of what departments have: a table of elements, a database's schema, a form. Each becomes a proposal."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Engine, inspect
from sqlalchemy.types import BigInteger, Boolean, Date, DateTime, Float, Integer, Numeric, String, TypeEngine

from gdbos.errors import Invalid, Unsupported, Violation
from gdbos.text import N_, Text

from .element import Element

ID = re.compile(r"[a-z0-9][a-z0-9.\-]{0,119}")


def of_database(engine: Engine, schema: str | None = None) -> Iterator[Element]:
    """An element for each column of each table and view: named by its comment, else by the column."""
    found = inspect(engine)
    for table in [*found.get_table_names(schema), *found.get_view_names(schema)]:
        for column in found.get_columns(table, schema):
            said = str(column.get("comment") or "").strip()
            title = Text(said or column["name"], "" if said.isascii() and said else column["name"])
            where = f"{schema}.{table}" if schema else table
            yield Element(
                id=plain_id(f"{table}.{column['name']}"),
                title=title,
                form=_form(column["type"]),
                source=f"{where}.{column['name']}",
            )


def _form(kind: TypeEngine[Any]) -> str:
    """The representation of a column's type; what is none of these is text."""
    if isinstance(kind, Boolean):
        return "bl"
    if isinstance(kind, DateTime):
        return "dt"
    if isinstance(kind, Date):
        return "d"
    if isinstance(kind, Integer):
        return "n..18,0" if isinstance(kind, BigInteger) else "n..10,0"
    if isinstance(kind, Numeric) and not isinstance(kind, Float) and kind.precision:
        return f"n..{kind.precision},{kind.scale or 0}"
    if isinstance(kind, Numeric):
        return "n..18,4"
    return f"any..{kind.length}" if isinstance(kind, String) and kind.length else "any"


def of_form(content: bytes) -> Iterator[Element]:
    """An element for each field of a form (TOML: ``sections`` with ``fields``) that names none yet.

    Raises:
        Unsupported: it is no TOML.
        Invalid: it has no fields.
    """
    try:
        form = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unsupported("The form cannot be read as TOML in UTF-8.") from error
    fields = list(_fields(form))
    if not fields:
        raise Invalid(violations=[Violation("$.sections", "required", N_("The form has no sections with fields."))])
    for field in fields:
        if not field.get("element"):
            yield _of_field(str(form.get("id", "form")), field)


def _fields(form: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The fields of the form and of its sections, as far as it is one."""
    for part in (form, *_tables(form.get("sections"))):
        yield from (field for field in _tables(part.get("fields")) if isinstance(field.get("name"), str))


def _tables(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _of_field(form: str, field: Mapping[str, Any]) -> Element:
    said = field.get("title") or field["name"]
    title = said if isinstance(said, dict) else {"zh": str(said), "en": field["name"]}
    told = {"id": plain_id(field["name"]), "title": title, "form": field.get("form", "any..200")}
    extra = {key: field[key] for key in ("codes", "scheme", "unit") if field.get(key)}
    try:
        return msgspec.convert({**told, **extra, "source": f"{form}#{field['name']}"}, Element)
    except msgspec.ValidationError as error:
        detail = N_("The field {name} of the form cannot be read: {why}")
        facts = {"name": field["name"], "why": str(error)}
        raise Invalid(violations=[Violation("$.sections", "type", detail, facts=facts)]) from None


def with_ids(elements: Iterable[Element]) -> Iterator[Element]:
    """The elements, each with an id: its own, or one made of its English name, else of its place."""
    for number, element in enumerate(elements, 1):
        made = plain_id(element.id or element.title.en) or f"element-{number}"
        yield element if ID.fullmatch(element.id) else msgspec.structs.replace(element, id=made)


def plain_id(name: str) -> str:
    """A name as an id: small letters, digits, dots and hyphens."""
    return re.sub(r"-*\.-*", ".", re.sub(r"[^a-z0-9.]+", "-", name.lower())).strip("-.")[:120]
