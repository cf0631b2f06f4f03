"""Mounting (挂载): a published resource on the real service that gives its data, proved by probes.

One official asks, another of the same body confirms: that approves the grant under which probes call and opens the basis for
the registered samples (the owner looks at its own register, to see that it answers). Mounted is what a probe succeeded on lately.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import func, insert, or_, select, update

from gdbos import (
    N_,
    Basis,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Offered,
    Unit,
    Violation,
    decide_grant,
    draft_grant,
    new_grant,
    new_id,
    revoke_grant,
    say_updates,
    subject_key,
)

from .config import Config
from .events import ProbeDue, ResourceMounted, ResourceUnmounted
from .resource import Done, entry_of, find, live_since, own
from .tables import mount, publication

SYSTEM = "governance.catalogue"
PURPOSE = "数据资源挂载探测"
"""What the call log says a probe is for; the log is kept in Chinese."""
DONE = "done"
TURNS = 200
"""Mounts probed in one round of the job."""

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Mounting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On which service a resource is mounted, and what probes ask it."""

    service: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    samples: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=20)]
    """Requests as the service takes them, about subjects that the owner keeps for tests; the first is the probe's."""


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A mount as its owner sees it; what the samples ask is not shown."""

    id: UUID
    resource: UUID
    service: str
    state: str
    samples: int
    asked_by: str
    confirmed_by: str
    probed_at: datetime | None
    outcome: str
    succeeded_at: datetime | None
    live: bool


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe calls."""

    mount: UUID
    body: str
    service: str
    matter: str
    samples: list[dict[str, Any]]

    @property
    def case(self) -> str:
        """What the basis of the samples rests on."""
        return f"mount:{self.mount}"


# Acts.


def ask(unit: Unit, resource_id: UUID, wanted: Mounting, service: Offered) -> Done:
    """Ask to mount a published resource of one's own body on ``service``; another official confirms.

    :raises NotFound, Forbidden: the resource is none of the body's, or the service is another's.
    :raises Conflict: the resource is not published, or mounted on this service already.
    :raises Invalid: the service does not give what the resource promises, or a sample is not what it takes.
    """
    row = own(unit, resource_id)
    if row["state"] != "published":
        raise Conflict("The resource is {state}; only a published one can be mounted.", state=row["state"])
    if service.provider != row["body"]:
        raise Forbidden("Service {service} is not offered by your body.", service=service.code)
    if any(one.service == service.code and one.state != "ended" for one in mounts(unit, resource_id)):
        raise Conflict("The resource is mounted on {service} already.", service=service.code)
    _refuse_unfit(unit, [item.field for item in entry_of(row).items], wanted, service)
    done, grant = Done(id=new_id(), state="asked"), _probe_grant(row["body"], service)
    draft_grant(unit, grant)
    unit.execute(
        insert(mount).values(
            id=done.id,
            division=row["division"],
            body=row["body"],
            resource=resource_id,
            service=service.code,
            state="asked",
            matter=next(iter(service.matters), ""),
            samples=_seal(unit, done.id, row["division"], wanted.samples),
            sample_count=len(wanted.samples),
            subjects=_subjects(unit, service, wanted.samples),
            grant=grant.id,
            asked_by=unit.actor.id,
            asked_at=unit.now,
            confirmed_by="",
            live=False,
            outcome="",
        )
    )
    unit.record("governance.catalogue.mount-asked", resource=str(resource_id), mount=str(done.id), service=service.code)
    return done


def _probe_grant(body: str, service: Offered) -> Any:
    return new_grant(body=body, system=SYSTEM, service=service.code, provider=body, purpose=PURPOSE, rate=60)


def confirm(unit: Unit, mount_id: UUID) -> Done:
    """Approve a mount that another official of the body asked for; probes may call from now on.

    :raises NotFound: none of the actor's. :raises Forbidden: the actor asked for it. :raises Conflict: it is no open request.
    """
    row = _own(unit, mount_id)
    if row["state"] != "asked":
        raise Conflict("The mount is {state}; only one that is asked for can be confirmed.", state=row["state"])
    if unit.actor.answers_for(row["asked_by"]):
        raise Forbidden("Nobody confirms what they asked for; another official of your body must do it.")
    decide_grant(unit, row["grant"], approve=True, reason=PURPOSE)
    case = _target(unit, row).case
    for subject in row["subjects"]:
        unit.open_basis(Basis(subject=subject, body=row["body"], matter=row["matter"], case=case, kind="inspection"))
    unit.execute(update(mount).where(mount.c.id == mount_id).values(state="confirmed", confirmed_by=unit.actor.id))
    _say_freshness(unit, row["service"])
    unit.record("governance.catalogue.mount-confirmed", mount=str(mount_id), service=row["service"])
    return Done(id=mount_id, state="confirmed", version=2)


