"""The API reference as a page: an OpenAPI 3.1 document rendered on the server, so that it needs no script and no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gdbos.pages.frame import Frame
from gdbos.pages.render import Pages

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_REFERENCE = "#/components/schemas/"
_FEW = 3
"""A search that finds no more than this many operations shows them opened."""
_DEEPEST_EXAMPLE = 6
_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "length ≥ {}",
    "maxLength": "length ≤ {}",
    "minItems": "items ≥ {}",
    "maxItems": "items ≤ {}",
    "pattern": "pattern {}",
    "const": "= {}",
    "default": "default {}",
}
_SAMPLES: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "null": None}
_SAMPLES_BY_FORMAT = {
    "date": "2026-11-23",
    "date-time": "2026-11-23T01:12:00Z",
    "uuid": "01932e5e-6c00-7000-8000-000000000000",
    "uri": "https://example.org/",
}

Json = dict[str, Any]
Words = list[tuple[str, str]]
"""Pieces of a type's name, each with the anchor it links to, or with none."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter or a property."""

    name: str
    place: str = ""
    """Where a parameter stands: path, query, header, cookie."""
    type: Words
    required: bool
    bounds: str
    description: str


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A body: what it holds, and one example of it."""

    media_type: str
    type: Words
    example: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One response an operation may give."""

    status: str
    description: str
    contents: list[Content]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    anchor: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    permission: str
    parameters: list[Row]
    bodies: list[Content]
    answers: list[Answer]
    references: frozenset[str]

    def answers_to(self, query: str) -> bool:
        """Whether every word of ``query`` stands somewhere in what names this operation."""
        named = f"{self.method} {self.path} {self.tag} {self.summary} {self.description} {self.permission}".casefold()
        return all(word in named for word in query.casefold().split())


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """A named shape."""

    anchor: str
    name: str
    type: Words
    bounds: str
    description: str
    rows: list[Row]


def render_schema(openapi: Json, pages: Pages, locale: str, *, frame: Frame, query: str = "") -> str:
    """``kernel/schema.html`` for the document ``openapi``; ``query`` keeps the operations that hold all its words.

    An operation's permission is read from its extension ``x-permission``.
    """
    document = _Document(openapi)
    found = [operation for operation in document.operations() if operation.answers_to(query)]
    reached = document.reachable(frozenset().union(*(operation.references for operation in found)))
    context = {
        "frame": frame,
        "query": query,
        "about": openapi.get("info", {}),
        "groups": _by_tag(found),
        "count": len(found),
        "opened": bool(query) and len(found) <= _FEW,
        "schemas": [schema for schema in document.schemas() if not query or schema.name in reached],
    }
    return pages.html("kernel/schema.html", locale, context)


def _by_tag(operations: list[Operation]) -> list[tuple[str, str, list[Operation]]]:
    """(tag, anchor, operations) by the tag's name."""
    tags = sorted({operation.tag for operation in operations})
    return [(tag, _anchor("tag", tag), [each for each in operations if each.tag == tag]) for tag in tags]


