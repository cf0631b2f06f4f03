"""Who may call what: every handler × every method × everybody, generated from the application of the demo city.

What a role may do is read from the pack's TOML by this file itself; what a handler needs, from the handler. Nothing is listed
by hand, so a new plugin's routes are tried the moment it is enabled.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.routes import ASGIRoute, HTTPRoute

from gdbos.config import Identification
from gdbos.errors import Misconfigured
from gdbos.http import HEADERS, application, refuse_unguarded
from gdbos.kernel import Kernel
from gdbos.testing import deployment

from .demo import City, demo_city, roles

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
LACKING = "You lack the permission"


class Cell(NamedTuple):
    """One handler and method."""

    template: str
    method: str
    permission: str
    officials: bool = False
    """Asked of officials alone; others come for what is their own or granted."""
    weighty: bool = False
    """Decides for others."""

    def asked(self, who: str, rights: list[str]) -> bool:
        """Whether the guard lets ``who`` through, who holds ``rights``."""
        known = self.permission == "known" or (self.officials and not is_official(who))
        return known or holds(rights, self.permission)


def cells(app: Litestar) -> Iterator[Cell]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    yield Cell(route.path_format, str(method), *permission(handler))
        elif isinstance(route, ASGIRoute):
            for method in named(route) - {"OPTIONS"}:
                yield Cell(route.path_format, method, *permission(route.route_handler))


def named(route: HTTPRoute | ASGIRoute) -> set[str]:
    """The methods an address takes: those of its handlers, or those that a raw handler says it takes."""
    if isinstance(route, ASGIRoute):
        return set(route.route_handler.opt["methods"])
    return {str(one) for one in route.methods} | {"OPTIONS"} | ({"HEAD"} if "GET" in route.methods else set())


def permission(handler: BaseRouteHandler) -> tuple[str, bool, bool]:
    named = handler.opt["permission"]
    return named.name, named.officials, named.weighty


def is_official(who: str) -> bool:
    role = roles().get(who.partition(".")[0])
    return role is not None and role.get("given_to", "official") == "official"


def filled(template: str) -> str:
    """An address under ``template`` at which there is nothing."""
    words = {"division": "450100", "version": "1", "after": "x", "position": "1"}
    return re.sub(r"\{(\w+)\}", lambda m: words.get(m[1], str(uuid4())), template)


def holds(granted: list[str], wanted: str) -> bool:
    return any(one == wanted or (one.endswith(".*") and wanted.startswith(one[:-1])) for one in granted)


def expected(who: str, cell: Cell, kind: dict[str, list[str]]) -> str:
    if cell.permission == "public":
        return "through"
    if not who:
        return "401"
    return "through" if cell.asked(who, kind[who]) else "403"


def outcome(answered: Any) -> str:
    if answered.status_code == 401 and "problem:unauthenticated" in answered.text and "Log in first" in answered.text:
        return "401"
    return "403" if answered.status_code == 403 and LACKING in answered.text else "through"


@pytest.fixture(scope="module")
def everybody(city: City) -> dict[str, list[str]]:
    """Everybody by log-in, with the permissions the pack's TOML gives their role; an agent has those of whom they act for, and who is
    limited to some matters or stands in those of the post: what they may not see is a matter of rows."""
    given = {role: list(document["permissions"]) for role, document in roles().items()}
    people = {"": [], "anna": given["applicant"], "ben": given["applicant"]}
    systems = dict.fromkeys(city.keys, given["department-system"])
    limited = {
        "anna.agent": people["anna"],
        "approver.limited": given["approver"],
        "examiner.standin": given["examiner"],
    }
    return people | {login: given[login] for login in city.officials} | systems | limited


def test_everybody_meets_exactly_what_each_handlers_permission_says(
    city: City, everybody: dict[str, list[str]]
) -> None:
    wrong, tried = [], 0
    for who in everybody:
        for cell in cells(city.client.app):
            answered = city.client.request(
                cell.method, filled(cell.template), headers=city.as_(who), follow_redirects=False
            )
            tried += 1
            found, wanted = outcome(answered), expected(who, cell, everybody)
            if found != wanted or answered.status_code >= 500:
                wrong.append((who, *cell, f"{found} instead of {wanted}", answered.status_code))
            renew(city, who, cell)
    assert wrong == [], "\n" + "\n".join(map(str, wrong))
    assert tried > 1500


def test_what_is_weighty_is_shut_to_officials_who_showed_no_second_factor(
    tmp_path_factory: pytest.TempPathFactory, everybody: dict[str, list[str]]
) -> None:
    """Where the deployment demands it. What is not weighty goes on as before."""
    with demo_city(tmp_path_factory.mktemp("factor"), identity=Identification(step_up_minutes=10)) as city:
        weighty = [cell for cell in cells(city.client.app) if cell.weighty]
        wrong, tried = [], 0
        for who in city.officials:
            for cell in (one for one in weighty if one.asked(who, everybody[who])):
                answered = city.client.request(cell.method, filled(cell.template), headers=city.as_(who))
                tried += 1
                if answered.status_code != 401 or "problem:second-factor-needed" not in answered.text:
                    wrong.append((who, *cell, answered.status_code, answered.text[:200]))
            assert city.client.get("/api/identity/me", headers=city.as_(who)).status_code == 200
    assert wrong == [], "\n" + "\n".join(map(str, wrong))
    assert tried > 20


def renew(city: City, who: str, cell: Cell) -> None:
    """Some handlers end the session they are called in; log in again after those."""
    city.client.cookies.clear()
    ends = cell.method != "GET" and any(word in cell.template for word in ("session", "logout", "/me/"))
    if who and ends and city.client.get("/api/identity/me", headers=city.as_(who)).status_code == 401:
        city.as_(who, anew=True)


def test_every_handler_is_tried_and_none_is_public_unawares(city: City) -> None:
    """What anybody may call is listed here, so that a new public address is seen by whoever reviews this file."""
    public = {cell.template for cell in cells(city.client.app) if cell.permission == "public"}
    roots = sorted({"/".join(template.split("/")[:4]) for template in public})
    assert set(roots) - PUBLIC_ROOTS == set()


PUBLIC_ROOTS = {
    "/",
    "/api/identity/keys",
    "/api/identity/sessions",
    "/api/identity/setup",
    "/api/identity/tokens",
    "/api/services/bundles",
    "/api/services/licences",
    "/api/services/matters",
    "/api/standards/acceptances",
    "/api/standards/codes",
    "/api/standards/crosswalks",
    "/api/standards/deadlines",
    "/api/standards/drift",
    "/api/standards/elements",
    "/api/standards/identifiers",
    "/api/standards/items",
    "/api/standards/packs",
    "/api/standards/records",
    "/api/standards/schemas",
    "/api/standards/search",
    "/api/standards/tables",
    "/api/standards/uses",
    "/health/live",
    "/health/ready",
    "/language/{locale}",
    "/login",
    "/login/openid/{provider}",
    "/login/step",
    "/logout",
    "/portal",
    "/portal/bundles/{plan_id}",
    "/portal/matters",
    "/portal/matters/{matter_id}",
    "/schema",
    "/schema/openapi.json",
    "/schema/{path}",
    "/static/{digest}/{name}",
    "/verify",
    "/verify/{token}",
    "/witness/add-checkpoint",
}


@pytest.mark.parametrize("method", METHODS)
def test_an_address_takes_exactly_the_methods_it_names(city: City, method: str) -> None:
    wrong = []
    for route in city.client.app.routes:
        takes = named(route)
        answered = city.client.request(method, filled(route.path_format), follow_redirects=False)
        allow = {one.strip() for one in answered.headers.get("allow", "").split(",") if one.strip()}
        if method == "OPTIONS":
            right = answered.status_code == 204 and allow == takes
        elif method in takes:
            right = answered.status_code != 405
        else:
            right = answered.status_code == 405 and allow == takes
        if not right:
            wrong.append((route.path_format, answered.status_code, allow, takes))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))


def test_a_head_is_a_get_without_its_body(city: City) -> None:
    for cell in cells(city.client.app):
        if cell.method == "GET":
            path = filled(cell.template)
            got, head = city.client.get(path, follow_redirects=False), city.client.head(path, follow_redirects=False)
            assert (head.status_code, head.content) == (got.status_code, b""), path
            assert head.headers["content-type"] == got.headers["content-type"], path


ODD = [
    ("GET", "/no/such/address", {}),
    ("GET", "/no/such/page", {"accept": "text/html"}),
    ("PATCH", "/health/live", {}),
    ("GET", "/api/identity/me", {}),
    ("GET", "/workbench", {"accept": "text/html"}),
    ("GET", "/api/identity/me", {"authorization": "Bearer x"}),
    ("POST", "/api/identity/sessions", {"content-type": "application/json"}),
    ("GET", "/static/x/none.css", {}),
    ("GET", "/schema/openapi.json", {}),
    ("GET", "/%ff", {}),
    ("GET", "/api/bus/calls?after=%00", {}),
    ("GET", "/health/live", {"host": "a b"}),
]


def test_every_answer_carries_the_security_headers(city: City) -> None:
    wrong = []
    asked = [(c.method, filled(c.template), city.as_("approver")) for c in cells(city.client.app) if c.method == "GET"]
    for method, path, headers in [*ODD, *asked]:
        answered = city.client.request(method, path, headers=headers, follow_redirects=False)
        missing = [name for name in HEADERS if not answered.headers.get(name)]
        if missing or answered.status_code >= 500 or "'unsafe" in answered.headers["content-security-policy"]:
            wrong.append((method, path, answered.status_code, missing))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))


def test_errors_are_problems_for_programs_and_pages_for_people(city: City) -> None:
    for method, path, headers in ODD:
        answered = city.client.request(method, path, headers=headers, follow_redirects=False)
        if answered.status_code >= 400:
            page = "text/html" in headers.get("accept", "")
            assert answered.headers["content-type"].startswith("text/html" if page else "application/problem+json"), (
                path
            )


# The guard refuses to start with what names no permission.

ACME = """
from litestar import WebSocket, asgi, get, websocket
from litestar.static_files import create_static_files_router
from litestar.types import Receive, Scope, Send
from gdbos import PUBLIC, Plugin, hookimpl

