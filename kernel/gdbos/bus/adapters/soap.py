"""The ``soap`` adapter: an operation that an existing system describes in WSDL.

zeep reads the description, writes the envelope and reads the answer; every byte travels by our own client, so that addresses,
deadlines and sizes hold as they do everywhere. What a WSDL says about where its service is, is not believed.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import zeep
import zeep.exceptions
import zeep.helpers
import zeep.wsdl
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
from zeep.wsdl.bindings.soap import Soap12Binding, SoapBinding

from gdbos.bus.adapters.adapter import Answered, Asking
from gdbos.bus.adapters.auth import Auth, Proofs
from gdbos.bus.adapters.client import Answer, HttpClient, Outbound, by_status
from gdbos.bus.adapters.http import (
    PATH,
    failed_inside,
    now,
    refuse_unreached,
    refuse_wrong_base,
    require_success,
    told_headers,
)
from gdbos.bus.adapters.lines import Trip, Verdict
from gdbos.bus.adapters.mapping import Read, Refusal, Rule, Sent, nested, reason_in, to_ours, to_theirs
from gdbos.bus.adapters.plain import plain
from gdbos.bus.adapters.settings import Settings
from gdbos.bus.adapters.target import parse
from gdbos.errors import Invalid, Misconfigured, NotFound, Problem, ProviderFailed, ProviderTimeout
from gdbos.text import N_

WSDL = re.compile(r"\A(?P<path>(?:/[A-Za-z0-9._~-]+)+)(?:\?(?P<query>[A-Za-z0-9._~=&-]*))?\Z")
URL = re.compile(r"\A(?P<base>https?://[^/?#]+)(?P<rest>/[^#]*)\Z")
MOST_DOCUMENTS = 32
"""Of one description, those it imports included."""
DOCUMENT: Any = zeep.wsdl.Document
CLIENT: Any = zeep.Client
SETTINGS: Any = zeep.Settings
PLAIN: Any = zeep.helpers.serialize_object
"""zeep says of few of its names what they take."""
MISREAD = (zeep.exceptions.Error, etree.LxmlError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""How zeep says that a document is not what it should be."""


class SoapSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[settings]` of a service whose adapter is ``soap``."""

    base: str
    """Address of the system; ``{name}`` is filled from `[bus.places]`."""
    path: str
    wsdl: str = ""
    """Where its description is, at the same system; by default ``path?wsdl``. What it imports must be at the same system."""
    service: str = ""
    port: str = ""
    """Which of several services and ports; by default the only one, or the first that speaks SOAP."""
    operation: str
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    auth: Auth | None = None
    request: dict[str, str | Sent] = msgspec.field(default_factory=dict)
    """Their part of the message = our field; parts within parts are dotted."""
    response: dict[str, str | Read] = msgspec.field(default_factory=dict)
    """Our field = where it stands in their answer; of a fault, ``fault.code`` and ``fault.reason``."""
    success: Rule | None = None
    not_found: Rule | None = None
    refused: Refusal | None = None
    error_code: str = ""
    idempotent: bool = False
    """Whether a request may be repeated without a second effect."""

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        refuse_wrong_base(self.base)
        if not PATH.match(self.path) or not WSDL.match(self.described) or ".." in self.path + self.wsdl:
            raise ValueError("`path` and `wsdl` begin with a slash and hold letters, digits and -._~ only")

    @property
    def described(self) -> str:
        """Path and query of the description."""
        return self.wsdl or f"{self.path}?wsdl"


class Soap:
    """The ``soap`` adapter's way."""

    kind = SoapSettings

    def __init__(self, client: HttpClient) -> None:
        for told in ("zeep.xsd.types.simple", "zeep.xsd.elements.attribute"):
            logging.getLogger(told).addFilter(believe_nothing)
        self._client = client
        self._proofs = Proofs(client)
        self._described: dict[str, Described] = {}
        self._describing: dict[str, asyncio.Lock] = {}

    def check(self, settings: SoapSettings) -> None:
        refuse_unreached(self._client, settings.base, settings.auth)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ask(self, settings: SoapSettings, asking: Asking) -> Answered:
        """What the operation answers, in our fields. Its own no is an answer too: ``{"outcome": "refused", "reason": …}``."""
        theirs = nested(to_theirs(settings.request, asking.value))
        trip = asking.trip(settings, repeatable=settings.idempotent)
        trip = msgspec.structs.replace(trip, deadline=min(trip.deadline, now() + trip.timeout))
        described = await self._description(settings, asking, trip)
        headers, content = described.written(settings.operation, theirs)
        headers = {**settings.headers, **headers, **told_headers(asking, settings)}
        make = _request(settings, "POST", settings.path, b"", headers, content)
        answer = await self._proofs.send(settings.auth, trip, make, by_fault)
        if answer.status != 500:
            require_success(answer, asking.service)
        body = await _in_time(trip, described.read, settings.operation, answer)
        return Answered(_ours(settings, body, answer.status, asking.service))

    async def _description(self, settings: SoapSettings, asking: Asking, trip: Trip) -> Described:
        key = f"{settings.base}{settings.described} {settings.service} {settings.port}"
        async with self._describing.setdefault(key, asyncio.Lock()):
            if key not in self._described:
                trip = msgspec.structs.replace(trip, line=f"wsdl {trip.line}", repeatable=True)
                fetch = self._fetching(settings, told_headers(asking, settings), trip)
                self._described[key] = await _in_time(trip, Described, settings, _Loading(fetch))
            return self._described[key]

    def _fetching(self, settings: SoapSettings, headers: Mapping[str, str], trip: Trip) -> Callable[[str], bytes]:
        loop = asyncio.get_running_loop()

        async def fetched(url: str) -> bytes:
            parts = URL.match(url)
            where = WSDL.match(parts["rest"]) if parts else None
            if parts is None or where is None or not _same_system(parts["base"], settings.base):
                # Other places are registered for other systems; what one says must not make us ask another.
                raise ProviderFailed(
                    "The provider's WSDL refers to a document at another system; it has to bring what it imports with it."
                )
            make = _request(settings, "GET", where["path"], (where["query"] or "").encode(), headers)
            answer = await self._proofs.send(settings.auth, trip, make)
            require_success(answer, trip.line)
            return answer.content

        return lambda url: asyncio.run_coroutine_threadsafe(fetched(url), loop).result()


def _same_system(base: str, own: str) -> bool:
    try:
        return parse(base).key == parse(own).key
    except Misconfigured:
        return False


def believe_nothing(_: logging.LogRecord) -> bool:
    """zeep takes a value that is not of its kind for none, and tells only its log: with the value. Here it is an error."""
    raise ValueError


class _Loading:
    """What zeep takes for its transport: it only ever loads, and only so many documents."""

    def __init__(self, fetch: Callable[[str], bytes]) -> None:
        self._fetch = fetch
        self._loaded = 0

    def load(self, url: str) -> bytes:
        self._loaded += 1
        if self._loaded > MOST_DOCUMENTS:
            raise ProviderFailed("The provider's WSDL imports more documents than {most}.", most=MOST_DOCUMENTS)
        return self._fetch(str(url))


class Described:
    """A port of a WSDL, ready to write messages to and read them from."""

    def __init__(self, settings: SoapSettings, loading: _Loading) -> None:
        """:raises ProviderFailed: it is no WSDL, or has no such port or operation."""
        strict = SETTINGS(strict=True, forbid_dtd=True, forbid_entities=True, xml_huge_tree=False)
        try:
            document = DOCUMENT(f"{settings.base}{settings.described}", loading, settings=strict)
            self._client = CLIENT(document, transport=loading, settings=strict)
            self._binding = _binding(document, settings)
            self._binding.get(settings.operation)
        except Problem:
            raise
        except MISREAD:
            detail = N_("The provider's WSDL cannot be read, or has no operation {operation}.")
            raise ProviderFailed(detail, operation=settings.operation) from None

    def written(self, operation: str, parts: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        """Headers and envelope of a request. :raises ProviderFailed: our mapping does not fit the operation."""
        described = self._binding.get(operation)
        try:
            message = described.create(**parts)
            content: bytes = etree.tostring(message.content, xml_declaration=True, encoding="utf-8")
        except MISREAD as failure:
            if "XML compatible" in str(failure):
                raise Invalid(N_("The department's system has no counterpart for this value.")) from None
            detail = N_(
                "The request does not fit operation {operation} of the provider's WSDL; its operators have to look at it."
            )
            raise ProviderFailed(detail, operation=operation) from None
        if isinstance(self._binding, Soap12Binding):
            return {"Content-Type": f'application/soap+xml; charset=utf-8; action="{described.soapaction}"'}, content
        return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{described.soapaction}"'}, content

    def read(self, operation: str, answer: Answer) -> Any:
        """The answer, or the fault, as tables and values. :raises ProviderFailed: it is neither."""
        said = _Said(answer.status, answer.headers, answer.content)
        try:
            return plain(PLAIN(self._binding.process_reply(self._client, self._binding.get(operation), said), dict))
        except zeep.exceptions.Fault as fault:
            if fault.code is None:
                raise ProviderFailed("The provider's answer cannot be read as SOAP.") from None
            return {"fault": {"code": str(fault.code).rpartition(":")[2], "reason": str(fault.message or "")}}
        except MISREAD:
            raise ProviderFailed("The provider's answer cannot be read as SOAP.") from None


class _Said(msgspec.Struct, frozen=True):
    """An answer as zeep looks at it."""

    status_code: int
    headers: Any
    content: bytes
    encoding: None = None


def by_fault(answer: Answer) -> Verdict:
    """A fault travels with status 500, and is an answer of a system that works."""
    kind = answer.headers.get("content-type", "")
    return "well" if answer.status == 500 and "xml" in kind else by_status(answer)


def _binding(document: Any, settings: SoapSettings) -> Any:
    services = document.services
    service = services[settings.service] if settings.service else next(iter(services.values()))
    if settings.port:
        return service.ports[settings.port].binding
    return next(port.binding for port in service.ports.values() if isinstance(port.binding, SoapBinding))


def _request(
    settings: SoapSettings,
    method: str,
    path: str,
    query: bytes,
    headers: Mapping[str, str],
    content: bytes = b"",
) -> Callable[[Mapping[str, str]], Outbound]:
    def make(proof: Mapping[str, str]) -> Outbound:
        return Outbound(
            base=parse(settings.base),
            method=method,
            path=path,
            query=query,
            headers={**headers, "Accept": "text/xml, application/soap+xml", **proof},
            content=content,
            max_bytes=settings.max_bytes,
        )

    return make


def _ours(settings: SoapSettings, body: Any, status: int, name: str) -> dict[str, Any]:
    if settings.not_found and settings.not_found.matches(status, body):
        raise NotFound("The provider of {service} holds no such record.", service=name)
    if settings.refused and settings.refused.when.matches(status, body):
        return {"outcome": "refused", "reason": reason_in(settings.refused, body)}
    fault = isinstance(body, Mapping) and "fault" in body and status != 200
    if fault or (settings.success and not settings.success.matches(status, body)):
        raise failed_inside(body, settings.error_code or "fault.code", name)
    return to_ours(settings.response, body)


async def _in_time(trip: Trip, work: Callable[..., Any], *arguments: Any) -> Any:
    """Work in a thread, waited for no longer than the trip lasts. :raises ProviderTimeout: it lasts longer."""
    try:
        async with asyncio.timeout_at(trip.deadline):
            return await asyncio.to_thread(work, *arguments)
    except TimeoutError:
        raise ProviderTimeout("The provider did not answer in time.") from None
