"""A node served by a process of its own, as an operator would start it; to be killed, restarted and looked at."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

STARTS_WITHIN = 120.0


class Served:
    """The process and where it answers."""

    def __init__(
        self,
        config: Path,
        port: int,
        *,
        program: Sequence[str] = ("-m", "gdbos"),
        options: Sequence[str] = (),
    ) -> None:
        self.config, self.port, self.log = config, port, config.parent / "node.log"
        self.program, self.options = program, options
        self.url = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready. :raises RuntimeError: it did not become so; says what it wrote."""
        environment = {**os.environ, "GDBOS_PORT": str(self.port)}
        command = [sys.executable, *self.program, "--config", str(self.config), "serve", *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.ready()

    def ready(self) -> None:
        """Wait until it is. :raises RuntimeError: it is not in time, or has ended; says what it wrote."""
        until = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < until and self.process is not None and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health/ready", trust_env=False, timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.03)
        raise RuntimeError(f"the node is not ready: {self.log.read_text('utf-8')[-3000:]}")

    def workers(self) -> list[int]:
        """The processes that the supervisor says fill its places now, by place."""
        found = re.findall(r"worker (\d+) is process (\d+)", self.log.read_text("utf-8"))
        return list({int(number): int(pid) for number, pid in found}.values())

    def end(self) -> None:
        """At the end of a test, however it went."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can tell."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to end, and wait; its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(30)


@contextmanager
def served(config: Path, port: int) -> Iterator[Served]:
    """The node at ``config``, serving; it ends with the block."""
    node = Served(config, port)
    node.start()
    try:
        yield node
    finally:
        node.end()


def command(config: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``gdbos`` as an operator types it."""
    return subprocess.run(
        [sys.executable, "-m", "gdbos", "--config", str(config), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )
