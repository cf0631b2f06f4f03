"""Bundles (高效办成一件事): told once, one form, a case for each department, one progress, and what it saved."""

from pathlib import Path

from gdbos import N_, NavigationEntry, Plugin, hookimpl

from .events import OWN
from .fill import consumption
from .form_view import FORM
from .measured import REDUCTIONS
from .mine import MINE
from .pages import PAGES
from .permission import APPLY, PERMISSIONS
from .plan import KIND
from .progress import advance
from .routes import ROUTES
from .tables import tables
from .view import BUNDLE

HERE = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    return Plugin(
        name="services.bundles",
        title=N_("Bundles"),
        needs=["services.matters", "services.forms", "services.cases"],
        permissions=PERMISSIONS,
        routes=ROUTES,
        pages=PAGES,
        navigation=[
            NavigationEntry(
                area="portal", path="/portal/bundles", title=N_("One thing at once"), permission=APPLY, order=30
            )
        ],
        tables=tables,
        migrations=HERE / "migrations",
        events=OWN,
        handlers=[advance],
        services=[BUNDLE, FORM, MINE, REDUCTIONS],
        consumes_by_standard=consumption,
        kinds=[KIND],
        templates=HERE / "templates",
        locale=HERE.parent / "locale",
    )
