"""The simplest value a JSON Schema of the OpenAPI document admits, and what in it can be made wrong."""

from __future__ import annotations

from typing import Any
from uuid import UUID

NOBODY = str(UUID(int=7))
FORMATS = {
    "uuid": NOBODY,
    "date": "2026-01-02",
    "date-time": "2026-01-02T03:04:05Z",
    "binary": "x",
}


def sample(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """A small value that fits ``schema``; required fields only."""
    schema = resolved(schema, document)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return sample(schema[several][0], document)
    if "allOf" in schema:
        merged: dict[str, Any] = {}
        for one in schema["allOf"]:
            merged |= resolved(one, document)
        return sample(merged, document)
    return _of_type(schema, document)


def _of_type(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: sample(fields[name], document) for name in schema.get("required", []) if name in fields}
    if kind == "array":
        items = schema.get("items", {})
        return [sample(items, document) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        return FORMATS.get(schema.get("format", ""), _patterned(schema))
    return {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1), "boolean": True}.get(kind)


def _patterned(schema: dict[str, Any]) -> str:
    """A word; of a pattern only its simple forms are met (digits, dotted lower case, moments)."""
    pattern = schema.get("pattern", "")
    if "0[1-7]" in pattern:
        return "01"
    if "T[0-9]{2}" in pattern:
        return FORMATS["date-time"]
    word = "0" * 6 if "[0-9]" in pattern and "a-z" not in pattern else "abc.def" if "\\." in pattern else "abc"
    return word.ljust(schema.get("minLength", 0), "a")


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """``schema`` with its reference followed."""
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def body_schema(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of an operation's JSON body; nothing where it reads none."""
    media = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return resolved(media["schema"], document) if media else None
