"""Console pages of services: what there is, one with its versions and consumers, registering, giving notice."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.actor import Actor
from gdbos.bus.permissions import REGISTER, SERVICES_READ
from gdbos.bus.registration import publish, service_of
from gdbos.bus.service_routes import Notice, before, own, successor
from gdbos.bus.version import give_notice
from gdbos.console.services import as_entered, cycles, registration, show_service
from gdbos.entered import Wrong, decoded, filled, wrong_of
from gdbos.errors import Problem
from gdbos.identity.body import names as body_names
from gdbos.kernel import Kernel
from gdbos.pages.render import Page
from gdbos.unit import Run

HOME = "/console/services"
Asked = Request[Any, Any, Any]
Done = FromQuery[Annotated[str, QueryParameter(max_length=12)]]
Word = Annotated[str, msgspec.Meta(max_length=120)]


class ServicePages(Controller):
    """Services in the console."""

    path = HOME

    @get(permission=SERVICES_READ)
    async def services(
        self, run: NamedDependency[Run], kernel: NamedDependency[Kernel], actor: NamedDependency[Actor]
    ) -> Page:
        """Every service that can be asked for."""
        found = kernel.directory.all()
        names = await run.read(body_names, sorted({service.provider for service in found}))
        context = {"services": found, "names": names, "registers": bool(actor.body) and actor.may(REGISTER)}
        return Page("console/services.html", context)

    @get("/register", permission=REGISTER)
    async def form(
        self, run: NamedDependency[Run], kernel: NamedDependency[Kernel], code: FromQuery[Word] = ""
    ) -> Page:
        """The form; with a code, filled with what the newest version of that service says except its settings."""
        registered = before(code, kernel)
        return await _form(run, kernel, as_entered(registered) if registered else {})

    @post("/register", permission=REGISTER)
    async def register(
        self,
        request: Asked,
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> Page | Redirect:
        """Register a version; what is wrong is said on the same page."""
        values = filled(await request.form())
        try:
            data = registration(values)
            service = service_of(data, actor, kernel)
            await run(publish, service, before(service.id, kernel), data.breaking)
        except Problem as problem:
            return await _form(run, kernel, values, wrong_of(problem))
        return _to(f"{HOME}/{service.id}?done=registered")

    @get("/{code:str}", permission=SERVICES_READ)
    async def service(
        self,
        code: FromPath[str],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
        done: Done = "",
    ) -> Page:
        """One service with its versions, what is undertaken, and its consumers."""
        return await _page(code, run, actor, kernel, done=done)

    @post("/{code:str}/{version:int}/withdraw", permission=REGISTER)
    async def withdraw(
        self,
        code: FromPath[str],
        version: FromPath[int],
        request: Asked,
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> Page | Redirect:
        """Give notice that a version ends; its consumers are told."""
        try:
            notice = decoded(filled(await request.form()), Notice)
            service = own(code, version, actor, kernel)
            await run(give_notice, service, notice.on, notice.reason, successor(code, version, kernel))
        except Problem as problem:
            return await _page(code, run, actor, kernel, wrong=wrong_of(problem))
        return _to(f"{HOME}/{code}?done=noticed" if kernel.directory.versions(code) else HOME)


PAGES = [ServicePages]


async def _form(run: Run, kernel: Kernel, values: dict[str, Any], wrong: Wrong | None = None) -> Page:
    context = {
        "values": values,
        "wrong": wrong or Wrong(),
        "cycles": await run.read(cycles),
        "adapters": [(name, name) for name in sorted(kernel.adapters)],
    }
    return Page("console/register.html", context, status=422 if wrong else 200)


async def _page(
    code: str, run: Run, actor: Actor, kernel: Kernel, *, done: str = "", wrong: Wrong | None = None
) -> Page:
    newest = kernel.directory.resolve(code)
    context = {
        "shown": await run.read(show_service, kernel.directory.versions(code)),
        "provides": newest.provider == actor.body and actor.may(REGISTER) and newest.registered is not None,
        "today": kernel.units.around.today(),
        "done": done,
        "wrong": wrong or Wrong(),
    }
    return Page("console/service.html", context, status=422 if wrong else 200)


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)
