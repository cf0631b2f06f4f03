"""Places for requests (容量): a worker answers as many at a time as it can, tells the rest at once when to come back, and keeps some
places for those who have to get in: whoever asks whether it lives, and whoever logs in to see why it is full.

What anybody may send and something is written for, before they are known (logging in, beginning to, submitting a checkpoint), holds
a part of the places only, and one address a share of that part: strangers do not fill the way to the database for all others.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final

from litestar import Litestar, Request
from litestar.handlers import BaseRouteHandler
from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute
from litestar.types import HTTPScope, Receive, Scope, Send

from gdbos.answers import answer
from gdbos.bus.admission import Admission
from gdbos.errors import Unavailable
from gdbos.plugin import PUBLIC

RESERVED: Final = 16
"""Places beyond the capacity, for addresses whose handlers say ``reserved=True``."""
STRANGERS: Final = 8
"""Of so many places, one is for what strangers have written."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Places:
    """How many requests are being answered, and whether one more may be."""

    def __init__(self, app: Litestar, capacity: int) -> None:
        self.app = app
        self.capacity = capacity
        self.taken = 0
        self.strangers = Admission(max(RESERVED, capacity // STRANGERS))
        self._reserved = frozenset(_reserved(app))
        self._written = Written(app)

    @contextmanager
    def place(self, scope: HTTPScope) -> Iterator[None]:
        """A place for one request. :raises Unavailable: none is free. :raises TooMany: its address holds its share of strangers' ones."""
        self._refuse_beyond_capacity(scope["path"])
        with self.strangers.place(_whence(scope)) if self._written.by_anybody(scope) else nullcontext():
            self.taken += 1
            try:
                yield
            finally:
                self.taken -= 1

    def _refuse_beyond_capacity(self, path: str) -> None:
        if self.taken >= self.capacity and not (path in self._reserved and self.taken < self.capacity + RESERVED):
            wait = random.randint(200, 1500)  # noqa: S311  (not the same for all, or they would all come back at once)
            raise Unavailable("The node has its hands full; ask again in a moment.", retry_after=2, retry_after_ms=wait)


class Written:
    """The addresses at which something is written for whoever comes: they name no permission, and change something.

    A GET that does says so (``writes=True``).
    """

    def __init__(self, app: Litestar) -> None:
        found: dict[str, list[str]] = defaultdict(list)
        for route in app.routes:
            for method, handler in _handlers(route):
                if handler.opt.get("permission") == PUBLIC and (method not in _SAFE or handler.opt.get("writes")):
                    found[method].append(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route.path_format)))
        self._patterns = {method: re.compile(f"(?:{'|'.join(paths)})/?\\Z") for method, paths in found.items()}

    def by_anybody(self, scope: HTTPScope) -> bool:
        """Whether this request is one of them."""
        pattern = self._patterns.get(scope["method"])
        return pattern is not None and pattern.match(scope["path"]) is not None


def _handlers(route: BaseRoute) -> Iterator[tuple[str, BaseRouteHandler]]:
    if isinstance(route, HTTPRoute):
        yield from ((method, handler) for method, (handler, _) in route.route_handler_map.items())
    elif isinstance(route, ASGIRoute):
        yield from ((method, route.route_handler) for method in route.route_handler.opt.get("methods", ()))


def _whence(scope: HTTPScope) -> tuple[str, str]:
    return (scope["client"][0] if scope["client"] else "", "")


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
