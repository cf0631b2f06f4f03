"""Data resources (数据资源): entered by a department, signed off by another of its officials, found by all.

draft → published → withdrawn; a draft may be withdrawn too. What is published does not change: withdraw it and enter it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, update

from gdbos import N_, Conflict, Forbidden, Invalid, NotFound, Text, Unit, Violation, body_names, new_id

from . import search
from .config import Config
from .events import ResourcePublished
from .tables import publication, resource

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Code = Annotated[str, msgspec.Meta(max_length=9)]
Words = Annotated[str, msgspec.Meta(max_length=1000)]

NOT_SHARED = "3"
"""Code list catalogue.sharing-attribute: 不予共享."""
STANDARD = "catalogue.dataset"
"""The record of the standards that core metadata must conform to."""


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One item of information (信息项): a field of the service that gives it, and the data element it is."""

    field: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z][A-Za-z0-9_]{0,63}\Z")]
    element: Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9.-]{0,79}\Z")]
    type: Annotated[str, msgspec.Meta(max_length=30)] = ""
    """Representation as GB/T 18391 writes it; left out, the element's own."""


class Title(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words in Chinese and, where somebody wrote them, in English."""

    zh: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    en: Annotated[str, msgspec.Meta(max_length=2000)] = ""

    @property
    def text(self) -> Text:
        return Text(self.zh, self.en)


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"resource_class": "class"}):
    """Core metadata of a data resource (核心元数据, 政务信息资源目录编制指南); codes are of the lists ``catalogue.*``."""

    code: Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z/._-]{1,64}\Z")]
    name: Title
    resource_class: Code
    base: Code = ""
    abstract: Title
    format: Code
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=500)]
    sharing_attribute: Code
    sharing_condition: Words = ""
    """On condition: which; not shared: the legal basis that forbids it."""
    sharing_way: Annotated[list[Code], msgspec.Meta(min_length=1, max_length=10)] = msgspec.field(
        default_factory=lambda: ["14"]
    )
    open_attribute: Code
    open_condition: Words = ""
    update_cycle: Code
    grade: Code = "general"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an act answers."""

    id: UUID
    state: str
    version: int = 1


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A data resource as its reader may see it. It tells which data there are, and holds none."""

    id: UUID
    state: str
    version: int
    body: str
    provider: Text
    division: str
    entry: Entry
    entered_by: str = ""
    """Only for the owner's officials."""
    published_at: datetime | None
    service: str = ""
    live_at: datetime | None = None
    """The last good probe."""
    mounted: bool = False
    reason: str = ""


class Listed(msgspec.Struct, frozen=True):
    """Resources, newest first; ``next`` is the key of the following page."""

    resources: list[Shown]
    next: UUID | None = None


# Acts.


def enter(unit: Unit, entry: Entry) -> Done:
    """Enter a resource of one's own body as a draft.

    :raises Invalid: it does not conform to the standard of the catalogue. :raises Forbidden: the actor acts for no body.
    :raises Conflict: the body has a resource of this code.
    """
    actor = unit.actor
    if actor.kind != "official" or not actor.body:
        raise Forbidden("Only an official of a body enters its data resources; take up a post first.")
    entry = conforming(unit, entry)
    same = unit.rows(resource, resource.c.id).where(
        resource.c.body == actor.body, resource.c.code == entry.code, resource.c.state != "withdrawn"
    )
    if unit.execute(same).first():
        raise Conflict("Your body has entered a resource with the code {code} already.", code=entry.code)
    done = Done(id=new_id(), state="draft")
    unit.execute(
        insert(resource).values(
            id=done.id,
            division=actor.division,
            body=actor.body,
            code=entry.code,
            state="draft",
            version=1,
            entry=msgspec.json.encode(entry),
            entered_by=actor.id,
            entered_at=unit.now,
            published_by="",
            withdrawn_by="",
            reason="",
        )
    )
    unit.record("governance.catalogue.enter", resource=str(done.id), code=entry.code)
    return done


def sign_off(unit: Unit, resource_id: UUID) -> Done:
    """Publish a draft. Four eyes: whoever entered it does not sign it off.

    :raises NotFound: none of the actor's. :raises Forbidden: the actor entered it, or is of another body.
    :raises Conflict: it is no draft, or its code is taken.
    """
    row = own(unit, resource_id)
    if row["state"] != "draft":
        raise Conflict("The resource is {state}; only a draft can be signed off.", state=row["state"])
    if unit.actor.answers_for(row["entered_by"]):
        raise Forbidden("Nobody signs off what they entered; another official of your body must do it.")
    if unit.execute(select(publication.c.resource).where(publication.c.code == row["code"])).first():
        raise Conflict("The catalogue has a resource with the code {code} already.", code=row["code"])
    entry = conforming(unit, entry_of(row))
    _publish(unit, row, entry)
    unit.emit(
        ResourcePublished(
            resource=str(resource_id),
            code=row["code"],
            body=row["body"],
            division=row["division"],
            sharing=entry.sharing_attribute,
        )
    )
    return moved(unit, row, "published", published_by=unit.actor.id, published_at=unit.now)


def _publish(unit: Unit, row: Mapping[Any, Any], entry: Entry) -> None:
    unit.execute(
        insert(publication).values(
            resource=row["id"],
            division=row["division"],
            body=row["body"],
            code=row["code"],
            sharing=entry.sharing_attribute,
            entry=msgspec.json.encode(entry),
            published_at=unit.now,
            service="",
        )
    )
    titles = [unit.standards.element(item.element, unit.today).title for item in entry.items]
    search.index(
        unit,
        row["id"],
        [
            (f"{entry.name.zh} {entry.name.en} {entry.code}", 4),
            (" ".join(f"{title.zh} {title.en}" for title in titles), 2),
            (f"{entry.abstract.zh} {entry.abstract.en}", 1),
        ],
    )


def moved(unit: Unit, row: Mapping[Any, Any], state: str, **values: Any) -> Done:
    """The resource of ``row``, now in ``state``; the ledger keeps the act."""
    version = row["version"] + 1
    unit.execute(update(resource).where(resource.c.id == row["id"]).values(state=state, version=version, **values))
    unit.record(f"governance.catalogue.{state}", resource=str(row["id"]), code=row["code"])
    return Done(id=row["id"], state=state, version=version)


# Conformity.


def conforming(unit: Unit, entry: Entry) -> Entry:
    """``entry`` with its items' types filled in. :raises Invalid: naming everything the standard does not allow."""
    wrong = [*_beyond_record(unit, entry), *_beyond_codes(unit, entry)]
    if wrong:
        raise Invalid(violations=wrong)
    return msgspec.structs.replace(entry, items=[_typed(unit, item) for item in entry.items])


def _beyond_record(unit: Unit, entry: Entry) -> list[Violation]:
    record = unit.standards.record(STANDARD, unit.today)
    plain = {name: value for name, value in msgspec.to_builtins(entry).items() if value and name != "items"}
    plain |= {
        "name": entry.name.zh,
        "abstract": entry.abstract.zh,
        "sharing_condition": entry.sharing_condition or "无",
        "provider": body_names(unit, [unit.actor.body])[unit.actor.body].zh,
        "provider_code": unit.actor.body,
        "publish_date": unit.today.isoformat(),
    }
    try:
        return record.check(record.convert(plain))
    except Invalid as wrong:
        return wrong.violations


def _beyond_codes(unit: Unit, entry: Entry) -> list[Violation]:
    """What the record cannot say: a condition where one is needed, elements that exist, fields named once."""
    wrong = []
    if entry.sharing_attribute != "1" and not entry.sharing_condition.strip():
        detail = N_("Say on which condition the resource is shared; where it is not shared, the law that forbids it.")
        wrong.append(Violation("$.sharing_condition", "required", detail, element="sharing-condition"))
    known = set(unit.standards.ids("elements"))
    for at, item in enumerate(entry.items):
        if item.element not in known:
            detail = N_("No data element is called {element}; choose one of the standards registry.")
            wrong.append(Violation(f"$.items[{at}].element", "unknown", detail, facts={"element": item.element}))
        if item.field in {one.field for one in entry.items[:at]}:
            detail = N_("The field {field} stands there twice.")
            wrong.append(Violation(f"$.items[{at}].field", "unique", detail, facts={"field": item.field}))
    return wrong


def _typed(unit: Unit, item: Item) -> Item:
    return (
        item if item.type else msgspec.structs.replace(item, type=unit.standards.element(item.element, unit.today).form)
    )


# Looks.


def own(unit: Unit, resource_id: UUID) -> Mapping[Any, Any]:
    """The row of a resource of the actor's own body, locked. :raises NotFound, Forbidden: it is not."""
    row = unit.execute(unit.rows(resource).where(resource.c.id == resource_id).with_for_update()).mappings().first()
    if row is None:
        raise NotFound("There is no such resource of your body.")
    if unit.actor.kind != "plugin" and row["body"] != unit.actor.body:
        raise Forbidden("Only officials of the body that provides a resource act on it.")
    return row


def find(unit: Unit, resource_id: UUID) -> Shown:
    """A resource: a published one by anybody who may read the catalogue, any other by its own body. :raises NotFound."""
    published = unit.execute(select(publication).where(publication.c.resource == resource_id)).mappings().first()
    mine = unit.execute(unit.rows(resource).where(resource.c.id == resource_id)).mappings().first()
    if mine is None and published is None:
        raise NotFound("There is no such resource, or it is not published.")
    return _shown(unit, [(mine, published)])[0]


def published(unit: Unit, query: str = "", after: UUID | None = None, limit: int = 20) -> Listed:
    """What stands in the catalogue: the best finds of a query, or everything, newest first."""
    if query.strip():
        found = search.search(unit, query, limit)
        rows = unit.execute(select(publication).where(publication.c.resource.in_(found))).mappings()
        by_id = {row["resource"]: row for row in rows}
        return Listed(_shown(unit, [(None, by_id[one]) for one in found if one in by_id]))
    ordered = select(publication).order_by(publication.c.resource.desc()).limit(limit + 1)
    page = unit.execute(ordered.where(publication.c.resource < after) if after else ordered).mappings().all()
    shown = _shown(unit, [(None, row) for row in page[:limit]])
    return Listed(shown, shown[-1].id if len(page) > limit else None)


def of_own_body(unit: Unit, after: UUID | None = None, limit: int = 20) -> Listed:
    """The resources of the actor's own body in every state, newest first."""
    ordered = unit.rows(resource).order_by(resource.c.id.desc()).limit(limit + 1)
    page = unit.execute(ordered.where(resource.c.id < after) if after else ordered).mappings().all()
    ids = [row["id"] for row in page[:limit]]
    found = unit.execute(select(publication).where(publication.c.resource.in_(ids))).mappings()
    by_id = {row["resource"]: row for row in found}
    shown = _shown(unit, [(row, by_id.get(row["id"])) for row in page[:limit]])
    return Listed(shown, shown[-1].id if len(page) > limit else None)


def live_since(unit: Unit) -> datetime:
    """The moment after which a good probe must lie for a resource to be mounted."""
    return unit.now - timedelta(hours=unit.config(Config).stale_hours)


def entry_of(row: Mapping[Any, Any]) -> Entry:
    """The core metadata that a row holds."""
    return msgspec.json.decode(row["entry"], type=Entry)


Pair = tuple[Mapping[Any, Any] | None, Mapping[Any, Any] | None]


def _shown(unit: Unit, pairs: list[Pair]) -> list[Shown]:
    """Resources from their own rows, their publications, or both."""
    names = body_names(unit, sorted({_either(pair)["body"] for pair in pairs}))
    since = live_since(unit)
    return [_one(pair, names, since) for pair in pairs]


def _either(pair: Pair) -> Mapping[Any, Any]:
    found = pair[0] or pair[1]
    assert found is not None
    return found


def _one(pair: Pair, names: Mapping[str, Text], since: datetime) -> Shown:
    mine, public = pair
    row = _either(pair)
    live_at = public["live_at"] if public else None
    return Shown(
        id=mine["id"] if mine else row["resource"],
        state=mine["state"] if mine else "published",
        version=mine["version"] if mine else 2,
        body=row["body"],
        provider=names.get(row["body"], Text(row["body"])),
        division=row["division"],
        entry=entry_of(row),
        entered_by=mine["entered_by"] if mine else "",
        published_at=row["published_at"],
        service=public["service"] if public else "",
        live_at=live_at,
        mounted=live_at is not None and live_at > since,
        reason=mine["reason"] if mine else "",
    )
