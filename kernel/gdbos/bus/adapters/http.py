"""The ``http`` adapter: a service that an existing system answers over HTTP, described by data in its service document."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec

from gdbos.bus.adapters.adapter import Answered, Asking
from gdbos.bus.adapters.auth import Auth, ClientCredentials, Proofs
from gdbos.bus.adapters.client import Answer, HttpClient, Outbound
from gdbos.bus.adapters.mapping import Read, Refusal, Rule, Sent, at, nested, reason_in, to_ours, to_theirs, word
from gdbos.bus.adapters.settings import Settings, open_places
from gdbos.bus.adapters.target import parse
from gdbos.errors import Misconfigured, NotFound, ProviderFailed, Unavailable
from gdbos.text import N_

TRACE = re.compile(r"\A[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
PATH = re.compile(r"\A(?:/[A-Za-z0-9._~-]+)+\Z")
ERROR_CODE = re.compile(r"\A[A-Za-z0-9_.-]{1,32}\Z")


class HttpSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[settings]` of a service whose adapter is ``http``."""

    base: str
    """Address of the system; ``{name}`` is filled from `[bus.places]`."""
    path: str
    method: Literal["GET", "POST", "PUT"] = "POST"
    """With GET our fields stand in the address, which other people log: for data about nobody only."""
    encoding: Literal["json", "form"] = "json"
    charset: Literal["utf-8", "gb18030"] = "utf-8"
    """Of requests and answers both; believed instead of the answer's header."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    auth: Auth | None = None
    request: dict[str, str | Sent] = msgspec.field(default_factory=dict)
    response: dict[str, str | Read] = msgspec.field(default_factory=dict)
    success: Rule | None = None
    """What an answer of status 2xx must hold besides to be one."""
    not_found: Rule | None = None
    refused: Refusal | None = None
    error_code: str = ""
    """Path of a short code by which the system's operators find a failure; its words are never passed on."""
    idempotency_header: str = ""
    idempotent: bool = False
    """Whether a request may be repeated without a second effect."""

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        refuse_wrong_base(self.base)
        if not PATH.match(self.path) or {".", ".."} & set(self.path.split("/")):
            raise ValueError("`path` begins with a slash and holds letters, digits and -._~ only")
        if clash := next((place for place in self.request if any(o.startswith(f"{place}.") for o in self.request)), ""):
            raise ValueError(f"`request` uses {clash} both as a value and as a table of values")


class Http:
    """The ``http`` adapter's way."""

    kind = HttpSettings

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._proofs = Proofs(client)

    def check(self, settings: HttpSettings) -> None:
        refuse_unreached(self._client, settings.base, settings.auth)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ask(self, settings: HttpSettings, asking: Asking) -> Answered:
        """What the system answers, in our fields. Its own no is an answer too: ``{"outcome": "refused", "reason": …}``."""
        theirs = to_theirs(settings.request, asking.value)
        trip = asking.trip(settings, repeatable=settings.idempotent)
        trip = msgspec.structs.replace(trip, deadline=min(trip.deadline, now() + trip.timeout))
        answer = await self._proofs.send(settings.auth, trip, lambda proof: _outbound(settings, asking, theirs, proof))
        body = _body(settings, answer)
        if settings.not_found and settings.not_found.matches(answer.status, body):
            raise NotFound("The provider of {service} holds no such record.", service=asking.service)
        if settings.refused and settings.refused.when.matches(answer.status, body):
            return Answered({"outcome": "refused", "reason": reason_in(settings.refused, body)})
        _require_success(settings, answer, body, asking.service)
        return Answered(to_ours(settings.response, body))


def now() -> float:
    """The event loop's time."""
    return asyncio.get_running_loop().time()


def refuse_wrong_base(base: str) -> None:
    """:raises ValueError: ``base`` is no plain address, and not one whose place is still to be filled in."""
    if open_places(base):
        return
    try:
        wrong = "" if parse(base).scheme in ("http", "https") else f'"{base}" is not a plain http or https address'
    except Misconfigured as failure:
        wrong = str(failure)
    if wrong:
        raise ValueError(f"base: {wrong}")


