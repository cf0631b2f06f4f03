"""Who may call what: every handler × every method × everybody, generated from the application of the demo city.

What a role may do is read from the pack's TOML by this file itself; what a handler needs, from the handler. Nothing is listed
by hand, so a new plugin's routes are tried the moment it is enabled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from litestar import Litestar, asgi, get
from litestar.handlers import BaseRouteHandler
from litestar.routes import ASGIRoute, HTTPRoute
from litestar.static_files import create_static_files_router

from gdbos.errors import Misconfigured
from gdbos.http import HEADERS, refuse_unguarded

from .demo import City, roles

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
LACKING = "You lack the permission"


class Cell(NamedTuple):
    """One handler and method."""

    template: str
    method: str
    permission: str
    officials: bool = False
    """Asked of officials alone; others come for what is their own or granted."""

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


def permission(handler: BaseRouteHandler) -> tuple[str, bool]:
    named = handler.opt["permission"]
    return named.name, named.officials


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
    """Everybody by log-in, with the permissions the pack's TOML gives their role."""
    given = {role: list(document["permissions"]) for role, document in roles().items()}
    people = {"": [], "anna": given["applicant"], "ben": given["applicant"]}
    systems = dict.fromkeys(city.keys, given["department-system"])
    return people | {login: given[login] for login in city.officials} | systems


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


@get("/unguarded", sync_to_thread=False)
def ordinary() -> None:
    """Names no permission."""


@asgi("/unguarded")
async def raw(scope: Any, receive: Any, send: Any) -> None:
    """Names no permission."""


@pytest.mark.parametrize(
    "handler",
    [ordinary, raw, create_static_files_router(path="/unguarded", directories=["."])],
    ids=["ordinary", "asgi", "static"],
)
def test_an_application_with_an_unguarded_handler_does_not_start(handler: Any) -> None:
    app = Litestar([handler], openapi_config=None)
    with pytest.raises(Misconfigured, match="names no permission"):
        refuse_unguarded(app)


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
