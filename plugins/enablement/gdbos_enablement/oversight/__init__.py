"""Electronic supervision (电子监察): a case near or past its limit gets its yellow or red card from the clock."""

from __future__ import annotations

from pathlib import Path

from gdbos import N_, NavigationEntry, Plugin, hookimpl

from . import card, watched
from .events import OWN
from .pages import CockpitCards, WorkbenchCards
from .permission import EXPLAIN, PERMISSIONS, READ
from .routes import Cards, OversightRules
from .rule import KIND
from .tables import tables

FOLDER = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    """Cards, their rules and their pages."""
    return Plugin(
        name="enablement.oversight",
        title=N_("Supervision of time limits"),
        permissions=PERMISSIONS,
        routes=[Cards, OversightRules],
        pages=[CockpitCards, WorkbenchCards],
        navigation=[
            NavigationEntry(area="cockpit", path="/cockpit/cards", title=N_("Cards"), permission=READ, order=40),
            NavigationEntry(area="workbench", path="/workbench/cards", title=N_("Cards"), permission=EXPLAIN, order=60),
        ],
        tables=tables,
        migrations=FOLDER / "migrations",
        events=OWN,
        handlers=[
            watched.watch_acceptance,
            watched.pause_acceptance,
            watched.watch_limits,
            watched.stop_watching,
            watched.watch_again,
            watched.watch_extended,
            watched.let_decided_go,
            watched.let_closed_go,
            watched.heed_near_limit,
            watched.heed_passed_limit,
            card.issue,
        ],
        kinds=[KIND],
        templates=FOLDER / "templates",
        locale=FOLDER.parent / "locale",
    )
