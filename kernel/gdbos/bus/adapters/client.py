"""Calling other people's systems so that the caller gets an answer or a problem in time, whatever they do.

Every call has a last moment. Until then: connect only to a registered address, follow nothing, keep no cookie, read no more
than agreed, try again only what is safe to repeat and affordable, and leave a failing provider in peace.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Iterable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import msgspec

from gdbos.bus.adapters.breaker import Line
from gdbos.bus.adapters.target import Base, Resolve, Target, parse, system_resolver
from gdbos.errors import Problem, ProviderFailed, ProviderTimeout, Unavailable

CONNECT_SECONDS = 1.0
ATTEMPTS = 3
BACKOFF_SECONDS = 0.1
"""The first wait before a retry is random below this, the next below twice as much."""
PATIENCE = 1.0
"""A caller who waits less than this (and less than the service's own limit) proves nothing against the provider."""
REMEMBER_ADDRESS = 30.0
PASSING = frozenset({502, 503, 504})
"""Statuses of a gateway whose system is away for a moment."""


class BrokeOff(ProviderFailed):
    """The connection ended before the answer did; what is safe to repeat may be tried again."""


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """One request, ready to go."""

    base: Base
    method: str
    path: str
    query: bytes = b""
    headers: Mapping[str, str]
    content: bytes = b""
    timeout: float
    max_bytes: int
    idempotent: bool
    concurrency: int


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

    def __init__(self, targets: Iterable[Target], *, resolve: Resolve = system_resolver) -> None:
        # httpx names every address it asks for in its log; a query may hold personal data.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._targets = {target.base.key: target for target in targets}
        self._resolve = resolve
        self._addresses: dict[Target, tuple[float, list[str]]] = {}
        self._pools: dict[Target, httpx.AsyncClient] = {}
        self._lines: dict[str, Line] = {}

    async def aclose(self) -> None:
        """Close every connection."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()

    def reaches(self, base: str) -> bool:
        """Whether ``base`` is an address this worker may call."""
        return parse(base).key in self._targets

    def line(self, name: str, room: int) -> Line:
        """The line ``name``; ``room`` counts when it is first asked for."""
        if name not in self._lines:
            self._lines[name] = Line(room, asyncio.get_running_loop().time)
        return self._lines[name]

    async def send(self, outbound: Outbound, *, line: str, deadline: float) -> Answer:
        """The answer to ``outbound``, of whatever status.

        :param line: the service and provider that fail or recover together.
        :param deadline: the event loop's time at which the caller must know.
        :raises ProviderTimeout, ProviderFailed, Unavailable: there is no answer; never later than ``deadline``.
        """
        target = self._targets.get(outbound.base.key)
        if target is None:
            raise ProviderFailed("The provider's address is not registered at this node.")
        now = asyncio.get_running_loop().time()
        until = min(deadline, now + outbound.timeout)
        used = self.line(line, outbound.concurrency)
        async with used.place(until):
            used.budget.earn()
            return await self._attempts(target, outbound, used, until)

    async def _attempts(self, target: Target, outbound: Outbound, line: Line, until: float) -> Answer:
        attempt = 0
        while True:
            wait = random.uniform(0, BACKOFF_SECONDS * 2**attempt)  # noqa: S311  (spreads load, guards nothing)
            attempt += 1
            repeatable = outbound.idempotent and attempt < ATTEMPTS
            try:
                answer = await self._counted(target, outbound, line, until)
                passing = answer.status in PASSING and not answer.retry_after
                if not (passing and repeatable and affordable(line, wait, until)):
                    return answer
            except (Unavailable, BrokeOff):
                if not (repeatable and affordable(line, wait, until)):
                    raise
            await asyncio.sleep(wait)

    async def _counted(self, target: Target, outbound: Outbound, line: Line, until: float) -> Answer:
        """One attempt, the outcome of which its breaker learns."""
        trial = line.breaker.admit()
        started = asyncio.get_running_loop().time()
        try:
            answer = await self._timed(target, outbound, until)
        except ProviderTimeout:
            patient = until - started >= min(outbound.timeout, PATIENCE)
            line.breaker.failed(trial) if patient else line.breaker.withdrew(trial)
            raise
        except Problem:
            line.breaker.failed(trial)
            raise
        except BaseException:
            line.breaker.withdrew(trial)
            raise
        line.breaker.failed(trial) if answer.status >= 500 else line.breaker.succeeded(trial)
        return answer

    async def _timed(self, target: Target, outbound: Outbound, until: float) -> Answer:
        try:
            async with asyncio.timeout_at(until):
                return await self._reach(target, outbound)
        except TimeoutError:
            raise ProviderTimeout("The provider did not answer in time.") from None

    async def _reach(self, target: Target, outbound: Outbound) -> Answer:
        """Ask at the host's first address that takes the connection; nothing was sent to the others."""
        for address in await self._where(target):
            try:
                return await self._exchange(target, outbound, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except (httpx.HTTPError, httpx.InvalidURL):
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


def affordable(line: Line, wait: float, until: float) -> bool:
    """Whether a retry after ``wait`` seconds can still end in time, meets a closed breaker, and is paid for."""
    in_time = asyncio.get_running_loop().time() + wait < until
    return in_time and line.breaker.state == "closed" and line.budget.spend()


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
    """Whose certificates are believed: the registered authority's, else the public ones."""
    if target.base.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context(cafile=target.ca or None)
