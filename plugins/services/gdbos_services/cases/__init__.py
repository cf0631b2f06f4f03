"""Cases (办件): applied for once, numbered, timed by law and promise, decided, carried out by the department's own system."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from gdbos import N_, Job, NavigationEntry, Plugin, hookimpl

from . import alarm, department
from .apply import ApplyPages
from .config import Config
from .events import OWN
from .limits import recount
from .offers import CONSUMES, OFFERS
from .pages import CasePages
from .permission import APPLY, PERMISSIONS, READ
from .prefill import consumption
from .recalled import flag_case
from .routes import Cases
from .tables import tables

FOLDER = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    """Cases of every matter, from the draft to the result."""
    return Plugin(
        name="services.cases",
        title=N_("Cases"),
        needs=["services.matters", "services.forms"],
        config=Config,
        permissions=PERMISSIONS,
        routes=[Cases],
        pages=[ApplyPages, CasePages],
        navigation=[
            NavigationEntry(area="portal", path="/portal/cases", title=N_("My cases"), permission=APPLY, order=40),
            NavigationEntry(area="workbench", path="/workbench", title=N_("My tasks"), permission=READ, order=10),
        ],
        tables=tables,
        migrations=FOLDER / "migrations",
        events=OWN,
        handlers=[alarm.heed_alarm, department.carry_out, department.carry_out_later, flag_case],
        services=OFFERS,
        consumes=CONSUMES,
        consumes_by_standard=consumption,
        jobs=[Job(name="recount-limits", every=timedelta(hours=6), run=recount)],
        templates=FOLDER / "templates",
        locale=FOLDER.parent / "locale",
    )
