"""Forms (表单): what departments ask, joined to one sheet that asks each data element once."""

from __future__ import annotations

from pathlib import Path

from gdbos import N_, Plugin, hookimpl

from .form import KIND

FOLDER = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    """The kind of document that forms are, and the page part that shows a sheet."""
    return Plugin(
        name="services.forms",
        title=N_("Forms"),
        needs=["services.matters"],
        kinds=[KIND],
        templates=FOLDER / "templates",
        locale=FOLDER.parent / "locale",
    )
