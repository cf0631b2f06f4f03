"""Requests for shared data (共享申请): asked for a matter and a purpose, decided by the owner, carried by a grant of the bus.

asked → agreed → revoked, or asked → refused. What a resource is not shared for (不予共享) cannot be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, or_, update

from gdbos import (
    N_,
    Conflict,
    Forbidden,
    Grant,
    Invalid,
    NotFound,
    Unit,
    Violation,
    decide_grant,
    draft_grant,
    new_grant,
    new_id,
    on,
    revoke_grant,
)
from gdbos_governance.catalogue.events import ResourceWithdrawn
from gdbos_governance.catalogue.resource import NOT_SHARED, Done, Shown, find

from .events import RequestAgreed, RequestAsked, RequestRefused, ShareRevoked
from .looks import reply_due
from .tables import request

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Names = Annotated[list[Word], msgspec.Meta(max_length=200)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a department asks for, and why."""

    resource: UUID
    system: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    """Which of its systems, or of this node's plugins, will call."""
    matters: Annotated[list[Word], msgspec.Meta(max_length=50)] = []
    """Which matters its calls will cite. Only an owner that looks at its own data needs none."""
    purpose: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    legal_basis: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    fields: Annotated[list[Word], msgspec.Meta(min_length=1, max_length=200)]
    clear: Names = []
    """Of these, the fields needed unmasked."""
    until: date | None = None


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owner agrees: to all that was asked, or to the fields named."""

    reason: Words
    fields: Names = []


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owner refuses, or ends what was agreed."""

    reason: Words


# Acts.


def ask(unit: Unit, wanted: Wanted) -> Done:
    """Ask the owner of a resource for it.

    :raises NotFound: it is not in the catalogue. :raises Forbidden: it is not shared, or the actor acts for no body.
    :raises Conflict: it is not mounted, or the same system has asked already. :raises Invalid: what is asked is not there.
    """
    if unit.actor.kind != "official" or not unit.actor.body:
        raise Forbidden("Only an official of a body asks for data; take up a post first.")
    shown = find(unit, wanted.resource)
    _refuse_unshared(shown)
    _refuse_wrong(unit, shown, wanted)
    _refuse_twice(unit, shown, wanted)
    row = _row(unit, shown, wanted)
    grant = _grant(row, row["fields"])
    draft_grant(unit, grant)
    unit.execute(insert(request).values({**row, "grant": grant.id}))
    reply, _ = reply_due(unit, row["sharing"], row["asked_on"])
    unit.emit(RequestAsked(**_parties(row), due=reply.isoformat() if reply else ""))
    unit.record("governance.sharing.ask", request=str(row["id"]), resource=str(shown.id), owner=shown.body)
    return Done(id=row["id"], state="asked")


def approve(unit: Unit, request_id: UUID, approval: Approval) -> Done:
    """Agree, wholly or to fewer fields; the grant appears. Nobody approves what they asked for.

    :raises NotFound, Forbidden, Conflict: the request is none the actor may decide. :raises Invalid: more than was asked.
    """
    row = _to_decide(unit, request_id)
    granted = _narrowed(row["fields"], approval.fields)
    narrower = granted != list(row["fields"])
    decide_grant(unit, row["grant"], approve=not narrower, reason=approval.reason)
    _decided(unit, row, "agreed", approval.reason, granted=granted, grant=None if narrower else row["grant"])
    unit.emit(RequestAgreed(**_parties(row), narrower=narrower))
    return Done(id=request_id, state="agreed", version=2)


@on(RequestAgreed)
def draw_up_narrower_grant(unit: Unit, event: RequestAgreed) -> None:
    """The owner agreed to less than the draft asked: draw up the grant as decided.

    The plugin acts for both: the asker asked for more than this, and the owner's official decided exactly this (acting chain).
    """
    row = _row_of(unit, UUID(event.request))
    if not event.narrower or row["state"] != "agreed" or row["grant"] is not None:
        return
    grant = _grant(row, row["granted"])
    draft_grant(unit, grant)
    decide_grant(unit, grant.id, approve=True, reason=f"{row['number']}: {row['reason']}")
    unit.execute(update(request).where(request.c.id == row["id"]).values(grant=grant.id))


