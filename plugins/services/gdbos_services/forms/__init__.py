"""Forms: what departments ask, joined to one sheet that asks each data element once."""

from pathlib import Path

from gdbos import Plugin, hookimpl
from gdbos_services.forms.form import KIND

HERE = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    return Plugin(
        name="services.forms",
        title="Forms",
        needs=["services.matters"],
        kinds=[KIND],
        templates=HERE / "templates",
        locale=HERE.parent / "locale",
    )
