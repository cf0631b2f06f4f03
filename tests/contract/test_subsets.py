"""Every subset of the plugins that their needs allow starts (every one of some 240): nobody's node is a case nobody tried."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from gdbos.errors import Misconfigured
from gdbos.http import application
from gdbos.kernel import Kernel
from gdbos.loading import described, installed

from .demo import deployed, enabled

TABLES = enabled() | {"scenarios.enterprise_opening": {}}
NEEDS = {name: set(described(name, installed()[name][0].entry.load()).needs) for name in TABLES}
PARTS = 8


def subsets() -> list[tuple[str, ...]]:
    """Every subset that holds what its members need."""
    every = chain.from_iterable(combinations(sorted(NEEDS), size) for size in range(len(NEEDS) + 1))
    return [chosen for chosen in every if all(NEEDS[name] <= set(chosen) for name in chosen)]


def brought(app: Litestar) -> set[str]:
    """The features that have operations."""
    paths = [route.path.split("/") for route in app.routes if route.path.startswith("/api/")]
    return {path[3] for path in paths if path[2] in ("services", "governance", "enablement")}


def test_none_and_all_are_among_them_and_each_is_closed() -> None:
    found = subsets()
    assert () in found
    assert tuple(sorted(NEEDS)) in found
    assert len(found) > 100


@pytest.mark.timeout(1200)  # some thirty nodes
@pytest.mark.parametrize("part", range(PARTS))
def test_every_subset_that_needs_allow_starts(tmp_path: Path, part: int) -> None:
    """Its tables are made, its pages and operations are there and guarded, it answers, and nothing of another plugin is there."""
    for number, chosen in enumerate(subsets()[part::PARTS]):
        made = deployed(tmp_path / str(number), plugins={name: TABLES[name] for name in chosen})
        kernel = Kernel(made)
        kernel.migrate()
        app = application(kernel)
        with TestClient(app, base_url="http://127.0.0.1:8000") as client:
            assert client.get("/health/ready").status_code == 200, chosen
            assert client.get("/").status_code < 500, chosen
            assert brought(app) <= {name.partition(".")[2].replace("_", "-") for name in chosen}, chosen


@pytest.mark.parametrize(("name", "missing"), [(name, need) for name in NEEDS for need in sorted(NEEDS[name])])
def test_what_needs_another_does_not_start_without_it(tmp_path: Path, name: str, missing: str) -> None:
    left = {name, *NEEDS[name]} - {missing}
    with pytest.raises(Misconfigured, match=missing):
        Kernel(deployed(tmp_path, plugins={one: TABLES[one] for one in left}))
