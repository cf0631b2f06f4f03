"""A node with two bodies, two applicants and a live case, and an application of the files' addresses alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler

from gdbos.actor import Actor, Link
from gdbos.answers import answer
from gdbos.bus.basis import Basis
from gdbos.bus.grant import decide, draft, new_grant
from gdbos.files.routes import ROUTES
from gdbos.files.service import CODE
from gdbos.identity.body import Body, register_body
from gdbos.kernel import Kernel
from gdbos.plugin import Permission, hookimpl
from gdbos.reading import Reading
from gdbos.text import Text
from gdbos.unit import Unit

OPERATOR, MARKET, TAX = "11450100MADEM0011Y", "11450100MADEM002XN", "11450100MADEM0046H"
CASE, MATTER = "450100-2026-000001", "enterprise.registration"


def person(name: str, *, acts_for: str = "") -> Actor:
    return Actor(
        kind="person",
        id=name,
        subject=f"person:{name}",
        acts_for=acts_for,
        permissions=frozenset({"kernel.files.upload"}),
        chain=(Link("person", name),),
    )


SEE = Permission("test.cases.read", "See cases")


def official(name: str, body: str, *rights: str) -> Actor:
    return Actor(
        kind="official",
        id=name,
        body=body,
        division="450100",
        reach="body",
        permissions=frozenset({"kernel.files.upload", *rights}),
        chain=(Link("official", name),),
    )


ANNA, BEN = person("anna"), person("ben")
CLERK, TAXMAN = official("clerk", MARKET, SEE.name), official("taxman", TAX, SEE.name)
STEWARD = official("steward", MARKET)
"""A colleague of the clerk whose post has nothing to do with cases."""
NODE = Actor(kind="plugin", id="test", reach="node", chain=(Link("plugin", "test"),))
ACTORS = {actor.id: actor for actor in (ANNA, BEN, CLERK, TAXMAN, STEWARD)}


def populate(unit: Unit) -> None:
    """The bodies; a draft case of Anna's at the market regulator; grants of both bodies to read files."""
    for uscc in (OPERATOR, MARKET, TAX):
        register_body(unit, Body(uscc=uscc, name=Text("机构", "Body"), division="450100", level="city"))
    open_case(unit, CASE)
    for body in (MARKET, TAX):
        grant = new_grant(body=body, system="kernel", service=CODE, provider=OPERATOR, purpose="test", rate=1000)
        decide(unit, draft(unit, grant), approve=True, reason="test")


def open_case(unit: Unit, case: str, subject: str = "person:anna") -> None:
    unit.open_basis(Basis(subject=subject, body=MARKET, matter=MATTER, case=case, permission=SEE.name))


class Scanner:
    """A scanner whose answer the test chooses."""

    def __init__(self) -> None:
        self.answer: Callable[[bytes, str], str | None] = lambda content, media_type: None

    @hookimpl
    def scan_file(self, content: bytes, media_type: str) -> str | None:
        return self.answer(content, media_type)


class Client:
    """Speaks to the application as one of the actors, over ASGI."""

    def __init__(self, app: Litestar) -> None:
        import httpx

        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node")

    async def get(self, who: str, path: str) -> Any:
        return await self._http.get(path, headers={"x-test-actor": who})

    async def post(self, who: str, **sent: Any) -> Any:
        return await self._http.post("/api/files", headers={"x-test-actor": who} | sent.pop("headers", {}), **sent)


def application(kernel: Kernel) -> Litestar:
    def known(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        connection.scope["state"]["actor"] = ACTORS[connection.headers["x-test-actor"]]

    def run(request: Request[Any, Any, Any]) -> Any:
        return kernel.run_for(request.scope["state"]["actor"])

    def bus(request: Request[Any, Any, Any]) -> Any:
        return kernel.bus_for(request.scope["state"]["actor"], "kernel")

    return Litestar(
        route_handlers=ROUTES,
        guards=[known],
        dependencies={
            "run": Provide(run, sync_to_thread=False),
            "bus": Provide(bus, sync_to_thread=False),
            "kernel": Provide(lambda: kernel, sync_to_thread=False),
        },
        exception_handlers={Exception: answer},
        request_class=Reading,
        state=State({"kernel": kernel}),
        request_max_body_size=kernel.settings.files.max_bytes + 65_536,
        logging_config=None,
    )


Scene = Callable[[Kernel, Client], Coroutine[Any, Any, None]]


@pytest.fixture
def scanner() -> Scanner:
    return Scanner()


@pytest.fixture
def play(new_node: Any) -> Callable[[Scene], None]:
    """Runs a scene on a populated, running node."""
    import asyncio

    def run(scene: Scene, *, scanner: Scanner | None = None, **sections: msgspec.Struct) -> None:
        kernel = new_node(**sections)
        if scanner is not None:
            kernel.hooks.manager.register(scanner, "test.scanner")

        async def whole() -> None:
            async with kernel.running(background=False):
                await kernel.units.write(NODE, populate)
                await kernel.refresh()
                await scene(kernel, Client(application(kernel)))

        asyncio.run(whole())

    return run
