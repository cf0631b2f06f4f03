"""``python -m gdbos_scenarios.departments``: serve the departments' existing systems until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from .app import SYSTEMS, build
from .faults import Faults
from .system import Wrong


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gdbos_scenarios.departments", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100, help="0 takes a free one and prints it")
    parser.add_argument("--home", type=Path, required=True, help="folder of the systems' files and keys")
    parser.add_argument("--down", type=names, default=[], metavar="NAME,…", help=f"of {', '.join(SYSTEMS)}")
    parser.add_argument(
        "--refuse", type=names, default=[], metavar="NAME,…", help="systems that refuse what they handle"
    )
    parser.add_argument("--slow", type=seconds, default={}, metavar="NAME=S,…", help="seconds each system takes")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input is closed")
    return parser


def names(value: str) -> list[str]:
    return [name for name in value.split(",") if name]


def seconds(value: str) -> dict[str, float]:
    return {name: float(number) for name, _, number in (pair.partition("=") for pair in names(value))}


def listen(host: str, port: int) -> socket.socket:
    """Bound before anything else starts, so that a taken port is said at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends without Nagle's delay (40 ms an answer) only on sockets that name their protocol.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)
    return listener


def stop_with_parent(server: uvicorn.Server) -> None:
    """End when the other end of standard input is gone, however its process died."""

    def wait() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=wait, daemon=True).start()


async def serve(listener: socket.socket, home: Path, faults: Faults, *, with_parent: bool) -> None:
    config = uvicorn.Config(build(home, faults), log_level="warning", access_log=False, server_header=False)
    server = uvicorn.Server(config)
    if with_parent:
        stop_with_parent(server)
    host, port = listener.getsockname()[:2]
    sys.stdout.write(json.dumps({"url": f"http://{host}:{port}", "home": str(home)}) + "\n")
    sys.stdout.flush()
    await server.serve([listener])


def main() -> int:
    parser = arguments()
    given = parser.parse_args()
    faults = Faults(SYSTEMS)
    try:
        faults.set({"down": given.down, "refuse": given.refuse, "slow": given.slow})
        listener = listen(given.host, given.port)
    except (Wrong, OSError) as mistake:
        parser.error(str(mistake))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asyncio.run(serve(listener, given.home, faults, with_parent=given.with_parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
