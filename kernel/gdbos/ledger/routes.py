"""Where other nodes have their checkpoints cosigned (C2SP tlog-witness, add-checkpoint)."""

from __future__ import annotations

from typing import Any, Final

from litestar import asgi
from litestar.types import HTTPScope, Receive, Send

from gdbos.actor import plugin_actor
from gdbos.ledger.witness import MAX_SUBMISSION, Answer, add_checkpoint, considered
from gdbos.plugin import PUBLIC
from gdbos.reading import body_of
from gdbos.unit import Unit

METHODS: Final = ("OPTIONS", "POST")
WITNESS: Final = plugin_actor("kernel.witness")
_TEXT: Final = {"text/plain": {"schema": {"type": "string"}}}
_REFUSED: Final = _TEXT | {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
OPERATION: Final[dict[str, Any]] = {
    "tags": ["ledger"],
    "summary": "AddCheckpoint",
    "description": "Have a checkpoint of a log that this node witnesses cosigned, as C2SP tlog-witness has it. The log's own "
    "signature on the checkpoint is what lets it in.",
    "operationId": "WitnessAddCheckpoint",
    "requestBody": {"required": True, "content": _TEXT},
    "responses": {
        "200": {"description": "The cosignature, as a line of a signed note", "content": _TEXT},
        "400": {
            "description": "The submission is malformed, or its old size is larger than the checkpoint's",
            "content": _REFUSED,
        },
        "403": {"description": "No known key of the log signed the checkpoint", "content": _REFUSED},
        "404": {"description": "This node does not witness the log", "content": _REFUSED},
        "409": {
            "description": "The old size is not the one this witness cosigned last, which is the body",
            "content": {"text/x.tlog.size": {"schema": {"type": "string"}}},
        },
        "422": {"description": "The proof does not lead from the tree cosigned last to this one", "content": _REFUSED},
    },
}


@asgi("/witness/add-checkpoint", permission=PUBLIC, copy_scope=False, operation=OPERATION, methods=METHODS)
async def add(scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Have a checkpoint cosigned."""
    if scope["method"] == "OPTIONS":
        await _answer(send, Answer(204))
        return
    kernel = scope["app"].state.kernel
    body = await body_of(scope, receive, MAX_SUBMISSION)
    first = await kernel.units.read(WITNESS, _considered, body, kernel.book.followed)
    if isinstance(first, Answer):
        await _answer(send, first)
        return
    await _answer(send, await kernel.units.write(WITNESS, _add, body, kernel.book.followed, kernel.book.witness))


def _considered(unit: Unit, body: bytes, logs: Any) -> Any:
    return considered(unit.connection, body, logs)


def _add(unit: Unit, body: bytes, logs: Any, signer: Any) -> Answer:
    return add_checkpoint(unit.connection, body, logs, signer, now=unit.now)


async def _answer(send: Send, answer: Answer) -> None:
    content = answer.body.encode()
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})


ROUTES = [add]
