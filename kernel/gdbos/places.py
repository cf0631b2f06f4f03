"""Places for requests (容量): a worker answers as many at a time as it can, tells the rest at once when to come back, and keeps some
places for those who have to get in: whoever asks whether it lives, and whoever logs in to see why it is full.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

from litestar import Litestar, Request
from litestar.types import Receive, Scope, Send

from gdbos.answers import answer
from gdbos.errors import Unavailable

RESERVED: Final = 16
"""Places beyond the capacity, for addresses whose handlers say ``reserved=True``."""


class Places:
    """How many requests are being answered, and whether one more may be."""

    def __init__(self, app: Litestar, capacity: int) -> None:
        self.app = app
        self.capacity = capacity
        self.taken = 0
        self._reserved = frozenset(_reserved(app))

    def take(self, path: str) -> None:
        """Take a place, to be given back by :meth:`leave`. :raises Unavailable: none is free."""
        if self.taken >= self.capacity and not (path in self._reserved and self.taken < self.capacity + RESERVED):
            wait = random.randint(200, 1500)  # noqa: S311  (not the same for all, or they would all come back at once)
            raise Unavailable("The node has its hands full; ask again in a moment.", retry_after=2, retry_after_ms=wait)
        self.taken += 1

    def leave(self) -> None:
        self.taken -= 1


def _reserved(app: Litestar) -> Iterator[str]:
    for route in app.routes:
        handlers = [handler for handler, _ in getattr(route, "route_handler_map", {}).values()]
        if any(handler.opt.get("reserved") for handler in handlers):
            yield route.path_format


async def refuse(
    app: Litestar, scope: Scope, receive: Receive, send: Send, failure: Exception, template: str = ""
) -> None:
    """Answer a request that never came to the router with what is the matter."""
    scope.update({"litestar_app": app, "app": app, "path_template": template})
    scope.setdefault("state", {})
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    await answer(request, failure).to_asgi_response(None, request)(scope, receive, send)
