"""Links of the OpenAPI document (OpenAPI 3.1, Link Object): from what makes or lists things to what can be done with one.

They follow from the addresses: whatever ``POST /cases`` or ``GET /cases`` answers leads to ``/cases/{case_id}`` and all below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
PARAMETER = re.compile(r"\{(\w+)\}")


def link(document: Json) -> None:
    """Write the links into ``document``."""
    for path, item in document["paths"].items():
        for method in ("get", "post"):
            for status, response in item.get(method, {}).get("responses", {}).items():
                if status.startswith("2") and (found := dict(_links(document, path, response))):
                    response["links"] = found


def _links(document: Json, path: str, response: Json) -> Iterator[tuple[str, Json]]:
    """The links of what ``path`` answers, by the id of the operation each leads to."""
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    given = {name: f"$request.path.{name}" for name in PARAMETER.findall(path)}
    for target, item in document["paths"].items():
        if not (one := re.match(re.escape(path) + r"/\{(\w+)\}(?=/|\Z)", target)):
            continue
        place = _place(document, schema, (one[1], one[1].removesuffix("_id"), "id"))
        parameters = given | {one[1]: f"$response.body#{place}"}
        if place and set(PARAMETER.findall(target)) == set(parameters):
            for operation in item.values():
                yield operation["operationId"], {"operationId": operation["operationId"], "parameters": parameters}


def _place(document: Json, schema: Json, names: tuple[str, ...], *, deep: int = 2) -> str:
    """JSON pointer to the first of ``names`` in what ``schema`` describes, or in the first of what it lists; else empty."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return next((place for one in schema["anyOf"] if (place := _place(document, one, names, deep=deep))), "")
    fields = schema.get("properties", {})
    if here := next((name for name in names if name in fields), ""):
        return f"/{here}"
    if "items" in schema and deep:
        place = _place(document, schema["items"], names, deep=deep - 1)
        return f"/0{place}" if place else ""
    lists = {name: inner for name, inner in fields.items() if "items" in inner}
    return next((f"/{n}{place}" for n, one in lists.items() if (place := _place(document, one, names, deep=1))), "")
