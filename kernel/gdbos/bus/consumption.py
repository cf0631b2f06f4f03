"""What plugins' own pages need of the bus, as draft grants per body: there is no super-grant."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from gdbos.bus.grant import bus_grant, draft, new_grant
from gdbos.bus.service import Directory
from gdbos.errors import Gone, NotFound
from gdbos.identity.body import body
from gdbos.plugin import Plugin
from gdbos.unit import Unit


def draft_consumption(unit: Unit, plugins: Iterable[Plugin], directory: Directory) -> int:
    """Draft a grant for every active body and declared consumption that has none yet; returns how many were drafted.

    An official approves each of them like any other; one that was refused or revoked is not asked for again.
    """
    known = _consumers(unit)
    bodies = unit.execute(select(body.c.uscc).where(body.c.active)).scalars().all()
    drafted = 0
    for plugin in plugins:
        for wanted in plugin.consumes:
            try:
                service = directory.resolve(wanted.service)
            except (NotFound, Gone):
                continue  # another node's service, or one that is not offered here: nothing to grant
            for uscc in bodies:
                if (uscc, plugin.name, wanted.service) in known:
                    continue
                grant = new_grant(
                    body=uscc,
                    system=plugin.name,
                    service=wanted.service,
                    provider=service.provider,
                    fields=tuple(wanted.fields),
                    clear=tuple(wanted.clear),
                    purpose=wanted.purpose.zh,
                )
                draft(unit, grant)
                drafted += 1
    return drafted


def _consumers(unit: Unit) -> set[tuple[str, str, str]]:
    t = bus_grant.c
    return {
        (row.body, row.system, row.service) for row in unit.execute(unit.rows(bus_grant, t.body, t.system, t.service))
    }
