"""Matters (政务服务事项): what people and enterprises can get done, found, explained and kept consistent over four levels."""

from __future__ import annotations

from pathlib import Path

from gdbos import N_, PUBLIC, NavigationEntry, Plugin, hookimpl

from .matter import KIND, RULES
from .pages import MatterPages
from .permission import PERMISSIONS, READ
from .routes import Matters
from .tables import tables
from .use import count_use

FOLDER = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    """Matters of all levels, and the portal's door to them."""
    return Plugin(
        name="services.matters",
        title=N_("Matters"),
        permissions=PERMISSIONS,
        routes=[Matters],
        pages=[MatterPages],
        navigation=[
            NavigationEntry(area="portal", path="/portal", title=N_("Home"), permission=PUBLIC, order=10),
            NavigationEntry(
                area="portal", path="/portal/matters", title=N_("All matters"), permission=PUBLIC, order=20
            ),
            NavigationEntry(
                area="console", path="/console/matters", title=N_("Matters by level"), permission=READ, order=60
            ),
        ],
        tables=tables,
        migrations=FOLDER / "migrations",
        handlers=[count_use],
        kinds=[KIND, RULES],
        templates=FOLDER / "templates",
        locale=FOLDER.parent / "locale",
    )
