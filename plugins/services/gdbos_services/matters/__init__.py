"""Matters: what people and enterprises can get done, found, explained and kept consistent over four levels."""

from pathlib import Path

from gdbos import Plugin, hookimpl
from gdbos_services.matters.matter import KIND

HERE = Path(__file__).parent


@hookimpl
def describe() -> Plugin:
    return Plugin(
        name="services.matters",
        title="Matters",
        kinds=[KIND],
        templates=HERE / "templates",
        locale=HERE.parent / "locale",
    )
