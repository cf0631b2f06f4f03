"""Serving: uvicorn with uvloop, one worker, in order: tables, node, address."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable

import uvicorn

from gdbos.errors import Misconfigured
from gdbos.http import application
from gdbos.kernel import Kernel

SWITCH = 0.001
"""Seconds a thread may hold Python's lock while another wants it. The writer gives it up at every statement and gets it back
only so soon: at Python's 5 ms a transaction of eight statements waits 40 ms beside a busy event loop."""


def serve(kernel: Kernel, beside: Callable[[str], bool] | None = None) -> None:
    """Serve ``kernel`` until told to stop; what is in flight is finished first.

    :param beside: runs in a thread with the node's address once it answers; when it returns true the node stops.
    :raises Misconfigured: the tables are behind and another role owns them, or the address is taken.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines hold addresses
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if not kernel.settings.database.owner_url:
        kernel.migrate()
    sys.setswitchinterval(SWITCH)
    http = kernel.settings.http
    server = uvicorn.Server(
        uvicorn.Config(
            application(kernel),
            host=http.host,
            port=http.port,
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,  # addresses may hold ids; the ledger is the record of who asked what
            server_header=False,
            proxy_headers=bool(http.proxies),
            forwarded_allow_ips=list(http.proxies) or None,
            timeout_graceful_shutdown=25,
            lifespan="on",
        )
    )
    gc.collect()
    gc.freeze()  # the standards never go: without this every full collection walks all of them (measured: a fifth of a call)
    if beside is not None:
        threading.Thread(target=_beside, args=(server, beside, f"http://{http.host}:{http.port}"), daemon=True).start()
    server.run()
    if not server.started:
        raise Misconfigured(f"the node could not start at {http.host}:{http.port}; the lines above say why")


def _beside(server: uvicorn.Server, work: Callable[[str], bool], url: str) -> None:
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.05)
    if work(url):
        server.should_exit = True
