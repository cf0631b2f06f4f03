"""A service as the console shows it: its versions, what its provider undertakes, and who uses it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from gdbos.bus.grant import Grant
from gdbos.bus.registration import CYCLES, Registration
from gdbos.bus.service import Offered, Service, bus_service
from gdbos.bus.version import consumers
from gdbos.entered import decoded
from gdbos.errors import Invalid, NotFound, Violation
from gdbos.identity.body import names as body_names
from gdbos.text import N_, Text
from gdbos.unit import Unit


class ServiceShown(msgspec.Struct, frozen=True, kw_only=True):
    """One service with its live versions and the consumers whose grants the reader may see."""

    versions: Sequence[Offered]
    registered: set[int]
    """The versions that were registered here; the others come from a standards pack and end with it."""
    consumers: list[Grant]
    names: dict[str, Text]
    updates: str
    """How often the data are brought up to date, in words of the code list; empty where the provider does not say."""

    @property
    def newest(self) -> Offered:
        return self.versions[0]


def show_service(unit: Unit, versions: Sequence[Offered]) -> ServiceShown:
    """The service whose live versions these are."""
    using = consumers(unit, versions[0].code)
    bodies = sorted({versions[0].provider, *(grant.body for grant in using)})
    updates = dict(cycles(unit)).get(versions[0].updates, "")
    here = set(unit.execute(select(bus_service.c.version).where(bus_service.c.code == versions[0].code)).scalars())
    return ServiceShown(
        versions=versions, registered=here, consumers=using, names=body_names(unit, bodies), updates=updates
    )


def cycles(unit: Unit) -> list[tuple[str, str]]:
    """The update cycles to choose from, each with its words in the actor's language; none where no pack has them."""
    try:
        listed = unit.standards.codes(CYCLES, unit.today)
    except NotFound:
        return []
    return [(one.code, listed.title(one.code, unit.actor.locale)) for one in listed]


def registration(values: dict[str, Any]) -> Registration:
    """What the form sends as what the API takes; settings are written as in a pack. :raises Invalid: it does not fit."""
    matters = values.get("matters", "").replace(",", " ").replace("，", " ").split()
    return decoded({**values, "matters": matters, "settings": _settings(values.get("settings", ""))}, Registration)


def as_entered(service: Service) -> dict[str, Any]:
    """The next version of ``service`` as the form starts with it; settings name addresses and are entered anew."""
    kept = {name: getattr(service, name) for name in ("system", "takes", "gives", "grade", "sharing", "effect")}
    kept |= {"adapter": service.adapter, "sid": service.sid, "updates": service.updates, "vertical": service.vertical}
    grouped = {"title": service.title, "subject": service.subject, "sla": service.sla}
    for outer, group in grouped.items():
        kept |= {f"{outer}.{inner}": value for inner, value in (msgspec.to_builtins(group) or {}).items()}
    return kept | {"code": service.id, "version": service.version + 1, "matters": " ".join(service.matters)}


def _settings(written: str) -> dict[str, Any]:
    try:
        return tomllib.loads(written)
    except tomllib.TOMLDecodeError as wrong:
        detail = N_("The settings are not TOML: {why}")
        raise Invalid(violations=[Violation("$.settings", "toml", detail, facts={"why": str(wrong)})]) from None
