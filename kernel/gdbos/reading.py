"""Requests as the kernel reads them: what cannot be read is the caller's mistake and says so, never a 500."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from litestar import Litestar, Request
from litestar.datastructures import FormMultiDict
from litestar.exceptions import SerializationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg
from litestar.routes import HTTPRoute
from litestar.types import Empty, Receive, Scope
from litestar.typing import FieldDefinition

from gdbos.errors import BadRequest, TooLarge, Unsupported

JSON = "application/json"
AROUND = 65_536
"""Bytes that a form may have beside the file it brings."""
LIMITS = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length")


def honour_limits(app: Litestar) -> None:
    """Make limits that a query or path parameter states by ``msgspec.Meta`` hold, and stand in the OpenAPI document.

    Litestar looks only at its own ``QueryParameter(ge=…)`` and forgets the others without a word, so that ``limit=-1`` got through.
    """
    for route in (one for one in app.routes if isinstance(one, HTTPRoute)):
        for method, (handler, _) in route.route_handler_map.items():
            if _honoured(handler):
                model = handler.create_kwargs_model(path_parameters=route.path_parameters)
                route.route_handler_map[method] = handler, model


def _honoured(handler: HTTPRouteHandler) -> bool:
    """Whether ``handler`` states such limits; they hold when its parameters are read by a new model."""
    parameters, found = handler.parsed_fn_signature.parameters, False
    for name, field in parameters.items():
        kwarg = field.kwarg_definition
        if isinstance(kwarg, ParameterKwarg) and (limits := _limits(field)):
            parameters[name] = replace(field, kwarg_definition=replace(kwarg, **limits))
            found = True
    if found:
        handler._signature_model = Empty
    return found


def _limits(field: FieldDefinition) -> dict[str, Any]:
    metas = [one for one in field.metadata if isinstance(one, msgspec.Meta)]
    return {name: value for meta in metas for name in LIMITS if (value := getattr(meta, name)) is not None}


class Reading(Request[Any, Any, Any]):
    """Litestar's request, with its reading made strict in one place."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces, as long as it keeps within its limit, whether it says beforehand how long it is or not."""
        limit = self._limit()
        stated = self.headers.get("content-length", "0")
        refuse_larger(int(stated) if stated.isdigit() else 0, limit)
        came = 0
        async for piece in super().stream():
            came += len(piece)
            refuse_larger(came, limit)
            yield piece

    async def json(self) -> Any:
        with Readable(headers_of(self.scope), await self.body()):
            return await super().json()

    async def form(self) -> FormMultiDict:
        try:
            found = await super().form()
        except (UnicodeDecodeError, LookupError, ValueError) as failure:
            raise BadRequest("The form cannot be read: {why}", why=_why(failure)) from None
        if any("\x00" in value for _, value in found.multi_items() if isinstance(value, str)):
            raise BadRequest("The form holds a NUL character, which no field can keep; leave it out.")
        return found

    def _limit(self) -> int:
        """Bytes a body may have: those of routes that take files bring the file, and a little around it."""
        settings = self.scope["app"].state.kernel.settings
        file: int = settings.files.max_bytes + AROUND
        most: int = settings.http.max_body
        return max(file, most) if "file" in self.route_handler.opt else most


class Readable:
    """Around the decoding of a body: what is no JSON that can be kept is refused in a sentence."""

    def __init__(self, headers: Mapping[bytes, bytes], body: bytes) -> None:
        """:raises Unsupported: the request says it is something else. :raises BadRequest: it holds NUL."""
        if (stated := headers.get(b"content-type", b"")) != b"application/json":
            _refuse_other_than_json(stated.decode("latin-1"))
        if b"\\u0000" in body:
            raise BadRequest("The body holds a NUL character, which no field can keep; leave it out.")

    def __enter__(self) -> None:
        """Decode inside."""

    def __exit__(self, kind: type[BaseException] | None, failure: BaseException | None, trace: object) -> None:
        """:raises BadRequest: it is not JSON in UTF-8, or nested too deeply."""
        if isinstance(failure, msgspec.DecodeError | UnicodeDecodeError | SerializationException):
            raise BadRequest("The body is not JSON in UTF-8: {why}", why=_why(failure.__cause__ or failure)) from None
        if isinstance(failure, RecursionError):
            raise BadRequest("The body is nested deeper than any record; send it flat.") from None


def _refuse_other_than_json(stated: str) -> None:
    media_type = stated.partition(";")[0].strip().lower()
    if stated and media_type != JSON and not media_type.endswith("+json"):
        raise Unsupported(
            "The body is {media_type}; this address reads application/json.", media_type=media_type or "—"
        )


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The headers by their names; of several under one name the first."""
    return dict(reversed([*scope["headers"]]))


async def body_of(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body of a request that no :class:`Reading` reads.

    :raises TooLarge: it has more than ``limit`` bytes. :raises BadRequest: its sender went away.
    """
    if (read := scope.get("state", {}).get("body")) is not None:  # to check who signed it
        return bytes(read)
    stated = headers_of(scope).get(b"content-length", b"0")
    refuse_larger(int(stated) if stated.isdigit() else 0, limit)
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("The request broke off before its body was complete.")
        body, more = body + message["body"], message.get("more_body", False)
        refuse_larger(len(body), limit)
    return body


def refuse_larger(size: int, limit: int) -> None:
    """:raises TooLarge: ``size`` bytes are more than ``limit``."""
    if size > limit:
        raise TooLarge("The body has {size} bytes; at most {limit} are read here.", size=size, limit=limit)


def _why(failure: BaseException) -> str:
    """The kind of mistake and its place, never the text around it: that may be personal data."""
    if isinstance(failure, UnicodeDecodeError):
        return f"byte {failure.start} is not {failure.encoding}"
    if isinstance(failure, msgspec.DecodeError):
        return str(failure)
    return type(failure).__name__
