"""Starting the systems' program beside one's own, for demonstrations and tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS_TO_STOP = 10


@dataclass(frozen=True)
class Running:
    """A started program."""

    url: str
    """Where it answers, without a slash at the end."""
    home: Path
    process: subprocess.Popen[str]

    @property
    def keys(self) -> Path:
        """The folder of the keys, one file per system."""
        return self.home / "keys"


@contextmanager
def running(home: Path, *options: str, port: int = 0) -> Iterator[Running]:
    """The program, serving, until the block is left; it also ends when this process dies in any other way.

    Raises ``RuntimeError`` with what it wrote when it did not come up.
    """
    process = start(["--home", str(home), "--port", str(port), *options])
    try:
        yield Running(opened(process), home, process)
    finally:
        stop(process)


def start(options: Sequence[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gdbos_scenarios.departments", "--with-parent", *options]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603  (our own module)


def opened(process: subprocess.Popen[str]) -> str:
    """The address it says it serves, once its socket listens."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the departments' systems did not start (exit code {process.wait()})")
    return str(json.loads(line)["url"])


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
