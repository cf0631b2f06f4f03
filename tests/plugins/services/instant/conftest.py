"""The city of the cases' tests, with the departments' own systems running beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gdbos_scenarios.departments.program import Running, running

from ..cases.conftest import PASSWORD, City, Clock, city_of


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def departments(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "departments", "--slow", "tax=0.05") as program:
        yield program


@pytest.fixture
def city(
    tmp_path: Path, database: str, clock: Clock, departments: Running, monkeypatch: pytest.MonkeyPatch
) -> Iterator[City]:
    monkeypatch.setenv("CASES_PASSWORD", PASSWORD)
    keys = departments.home / "keys"
    places = f'[bus.places]\ndepartments = "{departments.url}"\ndepartments_keys = "{keys}"'
    with city_of(tmp_path, database, clock, extra=places) as made:
        yield made


def switch(departments: Running, **faults: object) -> None:
    """Put systems out of order, or in order again."""
    httpx.post(f"{departments.url}/_control", json=faults).raise_for_status()
