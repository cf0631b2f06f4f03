"""The web application: one guard before every handler, problems in the caller's language, nothing unguarded."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar._asgi.routing_trie.traversal import traverse_route_map
from litestar.config.response_cache import ResponseCacheConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect
from litestar.response.base import ASGIResponse
from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry import propagate
from opentelemetry.trace import SpanKind

from gdbos.actor import Actor
from gdbos.answers import MethodNotAllowed, answer
from gdbos.bus.bus import Bus
from gdbos.bus.entrance import JSON
from gdbos.bus.pages import PAGES as BUS_PAGES
from gdbos.bus.quick import Quick
from gdbos.bus.routes import ROUTES as BUS_ROUTES
from gdbos.console import PAGES as CONSOLE_PAGES
from gdbos.console import ROUTES as CONSOLE_ROUTES
from gdbos.decision import decide
from gdbos.errors import BadRequest, Forbidden, Misconfigured, TooMany, Unauthenticated, Unavailable
from gdbos.files.routes import ROUTES as FILE_ROUTES
from gdbos.frames import actor_of, frame_for
from gdbos.identity.identify import identify, refuse_cross_site
from gdbos.identity.pages import PAGES as IDENTITY_PAGES
from gdbos.identity.proof import refuse_unproven
from gdbos.identity.routes import ROUTES as IDENTITY_ROUTES
from gdbos.identity.signed import ROUTES as SIGNED_ROUTES
from gdbos.identity.signed import Answering
from gdbos.kernel import Kernel
from gdbos.ledger.erasure_routes import ROUTES as ERASURE_ROUTES
from gdbos.ledger.routes import ROUTES as LEDGER_ROUTES
from gdbos.loading import Loaded
from gdbos.openapi import openapi_config
from gdbos.pages.language import locale_of
from gdbos.pages.render import Page
from gdbos.pages.routes import page_routes
from gdbos.places import Places, refuse
from gdbos.plugin import PUBLIC, Permission
from gdbos.reading import AROUND, Reading, honour_limits
from gdbos.standards.edition_routes import ROUTES as EDITION_ROUTES
from gdbos.standards.routes import ROUTES as STANDARDS_ROUTES
from gdbos.stewardship.pages import PAGES as STEWARDSHIP_PAGES
from gdbos.stewardship.routes import ROUTES as STEWARDSHIP_ROUTES
from gdbos.telemetry import span
from gdbos.unit import Run

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    # Not no-referrer: browsers would then send forms with "Origin: null", which the check against forged requests refuses.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}

HSTS = {"strict-transport-security": "max-age=31536000; includeSubDomains"}
"""Beside them where the public address is https (``[http] secure_cookies``): a year in which browsers ask by nothing else."""


class Well(msgspec.Struct, frozen=True):
    """A node that answers."""

    status: str
    node: str


def application(kernel: Kernel) -> Litestar:
    """The web application of ``kernel``. :raises Misconfigured: a handler names no permission."""

    @asynccontextmanager
    async def alive(app: Litestar) -> AsyncIterator[None]:
        async with kernel.running():
            yield

    app = Litestar(
        route_handlers=[
            live,
            ready,
            arrive,
            *page_routes(kernel.pages.assets),
            _router(
                "/",
                [
                    *STANDARDS_ROUTES,
                    *EDITION_ROUTES,
                    *IDENTITY_ROUTES,
                    *SIGNED_ROUTES,
                    *BUS_ROUTES,
                    *FILE_ROUTES,
                    *LEDGER_ROUTES,
                    *ERASURE_ROUTES,
                    *CONSOLE_ROUTES,
                    *STEWARDSHIP_ROUTES,
                ],
                kernel,
                "kernel",
            ),
            _pages([*IDENTITY_PAGES, *BUS_PAGES, *CONSOLE_PAGES, *STEWARDSHIP_PAGES], kernel, "kernel"),
            *(router for one in kernel.loaded for router in _plugin_routers(one, kernel)),
        ],
        guards=[guard],
        dependencies={
            "actor": Provide(_actor, sync_to_thread=False),
            "run": Provide(_run, sync_to_thread=False),
            "standards": Provide(lambda: kernel.standards, sync_to_thread=False),
            "kernel": Provide(lambda: kernel, sync_to_thread=False),
        },
        exception_handlers={Exception: answer},
        request_class=Reading,
        state=State({"kernel": kernel}),
        lifespan=[alive],
        openapi_config=openapi_config(kernel.settings.node.title.into("en") or "GDBOS", version("gdbos")),
        response_cache_config=ResponseCacheConfig(),
        pdb_on_exception=False,
        debug=False,
        request_max_body_size=max(kernel.settings.http.max_body, kernel.settings.files.max_bytes + AROUND),
        logging_config=None,
    )
    refuse_unguarded(app)
    _find_parameters_of_raw_handlers(app)
    honour_limits(app)
    app.state.methods = Methods(app)
    carried = HEADERS | (HSTS if kernel.settings.http.secure_cookies else {})
    app.state.headers = [(name.encode(), value.encode()) for name, value in carried.items()]
    app.asgi_handler = Edge(
        app.asgi_handler, Quick(app, [JSON, *app.state.headers], _complete), Places(app, kernel.settings.http.capacity)
    )  # around the router: what it answers itself (404, 405) passes here too
    return app


def _find_parameters_of_raw_handlers(app: Litestar) -> None:
    """Litestar 2.25 looks for an ASGI handler's path parameters under the method asked for, where it never puts them."""
    for route in app.routes:
        if isinstance(route, ASGIRoute) and (parameters := tuple(route.path_parameters.values())):
            node, _, _ = traverse_route_map(app.asgi_router.root_route_map_node, route.path_format)
            node.path_parameters = defaultdict(partial(tuple, parameters))


