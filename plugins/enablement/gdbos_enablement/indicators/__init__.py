"""Indicators (运行指标): the cockpit of leaders, each figure with its formula and the cases behind it."""

from __future__ import annotations

from pathlib import Path

from gdbos import N_, NavigationEntry, Plugin, hookimpl

from . import counted
from .config import Config
from .mounts import CONSUMES
from .pages import Cockpit
from .permission import PERMISSIONS, READ
from .routes import Indicators
from .summary import OFFER
from .tables import tables

FOLDER = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    """The cockpit, its projection and its figures on the bus."""
    return Plugin(
        name="enablement.indicators",
        title=N_("Indicators"),
        config=Config,
        permissions=PERMISSIONS,
        routes=[Indicators],
        pages=[Cockpit],
        navigation=[NavigationEntry(area="cockpit", path="/cockpit", title=N_("Overview"), permission=READ, order=10)],
        tables=tables,
        migrations=FOLDER / "migrations",
        handlers=[
            counted.count_received,
            counted.count_correction,
            counted.count_accepted,
            counted.count_suspended,
            counted.count_resumed,
            counted.count_extended,
            counted.count_approved,
            counted.count_closed,
            counted.count_bundle,
        ],
        services=[OFFER],
        consumes=CONSUMES,
        templates=FOLDER / "templates",
        locale=FOLDER.parent / "locale",
    )
