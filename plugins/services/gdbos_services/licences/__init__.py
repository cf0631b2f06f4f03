"""Licences (电子证照): issued as the result of a case, kept by their holder, copied for a purpose, verified by anybody."""

from pathlib import Path

from gdbos import N_, NavigationEntry, Plugin, hookimpl

from .events import OWN as EVENTS
from .licence import issue_result
from .pages import PAGES
from .permission import OWN, PERMISSIONS
from .routes import ROUTES
from .tables import tables
from .type import KIND
from .view import CONSUMES, OFFERS

HERE = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    return Plugin(
        name="services.licences",
        title=N_("Licences"),
        needs=["services.matters", "services.forms", "services.cases"],
        permissions=PERMISSIONS,
        routes=ROUTES,
        pages=PAGES,
        navigation=[
            NavigationEntry(area="portal", path="/portal/licences", title=N_("My licences"), permission=OWN, order=40)
        ],
        tables=tables,
        migrations=HERE / "migrations",
        events=EVENTS,
        handlers=[issue_result],
        services=OFFERS,
        consumes=CONSUMES,
        kinds=[KIND],
        templates=HERE / "templates",
        locale=HERE.parent / "locale",
    )
