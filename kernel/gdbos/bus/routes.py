"""The bus over HTTP: services, grants, calls, one's own call log and one's own receipts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from gdbos.actor import Actor
from gdbos.bus.call import Bus
from gdbos.bus.entrance import ROUTES as ENTRANCE
from gdbos.bus.grant import Grant, bus_grant, decide, draft, grant_of, new_grant, revoke
from gdbos.bus.permissions import CALLS, GRANTS_ASK, GRANTS_DECIDE, GRANTS_READ, REGISTER
from gdbos.bus.receipts import Receipts
from gdbos.bus.record import bus_call
from gdbos.bus.service import CHANGED, Offered, Provider, Service, register, withdraw
from gdbos.errors import Forbidden, Invalid, Misconfigured, Violation
from gdbos.kernel import Kernel
from gdbos.plugin import KNOWN
from gdbos.text import Text
from gdbos.unit import Run, Unit

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class ServiceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A service as anyone who knows the node may see it."""

    code: str
    version: int
    title: Text
    provider: str
    system: str
    grade: str
    sharing: str
    effect: str
    matters: list[str]
    takes: str
    gives: str


class Services(msgspec.Struct, frozen=True):
    """Services by code."""

    services: list[ServiceSummary]


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
    adapter: Annotated[str, msgspec.Meta(max_length=20)] = "http"
    settings: dict[str, Any] = {}


class GrantRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a body asks to use, and what for."""

    service: Code
    system: Annotated[str, msgspec.Meta(max_length=80)] = ""
    """Which of the body's systems; a system asks for itself."""
    fields: list[Code] = []
    clear: list[Code] = []
    purpose: Words
    matters: list[Code] = []
    rate: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 600
    legal_basis: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The provider's answer to a request."""

    approve: bool
    reason: Words


class Decisions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer to several requests that were read together."""

    grants: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=500)]
    approve: bool
    reason: Words


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: Words


class Grants(msgspec.Struct, frozen=True):
    """Grants, newest first; ``next`` is the key of the following page."""

    grants: list[Grant]
    next: UUID | None = None


class CallEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One call in the log of a body: what happened, not what was said."""

    id: UUID
    at: datetime
    body: str
    system: str
    provider: str
    service: str
    version: int
    matter: str
    case: str
    purpose: str
    grant: UUID | None
    outcome: str
    fields: list[str]
    subjects: int
    micros: int


class Calls(msgspec.Struct, frozen=True):
    """Calls of one's body, newest first; ``next`` is the key of the following page."""

    calls: list[CallEntry]
    next: UUID | None = None


