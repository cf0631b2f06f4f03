"""Answering in one piece (整答): head and body made ready beforehand and written at once.

uvicorn looks at each header of each response with two regular expressions, and writes head and body by themselves: with the headers that
every response of a node carries that is a tenth of a whole call. Where the head is always the same it can be looked at once. An
application finds the way in ``scope["extensions"]``; under another server it is not there, and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

WHOLE: Final = "gdbos.whole"
Whole = Callable[[bytes, bytes], bool]
"""Writes a response whose lines of headers and body these are; false where it has to be sent in the ordinary way."""


class Protocol(HttpToolsProtocol):
    """uvicorn's own, with :data:`WHOLE` among the extensions of each request."""

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.scope["extensions"] = {WHOLE: {"answer": partial(answer, self.cycle)}}


def whole(scope: Any, headers: bytes, body: bytes) -> bool:
    """Answer 200 in one piece, where the server can. ``headers``: each line ended, those of length and date left out."""
    way: Whole | None = scope.get("extensions", {}).get(WHOLE, {}).get("answer")
    return way is not None and way(headers, body)


def answer(cycle: RequestResponseCycle, headers: bytes, body: bytes) -> bool:
    """What uvicorn's ``send`` does for a start and a body that is all of it, on a connection that stays."""
    if cycle.response_started or cycle.disconnected or cycle.flow.write_paused or not cycle.keep_alive:
        return False
    dated = b"".join([b"%b: %b\r\n" % header for header in cycle.default_headers])
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"HTTP/1.1 200 OK\r\n%b%bcontent-length: %d\r\n\r\n%b" % (dated, headers, len(body), body))
    cycle.message_event.set()
    cycle.on_response()
    return True
