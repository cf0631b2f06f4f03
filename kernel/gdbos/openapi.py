"""The OpenAPI document (3.1) and the page that shows it, with what the kernel answers on every operation written in."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
from litestar import Litestar, Request, Router
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.routes import ASGIRoute, HTTPRoute
from msgspec import inspect

from gdbos.answers import ProblemDocument
from gdbos.frames import frame_for
from gdbos.links import link
from gdbos.pages.language import locale_of
from gdbos.pages.schema import render_schema
from gdbos.plugin import PUBLIC, Permission

SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "session": {"type": "apiKey", "in": "cookie", "name": "sid"},
}
ALWAYS = {"400": "The request cannot be read", "429": "Too many requests", "503": "Not available right now"}
WITH_BODY = {"413": "Too large", "415": "Media type not read here", "422": "Some values need mending"}
NO_CALLER = {"401": "Log in first, or the credentials that came along are not valid (any more)"}
KNOWN_CALLER = {"403": "Not allowed"}
NAMING = {"404": "Not found"}
CHANGING = {"409": "Not in this state"}
BY_BUS = {
    "404": "Not found",
    "410": "Withdrawn",
    "502": "Another department's system answered wrongly",
    "504": "Another department's system did not answer in time",
}


class Document(JsonRenderPlugin):
    """``/schema/openapi.json``."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return msgspec.json.encode(document(request.app))


class Reference(OpenAPIRenderPlugin):
    """``/schema``: the same for people to read, with local assets only."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        pages = request.app.state.kernel.pages
        html = render_schema(
            document(request.app),
            pages,
            locale_of(request),
            frame=frame_for(request),
            query=request.query_params.get("q", ""),
        )
        return html.encode()


def openapi_config(title: str, version: str) -> OpenAPIConfig:
    """What Litestar needs to serve both."""
    return OpenAPIConfig(
        title=title,
        version=version,
        description="Every address of this node. Errors are application/problem+json (RFC 9457).",
        use_handler_docstrings=True,
        openapi_router=Router("/schema", route_handlers=[], opt={"permission": PUBLIC}, include_in_schema=False),
        render_plugins=[Reference(path="/"), Document(path="/openapi.json")],
    )


def document(app: Litestar) -> dict[str, Any]:
    """The node's OpenAPI document; made once."""
    made = app.state.get("openapi_document")
    if made is None:
        made = app.state.openapi_document = _complete(app)
    assert isinstance(made, dict)
    return made


def _complete(app: Litestar) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(app.plugins.get(OpenAPIPlugin).provide_openapi_schema())
    )
    components = made.setdefault("components", {})
    components["securitySchemes"] = SECURITY
    (_,), schemas = msgspec.json.schema_components([ProblemDocument], ref_template="#/components/schemas/{name}")
    components.setdefault("schemas", {}).update(schemas)
    handlers = _handlers(app)
    for known in handlers.values():
        if isinstance(known, HTTPRouteHandler) and (data := known.parsed_data_field) is not None:
            _close(data.annotation, components["schemas"])
    for route in app.routes:
        if isinstance(route, ASGIRoute) and "operation" in route.route_handler.opt:
            _add(made, route)
            handlers[route.path_format, "POST"] = route.route_handler
    for path, item in made.get("paths", {}).items():
        for method, operation in item.items():
            if handler := handlers.get((path, method.upper())):
                _write_in(operation, handler, changing=method != "get", has_key="{" in path)
    loosened: dict[str, Any] = _any_of(made)
    link(loosened)
    return loosened


def _any_of(schema: Any) -> Any:
    """``schema`` with its alternatives as they are: a value may fit several members of a union, an integer also ``number``."""
    if isinstance(schema, dict):
        return {"anyOf" if name == "oneOf" else name: _any_of(inner) for name, inner in schema.items()}
    return [_any_of(inner) for inner in schema] if isinstance(schema, list) else schema


def _close(kind: Any, schemas: dict[str, Any]) -> None:
    """Say that bodies take no field that is not described, where their structs refuse one."""
    for inner in _structs(inspect.type_info(kind)):
        title = inner.cls.__name__
        for schema in schemas.values():
            fields = set(schema.get("properties", {}))
            if schema.get("title") == title and fields == {field.encode_name for field in inner.fields}:
                schema["additionalProperties"] = not inner.forbid_unknown_fields


def _structs(found: inspect.Type) -> Iterator[inspect.StructType]:
    match found:
        case inspect.Metadata(type=inner):
            yield from _structs(inner)
        case inspect.StructType(fields=fields):
            yield found
            for field in fields:
                yield from _structs(field.type)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item) | inspect.SetType(item_type=item):
            yield from _structs(item)
        case inspect.DictType(value_type=value):
            yield from _structs(value)
        case inspect.UnionType(types=types):
            for one in types:
                yield from _structs(one)


def _add(made: dict[str, Any], route: ASGIRoute) -> None:
    """Write in an address that a raw ASGI handler serves: its operation stands beside it, as Litestar cannot see into it."""
    opt = route.route_handler.opt
    _, schemas = msgspec.json.schema_components(opt.get("schemas", ()), ref_template="#/components/schemas/{name}")
    made["components"]["schemas"].update(schemas)
    made["paths"][route.path_format] = {"post": deepcopy(opt["operation"])}


def _handlers(app: Litestar) -> dict[tuple[str, str], HTTPRouteHandler | ASGIRouteHandler]:
    return {
        (route.path_format, str(method)): handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
    }


def _write_in(
    operation: dict[str, Any], handler: HTTPRouteHandler | ASGIRouteHandler, *, changing: bool, has_key: bool
) -> None:
    permission: Permission = handler.opt["permission"]
    operation["x-permission"] = permission.name
    if permission.officials:
        operation["x-permission-asked-of"] = "officials"
    operation["security"] = [] if permission == PUBLIC else [{"bearer": []}, {"session": []}]
    by_bus = isinstance(handler, ASGIRouteHandler) or "bus" in handler.parsed_fn_signature.parameters
    chosen = [
        (True, ALWAYS | NO_CALLER),
        (permission != PUBLIC or by_bus or changing, KNOWN_CALLER),
        (changing and permission != PUBLIC, CHANGING),
        (has_key or changing, NAMING),
        ("requestBody" in operation, WITH_BODY),
        (bool(operation.get("parameters")), {"422": WITH_BODY["422"]}),
        (by_bus, BY_BUS),
    ]
    possible = {status: why for holds, answers in chosen if holds for status, why in answers.items()}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    responses = operation.setdefault("responses", {})
    if not isinstance(handler, ASGIRouteHandler):
        for status in [s for s in responses if s[0] in "45"]:
            responses[status].pop("content", None)  # the framework's own idea of an error
        responses.pop("400", None)
    for status, why in possible.items():
        responses.setdefault(status, {"description": why, "content": problem})
    for status in [s for s in responses if s[0] in "45"]:
        responses[status].setdefault("content", problem)
    for status in {"204", "304"} & set(responses):
        responses[status].pop("content", None)
