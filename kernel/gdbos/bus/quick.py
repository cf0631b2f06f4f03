"""The quick way in (快道): a call of a system that this worker knows reaches the door without a router between.

Routing, connection objects and layers of handlers cost more than all the steps of a call. Whatever is out of the ordinary (another
method, a token not met before, a language, a trace, a browser) takes the ordinary way; both end in the same steps of
``bus/call.py``, and what goes wrong here is answered as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from litestar import Litestar
from litestar.types import Message, Receive, Send

from gdbos.actor import Actor
from gdbos.bus.entrance import DEADLINE, KEY, PREFIX, called
from gdbos.bus.permissions import CALL
from gdbos.kernel import Kernel
from gdbos.places import refuse
from gdbos.whole import whole

ORDINARY: Final = frozenset(
    (
        *(b"authorization", b"host", b"content-type", b"content-length", b"transfer-encoding", b"connection"),
        *(b"user-agent", b"accept", b"accept-encoding", b"x-forwarded-for", b"x-forwarded-proto", DEADLINE, KEY),
    )
)
"""Headers that change nothing in how a call is taken, or that the door reads itself."""


class Quick:
    """The quick way into one node's bus."""

    def __init__(
        self, app: Litestar, headers: Iterable[tuple[bytes, bytes]], complete: Callable[[Message, Any], None]
    ) -> None:
        self.app = app
        self.complete = complete
        """Adds the headers that every response carries."""
        self.kernel: Kernel = app.state.kernel
        self.headers = [*headers]
        self._lines = b"".join(b"%b: %b\r\n" % header for header in self.headers)

    def caller(self, scope: Any) -> Actor | None:
        """The system that calls, where this request may take the quick way."""
        path = scope["path"]
        if scope["method"] != "POST" or not path.startswith(PREFIX) or not path.isprintable():
            return None
        headers = dict(scope["headers"])
        if len(headers) != len(scope["headers"]) or not ORDINARY.issuperset(headers):
            return None
        credential = headers.get(b"authorization", b"")
        if credential[:7] != b"Bearer " or "/" in path[len(PREFIX) :] or scope["query_string"]:
            return None
        actor = self.kernel.identity.remembered(credential[7:].decode("latin-1"))
        return actor if actor is not None and actor.kind == "system" and actor.may(CALL) else None

    async def __call__(self, scope: Any, receive: Receive, send: Send, actor: Actor) -> None:
        try:
            self.kernel.door.admission.refuse_beyond_capacity()
            body, call = await called(scope, receive, self.kernel, actor, scope["path"][len(PREFIX) :])
        except Exception as failure:

            async def completed(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.complete(message, scope)
                await send(message)

            await refuse(self.app, scope, receive, completed, failure, PREFIX + "{service}")
            return
        if whole(scope, b"gdbos-call: %b\r\n%b" % (call, self._lines), body):
            return
        headers = [(b"content-length", b"%d" % len(body)), (b"gdbos-call", call), *self.headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
