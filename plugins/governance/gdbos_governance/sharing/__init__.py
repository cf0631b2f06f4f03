"""Sharing (数据共享): a department asks for another's data, its owner decides, a grant of the bus carries it."""

from __future__ import annotations

from pathlib import Path

from gdbos import NavigationEntry, Plugin, hookimpl

from . import request
from .events import EVENTS
from .pages import SharingPages
from .permissions import PERMISSIONS, READ
from .routes import Requests
from .tables import tables

HERE = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    """What sharing brings."""
    return Plugin(
        name="governance.sharing",
        title="Sharing of data between departments",
        needs=["governance.catalogue"],
        permissions=PERMISSIONS,
        routes=[Requests],
        pages=[SharingPages],
        navigation=[
            NavigationEntry(area="console", path="/console/sharing", title="Data sharing", permission=READ, order=41)
        ],
        tables=tables,
        migrations=HERE / "migrations",
        events=EVENTS,
        handlers=[request.draw_up_narrower_grant, request.end_shares],
        templates=HERE / "templates",
        locale=HERE.parent / "locale",
    )
