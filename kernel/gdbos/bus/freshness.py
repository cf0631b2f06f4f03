"""How often data of a service are brought up to date (更新周期), as the catalogue of data says it; told with every reply.

The provider may promise a cycle where it registers the service. What was signed off in a catalogue counts for more, and changes
without a new version of the service: a plugin says it in the unit that mounts a resource, and takes it back in the one that ends it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Column, Connection, String, Table, delete, insert, select

from gdbos.bus.service import CHANGED
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.unit import Unit

bus_freshness = Table(
    "bus_freshness",
    kernel_metadata,
    Column("service", String(120), primary_key=True),
    Column("updates", String(9), nullable=False),  # code list catalogue.update-cycle
    Column("changed_at", Instant, nullable=False),
)


def say_updates(unit: Unit, service: str, updates: str) -> None:
    """Tell with every reply of ``service`` that its data follow the cycle ``updates``; empty: what its registration promises."""
    unit.execute(delete(bus_freshness).where(bus_freshness.c.service == service))
    if updates:
        unit.execute(insert(bus_freshness).values(service=service, updates=updates, changed_at=unit.now))
    unit.announce(CHANGED)


def updates_said(connection: Connection) -> Mapping[str, str]:
    """The cycles that were said, by service."""
    rows = connection.execute(select(bus_freshness.c.service, bus_freshness.c.updates))
    return {row.service: row.updates for row in rows}
