"""kill -9, crashes of the database and power cuts while people and systems are at work.

What was acknowledged is there afterwards, exactly once, ledger and all. ``make prove`` tries each a hundred times, or five.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import powercut
from aftermath import in_the_database, in_the_ledger, seen_over_http, settled
from cluster import cluster
from served import Served
from town import Town, at_work, town

from gdbos.config import Deployment
from gdbos.testing import postgres_database, require

PROVE = bool(os.environ.get("GDBOS_PROVE"))
KILLS, CRASHES, CUTS = (100, 5, 100) if PROVE else (3, 1, 2)


def ordinary(made: Deployment, port: int) -> Served:
    return Served(made.path, port)


def with_workers(made: Deployment, port: int) -> Served:
    return Served(made.path, port, options=("--workers", "2"))


def without_unsynced_writes(made: Deployment, port: int) -> Served:
    home = made.settings.home
    return Served(made.path, port, program=(powercut.__file__, str(home), str(home.parent / "aside")))


def somewhere(chance: random.Random) -> None:
    """Somewhere in the middle of what they are at now."""
    time.sleep(chance.random() / 2)


def living(node: Served) -> list[int]:
    """The workers that live; of two that were just killed each waits a moment for the next."""
    until = time.monotonic() + 60
    while not (found := [pid for pid in node.workers() if Path(f"/proc/{pid}").exists()]):
        assert time.monotonic() < until, "nobody takes the place of the dead"
        time.sleep(0.05)
    return found


def nothing_is_lost(place: Town) -> None:
    seen_over_http(place)
    settled(place)
    assert place.node.stop() in (0, -signal.SIGTERM), "it ends by the signal, after it has finished what was in flight"
    in_the_database(place)
    in_the_ledger(place)


def test_kill_9_of_a_node(tmp_path: Path) -> None:
    chance = random.Random(7)
    with town(tmp_path, "", ordinary) as place:
        for _ in range(KILLS):
            with at_work(place):
                somewhere(chance)
                place.node.kill()
            place.node.start()
        nothing_is_lost(place)


def test_kill_9_of_workers(tmp_path: Path) -> None:
    """The others serve on, and another takes the place of the dead."""
    chance = random.Random(8)
    with postgres_database() as url, town(tmp_path, url, with_workers) as place:
        for _ in range(KILLS):
            with at_work(place):
                somewhere(chance)
                os.kill(chance.choice(living(place.node)), signal.SIGKILL)
        place.node.ready()
        nothing_is_lost(place)


def test_crashes_of_the_database(tmp_path: Path) -> None:
    """The node stays, and goes on when the database is there again."""
    chance = random.Random(9)
    with cluster() as server, town(tmp_path, server.url, with_workers) as place:
        for _ in range(CRASHES):
            with at_work(place):
                somewhere(chance)
                server.crash()
                server.start()
        place.node.ready()
        with at_work(place):
            pass
        nothing_is_lost(place)


def test_power_cuts(tmp_path: Path) -> None:
    """SQLite, with every write dropped that had not been synced when the light went out."""
    require("libsqlite3", powercut.shared(), "take a Python whose sqlite3 uses the system's library")
    chance = random.Random(10)
    with town(tmp_path, "", without_unsynced_writes) as place:
        home = place.made.settings.home
        for _ in range(CUTS):
            with at_work(place):
                somewhere(chance)
                place.node.kill()
            powercut.cut(home, home.parent / "aside")
            place.node.start()
        nothing_is_lost(place)


def test_a_database_that_does_not_sync_loses_what_it_said_was_done(tmp_path: Path) -> None:
    """The power cut is one: under synchronous=NORMAL, which the node refuses, committed rows are gone."""
    require("libsqlite3", powercut.shared(), "take a Python whose sqlite3 uses the system's library")
    assert powercut.committed_and_kept(tmp_path / "full", "full") == (500, 500)
    committed, kept = powercut.committed_and_kept(tmp_path / "normal", "normal")
    assert kept < committed
