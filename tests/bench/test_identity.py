"""What it costs to decide whether somebody may, and to log in."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest

from gdbos.actor import Actor
from gdbos.bus.grant import Grants, new_grant
from gdbos.decision import Resource, decide
from gdbos.identity.password import hashed, matches
from gdbos.plugin import Permission
from gdbos.testing import PASSWORD, deployment, plant_tester, serving
from gdbos.text import Text

from .conftest import Report
from .load import at

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
TIMES, LOGINS = 20_000, 40


def nanoseconds(work: object, times: int = TIMES) -> float:
    """Nanoseconds of processor time of one ``work()``; the median of nine."""
    assert callable(work)
    found = []
    for _ in range(9):
        started = time.thread_time()
        for _ in range(times):
            work()
        found.append((time.thread_time() - started) * 1e9 / times)
    return median(found)


def test_decision(report: Report) -> None:
    """One decision, reasons and all, with 200 permissions and 200 grants ÷ one look-up in a dictionary."""
    held = frozenset(f"services.part{number}.act" for number in range(199)) | {"governance.*"}
    actor = Actor(kind="official", id="1", body="B", permissions=held)
    exact = Permission("services.part7.act", Text("许可"))
    below, lacking = (Permission(name, Text("许可")) for name in ("governance.catalogue.edit", "kernel.bus.call"))
    row = Resource(division="450103", bodies=("C", "B"), matter="m")
    grants, now = Grants(), datetime.now(UTC)
    grants.replace(new_grant(body="B", system=f"s{n}", service="svc", provider="P", state="live") for n in range(200))
    plain = dict.fromkeys(range(200), True)
    asked = {"body": "B", "system": "s7", "service": "svc", "provider": "P"}
    bare = nanoseconds(lambda: plain[7])
    figures = {
        "exact_ns": nanoseconds(lambda: decide(actor, exact)),
        "by_prefix_ns": nanoseconds(lambda: decide(actor, below)),
        "refused_ns": nanoseconds(lambda: decide(actor, lacking)),
        "row_ns": nanoseconds(lambda: decide(actor, exact, row)),
        "grant_ns": nanoseconds(lambda: grants.find(**asked, matter="m", now=now)),
    }
    rounded = {name: round(value) for name, value in figures.items()}
    report("decision", figures["exact_ns"] / bare, look_up_ns=round(bare), **rounded)


def test_login(report: Report, tmp_path: Path) -> None:
    """Logging in ÷ the one argon2id verification it contains."""
    kept = hashed(PASSWORD)

    def verified() -> float:
        started = time.perf_counter()
        assert matches(kept, PASSWORD)
        return time.perf_counter() - started

    with serving(deployment(tmp_path, permissions=["kernel.*"]), prepare=plant_tester) as site:
        site.sign_in()
        ours, theirs = [], []
        for _ in range(LOGINS):
            started = time.perf_counter()
            site.sign_in()
            ours.append(time.perf_counter() - started)
            theirs.append(verified())
    report(
        "login",
        median(ours) / median(theirs),
        p50_ms=round(at(ours, 0.5), 1),
        p95_ms=round(at(ours, 0.95), 1),
        argon2_p50_ms=round(at(theirs, 0.5), 1),
    )