def _plugin_routers(one: Loaded, kernel: Kernel) -> list[Router]:
    path = "/api/" + one.plugin.name.replace(".", "/").replace("_", "-")
    routers = [_router(path, [*one.plugin.routes], kernel, one.plugin.name, one.settings)] if one.plugin.routes else []
    if one.plugin.pages:
        routers.append(_pages([*one.plugin.pages], kernel, one.plugin.name, one.settings))
    return routers


def _router(
    path: str, handlers: list[Any], kernel: Kernel, plugin: str, settings: Any = None, **options: Any
) -> Router:
    def bus(request: Request[Any, Any, Any]) -> Bus:
        return kernel.bus_for(actor_of(request), plugin)

    dependencies = {"bus": Provide(bus, sync_to_thread=False)}
    if settings is not None:
        dependencies["config"] = Provide(lambda: settings, sync_to_thread=False)
    return Router(path, route_handlers=handlers, dependencies=dependencies, **options)


def _pages(handlers: list[Any], kernel: Kernel, plugin: str, settings: Any = None) -> Router:
    return _router("/", handlers, kernel, plugin, settings, include_in_schema=False, response_class=PageResponse)


class PageResponse(Response[Any]):
    """What a page handler returned, rendered in the visitor's language inside their frame."""

    def to_asgi_response(self, app: Litestar | None, request: Request[Any, Any, Any], **kwargs: Any) -> ASGIResponse:
        if isinstance(page := self.content, Page):
            kernel: Kernel = request.app.state.kernel
            context = {"frame": frame_for(request), **page.context}
            self.content = kernel.pages.html(page.template, locale_of(request), context).encode()
            self.status_code = page.status
            self.media_type = MediaType.HTML
            self.headers.update(page.headers)
            kwargs |= {"media_type": self.media_type, "status_code": page.status}
        return super().to_asgi_response(app, request, **kwargs)


# The guard.


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Find out who is calling and let them through only with the permission the handler names.

    :raises Unauthenticated: nobody known calls something that is not public. :raises Forbidden: they lack the permission.
    """
    refuse_nul(connection)
    if connection.scope.get("method") == "OPTIONS":
        methods: Methods = connection.app.state.methods
        connection.scope["state"]["allow"] = methods.of(connection.scope.get("path_template", ""))
        return
    if (taken := handler.opt.get("methods")) and connection.scope.get("method") not in taken:
        raise MethodNotAllowed(allow=", ".join(taken))
    permission = permission_of(handler)
    kernel: Kernel = connection.app.state.kernel
    if shed := handler.opt.get("shed"):
        shed(kernel)
    refuse_cross_site(connection, kernel.identity)
    actor = await identify(connection, kernel.identity)
    connection.scope["state"]["actor"] = actor
    if decide(actor, permission).allowed:
        refuse_unproven(actor, permission, kernel.settings.identity, kernel.clock())
        return
    if actor.kind == "anonymous":
        raise Unauthenticated(
            "Log in first: this address needs the permission {permission}.", permission=permission.name
        )
    raise Forbidden(
        "You lack the permission {permission}; ask your body's administrator for a post that has it.",
        permission=permission.name,
    )


def refuse_nul(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """No database keeps NUL in text: refuse it where it enters."""
    if "\x00" in connection.scope["path"] or b"%00" in connection.scope.get("query_string", b""):
        raise BadRequest("The address holds a NUL character; leave it out.")


def permission_of(handler: BaseRouteHandler) -> Permission:
    """The permission ``handler`` names. :raises Misconfigured: it names none."""
    found = handler.opt.get("permission")
    if not isinstance(found, Permission):
        raise Misconfigured(f"{handler} names no permission; declare permission=… or permission=PUBLIC on it")
    return found


def refuse_unguarded(app: Litestar) -> None:
    """Refuse to start with a handler that names no permission: ordinary, ASGI or static."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    permission_of(handler)
        elif isinstance(route, ASGIRoute):
            permission_of(route.route_handler)
        else:
            permission_of(route.route_handler)


