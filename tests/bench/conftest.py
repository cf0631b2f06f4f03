"""What every bench needs: where its line goes, what machine it ran on, and rounds that are interleaved."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import pytest

from gdbos.testing import postgres_database

sys.path.insert(0, str(Path(__file__).parent / "served"))  # the programs served are imported by some benches too
VERSIONS = ("litestar", "uvicorn", "uvloop", "httptools", "msgspec", "sqlalchemy", "psycopg", "cryptography")


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of ``bench/*.jsonl``."""

    bench: str
    ratio: float
    aim: float | None = None
    figures: Mapping[str, Any] = {}
    machine: Mapping[str, Any] = {}


Report = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--bench-home``: the data directory in whose ``bench/`` the lines are kept."""
    parser.addoption("--bench-home", default="var")


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """``report(bench, ratio, aim, **figures)`` prints a result and appends it to the deployment's home."""

    def write(bench: str, ratio: float, aim: float | None = None, **figures: Any) -> None:
        line = Line(bench=bench, ratio=round(ratio, 4), aim=aim, figures=figures, machine=machine())
        folder = Path(request.config.getoption("--bench-home")) / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{bench}.jsonl").open("ab") as kept:
            kept.write(msgspec.json.encode(line) + b"\n")
        aimed = f" (aim {aim:g})" if aim else ""
        told = f"{bench}: {line.ratio:g}{aimed}\n  {figures}\n  {line.machine}\n"
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            request.config.get_terminal_writer().write(f"\n{told}")

    return write


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was."""
    load = [round(one, 1) for one in os.getloadavg()]
    model = next((line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), "")
    versions = {name: version(name) for name in VERSIONS} | {"python": platform.python_version()}
    return {"cpus": os.cpu_count(), "model": model, "load": load, "versions": versions}


def _cpuinfo() -> Sequence[str]:
    found = Path("/proc/cpuinfo")
    return found.read_text().splitlines() if found.exists() else ()


def interleaved(rounds: int, *runs: Callable[[], Any]) -> list[list[Any]]:
    """The results of each of ``runs``, taken in turns whose order is reversed each round."""
    found: list[list[Any]] = [[] for _ in runs]
    for turn in range(rounds):
        order = range(len(runs)) if turn % 2 == 0 else reversed(range(len(runs)))
        for at in order:
            found[at].append(runs[at]())
    return found


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Median, least and greatest of ours ÷ theirs, round by round."""
    each = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return {"median": round(median(each), 3), "least": round(each[0], 3), "greatest": round(each[-1], 3)}


@pytest.fixture(params=["sqlite", "postgres"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Each database's name with the address of an empty one."""
    if request.param == "sqlite":
        yield "sqlite", f"sqlite:///{tmp_path}/home/gdbos.db"
    else:
        with postgres_database() as url:
            yield "postgres", url
