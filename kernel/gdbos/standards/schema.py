"""JSON Schemas (2020-12) of the files of a pack, made from the structs they decode to, so that editors help whoever writes one.

A lower pack writes only what changes, so nothing but the id is required here; loading says what is missing once all levels have spoken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from gdbos.errors import NotFound

from .document import Envelope
from .example import Example
from .labels import KINDS, LABELS
from .pack import FOLDERS, Head

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PACK, EXAMPLES = "pack", "examples"
"""Beside the kinds: ``pack.toml`` itself, and the files of ``examples/``."""
_MARKS = ("locked", "withdrawn")


def schema(kinds: Mapping[str, type[msgspec.Struct]], name: str) -> dict[str, Any]:
    """The schema of the files of a kind, of ``pack.toml`` or of examples.

    :raises NotFound: there is no such kind; it names those there are.
    """
    if name == PACK:
        return _whole("pack.toml", Head, lambda item: item)
    if name == EXAMPLES:
        return _whole("examples", Example, lambda item: _tables({"valid": item, "invalid": item}))
    if name not in names(kinds):
        known = ", ".join(names(kinds))
        raise NotFound("There is no kind {kind}; there are: {known}.", kind=name, known=known)
    return _of_kind(name, kinds)


def names(kinds: Iterable[str]) -> list[str]:
    """What there are schemas of."""
    return [PACK, EXAMPLES, *(kind for kind in kinds if kind != "crosswalks")]


def _whole(
    title: str, struct: type[msgspec.Struct], file: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    (item,), defs = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    return {"$schema": DIALECT, "title": title, **file(item), "$defs": _ecma(defs)}


def _of_kind(name: str, kinds: Mapping[str, type[msgspec.Struct]]) -> dict[str, Any]:
    tables = {key: kinds["crosswalks" if key == "crosswalk" else name] for key in (*FOLDERS.get(name, ()), "document")}
    refs, defs = msgspec.json.schema_components([*tables.values(), Envelope], ref_template="#/$defs/{name}")
    by_table = dict(zip(tables, refs, strict=False))
    loosened = {key: _loosened(one, defs["Envelope"]) for key, one in _ecma(defs).items()}
    item = loosened[by_table["document"]["$ref"].rpartition("/")[2]]
    item["required"] = ["id"]
    item["properties"] = {**loosened["Envelope"]["properties"], **item["properties"]}
    if name == "codes":
        item["properties"]["csv"] = {"type": "string", "pattern": r"^[0-9A-Za-z][0-9A-Za-z._\-]*\.csv$"}
    zh, en = KINDS.get(name, (name, name))
    return {
        "$schema": DIALECT,
        "title": f"{zh} · {en}",
        "anyOf": [
            by_table["document"],
            _tables(by_table, {"confidence": loosened["Envelope"]["properties"]["confidence"]}),
        ],
        "$defs": loosened,
    }


def _tables(items: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> dict[str, Any]:
    listed = {key: {"type": "array", "items": item} for key, item in items.items()}
    return {
        "type": "object",
        "properties": {**(beside or {}), **listed},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _loosened(definition: dict[str, Any], envelope: dict[str, Any]) -> dict[str, Any]:
    """What a layer may write: any of the fields, and whether it locks or withdraws them."""
    if "properties" not in definition:
        return definition
    marks = {key: envelope["properties"][key] for key in _MARKS}
    fields = {key: _named(key, one) for key, one in definition["properties"].items()}
    loose = {key: value for key, value in definition.items() if key != "required"}
    return {**loose, "properties": {**marks, **fields}}


def _named(key: str, field: dict[str, Any]) -> dict[str, Any]:
    return {"title": " · ".join(LABELS[key]), **field} if key in LABELS else field


def _ecma(value: Any) -> Any:
    """Patterns in the dialect that JSON Schema speaks: ``^(?:…)$`` for ``\\A…\\Z``."""
    if isinstance(value, dict):
        return {
            key: _pattern(one) if key == "pattern" and isinstance(one, str) else _ecma(one)
            for key, one in value.items()
        }
    return [_ecma(one) for one in value] if isinstance(value, list) else value


def _pattern(python: str) -> str:
    inner = re.fullmatch(r"\\A(.*)\\Z", python, re.S)
    return f"^(?:{inner[1]})$" if inner else python
