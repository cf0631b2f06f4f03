"""What is known against data of a service (数据异议与工单): told with every reply that holds them, until it is settled.

Plugins post a notice in the unit that opens a ticket or an objection, and lift it in the unit that closes it. A notice says that
there is something, of which kind and on which field; never whose record it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Column, Connection, Index, String, Table, delete, func, insert, select

from gdbos.bus.service import CHANGED
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.unit import Unit

bus_notice = Table(
    "bus_notice",
    kernel_metadata,
    Column("ref", String(120), primary_key=True),
    Column("service", String(120), nullable=False),
    Column("field", String(64), nullable=False),
    Column("kind", String(20), nullable=False),  # ticket, objection
    Column("changed_at", Instant, nullable=False),
    Index("bus_notice_service", "service", "field", "kind"),
)
_n: Final = bus_notice.c


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """Open notices of one kind on one field of a reply."""

    kind: str
    """``ticket``: a value was found wrong and reported · ``objection``: the source's right to say it is disputed."""
    field: str
    """Empty: on the data as a whole."""
    count: int
    since: datetime
    """When the oldest of them was posted."""


def post_notice(unit: Unit, ref: str, *, service: str, kind: str, field: str = "") -> None:
    """Tell every consumer of ``service`` that something is known against ``field``; ``ref`` names it until it is lifted."""
    lift_notice(unit, ref)
    row = {"ref": ref, "service": service, "field": field, "kind": kind, "changed_at": unit.now}
    unit.execute(insert(bus_notice).values(row))
    unit.announce(CHANGED)


def lift_notice(unit: Unit, ref: str) -> None:
    """It is settled; the next reply no longer tells of it."""
    if unit.execute(delete(bus_notice).where(_n.ref == ref)).rowcount:
        unit.announce(CHANGED)


def open_notices(connection: Connection) -> Mapping[str, Sequence[Known]]:
    """The open notices by service."""
    found: dict[str, list[Known]] = {}
    columns = (_n.service, _n.kind, _n.field, func.count(), func.min(_n.changed_at))
    rows = select(*columns).group_by(_n.service, _n.kind, _n.field).order_by(_n.service, _n.field, _n.kind)
    for service, kind, field, count, since in connection.execute(rows):
        found.setdefault(service, []).append(Known(kind, field, count, since))
    return found


class Notices:
    """The open notices as one worker knows them."""

    def __init__(self) -> None:
        self._by_service: Mapping[str, Sequence[Known]] = {}

    def replace(self, notices: Mapping[str, Sequence[Known]]) -> None:
        """Know ``notices`` from now on."""
        self._by_service = notices

    def __contains__(self, service: str) -> bool:
        return service in self._by_service

    def about(self, service: str, fields: Collection[str]) -> tuple[Known, ...]:
        """Those that concern a reply with ``fields``, or questions about them."""
        named = {field.partition(" ")[0] for field in fields}
        return tuple(one for one in self._by_service.get(service, ()) if not one.field or one.field in named)
