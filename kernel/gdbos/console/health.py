"""How the node is: its database, what waits, what stands still, what its plugins complain of."""

from __future__ import annotations

import msgspec
from sqlalchemy import func

from gdbos.bus.delivery import backlog
from gdbos.bus.grant import bus_grant
from gdbos.kernel import Kernel
from gdbos.ledger.status import LogStatus, status
from gdbos.unit import Unit


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The node at one moment."""

    deliveries: dict[str, int]
    """Deliveries of events by state: pending, done, dead, dropped."""
    drafts: int
    """Grants within the reader's reach that wait for a decision."""
    logs: list[LogStatus]
    complaints: list[tuple[str, str]] = []
    """Checks of plugins that are not well, each with what it says."""

    @property
    def well(self) -> bool:
        return not (self.complaints or self.deliveries.get("dead") or any(log.falls_short for log in self.logs))


async def health(kernel: Kernel, look: Health) -> Health:
    """``look`` with what the plugins' checks complain of."""
    complaints = []
    for plugin in kernel.plugins:
        for check in plugin.checks:
            if complaint := await check.ask(kernel):
                complaints.append((f"{plugin.name}: {check.name}", complaint))
    return msgspec.structs.replace(look, complaints=complaints)


def standing(unit: Unit, kernel: Kernel) -> Health:
    """What the database knows."""
    waiting = unit.rows(bus_grant, func.count()).where(bus_grant.c.state == "draft")
    return Health(
        deliveries=backlog(unit.connection),
        drafts=unit.execute(waiting).scalar_one(),
        logs=status(unit.connection, kernel.book.folder),
    )
