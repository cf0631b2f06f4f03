"""Serving: uvicorn with uvloop, in order: tables, node, address. One process, or as many workers as asked for."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import uvicorn
from sqlalchemy.exc import OperationalError

from gdbos.errors import Misconfigured, Unavailable
from gdbos.http import application
from gdbos.identity.commands import REDEEM
from gdbos.identity.setup import offer
from gdbos.kernel import Kernel
from gdbos.storage.engine import away
from gdbos.supervising import supervise
from gdbos.whole import Protocol

SWITCH = 0.001
"""Seconds a thread may hold Python's lock while another wants it. The writer gives it up at every statement and gets it back
only so soon: at Python's 5 ms a transaction of eight statements waits 40 ms beside a busy event loop."""
GRACE = 25
"""Seconds that requests in flight have to end once the node stops."""


def serve(kernel: Kernel, beside: Callable[[str], bool] | None = None, *, workers: int = 1) -> None:
    """Serve ``kernel`` until told to stop; what is in flight is finished first.

    :param beside: runs in a thread with the node's address once it answers; when it returns true the node stops.
    :param workers: processes that share the address; each that dies is started again.
    Raises:
        Misconfigured: the address is taken, the home is in use by a running node, SQLite is to be shared, or whatever else the
            node refuses to start with.
        Unavailable: the database went away while the node started.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines hold addresses
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if workers > 1 and kernel.settings.database_url().startswith("sqlite"):
        raise Misconfigured(
            f"SQLite has one writer, so {workers} workers cannot share it: serve with one, or give [database] url a PostgreSQL"
        )
    http = kernel.settings.http
    listening = _listening(http.host, http.port)  # before anything is changed for a node that cannot be served
    if kernel.settings.database.owner_url:
        kernel.refuse_late()
    else:
        kernel.migrate()
    if code := offer(kernel):
        sys.stderr.write(f"Nobody can log in yet. Set-up code, good once and for 24 hours: {code}\n{REDEEM}\n")
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()  # the standards never go: without this every full collection walks all of them (measured: a fifth of a call)
    if workers > 1:
        supervise(lambda parent: _work(kernel, [listening], parent), workers)
        return
    server = Server(kernel)
    if beside is not None:
        threading.Thread(target=_beside, args=(server, beside, f"http://{http.host}:{http.port}"), daemon=True).start()
    server.work([listening])


class Server(uvicorn.Server):
    """One worker: drains when told to stop, and ends itself when its event loop hangs.

    The watchdog is the C thread of ``faulthandler``, which needs no lock of Python's: it fires also while one pattern or one
    loop holds everything else up (measured: a watchdog in Python never did). It writes every thread's stack and ends the process.
    """

    def __init__(self, kernel: Kernel) -> None:
        http = kernel.settings.http
        config = uvicorn.Config(
            self._kept(application(kernel)),
            loop="uvloop",
            http=Protocol,
            log_config=None,
            access_log=False,  # addresses may hold ids; the ledger is the record of who asked what
            server_header=False,
            proxy_headers=bool(http.proxies),
            forwarded_allow_ips=list(http.proxies) or None,
            timeout_graceful_shutdown=GRACE,
            lifespan="on",
            interface="asgi3",
        )
        super().__init__(config)
        self.kernel = kernel
        self.stops_at = float("inf")
        self.refusal: Misconfigured | Unavailable | None = None
        """Why the node does not start, where it says so itself."""

    def work(self, sockets: Sequence[socket.socket]) -> None:
        """Serve at ``sockets`` until told to stop.

        :raises Misconfigured: the node does not start. :raises Unavailable: its database does not answer.
        """
        try:
            self.run(sockets=list(sockets))
        except SystemExit:  # how uvicorn ends that could not start
            raise self.refusal or Misconfigured("the node could not start; the lines above say why") from None

    def _kept(self, app: Any) -> Any:
        """``app``, whose refusal to start is kept for whoever started it; uvicorn would write down a traceback and exit."""

        async def opening(scope: Any, receive: Any, send: Any) -> None:
            async def sending(message: Any) -> None:
                # What says that it failed holds the traceback; uvicorn writes that of a mistake, and of nothing else.
                if message["type"] != "lifespan.startup.failed":
                    await send(message)

            try:
                await app(scope, receive, sending)
            except Exception as failure:
                self.refusal = _refusal(failure)
                if self.refusal and not self.started:
                    await send({"type": "lifespan.startup.failed", "message": ""})
                raise

        def either(scope: Any, receive: Any, send: Any) -> Any:
            return (opening if scope["type"] == "lifespan" else app)(scope, receive, send)

        return either

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Not ready from now on; stop accepting when load balancers have had time to see it. A second signal does not wait."""
        if self.kernel.draining or not self.kernel.settings.http.drain:
            super().handle_exit(sig, frame)
        self.kernel.draining = True
        self.stops_at = min(self.stops_at, time.monotonic() + self.kernel.settings.http.drain)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: the loop lives, and the watchdog waits anew."""
        if self.kernel.settings.http.hang and counter % 5 == 0:
            faulthandler.dump_traceback_later(self.kernel.settings.http.hang, exit=True)
        if time.monotonic() >= self.stops_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        faulthandler.cancel_dump_traceback_later()
        await super().shutdown(sockets)


def _refusal(failure: Exception) -> Misconfigured | Unavailable | None:
    """What ``failure`` says to whoever runs the node; None where it is a mistake of the program's own."""
    while (
        isinstance(failure, ExceptionGroup) and len(failure.exceptions) == 1
    ):  # as the framework's lifespan hands it on
        failure = failure.exceptions[0]
    if isinstance(failure, OperationalError):
        return away(failure)
    return failure if isinstance(failure, Misconfigured | Unavailable) else None


def _work(kernel: Kernel, sockets: Sequence[socket.socket], parent: int) -> None:
    """A worker's life. It also ends when its supervisor does, who holds the other end of the pipe ``parent``."""
    server = Server(kernel)
    threading.Thread(target=_outlive, args=(server, parent), daemon=True).start()
    server.work(sockets)


def _outlive(server: Server, parent: int) -> None:
    os.read(parent, 1)  # returns when nobody holds the other end any more
    server.kernel.draining = server.should_exit = True


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as failure:
        raise Misconfigured(f"the node could not start at {host}:{port}: {failure.strerror}") from None
    listening.set_inheritable(True)
    return listening


def _beside(server: uvicorn.Server, work: Callable[[str], bool], url: str) -> None:
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.05)
    if work(url):
        server.should_exit = True
