"""What a governed call costs over HTTP, beside the same answer without any government, and with it written naively."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from gdbos.testing import free_port, postgres_database

from .conftest import Report, interleaved, ratios
from .load import Load, at, load, polite, serving

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
ROUNDS, SECONDS = 7, 2


def figures(loads: Sequence[Load]) -> dict[str, Any]:
    """The medians of some runs."""
    return {
        "per_second": round(median(one.rate for one in loads)),
        "cpu_us": round(median(one.cpu for one in loads), 1),
        "p50_ms": round(median(one.p50 for one in loads), 2),
        "p99_ms": round(median(one.p99 for one in loads), 2),
        "refused": sum(one.refused for one in loads),
    }


def compared(
    report: Report, bench: str, aim: float, system: tuple[str, str], folder: Path, other: Sequence[object], conns: int
) -> None:
    """Our call beside ``other`` (program and arguments) at so many connections."""
    name, database = system
    with ExitStack() as stack:
        ours = stack.enter_context(serving("node.py", folder, database, free_port()))
        theirs = stack.enter_context(serving(*other, free_port()))  # type: ignore[arg-type]
        for server in (ours, theirs):
            load(server, conns, 1, folder)
        found = interleaved(
            ROUNDS, lambda: load(ours, conns, SECONDS, folder), lambda: load(theirs, conns, SECONDS, folder)
        )
    assert not sum(one.refused for loads in found for one in loads), "a call was refused"
    rates = ratios([one.rate for one in found[0]], [one.rate for one in found[1]])
    both = {"ours": figures(found[0]), "theirs": figures(found[1])}
    report(bench, rates["median"], aim, database=name, connections=conns, rounds=ROUNDS, ratios=rates, **both)


@pytest.mark.parametrize(("connections", "aim"), [(64, 1.2), (8, 0.6)])
def test_bus_call_vs_route(
    report: Report, system: tuple[str, str], tmp_path: Path, connections: int, aim: float
) -> None:
    """A full governed call ÷ an ordinary Litestar route, struct in and struct out."""
    compared(report, "bus_call_vs_route", aim, system, tmp_path, ("plain.py", "route"), connections)


def test_bus_call_vs_asgi(report: Report, system: tuple[str, str], tmp_path: Path) -> None:
    """A full governed call ÷ a raw ASGI application with the same bodies."""
    compared(report, "bus_call_vs_asgi", 0.45, system, tmp_path, ("plain.py", "echo"), 64)


def test_bus_call_vs_naive(report: Report, system: tuple[str, str], tmp_path: Path) -> None:
    """A full governed call ÷ the same steps written straightforwardly, on the same kind of database."""
    for library in ("jwt", "jsonschema", "casbin"):
        pytest.importorskip(
            library, reason=f"the naive comparator needs {library} (pip install pyjwt jsonschema casbin)"
        )
    with ExitStack() as stack:
        sqlite = system[0] == "sqlite"
        theirs = f"sqlite:///{tmp_path}/naive.db" if sqlite else stack.enter_context(postgres_database())
        compared(report, "bus_call_vs_naive", 20, system, tmp_path, ("naive.py", theirs), 64)


def test_overload(report: Report, system: tuple[str, str], tmp_path: Path) -> None:
    """Five times as many callers as the bus admits: what still gets through, how long it takes, how soon the others know."""
    capacity, found = 64, []
    with serving("node.py", tmp_path, system[1], free_port(), capacity) as node:
        polite(node, capacity, 1)
        for _ in range(5):
            peak, over = polite(node, capacity, SECONDS), polite(node, 5 * capacity, SECONDS)
            found.append((peak, over))
    good = [[[taken for status, taken in run if status < 300] for run in pair] for pair in found]
    refused = [taken for _, over in found for status, taken in over if status >= 300]
    goodput = ratios([len(over) for _, over in good], [len(peak) for peak, _ in good])
    slower = ratios([at(over, 0.99) for _, over in good], [at(peak, 0.99) for peak, _ in good])
    report(
        "overload",
        goodput["median"],
        0.8,
        database=system[0],
        goodput=goodput,
        accepted_p99_ratio=slower,
        refused=len(refused),
        time_to_refuse_p50_ms=round(at(refused, 0.5), 2),
        time_to_refuse_p99_ms=round(at(refused, 0.99), 2),
        peak_per_second=round(median(len(peak) for peak, _ in good) / SECONDS),
    )