# The edge.


class Methods:
    """Which methods each address takes; a HEAD is there wherever a GET is (RFC 9110 §9.3.2)."""

    def __init__(self, app: Litestar) -> None:
        self._by_template = {route.path_format: methods for route in app.routes if (methods := self._of(route))}
        literal_first = sorted(self._by_template, key=lambda template: template.count("{"))
        self._patterns = [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(t)) + r"/?\Z"), t) for t in literal_first]

    @staticmethod
    def _of(route: BaseRoute) -> list[str]:
        if isinstance(route, ASGIRoute):  # says itself what it takes
            return list(route.route_handler.opt.get("methods", ()))
        if not isinstance(route, HTTPRoute):
            return []
        return sorted({*route.methods, "OPTIONS", *(["HEAD"] if "GET" in route.methods else [])})

    def of(self, template: str) -> list[str]:
        """The methods of the address with this template."""
        return self._by_template.get(template, [])

    def at(self, path: str) -> list[str]:
        """The methods of the address that ``path`` leads to, which the router, refusing another method, does not tell."""
        return next((self.of(template) for pattern, template in self._patterns if pattern.match(path)), [])


class Edge:
    """Outermost: one span per request, the headers every response carries, HEAD as a GET without its body, a signature under
    what a signed request is answered."""

    def __init__(self, app: ASGIApp, quick: Quick, places: Places) -> None:
        self.app = app
        self.quick = quick
        self.places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        if (actor := self.quick.caller(scope)) is not None:
            await self.quick(scope, receive, send, actor)
            return
        method = scope["method"]
        if bodiless := method == "HEAD":
            scope["method"] = "GET"
        if any(name == b"signature-input" for name, _ in scope["headers"]):
            send = Answering(scope, send).send
        carrier = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"] if k == b"traceparent"}
        context = propagate.extract(carrier) if carrier else None
        with span(f"{method} request", context=context, kind=SpanKind.SERVER) as seen:

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    template = scope.get("path_template", "")
                    seen.update_name(f"{method} {template}")
                    seen.set_attribute("http.response.status_code", message["status"])
                    _complete(message, scope)
                elif bodiless and message["type"] == "http.response.body":
                    message["body"] = b""
                await send(message)

            with ExitStack() as held:
                try:
                    held.enter_context(self.places.place(scope))
                except (TooMany, Unavailable) as full:
                    await refuse(self.places.app, scope, receive, sending, full)
                    return
                await self.app(scope, receive, sending)


def _complete(message: Any, scope: Scope) -> None:
    own = {name.lower() for name, _ in message["headers"]}
    headers = [header for header in scope["app"].state.headers if header[0] not in own]
    refused = message["status"] == 405
    allow = scope["app"].state.methods.at(scope["path"]) if refused else scope.get("state", {}).get("allow")
    kept = [(k, v) for k, v in message["headers"] if k.lower() != b"allow"] if allow else message["headers"]
    if allow:
        headers.append((b"allow", ", ".join(allow).encode()))
    message["headers"] = [*kept, *headers]


# Health, and where everybody begins.


@get("/", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def arrive(request: Request[Any, Any, Any]) -> Redirect:
    """People and enterprises begin at the portal, officials where most of their work is."""
    return Redirect(request.app.state.kernel.pages.home(frame_for(request)) or "/login", status_code=303)


@get("/health/live", permission=PUBLIC, reserved=True, tags=["health"], sync_to_thread=False)
def live(request: Request[Any, Any, Any]) -> Well:
    """Whether the process answers."""
    return Well("live", request.app.state.kernel.settings.node.id)


@get("/health/ready", permission=PUBLIC, reserved=True, tags=["health"])
async def ready(request: Request[Any, Any, Any]) -> Well:
    """Whether the node can serve: its database answers and every plugin's checks are well."""
    kernel: Kernel = request.app.state.kernel
    if kernel.draining:
        raise Unavailable("This worker is shutting down; send the request again in a moment.", retry_after=2)
    await kernel.lane.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar_one())
    for plugin in kernel.plugins:
        for check in plugin.checks:
            if complaint := await check.ask(kernel):
                raise Unavailable("{check}: {complaint}", check=check.name, complaint=complaint, retry_after=5)
    return Well("ready", kernel.settings.node.id)


# What handlers may ask for.


def _actor(request: Request[Any, Any, Any]) -> Actor:
    return actor_of(request)


def _run(request: Request[Any, Any, Any]) -> Run:
    return request.app.state.kernel.run_for(actor_of(request))  # type: ignore[no-any-return]
