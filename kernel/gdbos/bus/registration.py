"""Registering a service: what a department writes down, checked against standards, adapters and the consumers it has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from gdbos.actor import Actor
from gdbos.bus.adapters.ownership import refuse_foreign
from gdbos.bus.service import CHANGED, Promised, Provider, Service, register
from gdbos.bus.version import refuse_breaking
from gdbos.errors import Conflict, Forbidden, Invalid, Misconfigured, Violation
from gdbos.kernel import Kernel
from gdbos.text import N_, Text
from gdbos.unit import Unit

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class Registration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service to be registered for the caller's own body."""

    code: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9-]+(\.[a-z0-9-]+){1,5}\Z", max_length=120)]
    title: Text
    system: Annotated[str, msgspec.Meta(max_length=80)] = ""
    version: Annotated[int, msgspec.Meta(ge=1, le=9999)] = 1
    takes: Code
    gives: Code
    grade: str = "general"
    sharing: str = "conditional"
    subject: dict[str, str] | None = None
    effect: str = "read"
    matters: list[Code] = []
    sid: Annotated[str, msgspec.Meta(max_length=120)] = ""
    """Its number on the national exchange, by which old clients go on calling it."""
    vertical: bool = False
    sla: Promised | None = None
    updates: Annotated[str, msgspec.Meta(max_length=20)] = ""
    adapter: Annotated[str, msgspec.Meta(max_length=20)] = "http"
    settings: dict[str, Any] = {}
    breaking: bool = False
    """Publish although consumers would break; they are answered by the version before until that is withdrawn."""


def service_of(data: Registration, actor: Actor, kernel: Kernel) -> Service:
    """The registration as a service of the actor's body.

    :raises Forbidden: the actor has no body, or the code is another's.
    :raises Conflict: it is not a later version than the one that is live.
    :raises Invalid: naming each field that is wrong, unknown to the standards, or unusable by the adapter.
    """
    if not actor.body:
        raise Forbidden("Only a body offers services; act from a post or as a body's system.")
    for known in kernel.directory.versions(data.code)[:1]:
        if known.provider != actor.body:
            raise Forbidden("Service {code} belongs to another body; choose a code of your own.", code=data.code)
        if known.version > data.version:
            raise Conflict(
                "Version {version} of {code} is live already; a new version has a higher number.",
                version=known.version,
                code=data.code,
            )
    service = _shaped(data, actor.body)
    if unknown := [*_unknown(service, kernel)]:
        raise Invalid(violations=unknown)
    try:
        refuse_foreign(service.settings, actor.body, kernel.settings.bus)
        kernel.adapters[service.adapter].check(kernel.offer_of(service))
    except Misconfigured as wrong:
        raise Invalid(violations=[Violation("$.settings", "settings", "{why}", facts={"why": str(wrong)})]) from None
    return service


def publish(unit: Unit, service: Service, before: Service | None, breaking: bool) -> None:
    """Publish ``service``; ``before`` is the newest registered version that is live.

    :raises Conflict: the version exists. :raises Invalid: it would break consumers, and is not meant to (``breaking``).
    """
    if before is not None and before.version < service.version and not breaking:
        refuse_breaking(unit, before, service)
    register(unit.connection, service, service.provider.body, unit.actor.id, unit.now)
    unit.record("service.register", service=service.id, version=service.version, provider=service.provider.body)
    unit.announce(CHANGED)


def _shaped(data: Registration, body: str) -> Service:
    raw = {name: getattr(data, name) for name in data.__struct_fields__ if name not in ("code", "breaking")}
    raw |= {"id": data.code, "provider": Provider(body=body)}
    try:
        return msgspec.convert(msgspec.to_builtins(raw), Service)
    except msgspec.ValidationError as wrong:
        raise Invalid(
            violations=[Violation("$", "shape", N_("The service cannot be read: {why}"), facts={"why": str(wrong)})]
        ) from None


def _unknown(service: Service, kernel: Kernel) -> Iterable[Violation]:
    records = kernel.standards.ids("records")
    for name, record in (("takes", service.takes), ("gives", service.gives)):
        if record not in records:
            yield _violation(name, N_("No standard record is called {record}."), record=record)
    if service.adapter not in kernel.adapters:
        yield _violation("adapter", N_("There is no adapter {adapter} at this node."), adapter=service.adapter)
    if service.subject and service.takes in records:
        today = kernel.units.around.today()
        if service.subject.field not in kernel.standards.record(service.takes, today).names:
            yield _violation("subject", N_("The request has no field {field}."), field=service.subject.field)
    others = (one.registered for one in kernel.directory.all() if one.code != service.id and one.registered)
    if service.sid and service.sid in {one.sid for one in others}:
        yield _violation("sid", N_("Another service has the number {sid} on the exchange."), sid=service.sid)
    if service.updates and not _is_cycle(service.updates, kernel):
        yield _violation("updates", N_("There is no update cycle {code}."), code=service.updates)


CYCLES = "catalogue.update-cycle"


def _is_cycle(code: str, kernel: Kernel) -> bool:
    today = kernel.units.around.today()
    return CYCLES in kernel.standards.ids("codes") and code in kernel.standards.codes(CYCLES, today)


def _violation(at: str, detail: str, **facts: Any) -> Violation:
    return Violation(f"$.{at}", "unknown", detail, facts=facts)
