"""The standards that the repository ships, as the nodes of four levels load them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from gdbos import Standards
from gdbos.bus.service import Service
from gdbos.standards import load
from gdbos_services.forms.form import KIND as FORMS
from gdbos_services.licences.type import KIND as LICENCES
from gdbos_services.matters.matter import KIND as MATTERS
from gdbos_services.matters.matter import RULES

ROOT = Path(__file__).parents[4]
DAY = date(2026, 5, 6)
KINDS = {"matters": MATTERS, "matter-rules": RULES, "forms": FORMS, "services": Service, "licences": LICENCES}
CHAINS = {
    "ministry": ["national", "ministry"],
    "province": ["national", "guangxi"],
    "city": ["national", "guangxi", "nanning"],
    "county": ["national", "guangxi", "nanning", "qingxiu"],
}


@pytest.fixture(scope="session")
def loaded() -> Callable[[str], Standards]:
    """The standards of a level, loaded once."""
    kept: dict[str, Standards] = {}

    def of(level: str) -> Standards:
        if level not in kept:
            kept[level] = load([ROOT / "standards"], KINDS, CHAINS[level])
        return kept[level]

    return of


@pytest.fixture(scope="session")
def city(loaded: Callable[[str], Standards]) -> Standards:
    return loaded("city")
