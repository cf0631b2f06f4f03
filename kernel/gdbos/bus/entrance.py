"""Where systems enter the bus over HTTP: a raw ASGI handler, since an ordinary route costs as much as all the steps of a call.

It stands under the same guard as every other address; the OpenAPI document shows it by :data:`OPERATION`.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from litestar import asgi
from litestar.types import HTTPScope, Receive, Scope, Send

from gdbos.actor import Actor
from gdbos.answers import explained
from gdbos.bus.call import Reply
from gdbos.bus.derived import Question
from gdbos.bus.permissions import CALL
from gdbos.errors import BadRequest, Invalid
from gdbos.kernel import Kernel
from gdbos.reading import Readable, body_of, headers_of

PREFIX: Final = "/api/bus/calls/"
PATH: Final = PREFIX + "{service:str}"
METHODS: Final = ("OPTIONS", "POST")
DEADLINE: Final = b"x-gov-deadline"
KEY: Final = b"idempotency-key"
_KEY: Final = re.compile(rb'"?[A-Za-z0-9_.:-]{1,100}"?')


class Cited(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a call is made."""

    matter: Annotated[str, msgspec.Meta(max_length=120)] = ""
    case: Annotated[str, msgspec.Meta(max_length=50)] = ""
    purpose: Annotated[str, msgspec.Meta(max_length=500)] = ""
    ask: Annotated[list[Question], msgspec.Meta(max_length=20)] = []
    """Questions to be answered instead of receiving values: ``{"field": "birth_date", "is": "age >= 18"}``."""
    version: Annotated[int, msgspec.Meta(ge=0, le=9999)] = 0
    """Of the service; 0: the newest that the grant covers."""
    business: Annotated[str, msgspec.Meta(max_length=80)] = ""


class CallRequest(Cited, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call: the request as the service's standard has it, and why it is made."""

    value: dict[str, Any]


class Incoming(Cited, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same as it is read: the request stays as it came until its standard decodes it."""

    value: msgspec.Raw


SCHEMAS: Final = (CallRequest, Reply)
OPERATION: Final[dict[str, Any]] = {
    "tags": ["bus"],
    "summary": "Call",
    "description": "Call a service in the name of the calling system and its body.",
    "operationId": "ApiBusCallsServiceCall",
    "parameters": [
        {"name": "service", "in": "path", "required": True, "schema": {"type": "string"}},
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "With the same key the same call gets the first answer again, for a day",
            "schema": {"type": "string", "maxLength": 102},
        },
        {
            "name": "X-Gov-Deadline",
            "in": "header",
            "description": "In how many milliseconds the caller needs the answer; the provider is told what is left of it",
            "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
        },
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CallRequest"}}},
    },
    "responses": {
        "200": {
            "description": "What the service answered: granted fields, masked by element",
            "headers": {"gdbos-call": {"description": "The call's id", "schema": {"type": "string", "format": "uuid"}}},
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Reply"}}},
        }
    },
}

_INCOMING: Final = msgspec.json.Decoder(Incoming)
REPLY: Final = msgspec.json.Encoder()
JSON: Final = (b"content-type", b"application/json")
"""The header of a JSON body."""


def shed(kernel: Kernel) -> None:
    """Before anybody is identified: beyond its capacity the bus must cost nothing. :raises Unavailable: it is there."""
    kernel.door.admission.refuse_beyond_capacity()


@asgi(PATH, permission=CALL, copy_scope=False, shed=shed, operation=OPERATION, schemas=SCHEMAS, methods=METHODS)
async def call(scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Call a service in the name of the calling system and its body."""
    if scope["method"] == "OPTIONS":
        await respond(send, 204, b"")
        return
    kernel, service = scope["app"].state.kernel, scope["path_params"]["service"]
    body, number = await called(scope, receive, kernel, scope["state"]["actor"], service)
    await respond(send, 200, body, JSON, (b"gdbos-call", number))


async def called(scope: Scope, receive: Receive, kernel: Kernel, actor: Actor, service: str) -> tuple[bytes, bytes]:
    """Call ``service`` as the request asks; the reply's bytes and the call's id."""
    headers = headers_of(scope)
    asked = _asked(headers, await body_of(scope, receive, kernel.settings.http.max_body))
    reply = await kernel.bus_for(actor, "kernel").call(
        service,
        bytes(asked.value),
        matter=asked.matter,
        case=asked.case,
        purpose=asked.purpose,
        version=asked.version,
        business=asked.business,
        deadline=deadline_of(headers),
        ask=asked.ask,
        key=key_of(headers),
    )
    return REPLY.encode(reply), REPLY.encode(reply.call)[1:-1]


def deadline_of(headers: Mapping[bytes, bytes]) -> float:
    """The event loop's time until which the caller waits, who says so in milliseconds; for ever where they do not.

    :raises BadRequest: they say it in another way.
    """
    said = headers.get(DEADLINE)
    if said is None:
        return math.inf
    if not said.isdigit() or len(said) > 9:
        raise BadRequest("X-Gov-Deadline says in how many milliseconds you need the answer: a whole number.")
    return asyncio.get_running_loop().time() + int(said) / 1000


def key_of(headers: Mapping[bytes, bytes]) -> str:
    """The caller's ``Idempotency-Key``, with or without the quotation marks of a structured field; empty where there is none.

    :raises BadRequest: it is none.
    """
    said = headers.get(KEY)
    if said is None:
        return ""
    if not _KEY.fullmatch(said):
        raise BadRequest("An Idempotency-Key is 1 to 100 letters, digits and -_.: characters; a UUID will do.")
    return said.strip(b'"').decode()


def _asked(headers: Mapping[bytes, bytes], body: bytes) -> Incoming:
    with Readable(headers, body):
        try:
            asked = _INCOMING.decode(body)
        except msgspec.ValidationError as wrong:
            message, _, path = str(wrong).partition(" - at `")
            raise Invalid(violations=[explained(path.rstrip("`") or "$", message)]) from None
        if not (value := bytes(asked.value)).startswith(b"{"):
            value.decode()  # what is no text at all is refused as that, not as the wrong kind of value
            raise Invalid(violations=[explained("$.value", "Expected `object`, got `another kind of value`")])
        return asked


async def respond(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """Send a whole response."""
    sized = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": sized})
    await send({"type": "http.response.body", "body": body, "more_body": False})


ROUTES = [call]