GUARD = {guard}

@get("/acme/ordinary", **GUARD)
async def ordinary() -> None: ...

@asgi("/acme/asgi", copy_scope=False, methods=("GET", "OPTIONS"), **GUARD)
async def raw(scope: Scope, receive: Receive, send: Send) -> None: ...

@websocket("/acme/websocket", **GUARD)
async def socket(socket: WebSocket) -> None: ...

static = create_static_files_router(path="/acme/static", directories=["."], opt=GUARD)

@hookimpl
def describe() -> Plugin:
    return Plugin(name="acme.open", title="Open", {where}=[{handler}])
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Installs the distribution ``acme``, whose plugin brings one handler, and makes the application of a node that enables it."""

    def started(where: str, handler: str, guard: str) -> Litestar:
        (tmp_path / "acme_open.py").write_text(ACME.format(where=where, handler=handler, guard=guard), "utf-8")
        info = tmp_path / "acme-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n", "utf-8")
        (info / "entry_points.txt").write_text("[gdbos.plugins]\nacme.open = acme_open\n", "utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        return application(Kernel(deployment(tmp_path, plugins={"acme.open": {}})))

    yield started
    sys.modules.pop("acme_open", None)


HANDLERS = [
    ("routes", "ordinary"),
    ("pages", "ordinary"),
    ("routes", "raw"),
    ("routes", "socket"),
    ("pages", "socket"),
    ("pages", "static"),
]


@pytest.mark.parametrize(("where", "handler"), HANDLERS)
def test_a_node_does_not_start_with_a_plugin_whose_handler_names_no_permission(
    acme: Any, where: str, handler: str
) -> None:
    with pytest.raises(Misconfigured, match="names no permission"):
        acme(where, handler, "{}")


@pytest.mark.parametrize(("where", "handler"), HANDLERS)
def test_it_starts_once_the_handler_names_one(acme: Any, where: str, handler: str) -> None:
    app = acme(where, handler, '{"permission": PUBLIC}')
    assert any("/acme/" in route.path for route in app.routes)


def test_no_handler_of_the_city_slips_past_the_guard(city: City) -> None:
    app = city.client.app
    assert [r for r in app.routes if not isinstance(r, HTTPRoute | ASGIRoute)] == []
    refuse_unguarded(app)
    assert all(app.guards and handler.resolve_guards() for handler in _handlers(app))


def _handlers(app: Litestar) -> Iterator[BaseRouteHandler]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            yield from (handler for method, (handler, _) in route.route_handler_map.items() if method != "OPTIONS")
        elif isinstance(route, ASGIRoute):
            yield route.route_handler