def refuse(unit: Unit, request_id: UUID, refusal: Refusal) -> Done:
    """Refuse, with reasons. :raises NotFound, Forbidden, Conflict: the request is none the actor may decide."""
    row = _to_decide(unit, request_id)
    decide_grant(unit, row["grant"], approve=False, reason=refusal.reason)
    _decided(unit, row, "refused", refusal.reason)
    unit.emit(RequestRefused(**_parties(row)))
    return Done(id=request_id, state="refused", version=2)


def revoke(unit: Unit, request_id: UUID, refusal: Refusal) -> Done:
    """End what was agreed; the next call is refused. :raises NotFound, Forbidden, Conflict: there is nothing the actor may end."""
    row = _row_of(unit, request_id)
    _refuse_others(unit, row)
    if row["state"] != "agreed":
        raise Conflict("The request is {state}; only what was agreed can be revoked.", state=row["state"])
    if row["grant"] is None:
        raise Conflict("The grant is being drawn up this moment; try again.")
    _revoke(unit, row, refusal.reason)
    return Done(id=request_id, state="revoked", version=3)


@on(ResourceWithdrawn)
def end_shares(unit: Unit, event: ResourceWithdrawn) -> None:
    """A resource that has left the catalogue is shared with nobody any more, and open requests for it are refused."""
    open_ones = request.c.resource == UUID(event.resource), request.c.state.in_(("asked", "agreed"))
    for row in unit.execute(unit.rows(request).where(*open_ones)).mappings().all():
        reason = f"目录已下线 {row['code']}"
        if row["state"] == "agreed" and row["grant"] is not None:
            _revoke(unit, row, reason)
        elif row["state"] == "asked":
            decide_grant(unit, row["grant"], approve=False, reason=reason)
            _decided(unit, row, "refused", reason)
            unit.emit(RequestRefused(**_parties(row)))


def _revoke(unit: Unit, row: Mapping[Any, Any], reason: str) -> None:
    revoke_grant(unit, row["grant"], reason)
    _decided(unit, row, "revoked", reason)
    unit.emit(ShareRevoked(**_parties(row)))


def _decided(unit: Unit, row: Mapping[Any, Any], state: str, reason: str, **values: Any) -> None:
    said = {"state": state, "reason": reason, "decided_by": unit.actor.id, "decided_at": unit.now}
    unit.execute(update(request).where(request.c.id == row["id"]).values({**said, **values}))
    unit.record(f"governance.sharing.{state}", request=str(row["id"]), owner=row["owner"], body=row["body"])


# What may be asked and decided.


def _refuse_unshared(shown: Shown) -> None:
    if shown.state != "published":
        raise NotFound("There is no such resource in the catalogue.")
    if shown.entry.sharing_attribute == NOT_SHARED:
        raise Forbidden(
            "The resource {code} is not shared (不予共享) and cannot be asked for; legal basis: {basis}.",
            code=shown.entry.code,
            basis=shown.entry.sharing_condition,
        )
    if not shown.service:
        raise Conflict("The resource is not mounted on any service so far; its owner has to mount it first.")


def _refuse_wrong(unit: Unit, shown: Shown, wanted: Wanted) -> None:
    promised = {item.field for item in shown.entry.items}
    matters = set(unit.standards.ids("matters"))
    wrong = [
        *_absent("$.fields", wanted.fields, promised, N_("The resource has no item {name}.")),
        *_absent("$.clear", wanted.clear, set(wanted.fields), N_("The field {name} is not among those asked for.")),
        *_absent("$.matters", wanted.matters, matters or set(wanted.matters), N_("No matter is called {name}.")),
    ]
    if not wanted.matters and shown.body != unit.actor.body:
        wrong.append(Violation("$.matters", "required", "Name the matter for which the data are needed."))
    if wanted.until is not None and wanted.until < unit.today:
        wrong.append(Violation("$.until", "range", "The last day lies in the past."))
    if wrong:
        raise Invalid(violations=wrong)


def _absent(path: str, names: Sequence[str], known: set[str], detail: str) -> list[Violation]:
    absent = [(at, name) for at, name in enumerate(names) if name not in known]
    return [Violation(f"{path}[{at}]", "unknown", detail, facts={"name": name}) for at, name in absent]