def end(unit: Unit, mount_id: UUID, reason: str) -> Done:
    """Take a mount away. :raises NotFound: none of the actor's. :raises Conflict: it has ended already."""
    row = _own(unit, mount_id)
    if row["state"] == "ended":
        raise Conflict("The mount has ended already.")
    _end(unit, row, reason)
    return Done(id=mount_id, state="ended", version=3)


def end_all(unit: Unit, resource_id: UUID, reason: str) -> None:
    """Take every mount of a resource away."""
    open_ones = unit.rows(mount).where(mount.c.resource == resource_id, mount.c.state != "ended")
    for row in unit.execute(open_ones).mappings().all():
        _end(unit, row, reason)


def _end(unit: Unit, row: Mapping[Any, Any], reason: str) -> None:
    if row["state"] == "confirmed":
        revoke_grant(unit, row["grant"], reason)
        unit.close_bases(_target(unit, row).case)
    unit.execute(update(mount).where(mount.c.id == row["id"]).values(state="ended", live=False))
    _say_freshness(unit, row["service"])
    unit.record("governance.catalogue.mount-ended", mount=str(row["id"]), service=row["service"])
    if row["live"]:
        unit.emit(_unmounted(row))
    _say_publicly(unit, row["resource"])


# Probes.


def target(unit: Unit, mount_id: UUID) -> Target:
    """What a probe of this mount calls. :raises NotFound: none of the actor's. :raises Conflict: it is not confirmed."""
    row = _own(unit, mount_id)
    if row["state"] != "confirmed":
        raise Conflict("The mount is {state}; only a confirmed one can be probed.", state=row["state"])
    return _target(unit, row)


def targets(unit: Unit, resource_id: UUID) -> list[Target]:
    """What stands behind a resource of the actor's own body, with its registered samples."""
    confirmed = unit.rows(mount).where(mount.c.resource == resource_id, mount.c.state == "confirmed")
    return [_target(unit, row) for row in unit.execute(confirmed.order_by(mount.c.id)).mappings()]


def note(unit: Unit, mount_id: UUID, outcome: str) -> Mount:
    """Keep when a probe was made and what came of it; the first good one makes the mount live."""
    row = _own(unit, mount_id)
    good = outcome == DONE and row["state"] == "confirmed"
    changed: dict[str, Any] = {"probed_at": unit.now, "turn_at": unit.now, "outcome": outcome}
    if good:
        changed |= {"succeeded_at": unit.now, "live": True}
    unit.execute(update(mount).where(mount.c.id == mount_id).values(changed))
    if good and not row["live"]:
        unit.emit(ResourceMounted(**_place(row)))
    if good:
        _say_publicly(unit, row["resource"])
    return _mount({**row, **changed}, live_since(unit))


def watch(unit: Unit) -> int:
    """Call for the probes whose turn it is, and say which mounts have gone stale; returns how many probes."""
    t = mount.c
    stale = unit.rows(mount).where(t.live.is_(True), t.succeeded_at <= live_since(unit))
    for row in unit.execute(stale).mappings().all():
        unit.execute(update(mount).where(t.id == row["id"]).values(live=False))
        unit.emit(_unmounted(row))
    before = unit.now - timedelta(minutes=unit.config(Config).probe_minutes)
    waiting = unit.rows(mount, t.id).where(t.state == "confirmed", or_(t.turn_at.is_(None), t.turn_at <= before))
    turns = list(unit.execute(waiting.order_by(t.turn_at).limit(TURNS)).scalars())
    for one in turns:
        unit.execute(update(mount).where(t.id == one).values(turn_at=unit.now))
        unit.emit(ProbeDue(mount=str(one)))
    return len(turns)


# Looks.


def mounts(unit: Unit, resource_id: UUID) -> list[Mount]:
    """The mounts of a resource that the actor may see, newest first. :raises NotFound: the resource is not theirs to see."""
    find(unit, resource_id)
    found = unit.rows(mount).where(mount.c.resource == resource_id).order_by(mount.c.id.desc())
    since = live_since(unit)
    return [_mount(row, since) for row in unit.execute(found).mappings()]


