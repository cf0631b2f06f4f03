"""Quality (数据质量): rules of the standards packs, checks over the bus, tickets at the source of what is wrong."""

from __future__ import annotations

from pathlib import Path

from gdbos import NavigationEntry, Plugin, hookimpl

from .events import EVENTS
from .pages import QualityPages
from .permissions import PERMISSIONS, READ
from .routes import Quality
from .rule import KIND
from .tables import tables
from .ticket import tell_where_mounted

HERE = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    """What quality brings."""
    return Plugin(
        name="governance.quality",
        title="Quality of data",
        needs=["governance.catalogue"],
        permissions=PERMISSIONS,
        routes=[Quality],
        pages=[QualityPages],
        navigation=[
            NavigationEntry(area="console", path="/console/quality", title="Data quality", permission=READ, order=42)
        ],
        tables=tables,
        migrations=HERE / "migrations",
        events=EVENTS,
        handlers=[tell_where_mounted],
        kinds=[KIND],
        templates=HERE / "templates",
        locale=HERE.parent / "locale",
    )
