"""What plugins' own pages need of the bus, as draft grants per body: there is no super-grant."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from gdbos.bus.directory import Directory
from gdbos.bus.grant import bus_grant, draft, new_grant
from gdbos.bus.service import Offered
from gdbos.errors import Gone, NotFound
from gdbos.identity.body import body
from gdbos.plugin import Consumption, Plugin
from gdbos.unit import Unit


def draft_consumption(unit: Unit, plugins: Iterable[Plugin], directory: Directory) -> int:
    """Draft a grant for every consumption and body that has none yet; returns how many there are now.

    An official approves each of them like any other; one that was refused or revoked is not asked for again.
    """
    known = _consumers(unit)
    bodies = unit.execute(select(body.c.uscc).where(body.c.active)).scalars().all()
    for plugin in plugins:
        for wanted in consumption(unit, plugin):
            service = _offered(directory, wanted.service)
            for uscc in ([unit.body_for(wanted.role)] if wanted.role else bodies) if service else ():
                if uscc and (uscc, plugin.name, wanted.service) not in known:
                    known.add((uscc, plugin.name, wanted.service))
                    assert service is not None
                    _draft(unit, plugin.name, uscc, wanted, service)
    return len(known)


def consumption(unit: Unit, plugin: Plugin) -> Iterable[Consumption]:
    """All that ``plugin`` uses of the bus: what it declares, and what the standards have it use."""
    yield from plugin.consumes
    if plugin.consumes_by_standard is not None:
        yield from plugin.consumes_by_standard(unit.standards, unit.today)


def _draft(unit: Unit, plugin: str, uscc: str, wanted: Consumption, service: Offered) -> None:
    grant = new_grant(
        body=uscc,
        system=plugin,
        service=wanted.service,
        provider=service.provider,
        version=service.version,
        fields=tuple(wanted.fields),
        clear=tuple(wanted.clear),
        purpose=wanted.purpose.zh,
    )
    draft(unit, grant)


def _offered(directory: Directory, code: str) -> Offered | None:
    try:
        return directory.resolve(code)
    except (NotFound, Gone):
        return None  # not offered at this node: nothing to grant


def _consumers(unit: Unit) -> set[tuple[str, str, str]]:
    t = bus_grant.c
    rows = unit.execute(unit.rows(bus_grant, t.body, t.system, t.service))
    return {(row.body, row.system, row.service) for row in rows}
