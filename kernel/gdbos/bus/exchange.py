"""Where old clients of the national exchange gateway enter the bus: by their headers, through the same guard and the same steps.

The service is the one registered under their ``gjgxjhpt_sid``; the body is its request. What such a client could not say before,
and the bus asks of everybody, it says in further headers: the matter, the case and the purpose.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

from litestar import asgi
from litestar.types import HTTPScope, Receive, Send

from gdbos.bus.entrance import JSON, METHODS, REPLY, deadline_of, respond, shed
from gdbos.bus.permissions import CALL
from gdbos.errors import BadRequest
from gdbos.identity.exchange import PATH
from gdbos.kernel import Kernel
from gdbos.reading import Readable, body_of, headers_of

CITED: Final = {"matter": 120, "case": 50, "purpose": 500}
"""What is cited, and in how many characters at most."""
OPERATION: Final[dict[str, Any]] = {
    "tags": ["bus"],
    "summary": "CallAsBefore",
    "description": "Call a service as a client of the national exchange gateway did, by its signed headers.",
    "operationId": "ApiBusExchangeCallAsBefore",
    "parameters": [
        *(
            {"name": f"gjgxjhpt_{name}", "in": "header", "description": words, "schema": {"type": "string"}}
            for name, words in (
                ("rid", "Requester number"),
                ("sid", "Number of the service"),
                ("rtime", "Now, in milliseconds since 1970"),
                ("sign", "Base64 of HMAC-SHA256 over sid, rid and rtime, with the app secret as the key"),
            )
        ),
        *(
            {
                "name": f"X-Gov-{name.title()}",
                "in": "header",
                "description": f"The {name} of the call, percent-encoded UTF-8",
                "schema": {"type": "string"},
            }
            for name in CITED
        ),
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {
        "200": {
            "description": "What the service answered: granted fields, masked by element",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Reply"}}},
        }
    },
}


@asgi(PATH, permission=CALL, copy_scope=False, shed=shed, operation=OPERATION, schemas=(), methods=METHODS)
async def call(scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Call a service as a client of the national exchange gateway did."""
    if scope["method"] == "OPTIONS":
        await respond(send, 204, b"")
        return
    kernel: Kernel = scope["app"].state.kernel
    body, said = await body_of(scope, receive, kernel.settings.http.max_body), headers_of(scope)
    with Readable(said, body):
        body.decode()
    reply = await kernel.bus_for(scope["state"]["actor"], "kernel").call(
        kernel.directory.by_number(said.get(b"gjgxjhpt_sid", b"").decode("latin-1")),
        body or b"{}",
        matter=_cited(said, "matter"),
        case=_cited(said, "case"),
        purpose=_cited(said, "purpose"),
        deadline=deadline_of(said),
    )
    await respond(send, 200, REPLY.encode(reply), JSON, (b"gdbos-call", REPLY.encode(reply.call)[1:-1]))


def _cited(said: dict[bytes, bytes], name: str) -> str:
    value = said.get(f"x-gov-{name}".encode(), b"").decode("latin-1")
    try:
        words = unquote(value, errors="strict")
    except UnicodeDecodeError:
        words = "\0"
    if len(words) > CITED[name] or not words.isprintable():
        raise BadRequest("The header X-Gov-{name} is too long, or not percent-encoded UTF-8.", name=name.title())
    return words


ROUTES = [call]