def refuse_unreached(client: HttpClient, base: str, auth: Auth | None) -> None:
    """:raises Misconfigured: an address is not among the places of this node."""
    token = [auth.token] if isinstance(auth, ClientCredentials) else []
    for address in (base, *token):
        if not client.reaches(address):
            raise Misconfigured(f'{address} is not among the places of this node; write base = "{{place}}"')


def told_headers(asking: Asking, settings: Settings) -> dict[str, str]:
    """Which call this is, and in how many milliseconds its answer is of no more use."""
    left = max(0, int(min(asking.deadline - now(), settings.timeout) * 1000))
    told = {"X-Call-Id": asking.call, "X-Gov-Deadline": str(left)}
    if asking.traceparent and TRACE.match(asking.traceparent):
        told["traceparent"] = asking.traceparent
    return told


def _outbound(settings: HttpSettings, asking: Asking, theirs: Mapping[str, Any], proof: Mapping[str, str]) -> Outbound:
    content = b"" if settings.method == "GET" else _content(settings, theirs)
    headers = {**settings.headers, "Accept": "application/json", **told_headers(asking, settings), **proof}
    if content:
        kind = "application/x-www-form-urlencoded" if settings.encoding == "form" else "application/json"
        headers["Content-Type"] = f"{kind}; charset={settings.charset}"
    if settings.idempotency_header:
        headers[settings.idempotency_header] = quote(asking.business or asking.call)
    return Outbound(
        base=parse(settings.base),
        method=settings.method,
        path=settings.path,
        query=_form(settings, theirs) if settings.method == "GET" else b"",
        headers=headers,
        content=content,
        max_bytes=settings.max_bytes,
    )


def _content(settings: HttpSettings, theirs: Mapping[str, Any]) -> bytes:
    if settings.encoding == "form":
        return _form(settings, theirs)
    encoded = msgspec.json.encode(nested(theirs))
    return encoded if settings.charset == "utf-8" else encoded.decode().encode(settings.charset)


def _form(settings: HttpSettings, theirs: Mapping[str, Any]) -> bytes:
    pairs = [
        (place, word(one)) for place, value in theirs.items() for one in (value if isinstance(value, list) else [value])
    ]
    return urlencode(pairs, encoding=settings.charset, errors="strict").encode("ascii")


def _body(settings: HttpSettings, answer: Answer) -> Any:
    """The answer's JSON, or nothing where a failure came with something else. :raises ProviderFailed: it is none."""
    if not answer.content:
        return None
    try:
        if settings.charset == "utf-8":
            return msgspec.json.decode(answer.content.removeprefix(b"\xef\xbb\xbf"))
        return msgspec.json.decode(answer.content.decode(settings.charset))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        if answer.status >= 300:
            return None
        raise ProviderFailed(
            "The provider's answer cannot be read as JSON in {charset}.", charset=settings.charset
        ) from None


def _require_success(settings: HttpSettings, answer: Answer, body: Any, name: str) -> None:
    require_success(answer, name)
    if settings.success and not settings.success.matches(answer.status, body):
        raise failed_inside(body, settings.error_code, name)


def require_success(answer: Answer, name: str) -> None:
    """:raises Unavailable: the system asks for patience. :raises ProviderFailed: it answered with another status than 2xx."""
    if answer.status in (429, 503):
        wait = answer.retry_after or 5
        raise Unavailable("The provider of {service} is not available right now.", service=name, retry_after=wait)
    if not 200 <= answer.status < 300:
        raise ProviderFailed(
            "The provider of {service} answered with HTTP status {status}.", service=name, status=answer.status
        )


def failed_inside(body: Any, path: str, name: str) -> ProviderFailed:
    """An error the system reports in its answer, with its code if it is one and not a sentence that may name somebody."""
    found = at(body, path) if path else None
    code = str(found) if isinstance(found, str | int) else ""
    detail = N_("The provider of {service} answered with an error of its own (code {error_code}).")
    return ProviderFailed(detail, service=name, error_code=code if ERROR_CODE.match(code) else "—")
