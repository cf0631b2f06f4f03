"""Versions of a service: a new one names the consumers it would break, an old one ends with notice."""

from __future__ import annotations

from datetime import date

from sqlalchemy import update

from gdbos.bus.compatibility import breaches
from gdbos.bus.grant import Grant, bus_grant, grant_of
from gdbos.bus.service import CHANGED, Offered, Service, bus_service
from gdbos.errors import BadRequest, Invalid, NotFound, Violation
from gdbos.events import Event
from gdbos.unit import Unit


class VersionEnding(Event, tag="kernel.bus.version-ending/1"):
    """The provider of a service gave notice that a version ends; one event for each consumer."""

    body: str
    system: str
    service: str
    version: int
    on: date
    successor: int
    """The version to move to; 0 where there is none."""


def refuse_breaking(unit: Unit, old: Service, new: Service) -> None:
    """:raises Invalid: a live consumer of the service would break; each is named with its field."""
    found = breaches(old, new, unit.standards, unit.today)
    violations = [
        Violation(
            "$.takes" if one.asked else "$.gives",
            "breaks-consumer",
            one.detail,
            facts={"consumer": f"{grant.system} ({grant.body})", "field": one.field},
        )
        for grant in (consumers(unit, new.id) if found else ())
        for one in found
        if one.concerns(grant)
    ]
    if violations:
        raise Invalid(
            "The new version breaks consumers of the one before; mend it, or publish it with “breaking”: they are answered by"
            " the old version until you withdraw that.",
            violations=violations,
        )


def consumers(unit: Unit, code: str) -> list[Grant]:
    """The live grants of a service that the actor may see, by consumer."""
    wanted = unit.rows(bus_grant).where(bus_grant.c.service == code, bus_grant.c.state == "live")
    return [grant_of(row) for row in unit.execute(wanted.order_by(bus_grant.c.body, bus_grant.c.system)).mappings()]


def give_notice(unit: Unit, service: Offered, on: date, reason: str, successor: int) -> None:
    """Say that a version ends ``on`` that day, to every consumer; today ends it at once.

    :raises BadRequest: the day is past. :raises NotFound: the version is no registered one (a pack's ends with the pack).
    """
    if on < unit.today:
        raise BadRequest("A version ends today or later; a day that is past cannot be given notice of.")
    values = {"ends_on": on, "ending": reason, "changed_at": unit.now}
    if on == unit.today:
        values["state"] = "withdrawn"
    one = (bus_service.c.code == service.code) & (bus_service.c.version == service.version)
    if not unit.execute(update(bus_service).where(one, bus_service.c.state == "live").values(values)).rowcount:
        raise NotFound(
            "There is no registered version {version} of {code}; one that a standards pack brings ends with the pack.",
            code=service.code,
            version=service.version,
        )
    for grant in consumers(unit, service.code):
        unit.emit(
            VersionEnding(
                body=grant.body,
                system=grant.system,
                service=service.code,
                version=service.version,
                on=on,
                successor=successor,
            )
        )
    unit.record("service.notice", service=service.code, version=service.version, on=on.isoformat())
    unit.announce(CHANGED)


def end_versions(unit: Unit) -> int:
    """Withdraw the versions whose day has come; returns how many."""
    due = (bus_service.c.state == "live", bus_service.c.ends_on <= unit.today)
    ended = unit.execute(update(bus_service).where(*due).values(state="withdrawn", changed_at=unit.now)).rowcount
    if ended:
        unit.record("service.withdraw", versions=ended)
        unit.announce(CHANGED)
    return ended