class _Document:
    """An OpenAPI document, read."""

    def __init__(self, openapi: Json) -> None:
        self._paths: Json = openapi.get("paths") or {}
        self._components: Json = openapi.get("components") or {}
        self._schemas: Json = self._components.get("schemas") or {}

    def operations(self) -> list[Operation]:
        """Every operation, by path and method."""
        return [
            self._operation(method, path, item[method], item.get("parameters", []))
            for path, item in sorted(self._paths.items())
            for method in _METHODS
            if method in item
        ]

    def schemas(self) -> list[Schema]:
        """Every named shape, by name."""
        return [
            Schema(
                anchor=_anchor("schema", name),
                name=name,
                type=self._type(schema),
                bounds=_bounds(schema),
                description=_prose(schema),
                rows=list(self._properties(schema)),
            )
            for name, schema in sorted(self._schemas.items())
        ]

    def reachable(self, names: frozenset[str]) -> set[str]:
        """``names`` and every shape they are built of."""
        seen: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting.extend(_references(self._schemas.get(name, {})))
        return seen

    def _operation(self, method: str, path: str, operation: Json, shared: list[Json]) -> Operation:
        tags = operation.get("tags") or [path.strip("/").partition("/")[0] or "/"]
        parameters = [self._component(parameter) for parameter in [*shared, *operation.get("parameters", [])]]
        return Operation(
            anchor=_anchor("operation", f"{method} {path}"),
            tag=tags[0],
            method=method.upper(),
            path=path,
            summary=operation.get("summary", ""),
            description=operation.get("description", ""),
            permission=str(operation.get("x-permission", "")),
            parameters=[self._parameter(parameter) for parameter in parameters],
            bodies=self._contents(self._component(operation.get("requestBody", {}))),
            answers=[
                self._answer(status, self._component(response))
                for status, response in sorted(operation.get("responses", {}).items())
            ],
            references=frozenset(_references(operation)),
        )

    def _component(self, found: Json) -> Json:
        """``found``, or the parameter, body or response of the components that it refers to."""
        reference = str(found.get("$ref", ""))
        target: Any = {"components": self._components}
        if not reference.startswith("#/components/"):
            return found
        for step in reference.removeprefix("#/").split("/"):
            target = target.get(step, {})
        return dict(target)

    def _parameter(self, parameter: Json) -> Row:
        schema = parameter.get("schema", {})
        return Row(
            name=parameter.get("name", ""),
            place=parameter.get("in", ""),
            type=self._type(schema),
            required=bool(parameter.get("required")),
            bounds=_bounds(schema),
            description=parameter.get("description") or _prose(schema),
        )

    def _properties(self, schema: Any) -> Iterator[Row]:
        if not isinstance(schema, Mapping):
            return
        required = schema.get("required", [])
        for name, of in schema.get("properties", {}).items():
            yield Row(
                name=name, type=self._type(of), required=name in required, bounds=_bounds(of), description=_prose(of)
            )

    def _answer(self, status: str, response: Json) -> Answer:
        return Answer(status=status, description=response.get("description", ""), contents=self._contents(response))

    def _contents(self, holder: Json) -> list[Content]:
        return [
            Content(
                media_type=media_type,
                type=self._type(content.get("schema", {})),
                example=self._example(content),
            )
            for media_type, content in holder.get("content", {}).items()
        ]

    def _type(self, schema: Any) -> Words:
        """How a reader would say the type: ``array of Case or null``."""
        if not isinstance(schema, Mapping):
            return [("any", "")]
        if reference := str(schema.get("$ref", "")):
            name = reference.removeprefix(_REFERENCE)
            return [(name, _anchor("schema", name))] if name in self._schemas else [(name, "")]
        for key in ("oneOf", "anyOf", "allOf"):
            if key in schema:
                return self._joined(schema[key], " and " if key == "allOf" else " or ")
        if "enum" in schema:
            return [(" | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"]), "")]
        return self._plain(schema)

    def _plain(self, schema: Mapping[str, Any]) -> Words:
        kind = schema.get("type", "any")
        if isinstance(kind, list):
            return self._joined([{**schema, "type": each} for each in kind], " or ")
        if kind == "array":
            return [("array of ", ""), *self._type(schema.get("items", {}))]
        if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
            return [("object of ", ""), *self._type(schema["additionalProperties"])]
        return [(f"{kind} ({schema['format']})" if "format" in schema else str(kind), "")]

    def _joined(self, schemas: list[Any], word: str) -> Words:
        pieces: Words = []
        for schema in schemas:
            pieces += [(word, ""), *self._type(schema)] if pieces else self._type(schema)
        return pieces

    def _example(self, content: Json) -> str:
        if "example" in content:
            value = content["example"]
        elif content.get("examples"):
            value = next(iter(content["examples"].values())).get("value")
        else:
            value = self._sample(content.get("schema", {}), ())
        return json.dumps(value, ensure_ascii=False, indent=2, default=str)

    def _sample(self, schema: Any, within: tuple[str, ...]) -> Any:
        """A value that fits ``schema``; ``within`` names the shapes being filled, so that a circle ends."""
        if not isinstance(schema, Mapping) or len(within) > _DEEPEST_EXAMPLE:
            return None
        for given in ("example", "const", "default"):
            if given in schema:
                return schema[given]
        for listed in ("examples", "enum"):
            if schema.get(listed):
                values = schema[listed]
                return values[0] if isinstance(values, list) else next(iter(values.values())).get("value")
        if reference := str(schema.get("$ref", "")):
            name = reference.removeprefix(_REFERENCE)
            return None if name in within else self._sample(self._schemas.get(name, {}), (*within, name))
        return self._built(schema, within)

    def _built(self, schema: Mapping[str, Any], within: tuple[str, ...]) -> Any:
        for key in ("oneOf", "anyOf"):
            if schema.get(key):
                return self._sample(next((each for each in schema[key] if not _is_null(each)), {}), within)
        if "allOf" in schema:
            parts = [self._sample(each, within) for each in schema["allOf"]]
            return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}
        kind = schema.get("type", "object" if "properties" in schema else "")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), "null")
        if kind == "object":
            return {name: self._sample(of, within) for name, of in schema.get("properties", {}).items()}
        if kind == "array":
            item = self._sample(schema.get("items", {}), within)
            return [] if item is None else [item]
        return _SAMPLES.get(kind, _SAMPLES_BY_FORMAT.get(schema.get("format", ""), "…"))


def _references(node: Any) -> Iterator[str]:
    """Names of the shapes that ``node`` refers to, at any depth."""
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(_REFERENCE):
            yield reference.removeprefix(_REFERENCE)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def _bounds(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return ""
    return " · ".join(words.format(_said(schema[key])) for key, words in _BOUNDS.items() if schema.get(key) is not None)


def _said(bound: Any) -> str:
    """A bound as people write it: 100 and not 100.0, and other values as JSON does."""
    if isinstance(bound, float):
        return f"{bound:.15g}"
    return bound if isinstance(bound, str) else json.dumps(bound, ensure_ascii=False, default=str)


def _prose(schema: Any) -> str:
    return str(schema.get("description") or "") if isinstance(schema, Mapping) else ""


def _anchor(kind: str, name: str) -> str:
    """An id for ``name``: other characters than letters and digits by their code, so that no two names share one."""
    return f"{kind}-" + re.sub(r"[^A-Za-z0-9]", lambda found: f"-{ord(found[0]):x}-", name)
