"""The catalogue of data resources (政务数据目录): what each department holds, who signed it off, and that it answers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from gdbos import Job, NavigationEntry, Plugin, hookimpl

from . import mount, objection, probe
from .config import Config
from .events import EVENTS
from .pages import CataloguePages
from .permissions import PERMISSIONS, READ
from .rate import OFFER
from .routes import Catalogue
from .tables import tables

HERE = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    """What the catalogue brings."""
    return Plugin(
        name="governance.catalogue",
        title="Catalogue of data resources",
        config=Config,
        permissions=PERMISSIONS,
        routes=[Catalogue],
        pages=[CataloguePages],
        navigation=[
            NavigationEntry(
                area="console", path="/console/catalogue", title="Data catalogue", permission=READ, order=40
            )
        ],
        tables=tables,
        migrations=HERE / "migrations",
        events=EVENTS,
        handlers=[probe.note_probe, objection.tell_where_mounted],
        services=[OFFER],
        jobs=[Job(name="probe-mounts", every=timedelta(minutes=5), run=mount.watch)],
        templates=HERE / "templates",
        locale=HERE.parent / "locale",
    )
