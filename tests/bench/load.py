"""Servers in processes of their own, and a load generator for them: wrk where it is installed, else a small one of ours."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

SERVED = Path(__file__).parent / "served"
TICK = os.sysconf("SC_CLK_TCK")
WRK = shutil.which("wrk")
SCRIPT = """
wrk.method = "POST"
wrk.body = [==[%(body)s]==]
local tokens = { %(tokens)s }
local headers, turn = {}, 0
for i = 1, math.max(#tokens, 1) do
  headers[i] = { ["Content-Type"] = "application/json" }
  if tokens[i] then headers[i]["Authorization"] = "Bearer " .. tokens[i] end
end
request = function() turn = turn %% #headers + 1; return wrk.format(nil, nil, headers[turn]) end
"""


class Load(msgspec.Struct, frozen=True):
    """What one run saw."""

    rate: float
    """Good answers a second."""
    p50: float
    """Milliseconds, of all answers."""
    p99: float
    refused: int
    """Answers that were not 2xx, and errors of the connection."""
    cpu: float
    """Microseconds of processor time of the server's process per answer."""


class Served(msgspec.Struct, frozen=True):
    """A server that answers."""

    pid: int
    url: str
    tokens: Sequence[str]
    body: str


@contextmanager
def serving(program: str, *arguments: object) -> Iterator[Served]:
    """``program`` of the folder ``served``, in a process of its own."""
    command = [sys.executable, str(SERVED / program), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield Served(process.pid, **json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def load(server: Served, connections: int, seconds: float, folder: Path) -> Load:
    """POST the server's question over ``connections`` for ``seconds``."""
    before = _cpu(server.pid)
    run = _wrk if WRK else _own
    rate, p50, p99, refused, answers = run(server, connections, seconds, folder)
    return Load(rate, p50, p99, refused, (_cpu(server.pid) - before) * 1e6 / max(answers, 1))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _wrk(server: Served, connections: int, seconds: float, folder: Path) -> tuple[float, float, float, int, int]:
    script = folder / "post.lua"
    tokens = ", ".join(f'"{token}"' for token in server.tokens)
    script.write_text(SCRIPT % {"body": server.body, "tokens": tokens}, "utf-8")
    command = [str(WRK), "-t1", f"-c{connections}", f"-d{int(seconds)}s", "--latency", "-s", str(script), server.url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answers, took = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", said).group(1, 2)  # type: ignore[union-attr]
    refused = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", said))
    refused += sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", said)))
    good = max(int(answers) - refused, 0)
    return good / float(took), _milliseconds(said, 50), _milliseconds(said, 99), refused, int(answers)


def _milliseconds(said: str, percentile: int) -> float:
    number, unit = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", said).group(1, 2)  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def _own(server: Served, connections: int, seconds: float, _: Path) -> tuple[float, float, float, int, int]:
    """The same with asyncio; slower than wrk, so only ratios of its figures mean anything."""
    answers = polite(server, connections, seconds)
    good, times = sum(status < 300 for status, _ in answers), [taken for _, taken in answers]
    return good / seconds, at(times, 0.5), at(times, 0.99), len(answers) - good, len(answers)


def at(times: Sequence[float], part: float) -> float:
    """The percentile of ``times`` (seconds) in milliseconds."""
    return sorted(times)[int(len(times) * part)] * 1000 if times else 0.0


def polite(server: Served, connections: int, seconds: float) -> list[tuple[int, float]]:
    """Status and time of every answer to callers that come back only when they were told to (Retry-After-Ms)."""
    answers: list[tuple[int, float]] = []

    async def drive() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(_ask(server, turn, until, answers) for turn in range(connections)))

    asyncio.run(drive())
    return answers


async def _ask(server: Served, turn: int, until: float, answers: list[tuple[int, float]]) -> None:
    where, body = urlsplit(server.url), server.body.encode()
    token = f"authorization: Bearer {server.tokens[turn % len(server.tokens)]}\r\n" if server.tokens else ""
    head = f"POST {where.path} HTTP/1.1\r\nhost: {where.netloc}\r\ncontent-type: application/json\r\n{token}"
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    while (started := time.perf_counter()) < until:
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        answers.append((int(answer[9:12]), time.perf_counter() - started))
        if wait := re.search(rb"retry-after-ms: (\d+)", answer, re.IGNORECASE):
            await asyncio.sleep(min(int(wait[1]) / 1000, max(0.0, until - time.perf_counter())))
    writer.close()
