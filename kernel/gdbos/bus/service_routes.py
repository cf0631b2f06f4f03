"""Services over HTTP: what there is, registering a version, giving notice that one ends."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from gdbos.actor import Actor
from gdbos.bus.permissions import REGISTER
from gdbos.bus.registration import Registration, publish, service_of
from gdbos.bus.service import Offered, Promised, Service
from gdbos.bus.version import give_notice
from gdbos.errors import Forbidden
from gdbos.kernel import Kernel
from gdbos.plugin import KNOWN
from gdbos.text import Text
from gdbos.unit import Run

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


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
    vertical: bool
    sla: Promised | None
    updates: str
    ends_on: date | None


class Services(msgspec.Struct, frozen=True):
    """Services by code."""

    services: list[ServiceSummary]


class Notice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a version ends."""

    on: date
    """The first day on which it answers no more; today ends it at once."""
    reason: Reason


class ServiceRoutes(Controller):
    """Services."""

    path = "/api/bus/services"
    tags = ("bus",)

    @get(permission=KNOWN, sync_to_thread=False)
    def services(self, kernel: NamedDependency[Kernel]) -> Services:
        """Every service that can be asked for at this node, in its newest version."""
        return Services([summary(service) for service in kernel.directory.all()])

    @post(permission=REGISTER)
    async def register(
        self,
        data: JSONBody[Registration],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> ServiceSummary:
        """Register a version of a service that one's own body offers."""
        service = service_of(data, actor, kernel)
        await run(publish, service, before(service.id, kernel), data.breaking)
        return summary(kernel.directory.resolve(service.id, service.version))

    @get("/{code:str}/versions", permission=KNOWN, sync_to_thread=False)
    def versions(self, code: FromPath[str], kernel: NamedDependency[Kernel]) -> Services:
        """The live versions of a service, newest first, with the day on which each ends where there is one."""
        kernel.directory.resolve(code)
        return Services([summary(service) for service in kernel.directory.versions(code)])

    @post("/{code:str}/versions/{version:int}/withdraw", permission=REGISTER, status_code=200)
    async def withdraw(
        self,
        code: FromPath[str],
        version: FromPath[int],
        data: JSONBody[Notice],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> Services:
        """Give notice that a version of one's own service ends; its consumers are told."""
        await run(
            give_notice, own(code, version, actor, kernel), data.on, data.reason, successor(code, version, kernel)
        )
        return Services([summary(service) for service in kernel.directory.versions(code)])


ROUTES = [ServiceRoutes]


def own(code: str, version: int, actor: Actor, kernel: Kernel) -> Offered:
    """A version of a service of the actor's body. :raises NotFound, Gone: none such. :raises Forbidden: another's."""
    found = kernel.directory.resolve(code, version)
    if found.provider != actor.body:
        raise Forbidden("Only the provider withdraws a service.")
    return found


def before(code: str, kernel: Kernel) -> Service | None:
    """The newest live version of a service as it was registered; None where there is none."""
    return next((one.registered for one in kernel.directory.versions(code)), None)


def successor(code: str, version: int, kernel: Kernel) -> int:
    """The newest other live version of a service; 0 where there is none."""
    return next((one.version for one in kernel.directory.versions(code) if one.version != version), 0)


def summary(service: Offered) -> ServiceSummary:
    """``service`` as everybody may see it."""
    registered, offer = service.registered, service.offer
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
        takes=registered.takes if registered else offer.takes.__name__ if offer else "",
        gives=registered.gives if registered else offer.gives.__name__ if offer else "",
        vertical=bool(registered and registered.vertical),
        sla=registered.sla if registered else None,
        updates=service.updates,
        ends_on=service.ends_on,
    )
