"""Calling other people's systems so that the caller gets an answer or a problem in time, whatever they do.

Every call has a last moment. Until then: connect only to a registered address, follow nothing, keep no cookie, read no more
than agreed, try again only what is safe to repeat and affordable, and leave a failing provider in peace.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import tempfile
from collections.abc import Callable, Iterable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx
import msgspec

from gdbos.bus.adapters.lines import BrokeOff, Lines, Trip, Verdict
from gdbos.bus.adapters.target import Base, Resolve, Target, parse, system_resolver
from gdbos.errors import Misconfigured, ProviderFailed, Unavailable
from gdbos.secret import Secret

CONNECT_SECONDS = 1.0
REMEMBER_ADDRESS = 30.0
PASSING = frozenset({502, 503, 504})
"""Statuses of a gateway whose system is away for a moment."""


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """One request, ready to go."""

    base: Base
    method: str
    path: str
    query: bytes = b""
    headers: Mapping[str, str]
    content: bytes = b""
    max_bytes: int


class Answer(msgspec.Struct, frozen=True):
    """What came back, whole."""

    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def retry_after(self) -> int:
        """Seconds the provider asks for, within reason; 0 when it says nothing."""
        said = self.headers.get("retry-after", "")
        return min(int(said), 3600) if said.isascii() and said.isdigit() and len(said) < 6 else 0


class HttpClient:
    """The way out of this worker. Close it when the worker ends."""

    def __init__(
        self, targets: Iterable[Target], *, resolve: Resolve = system_resolver, lines: Lines | None = None
    ) -> None:
        # httpx names every address it asks for in its log; a query may hold personal data.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._targets = {target.base.key: target for target in targets}
        self._resolve = resolve
        self._addresses: dict[Target, tuple[float, list[str]]] = {}
        self._pools: dict[Target, httpx.AsyncClient] = {}
        self.lines = lines or Lines()

    async def aclose(self) -> None:
        """Close every connection."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()

    def reaches(self, base: str) -> bool:
        """Whether ``base`` is an address this worker may call."""
        return parse(base).key in self._targets

    async def send(self, outbound: Outbound, trip: Trip, judge: Callable[[Answer], Verdict] | None = None) -> Answer:
        """The answer to ``outbound``, of whatever status; ``judge`` tells whether it is one of a system that works.

        :raises ProviderTimeout, ProviderFailed, Unavailable: there is no answer; never later than ``trip.deadline``.
        """
        target = self._targets.get(outbound.base.key)
        if target is None:
            raise ProviderFailed("The provider's address is not registered at this node.")

        async def attempt(_: float) -> Answer:
            return await self._reach(target, outbound)

        return await self.lines.through(trip, attempt, judge or by_status)

    async def _reach(self, target: Target, outbound: Outbound) -> Answer:
        """Ask at the host's first address that takes the connection; nothing was sent to the others."""
        for address in await self._where(target):
            try:
                return await self._exchange(target, outbound, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError):  # an alert after the handshake comes as it is
                raise BrokeOff("The provider's system broke off, or answered in no form of HTTP.") from None
        self._addresses.pop(target, None)
        raise Unavailable("The provider's system does not take connections just now.", retry_after=5)

    async def _where(self, target: Target) -> list[str]:
        now = asyncio.get_running_loop().time()
        known = self._addresses.get(target)
        if known is None or known[0] < now:
            known = self._addresses[target] = (now + REMEMBER_ADDRESS, await target.addresses(self._resolve))
        return known[1]

    async def _exchange(self, target: Target, outbound: Outbound, address: str) -> Answer:
        base = target.base
        url = httpx.URL(
            scheme=base.scheme, host=address, port=base.port, path=base_path(outbound), query=outbound.query or None
        )
        headers = {**outbound.headers, "Host": base.authority, "Accept-Encoding": "identity"}
        request = httpx.Request(outbound.method, url, headers=headers, content=outbound.content)
        request.extensions = {"timeout": {"connect": CONNECT_SECONDS}, "sni_hostname": base.host}
        response = await self._pool(target).send(request, stream=True)
        try:
            return Answer(response.status_code, response.headers, await _whole(response, outbound.max_bytes))
        finally:
            await response.aclose()

    def _pool(self, target: Target) -> httpx.AsyncClient:
        # One pool per target: two names behind one address must not share a connection made for the other's certificate.
        if target not in self._pools:
            self._pools[target] = httpx.AsyncClient(
                verify=_trust(target),
                trust_env=False,
                follow_redirects=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=32, keepalive_expiry=3),
            )
        return self._pools[target]


def by_status(answer: Answer) -> Verdict:
    """What the status says of the system."""
    if answer.status in PASSING and not answer.retry_after:
        return "passing"
    return "failing" if answer.status >= 500 else "well"


def base_path(outbound: Outbound) -> str:
    """The path to ask for: the system's own, then the service's."""
    return f"{outbound.base.path}{outbound.path}"


async def _whole(response: httpx.Response, most: int) -> bytes:
    """The body as sent, never more than ``most`` bytes of it."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ProviderFailed("The provider packed its answer although it was told not to.")
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > most:
            raise ProviderFailed("The provider's answer is larger than the {most} bytes agreed.", most=most)
    return bytes(content)


def _trust(target: Target) -> ssl.SSLContext:
    """Whose certificates are believed (the registered authority's, else the public ones), and which one is ours.

    :raises Unavailable: our certificate is not in place.
    """
    if target.base.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.create_default_context(cafile=target.ca or None)
    if target.certificate is not None:
        _show(context, target.certificate)
    return context


def _show(context: ssl.SSLContext, certificate: Secret) -> None:
    """Let the context show our certificate, which OpenSSL reads from a file only: one of our own, gone at once."""
    handle, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(certificate.reveal())
        context.load_cert_chain(path, password=lambda: "")
    except (Misconfigured, ssl.SSLError, ValueError):
        raise Unavailable(
            "The certificate this node shows to the provider's system is not in place; its operators have to put it there."
        ) from None
    finally:
        Path(path).unlink()
