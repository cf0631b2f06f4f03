"""The city of these tests, served on SQLite and on PostgreSQL beside the departments' real program."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey

from gdbos.identity.seed import plant
from gdbos.testing import deployment, serving
from gdbos_scenarios.departments.program import Running, running

from .city import PLUGINS, City, Clock, seed, settings


@pytest.fixture(scope="session")
def departments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("departments")) as program:
        yield program


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def city(tmp_path: Path, database: str, departments: Running, clock: Clock) -> Iterator[City]:
    """The city, on SQLite and on PostgreSQL."""
    key = OKPKey.generate_key("Ed25519")
    one = deployment(tmp_path, plugins=PLUGINS, database=database, extra=settings(departments))
    with serving(one, prepare=lambda unit: plant(unit, seed(key)), clock=clock) as site:
        yield City(site, departments, key, clock)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait, at most five seconds, until something holds."""

    def wait(holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 5
        while not holds():
            assert time.monotonic() < end, "it did not come about in five seconds"
            time.sleep(0.02)

    return wait
