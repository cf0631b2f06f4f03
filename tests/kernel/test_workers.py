"""Several workers of one node behind one address: one dies or hangs and the others serve on; all end when told to."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from served import Served, command

from gdbos.config import Deployment
from gdbos.kernel import Kernel
from gdbos.testing import deployment, free_port, postgres_database

NODE = """
import sys, time
from pathlib import Path
from gdbos import serving
from gdbos.config import load
from gdbos.kernel import Kernel

ordinary = serving.application

def application(kernel):
    app = ordinary(kernel)
    async def sick(scope, receive, send):
        if scope["type"] == "http" and scope["path"] == "/hang":
            while True:
                pass
        if scope["type"] == "http" and scope["path"] == "/slow":
            import asyncio
            await asyncio.sleep(5)
            scope["path"] = "/health/live"
        await app(scope, receive, send)
    return sick

serving.application = application
_, _, config, _, workers = sys.argv  # as in: --config FILE serve N
serving.serve(Kernel(load(Path(config))), workers=int(workers))
"""
"""A node as ordinary as any, but for two addresses: one whose handler never comes back, and one that takes its time."""


class Sick(Served):
    """Such a node, with its workers."""

    def __init__(self, made: Deployment, workers: int) -> None:
        super().__init__(made.path, free_port(), program=("-c", NODE), options=(str(workers),))

    def status(self, path: str, timeout: float = 5) -> int:
        """What a new connection is answered; 0 when it is not."""
        try:
            return httpx.get(f"{self.url}{path}", trust_env=False, timeout=timeout).status_code
        except httpx.TransportError:
            return 0


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come to be"
        time.sleep(0.05)


@contextmanager
def sick(made: Deployment, workers: int) -> Iterator[Sick]:
    node = Sick(made, workers)
    try:
        node.start()
        yield node
    finally:
        node.end()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sick]:
    """Two workers on PostgreSQL that wake each other by NATS where it is."""
    extra = "drain = 4.0\nhang = 5.0\n"
    with postgres_database() as url:
        made = deployment(tmp_path_factory.mktemp("workers"), database=url)
        text = made.path.read_text().replace("[http]\n", f"[http]\n{extra}")
        made.path.write_text(text + '\n[nats]\nurl = "nats://127.0.0.1:4222"\n')
        with sick(made, 2) as node:
            yield node


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_killed_is_replaced_and_nobody_notices(town: Sick) -> None:
    before = town.workers()
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    answers = [town.status("/health/live") for _ in range(20)]
    assert answers == [200] * 20
    until(lambda: town.workers()[0] != before[0] and alive(town.workers()[0]))
    assert town.workers()[1] == before[1]


def test_a_worker_that_hangs_ends_itself(town: Sick) -> None:
    """Not a line of Python runs in it any more; what is written is where it hung."""
    town.ready()
    before = set(town.workers())
    assert town.status("/hang", timeout=100) == 0, "the connection breaks; nothing answers"
    until(lambda: set(town.workers()) != before)
    town.ready()
    assert "Timeout (0:00:05" in town.log.read_text("utf-8")


def test_it_drains_when_told_to_stop(town: Sick) -> None:
    """Not ready first, then no new connections; what is in flight is answered; the workers are gone with their supervisor."""
    town.ready()
    pids, answers = town.workers(), list[int]()
    flying = threading.Thread(target=lambda: answers.append(town.status("/slow", timeout=60)))
    flying.start()
    time.sleep(0.5)
    assert town.process is not None
    town.process.send_signal(signal.SIGTERM)
    until(lambda: town.status("/health/ready") == 503)
    assert town.process.wait(60) == 0
    flying.join(60)
    assert answers == [200]
    assert not any(alive(pid) for pid in pids)


def test_workers_do_not_outlive_their_supervisor(tmp_path: Path) -> None:
    with postgres_database() as url, sick(deployment(tmp_path, database=url), 2) as node:
        pids = node.workers()
        node.kill()
        until(lambda: not any(alive(pid) for pid in pids))


def test_sqlite_has_one_writer(tmp_path: Path) -> None:
    made = deployment(tmp_path)
    ran = command(made.path, "serve", "--workers", "2", GDBOS_PORT=str(free_port()))
    assert ran.returncode == 2
    assert "SQLite has one writer" in ran.stderr


def test_an_address_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    with postgres_database() as url:
        made = deployment(tmp_path, database=url)
        Kernel(made).migrate()
        import socket

        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            ran = command(made.path, "serve", "--workers", "2", GDBOS_PORT=str(taken.getsockname()[1]))
    assert ran.returncode == 2
    assert "in use" in ran.stderr