After = Annotated[UUID | None, msgspec.Meta(description="Key of the last entry already seen")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class BusRoutes(Controller):
    """Services, grants, calls."""

    path = "/api/bus"
    tags = ("bus",)

    @get("/calls", permission=CALLS)
    async def calls(
        self,
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        after: FromQuery[UUID | None] = None,
        limit: FromQuery[Limit] = 50,
    ) -> Calls:
        """The calls that one's own body made or answered."""
        await kernel.book.settle()
        return await run.read(_calls, after, limit)

    @get("/services", permission=KNOWN, sync_to_thread=False)
    def services(self, kernel: NamedDependency[Kernel]) -> Services:
        """Every service that can be asked for at this node."""
        return Services([_summary(service) for service in kernel.directory.all()])

    @post("/services", permission=REGISTER)
    async def register(
        self,
        data: JSONBody[Registration],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> ServiceSummary:
        """Register a version of a service that one's own body offers."""
        service = _service(data, actor, kernel)
        await run(_register, service, actor)
        return _summary(kernel.directory.resolve(service.id))

    @post("/services/{code:str}/versions/{version:int}/withdraw", permission=REGISTER, status_code=200)
    async def withdraw(
        self,
        code: FromPath[str],
        version: FromPath[int],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> Services:
        """Take a version of one's own service out of use."""
        if kernel.directory.resolve(code).provider != actor.body:
            raise Forbidden("Only the provider withdraws a service.")
        await run(_withdraw, code, version)
        return Services([_summary(service) for service in kernel.directory.all() if service.provider == actor.body])

    @get("/grants", permission=GRANTS_READ)
    async def grants(
        self, run: NamedDependency[Run], after: FromQuery[UUID | None] = None, limit: FromQuery[Limit] = 50
    ) -> Grants:
        """The grants that concern one's own body, as consumer or as provider."""
        return await run.read(_grants, after, limit)

    @post("/grants", permission=GRANTS_ASK)
    async def ask(
        self,
        data: JSONBody[GrantRequest],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> Grant:
        """Ask the provider of a service for a grant."""
        offered = kernel.directory.resolve(data.service)
        return await run(_ask, data, offered, actor)

    @post("/grants/{grant_id:uuid}/decision", permission=GRANTS_DECIDE, status_code=200)
    async def decide(self, grant_id: FromPath[UUID], data: JSONBody[Decision], run: NamedDependency[Run]) -> Grant:
        """Approve or refuse a grant that was asked for."""
        return await run(_decide, grant_id, data)

    @post("/grants/decisions", permission=GRANTS_DECIDE, status_code=200)
    async def decide_together(self, data: JSONBody[Decisions], run: NamedDependency[Run]) -> Grants:
        """Approve or refuse several grants; all of them or, when one cannot be decided, none."""
        return await run(_decide_together, data)

    @post("/grants/{grant_id:uuid}/revoke", permission=GRANTS_DECIDE, status_code=200)
    async def revoke(self, grant_id: FromPath[UUID], data: JSONBody[Reason], run: NamedDependency[Run]) -> Grant:
        """End a grant; the next call under it is refused."""
        return await run(_revoke, grant_id, data.reason)

    @get("/receipts", permission=KNOWN)
    async def receipts(
        self, bus: NamedDependency[Bus], after: FromQuery[UUID | None] = None, limit: FromQuery[Limit] = 50
    ) -> Receipts:
        """Who looked at the caller's own data, which fields, for which matter and case."""
        reply = await bus.call(
            "kernel.bus.receipts", {"after": after and str(after), "limit": limit}, purpose="own data"
        )
        return msgspec.convert(reply.value, Receipts)


ROUTES = [*ENTRANCE, BusRoutes]


def _calls(unit: Unit, after: UUID | None, limit: int) -> Calls:
    names = [bus_call.c[name] for name in CallEntry.__struct_fields__]
    statement = unit.rows(bus_call, *names).order_by(bus_call.c.id.desc()).limit(limit + 1)
    rows = unit.execute(statement.where(bus_call.c.id < after) if after else statement).mappings().all()
    shown = [CallEntry(**{str(name): value for name, value in row.items()}) for row in rows[:limit]]
    return Calls(shown, shown[-1].id if len(rows) > limit else None)


def _grants(unit: Unit, after: UUID | None, limit: int) -> Grants:
    statement = unit.rows(bus_grant).order_by(bus_grant.c.id.desc()).limit(limit + 1)
    rows = unit.execute(statement.where(bus_grant.c.id < after) if after else statement).mappings().all()
    shown = [grant_of(row) for row in rows[:limit]]
    return Grants(shown, shown[-1].id if len(rows) > limit else None)


def _ask(unit: Unit, request: GrantRequest, service: Offered, actor: Actor) -> Grant:
    if not actor.body:
        raise Forbidden("Only a body can be granted a service; act from a post or as a body's system.")
    grant = new_grant(
        body=actor.body,
        system=actor.id if actor.kind == "system" else request.system,
        service=service.code,
        provider=service.provider,
        fields=tuple(request.fields),
        clear=tuple(request.clear),
        purpose=request.purpose,
        matters=tuple(request.matters),
        rate=request.rate,
        legal_basis=request.legal_basis,
        asked_by=actor.id,
    )
    draft(unit, grant)
    return grant


def _decide(unit: Unit, grant_id: UUID, decision: Decision) -> Grant:
    return decide(unit, grant_id, approve=decision.approve, reason=decision.reason)


def _decide_together(unit: Unit, decisions: Decisions) -> Grants:
    answer = Decision(decisions.approve, decisions.reason)
    return Grants([_decide(unit, grant_id, answer) for grant_id in decisions.grants])


def _revoke(unit: Unit, grant_id: UUID, reason: str) -> Grant:
    return revoke(unit, grant_id, reason)


def _register(unit: Unit, service: Service, actor: Actor) -> None:
    register(unit.connection, service, service.provider.body, actor.id, unit.now)
    unit.record("service.register", service=service.id, version=service.version, provider=service.provider.body)
    unit.announce(CHANGED)


def _withdraw(unit: Unit, code: str, version: int) -> None:
    withdraw(unit.connection, code, version)
    unit.record("service.withdraw", service=code, version=version)
    unit.announce(CHANGED)


def _service(data: Registration, actor: Actor, kernel: Kernel) -> Service:
    """The registration as a service, its records and settings checked. :raises Invalid: naming each wrong field."""
    if not actor.body:
        raise Forbidden("Only a body offers services; act from a post or as a body's system.")
    if any(known.code == data.code and known.provider != actor.body for known in kernel.directory.all()):
        raise Forbidden("Service {code} belongs to another body; choose a code of your own.", code=data.code)
    raw = {name: getattr(data, name) for name in data.__struct_fields__ if name != "code"}
    raw = raw | {
        "id": data.code,
        "provider": msgspec.to_builtins(Provider(body=actor.body)),
        "title": msgspec.to_builtins(data.title),
    }
    try:
        service = msgspec.convert(raw, Service)
    except msgspec.ValidationError as wrong:
        raise Invalid(
            violations=[Violation("$", "shape", "The service cannot be read: {why}", facts={"why": str(wrong)})]
        ) from None
    today, unknown = kernel.units.around.today(), []
    for name in ("takes", "gives"):
        if getattr(service, name) not in kernel.standards.ids("records"):
            unknown.append(
                Violation(
                    f"$.{name}",
                    "unknown",
                    "No standard record is called {record}.",
                    facts={"record": getattr(service, name)},
                )
            )
    adapter = kernel.adapters.get(service.adapter)
    if adapter is None:
        unknown.append(
            Violation(
                "$.adapter",
                "unknown",
                "There is no adapter {adapter} at this node.",
                facts={"adapter": service.adapter},
            )
        )
    if unknown:
        raise Invalid(violations=unknown)
    kernel.standards.record(service.takes, today)
    return _with_settings(service, kernel)


def _with_settings(service: Service, kernel: Kernel) -> Service:
    try:
        kernel.adapters[service.adapter].check(kernel.offer_of(service))
    except Misconfigured as wrong:
        raise Invalid(violations=[Violation("$.settings", "settings", "{why}", facts={"why": str(wrong)})]) from None
    return service


def _summary(service: Offered) -> ServiceSummary:
    takes = service.registered.takes if service.registered else service.offer.takes.__name__ if service.offer else ""
    gives = service.registered.gives if service.registered else service.offer.gives.__name__ if service.offer else ""
    return ServiceSummary(
        code=service.code,
        version=service.version,
        title=service.title,
        provider=service.provider,
        system=service.system,
        grade=service.grade,
        sharing=service.sharing,
        effect=service.effect,
        matters=list(service.matters),
        takes=takes,
        gives=gives,
    )
