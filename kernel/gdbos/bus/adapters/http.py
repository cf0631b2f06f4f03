"""The ``http`` adapter: a service that an existing system answers over HTTP, described by data in its service document."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec

from gdbos.bus.adapters.client import Answer, HttpClient, Outbound
from gdbos.bus.adapters.mapping import Read, Refusal, Rule, Sent, at, nested, reason_in, to_ours, to_theirs, word
from gdbos.bus.adapters.target import parse
from gdbos.config import Secret
from gdbos.errors import Misconfigured, NotFound, ProviderFailed, Unavailable
from gdbos.strict import Fault, decode
from gdbos.text import N_

PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
TRACE = re.compile(r"\A[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
PATH = re.compile(r"\A(?:/[A-Za-z0-9._~-]+)+\Z")
HEADER_VALUE = re.compile(r"\A[\x21-\x7e]+\Z")
ERROR_CODE = re.compile(r"\A[A-Za-z0-9_.-]{1,32}\Z")


class HeaderKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="header"):
    """A key the system gave us, sent in a header of its choosing."""

    name: str
    secret: Secret

    def headers(self) -> dict[str, str]:
        return {self.name: _header_value(self.secret)}


class ExchangeSignature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="exchange"):
    """The national exchange gateway's signed headers (国家共享交换平台): requester, service, time, HMAC-SHA256."""

    rid: str
    sid: str
    secret: Secret

    def headers(self) -> dict[str, str]:
        return exchange_headers(_header_value(self.secret), self.sid, self.rid, time.time_ns() // 1_000_000)


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[settings]` of a service whose adapter is ``http``."""

    base: str
    """Address of the system; ``{name}`` is filled from `[bus.places]`."""
    path: str
    method: Literal["GET", "POST", "PUT"] = "POST"
    """With GET our fields stand in the address, which other people log: for data about nobody only."""
    encoding: Literal["json", "form"] = "json"
    charset: Literal["utf-8", "gb18030"] = "utf-8"
    """Of requests and answers both; believed instead of the answer's header."""
    headers: dict[str, str] = {}
    auth: HeaderKey | ExchangeSignature | None = None
    request: dict[str, str | Sent] = {}
    response: dict[str, str | Read] = {}
    success: Rule | None = None
    """What an answer of status 2xx must hold besides to be one."""
    not_found: Rule | None = None
    refused: Refusal | None = None
    error_code: str = ""
    """Path of a short code by which the system's operators find a failure; its words are never passed on."""
    idempotency_header: str = ""
    timeout: float = 5.0
    """Seconds the system may take, retries included."""
    max_bytes: int = 1_048_576
    idempotent: bool = False
    """Whether a request may be repeated without a second effect."""
    concurrency: int = 16
    """Calls in progress at a time, per worker."""

    def __post_init__(self) -> None:
        if not PATH.match(self.path) or {".", ".."} & set(self.path.split("/")):
            raise ValueError("`path` begins with a slash and holds letters, digits and -._~ only")
        if self.timeout <= 0 or self.max_bytes <= 0 or self.concurrency <= 0:
            raise ValueError("`timeout`, `max_bytes` and `concurrency` are above zero")
        if clash := next((place for place in self.request if any(o.startswith(f"{place}.") for o in self.request)), ""):
            raise ValueError(f"`request` uses {clash} both as a value and as a table of values")


def settings_of(table: Mapping[str, Any], places: Mapping[str, str], *, service: str) -> HttpSettings:
    """The settings in ``table`` with every ``{place}`` filled in.

    :raises Misconfigured: a key is unknown or wrong, a place has no address, or the address is not a plain one.
    """
    settings = decode(HttpSettings, _filled(table, places, service))
    if isinstance(settings, Fault):
        raise Misconfigured(f"service {service}: [settings.{settings.path}] {settings.detail}")
    try:
        parse(settings.base)
    except Misconfigured as failure:
        raise Misconfigured(f"service {service}: [settings.base] {failure}") from None
    return settings


async def call(
    client: HttpClient,
    settings: HttpSettings,
    request: Mapping[str, Any],
    *,
    deadline: float,
    call_id: str,
    traceparent: str | None,
    service: str = "",
    provider: str = "",
    business: str = "",
) -> dict[str, Any]:
    """What the system answers to our ``request``, in our fields.

    Its own no is an answer too: ``{"outcome": "refused", "reason": …}``.

    :param deadline: the event loop's time (``time.monotonic()``) at which the caller must know.
    :param service: and ``provider``: who fails or recovers together; also named in problems.
    :param business: number under which a repeated request is the same one; the call's id where there is none.
    :raises Invalid: a value has no counterpart in the system.
    :raises NotFound: it holds no such record.
    :raises ProviderFailed, ProviderTimeout, Unavailable: it did not answer, or not as agreed. No problem ever carries
        what the system said, or whom it was asked about.
    """
    name = service or settings.base
    outbound = _outbound(settings, request, call_id, business, traceparent, deadline)
    answer = await client.send(outbound, line=f"{name}@{provider}", deadline=deadline)
    body = _body(settings, answer)
    if settings.not_found and settings.not_found.matches(answer.status, body):
        raise NotFound("The provider of {service} holds no such record.", service=name)
    if settings.refused and settings.refused.when.matches(answer.status, body):
        return {"outcome": "refused", "reason": reason_in(settings.refused, body)}
    _require_success(settings, answer, body, name)
    return to_ours(settings.response, body)


def exchange_headers(secret: str, sid: str, rid: str, milliseconds: int) -> dict[str, str]:
    """The four headers of the exchange gateway; the signature covers service, requester and time in this order."""
    digest = hmac.new(secret.encode(), f"{sid}{rid}{milliseconds}".encode(), hashlib.sha256).digest()
    return {
        "gjgxjhpt_rid": rid,
        "gjgxjhpt_sid": sid,
        "gjgxjhpt_rtime": str(milliseconds),
        "gjgxjhpt_sign": base64.b64encode(digest).decode(),
    }


def _outbound(
    settings: HttpSettings,
    request: Mapping[str, Any],
    call_id: str,
    business: str,
    traceparent: str | None,
    deadline: float,
) -> Outbound:
    theirs = to_theirs(settings.request, request)
    content = b"" if settings.method == "GET" else _content(settings, theirs)
    left = max(0, int(min(deadline - asyncio.get_running_loop().time(), settings.timeout) * 1000))
    headers = {**settings.headers, "Accept": "application/json", "X-Call-Id": call_id, "X-Gov-Deadline": str(left)}
    if content:
        kind = "application/x-www-form-urlencoded" if settings.encoding == "form" else "application/json"
        headers["Content-Type"] = f"{kind}; charset={settings.charset}"
    if settings.auth:
        headers |= settings.auth.headers()
    if settings.idempotency_header:
        headers[settings.idempotency_header] = quote(business or call_id)
    if traceparent and TRACE.match(traceparent):
        headers["traceparent"] = traceparent
    return Outbound(
        base=parse(settings.base),
        method=settings.method,
        path=settings.path,
        query=_form(settings, theirs) if settings.method == "GET" else b"",
        headers=headers,
        content=content,
        timeout=settings.timeout,
        max_bytes=settings.max_bytes,
        idempotent=settings.idempotent,
        concurrency=settings.concurrency,
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
    if answer.status in (429, 503):
        wait = answer.retry_after or 5
        raise Unavailable("The provider of {service} is not available right now.", service=name, retry_after=wait)
    if not 200 <= answer.status < 300:
        raise ProviderFailed(
            "The provider of {service} answered with HTTP status {status}.", service=name, status=answer.status
        )
    if settings.success and not settings.success.matches(answer.status, body):
        detail = N_("The provider of {service} answered with an error of its own (code {error_code}).")
        raise ProviderFailed(detail, service=name, error_code=_error_code(settings, body))


def _error_code(settings: HttpSettings, body: Any) -> str:
    """Their code for it, if it is one and not a sentence that may name somebody."""
    found = at(body, settings.error_code) if settings.error_code else None
    code = str(found) if isinstance(found, str | int) else ""
    return code if ERROR_CODE.match(code) else "—"


def _header_value(secret: Secret) -> str:
    """The secret. :raises Unavailable: it is not in place, or cannot stand in a header."""
    try:
        value = secret.reveal()
    except Misconfigured:
        value = ""
    if not HEADER_VALUE.match(value):
        raise Unavailable(
            "The key for the provider's system is not in place at this node; its operators have to put it there."
        )
    return value


def _filled(value: Any, places: Mapping[str, str], service: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(inner, places, service) for key, inner in value.items()}
    if not isinstance(value, str):
        return value

    def place(match: re.Match[str]) -> str:
        if match[1] not in places:
            raise Misconfigured(f'service {service} refers to the place "{match[1]}", which [bus.places] does not name')
        return places[match[1]]

    return PLACE.sub(place, value)