def _mount(row: Mapping[Any, Any], since: datetime) -> Mount:
    succeeded = row["succeeded_at"]
    return Mount(
        id=row["id"],
        resource=row["resource"],
        service=row["service"],
        state=row["state"],
        samples=row["sample_count"],
        asked_by=row["asked_by"],
        confirmed_by=row["confirmed_by"],
        probed_at=row["probed_at"],
        outcome=row["outcome"],
        succeeded_at=succeeded,
        live=row["state"] == "confirmed" and succeeded is not None and succeeded > since,
    )


def _own(unit: Unit, mount_id: UUID) -> Mapping[Any, Any]:
    row = unit.execute(unit.rows(mount).where(mount.c.id == mount_id)).mappings().first()
    if row is None:
        raise NotFound("There is no such mount, or it is not your body's.")
    if unit.actor.kind != "plugin" and row["body"] != unit.actor.body:
        raise Forbidden("Only officials of the body that provides a resource act on it.")
    return row


def _target(unit: Unit, row: Mapping[Any, Any]) -> Target:
    sealed = unit.vault.open(
        row["samples"], table="catalogue_mount", column="samples", row=row["id"], division=row["division"]
    )
    return Target(
        mount=row["id"],
        body=row["body"],
        service=row["service"],
        matter=row["matter"],
        samples=msgspec.json.decode(sealed),
    )


def _seal(unit: Unit, mount_id: UUID, division: str, samples: list[dict[str, Any]]) -> bytes:
    content = msgspec.json.encode(samples)
    return unit.vault.seal(content, table="catalogue_mount", column="samples", row=mount_id, division=division)


def _place(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "resource": str(row["resource"]),
        "mount": str(row["id"]),
        "service": row["service"],
        "body": row["body"],
        "division": row["division"],
    }


def _unmounted(row: Mapping[Any, Any]) -> ResourceUnmounted:
    return ResourceUnmounted(**_place(row))


def _say_publicly(unit: Unit, resource_id: UUID) -> None:
    """The catalogue says what the mounts have shown: the service that answered last, and when."""
    confirmed = unit.rows(mount).where(mount.c.resource == resource_id, mount.c.state == "confirmed")
    last = unit.execute(confirmed.order_by(func.coalesce(mount.c.succeeded_at, mount.c.asked_at).desc())).mappings()
    best = next((row for row in last if row["succeeded_at"]), None)
    said = {"service": best["service"] if best else "", "live_at": best["succeeded_at"] if best else None}
    unit.execute(update(publication).where(publication.c.resource == resource_id).values(said))


def _say_freshness(unit: Unit, service: str) -> None:
    """Replies of ``service`` say the update cycle that was signed off for the resource mounted on it last; none, when none is."""
    standing = unit.rows(mount, mount.c.resource).where(mount.c.service == service, mount.c.state == "confirmed")
    last = unit.execute(standing.order_by(mount.c.id.desc())).scalar()
    signed = unit.execute(select(publication.c.entry).where(publication.c.resource == last)).mappings().first()
    say_updates(unit, service, entry_of(signed).update_cycle if signed else "")


# What fits.


def _refuse_unfit(unit: Unit, promised: Iterable[str], wanted: Mounting, service: Offered) -> None:
    if service.registered is None or service.effect != "read":
        detail = N_("Only a registered service that reads can carry a resource; {service} is none.")
        raise _unfit("$.service", "service", detail, service=service.code)
    gives = unit.standards.record(service.registered.gives, unit.today).names
    if absent := [field for field in promised if field not in gives]:
        detail = N_("The service {service} does not give: {fields}. Mount the resource on one that does.")
        raise _unfit("$.service", "fields", detail, service=service.code, fields=", ".join(absent))
    takes = unit.standards.record(service.registered.takes, unit.today)
    wrong: list[Violation] = []
    for at, sample in enumerate(wanted.samples):
        try:
            found = takes.check(takes.convert(sample))
        except Invalid as failure:
            found = failure.violations
        wrong += [msgspec.structs.replace(one, path=f"$.samples[{at}]{one.path[1:]}") for one in found]
    if wrong:
        raise Invalid(violations=wrong)


def _unfit(path: str, rule: str, detail: str, **facts: Any) -> Invalid:
    return Invalid(detail, violations=[Violation(path, rule, detail, facts=facts)], **facts)


def _subjects(unit: Unit, service: Offered, samples: list[dict[str, Any]]) -> list[str]:
    """Whom the samples are about, where the service is about anybody."""
    subject = service.registered.subject if service.registered else None
    if subject is None:
        return []
    numbers = [str(sample[subject.field]) for sample in samples if sample.get(subject.field)]
    return sorted({subject_key(unit.vault, subject.kind, number) for number in numbers})