def _refuse_twice(unit: Unit, shown: Shown, wanted: Wanted) -> None:
    """For one matter a system has one grant for a service: of two the newer would count and the older mislead."""
    t = request.c
    same = t.body == unit.actor.body, t.system == wanted.system, t.service == shown.service
    current = t.state.in_(("asked", "agreed")), or_(t.until.is_(None), t.until >= unit.today)
    for row in unit.execute(unit.rows(request, t.number, t.matters).where(*same, *current)):
        if not row.matters or not wanted.matters or set(row.matters) & set(wanted.matters):
            raise Conflict(
                "System {system} has asked for this service and matter already, in {number}; have that one revoked or"
                " decided first.",
                system=wanted.system,
                number=row.number,
            )


def _to_decide(unit: Unit, request_id: UUID) -> Mapping[Any, Any]:
    row = _row_of(unit, request_id)
    _refuse_others(unit, row)
    if row["state"] != "asked":
        raise Conflict("The request is {state} already; only an open one can be decided.", state=row["state"])
    if unit.actor.answers_for(row["asked_by"]):
        raise Forbidden("Nobody approves what they asked for; another official of the owner must decide.")
    return row


def _refuse_others(unit: Unit, row: Mapping[Any, Any]) -> None:
    if row["owner"] != unit.actor.body:
        raise Forbidden("Only the department that owns the resource decides who may use it.")


def _narrowed(asked: Sequence[str], fields: Sequence[str]) -> list[str]:
    """The fields agreed to, in the order in which they were asked for. :raises Invalid: more than was asked."""
    wrong = _absent("$.fields", fields, set(asked), N_("The field {name} was not asked for."))
    if wrong:
        raise Invalid(violations=wrong)
    return [field for field in asked if field in fields] if fields else list(asked)


# Rows.


def _row(unit: Unit, shown: Shown, wanted: Wanted) -> dict[str, Any]:
    id = new_id()
    return {
        "id": id,
        "division": unit.actor.division,
        "number": f"GX{unit.today:%Y%m%d}{id.hex[-10:].upper()}",
        "body": unit.actor.body,
        "owner": shown.body,
        "resource": shown.id,
        "code": shown.entry.code,
        "name_zh": shown.entry.name.zh,
        "name_en": shown.entry.name.en,
        "sharing": shown.entry.sharing_attribute,
        "service": shown.service,
        "system": wanted.system,
        "matters": list(dict.fromkeys(wanted.matters)),
        "purpose": wanted.purpose,
        "legal_basis": wanted.legal_basis,
        "fields": list(dict.fromkeys(wanted.fields)),
        "clear": list(dict.fromkeys(wanted.clear)),
        "until": wanted.until,
        "state": "asked",
        "granted": [],
        "grant": None,
        "reason": "",
        "asked_by": unit.actor.id,
        "asked_at": unit.now,
        "asked_on": unit.today,
        "decided_by": "",
        "decided_at": None,
    }


def _grant(row: Mapping[Any, Any], fields: Sequence[str]) -> Grant:
    """The kernel's grant for these fields of a request."""
    # Good until the end of the last day in China (UTC+8), which has one civil time.
    end = datetime.combine(row["until"], time(16), tzinfo=UTC) if row["until"] else None
    return new_grant(
        body=row["body"],
        system=row["system"],
        service=row["service"],
        provider=row["owner"],
        fields=tuple(fields),
        clear=tuple(field for field in row["clear"] if field in fields),
        purpose=row["purpose"],
        matters=tuple(row["matters"]),
        legal_basis=row["legal_basis"],
        until=end,
    )


def _parties(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "request": str(row["id"]),
        "number": row["number"],
        "resource": str(row["resource"]),
        "body": row["body"],
        "owner": row["owner"],
    }


def _row_of(unit: Unit, request_id: UUID) -> Mapping[Any, Any]:
    row = unit.execute(unit.rows(request).where(request.c.id == request_id).with_for_update()).mappings().first()
    if row is None:
        raise NotFound("There is no such request, or it is not yours to see.")
    return row
