"""Blast radius (影响范围): whom a change of the standards would break, and how, by what each consumer declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gdbos.bus.grant import Grant
from gdbos.bus.service import Offered, Service
from gdbos.text import Text

from .compatibility import BOTH, Broken, Versions
from .consent import Consent
from .document import Document
from .labels import KINDS
from .uses import uses

SIDES = {"takes": ("请求", "request"), "gives": ("返回", "reply")}
REFUSED = ("以前有效的数据将被拒绝", "data that was valid before will be refused")
UNKNOWN = ("可能出现以前不允许的数据", "data may come that was refused before")
GONE = ("将被取消", "will be taken away")


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer that a change breaks."""

    consumer: str
    """``grant:body/system/service``, ``service:code`` or ``pack:id``."""
    body: str
    """USCC of the body that may consent for it."""
    how: tuple[Text, ...]
    consent: Consent | None = None


class Consumers(msgspec.Struct, frozen=True, kw_only=True):
    """What consumers declared: grants with their fields, services with their records; documents are in the standards."""

    grants: Sequence[Grant]
    services: Sequence[Offered]
    operator: str
    """USCC of the body that operates the node and answers for its packs."""


def affected(versions: Versions, consumers: Consumers, publishing: str) -> list[Affected]:
    """Every consumer that publishing the pack ``publishing`` would break. Its own items answer for themselves."""
    found: list[Affected] = []
    for service in consumers.services:
        if service.registered is not None:
            found += _service(versions, service.registered, service, consumers.grants)
    return [*found, *_packs(versions, consumers.operator, publishing)]


def _service(versions: Versions, terms: Service, service: Offered, grants: Iterable[Grant]) -> Iterator[Affected]:
    takes, gives = versions.record(terms.takes), versions.record(terms.gives)
    if not takes and not gives:
        return
    at_provider = [*_told("takes", takes, "forward"), *_told("gives", gives, "backward")]
    if at_provider:
        yield Affected(consumer=f"service:{service.code}", body=service.provider, how=tuple(at_provider))
    for grant in grants:
        if grant.service == service.code:
            granted = {name: gives[name] for name in gives if not grant.fields or name in grant.fields}
            how = (*_told("takes", takes, "backward"), *_told("gives", granted, "forward"))
            if how:
                yield Affected(consumer=f"grant:{grant.body}/{grant.system}/{grant.service}", body=grant.body, how=how)


def _told(side: str, fields: dict[str, Broken], direction: Any) -> Iterator[Text]:
    zh, en = SIDES[side]
    for name, broken in fields.items():
        if direction in broken:
            what = REFUSED if direction == "backward" else UNKNOWN
            yield Text(f"{zh}字段 {name}:{what[0]}", f"{en} field {name}: {what[1]}")


def _packs(versions: Versions, operator: str, publishing: str) -> Iterator[Affected]:
    """Other packs whose forms, matters, records and other documents use what changes."""
    told: dict[str, list[Text]] = {}
    for kind in versions.old.kinds:
        if kind in ("elements", "codes", "crosswalks"):
            continue
        for document in versions.old.documents(kind, versions.on):
            if document.pack != publishing:
                told.setdefault(document.pack, []).extend(_document(versions, document))
    yield from (Affected(consumer=f"pack:{pack}", body=operator, how=tuple(how)) for pack, how in told.items() if how)


def _document(versions: Versions, document: Document[Any]) -> Iterator[Text]:
    zh, en = KINDS.get(document.kind, (document.kind, document.kind))
    for kind, id in sorted(uses(document)):
        broken = versions.element(id) if kind == "elements" else versions.codes(id) if kind == "codes" else None
        if broken and "backward" in broken:
            of = KINDS[kind]
            what = GONE if broken == BOTH and _gone(versions, kind, id) else REFUSED
            yield Text(
                f"{zh} {document.id} 使用{of[0]} {id}:{what[0]}", f"{en} {document.id} uses {of[1]} {id}: {what[1]}"
            )


def _gone(versions: Versions, kind: str, id: str) -> bool:
    return id not in {one.id for one in versions.new.documents(kind, versions.on)}
