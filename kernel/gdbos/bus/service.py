"""Services: what a department offers on the bus, by a plugin's function or an existing system."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Column, Connection, Date, Integer, LargeBinary, String, Table, insert, select

from gdbos.errors import Conflict, Forbidden, Invalid, Violation
from gdbos.plugin import Disclosed, Offer
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.text import N_, Text

Grade = Literal["general", "important", "core"]
Sharing = Literal["unconditional", "conditional", "not-shared"]


CHANGED = "services"
"""Topic that tells workers to read services again."""


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who offers: a body by its USCC, or the role that a body plays at this node."""

    role: str = ""
    body: str = ""


class SubjectField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which field of the request names whom the reply is about."""

    kind: Literal["person", "enterprise"]
    field: str


class Promised(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well the provider undertakes to answer (服务等级); consumers read it, nothing is switched off by it."""

    answer_ms: Annotated[int, msgspec.Meta(ge=1, le=600_000)] | None = None
    """Milliseconds within which 95 of 100 answers come."""
    availability: Annotated[float, msgspec.Meta(gt=0, le=100)] | None = None
    """Per cent of a month."""
    hours: Annotated[str, msgspec.Meta(max_length=80)] = ""
    """When it can be called, in the provider's words: ``7×24``."""


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service as packs and the API register it (服务). ``takes`` and ``gives`` name records of the standards registry."""

    id: str
    title: Text
    provider: Provider
    system: str = ""
    version: int = 1
    takes: str
    gives: str
    grade: Grade = "general"
    sharing: Sharing = "conditional"
    subject: SubjectField | None = None
    effect: Literal["read", "write"] = "read"
    matters: tuple[str, ...] = ()
    sid: Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9A-Za-z._-]{1,120})?\Z")] = ""
    """Its number on the national exchange (``s_{USCC}_{n}``), by which old clients go on calling it."""
    vertical: bool = False
    """A ministry's vertical system (国垂系统)."""
    sla: Promised | None = None
    updates: str = ""
    """How often the provider brings the data up to date: a code of the list ``catalogue.update-cycle``."""
    adapter: str = "http"
    settings: dict[str, Any] = {}
    note: Text | None = None
    source: str = ""
    confidence: str = ""
    basis: tuple[str, ...] = ()


bus_service = Table(
    "bus_service",
    kernel_metadata,
    Column("code", String(120), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("provider", String(18), nullable=False, index=True),
    Column("state", String(12), nullable=False),  # live, withdrawn
    Column("definition", LargeBinary, nullable=False),
    Column("registered_by", String(80), nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("ends_on", Date),
    Column("ending", String(2000), nullable=False),
    Column("changed_at", Instant, nullable=False),
)


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A service ready to be called: the registered one, or a plugin's function."""

    code: str
    version: int
    title: Text
    provider: str
    """USCC of the providing body."""
    system: str
    grade: Grade
    sharing: Sharing
    effect: Literal["read", "write"]
    matters: tuple[str, ...]
    registered: Service | None = None
    offer: Offer | None = None
    ends_on: date | None = None
    """The day from which this version answers no more, once its provider has given notice."""
    ending: str = ""
    """Why it ends."""
    updates: str = ""
    """How often the data are brought up to date; empty where nobody says."""


def offered(service: Service, body_for: Callable[[str], str]) -> Offered:
    """``service`` with its provider's role resolved to the body that plays it here."""
    return Offered(
        code=service.id,
        version=service.version,
        title=service.title,
        provider=service.provider.body or body_for(service.provider.role),
        system=service.system,
        grade=service.grade,
        sharing=service.sharing,
        effect=service.effect,
        matters=service.matters,
        updates=service.updates,
        registered=service,
    )


def offered_by_plugin(offer: Offer, plugin: str, operator: str) -> Offered:
    """A plugin's function as a service of the body that operates the node."""
    return Offered(
        code=offer.code,
        version=offer.version,
        title=offer.title,
        provider=operator,
        system=plugin,
        grade=offer.grade,
        sharing=offer.sharing,
        effect="read",
        matters=(),
        offer=offer,
    )


def register(connection: Connection, service: Service, provider: str, by: str, now: datetime) -> None:
    """Publish a version of a service.

    :raises Conflict: the version exists; a published version never changes. :raises Forbidden: the code was ever another body's:
    whoever still holds a grant for it must not be answered by somebody else.
    """
    others = select(bus_service.c.provider).where(bus_service.c.code == service.id, bus_service.c.provider != provider)
    if connection.execute(others).first():
        raise Forbidden("Service {code} belongs to another body; choose a code of your own.", code=service.id)
    known = select(bus_service.c.version).where(
        bus_service.c.code == service.id, bus_service.c.version == service.version
    )
    if connection.execute(known).first():
        raise Conflict(
            "Service {code} version {version} is published already and a published version never changes;"
            " publish the next version.",
            code=service.id,
            version=service.version,
        )
    connection.execute(
        insert(bus_service).values(
            code=service.id,
            version=service.version,
            provider=provider,
            state="live",
            definition=msgspec.json.encode(service),
            registered_by=by,
            registered_at=now,
            ending="",
            changed_at=now,
        )
    )


def registered(connection: Connection) -> Iterable[tuple[Offered, str]]:
    """Every registered version with its state, as its provider offers it."""
    t = bus_service.c
    rows = connection.execute(select(t.definition, t.provider, t.state, t.ends_on, t.ending))
    for definition, provider, state, ends_on, ending in rows:
        service = offered(msgspec.json.decode(definition, type=Service), lambda _: "")
        yield msgspec.structs.replace(service, provider=provider, ends_on=ends_on, ending=ending), state


def disclosed(
    service: Offered, request: Any, reply: Any, key_of: Callable[[str, str], str], matter: str, case: str
) -> list[Disclosed]:
    """Whose data a call shows: the plugin says, or the registered subject field does."""
    if service.offer is not None:
        return list(service.offer.discloses(request, reply))
    assert service.registered is not None
    subject = service.registered.subject
    if subject is None:
        return []
    if not (value := request.get(subject.field)):
        detail = N_("The call has to say whose data it asks for.")
        raise Invalid(violations=[Violation(f"$.{subject.field}", "required", detail)])
    return [Disclosed(key_of(subject.kind, str(value)), matter, case)]
