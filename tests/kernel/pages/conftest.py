"""A small site whose pages are the gallery, a problem and the API reference of invented operations."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import pytest
import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.openapi import OpenAPIConfig
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from playwright.sync_api import Browser, sync_playwright

from gdbos.errors import Invalid, NotFound, Violation
from gdbos.pages.frame import Account, Frame, Site
from gdbos.pages.gallery import gallery
from gdbos.pages.language import locale_of
from gdbos.pages.navigation import Link, NavigationEntry
from gdbos.pages.problems import problem_page
from gdbos.pages.render import Pages
from gdbos.pages.routes import page_routes
from gdbos.pages.schema import render_schema
from gdbos.plugin import PUBLIC, Permission
from gdbos.text import Text

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STAFF = Permission("enablement.oversight.see", "See the cockpit")
NAVIGATION = [
    NavigationEntry(area="portal", path="/gallery", title="Portal", permission=PUBLIC, order=1),
    NavigationEntry(area="portal", path="/problem", title="Withdrawn", permission=PUBLIC, order=2),
    NavigationEntry(area="workbench", path="/workbench", title="Workbench", permission=PUBLIC),
    NavigationEntry(area="console", path="/schema", title="API reference", permission=PUBLIC),
    NavigationEntry(area="cockpit", path="/cockpit", title="Cockpit", permission=STAFF),
]
SITE = Site(
    title=Text("南宁市一体化政务服务", "Nanning Government Services"),
    division=Text("广西壮族自治区 · 南宁市", "Guangxi · Nanning"),
    version="0.1.0",
    node="450100",
)


class Address(msgspec.Struct):
    """Where someone lives."""

    division: str
    road: str = ""


class Tree(msgspec.Struct):
    """A shape that holds itself."""

    address: Address
    size: int
    children: list[Tree] = []


@post("/api/services/cases/{case_id:uuid}/accept", tags=["services.cases"], summary="Accept a submitted case")
async def accept(case_id: FromPath[UUID], data: JSONBody[Tree]) -> Address:
    """Accept a submitted case. Law: administrative licensing law, art. 32."""
    return data.address


@get("/api/bus/calls", tags=["bus"], summary="List calls")
async def calls(limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20) -> list[Tree]:
    """List the calls this system made."""
    return [Tree(Address("450100"), limit)]


def documented() -> Litestar:
    return Litestar(
        [accept, calls],
        openapi_config=OpenAPIConfig("GDBOS", "0.1.0"),
    )


@pytest.fixture(scope="session")
def openapi() -> dict[str, object]:
    """A document as Litestar writes it, one operation of which names its permission."""
    document = documented().openapi_schema.to_schema()
    document["paths"]["/api/services/cases/{case_id}/accept"]["post"]["x-permission"] = "services.cases.accept"
    return document


@pytest.fixture(scope="session")
def pages() -> Pages:
    return Pages(navigation=NAVIGATION)


def frame_at(path: str, query: str = "", *, account: Account | None = None) -> Frame:
    return Frame(site=SITE, path=path, query=query, may=lambda permission: permission is PUBLIC, account=account)


@pytest.fixture
def frame() -> Frame:
    return frame_at("/gallery")


WEI = Account(name="韦小宁", acts_for="南宁市某某商贸有限公司", links=[Link(title="Portal", path="/gallery")])


def site(pages: Pages, openapi: dict[str, object]) -> Litestar:
    def html(content: str, status: int = 200) -> Response[str]:
        headers = {"content-security-policy": CSP}
        return Response(content, media_type="text/html", status_code=status, headers=headers)

    def standing(request: Request) -> Frame:
        return frame_at(request.url.path, request.url.query, account=WEI)

    @get("/gallery", permission=PUBLIC)
    async def show_gallery(request: Request) -> Response[str]:
        return html(gallery(pages, locale_of(request), frame=standing(request)))

    @get("/problem", permission=PUBLIC)
    async def show_problem(request: Request) -> Response[str]:
        violation = Violation("$.applicant.name", "required", "required")
        problem = Invalid("There is no file {name}.", violations=[violation], name="a.pdf")
        page = problem_page(
            problem, pages, locale_of(request), frame=standing(request), trace="4bf92f3577b34da6a3ce929d"
        )
        return html(page, 422)

    @get("/schema", permission=PUBLIC)
    async def show_schema(request: Request, q: FromQuery[str] = "") -> Response[str]:
        return html(render_schema(openapi, pages, locale_of(request), frame=standing(request), query=q))

    @get("/inline", permission=PUBLIC)
    async def show_inline() -> Response[str]:
        return html('<!doctype html><html lang="en"><title>x</title><p style="color: red">x</p>')

    def missing(request: Request, problem: NotFound) -> Response[str]:
        return html(problem_page(problem, pages, locale_of(request), frame=standing(request)), 404)

    return Litestar(
        [show_gallery, show_problem, show_schema, show_inline, *page_routes(pages.assets)],
        exception_handlers={NotFound: missing},
        openapi_config=None,
    )


@dataclass
class Served:
    address: str


@pytest.fixture(scope="session")
def served(pages: Pages, openapi: dict[str, object]) -> Iterator[Served]:
    """The site, answering on a free port of this machine."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(site(pages, openapi), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}")
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: while Playwright is open, nothing else in this thread can have an event loop."""
    if not CHROMIUM.exists():
        if "chromium" in os.environ.get("GDBOS_REQUIRE", ""):
            pytest.fail("GDBOS_REQUIRE names chromium and /usr/bin/chromium is not installed.")
        pytest.skip("Chromium is not installed at /usr/bin/chromium, so no browser looks at the pages.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()
