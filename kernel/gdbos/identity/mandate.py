"""Mandates (委托): who acts for whom, for which matters, and for how long; revocable at once."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import JSON, Column, Date, Index, Row, String, Table, Uuid, insert, or_, update

from gdbos.actor import Link
from gdbos.errors import Forbidden, Invalid, NotFound, Violation
from gdbos.identity.deciding import deciding, in_force
from gdbos.identity.enterprise import represented, represents
from gdbos.identity.generation import advance
from gdbos.identity.matter_choice import refuse_unknown_matters
from gdbos.identity.person import Known
from gdbos.ids import new_id
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Scope, widely
from gdbos.text import N_
from gdbos.unit import Unit

mandate = Table(
    "identity_mandate",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("principal", String(80), nullable=False),
    Column("agent", String(80), nullable=False),
    Column("agent_person", Uuid, nullable=False),
    Column("matters", JSON, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("given_by", Uuid, nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Index("identity_mandate_principal", "principal"),
    Index("identity_mandate_agent", "agent_person"),
    info={"scope": Scope(subject=("principal", "agent"))},
)


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """That an agent (经办人) acts for a principal."""

    id: UUID
    principal: str
    """Subject key of the person or enterprise represented."""
    agent: str
    """Subject key of the person who acts."""
    matters: tuple[str, ...] = ()
    """Ids of the matters; empty: all."""
    since: date
    until: date | None = None
    """No longer from this day on."""
    revoked: bool = False


def give_mandate(
    unit: Unit,
    *,
    principal: str,
    agent: Known,
    by: UUID,
    matters: tuple[str, ...] = (),
    since: date | None = None,
    until: date | None = None,
) -> UUID:
    """Let ``agent`` act for ``principal``. Law: 民法典 art. 161–163.

    Only the person themself or the enterprise's legal representative gives one; an agent does not pass it on (max depth 1).

    :param by: row id of the person who gives it.
    :raises Forbidden: the giver is neither the principal nor its legal representative.
    :raises Invalid: the period is empty, someone would act for themself, or there is no such matter.
    """
    since = since or unit.today
    if not may_give(unit, by, principal):
        raise Forbidden("Only the person concerned or the enterprise's legal representative appoints an agent.")
    if agent.subject == principal or (until is not None and until <= since):
        detail = N_("A mandate needs another person as its agent and must end after it begins.")
        raise Invalid(
            detail, violations=[Violation("$.until" if agent.subject != principal else "$.agent", "period", detail)]
        )
    refuse_unknown_matters(unit, matters)
    row = new_id()
    given = insert(mandate).values(
        id=row,
        principal=principal,
        agent=agent.subject,
        agent_person=agent.id,
        matters=list(matters),
        since=since,
        until=until,
        given_by=by,
        given_at=unit.now,
    )
    unit.execute(widely(given))  # a legal representative reaches their own rows, not yet the enterprise's
    advance(unit)
    unit.record("identity.mandate-given", mandate=row, matters=list(matters))
    return row


def revoke(unit: Unit, mandate_id: UUID) -> None:
    """End a mandate at once. Its principal or the enterprise's legal representative may, and the agent may lay it down.

    :raises NotFound: no such mandate in force is the actor's to end.
    """
    chosen = deciding(mandate, mandate).where(mandate.c.id == mandate_id, mandate.c.revoked_at.is_(None))
    row = unit.execute(chosen).first()
    own = unit.actor.subject
    if row is None or not own or (own != row.agent and not _speaks_for(unit, row.principal)):
        raise NotFound("There is no mandate {mandate} in force that you could end.", mandate=mandate_id)
    unit.execute(widely(update(mandate).where(mandate.c.id == mandate_id).values(revoked_at=unit.now)))
    advance(unit)
    unit.record("identity.mandate-revoked", mandate=mandate_id)


def mandates(unit: Unit) -> list[Mandate]:
    """The mandates the actor is a party to, newest first, ended ones too: as agent, as principal, or speaking for one by law.

    An agent does not see which other agents their principal has.
    """
    actor = unit.actor
    if actor.kind != "person":
        return []
    speaks_for = [actor.subject, *represented(unit, UUID(actor.id))]
    parties = or_(mandate.c.agent == actor.subject, mandate.c.principal.in_(speaks_for))
    chosen = deciding(mandate, mandate).where(parties).order_by(mandate.c.id.desc()).limit(200)
    return [_mandate(row) for row in unit.execute(chosen)]


def received(unit: Unit, person_id: UUID) -> list[Mandate]:
    """The mandates under which a person acts today."""
    chosen = deciding(mandate, mandate).where(mandate.c.agent_person == person_id, *_live(unit)).order_by(mandate.c.id)
    return [_mandate(row) for row in unit.execute(chosen)]


def may_act_for(unit: Unit, person_id: UUID, subject: str) -> bool:
    """Whether a person acts for ``subject`` in anything today: by law, or under a mandate."""
    return represents(unit, person_id, subject) or any(m.principal == subject for m in received(unit, person_id))


def acting_under(unit: Unit, person_id: UUID, subject: str) -> tuple[Link, ...]:
    """What an agent's acts rest on: the mandates in force, which name the principal, or the law. Nothing for oneself."""
    if not subject:
        return ()
    given = tuple(Link("mandate", str(one.id)) for one in received(unit, person_id) if one.principal == subject)
    return (Link("by-law", subject),) if represents(unit, person_id, subject) else given


def limited_to(unit: Unit, person_id: UUID, subject: str) -> tuple[str, ...]:
    """The matters to which a person is limited who acts for ``subject``; empty: all, by law or under an unlimited mandate."""
    if not subject or represents(unit, person_id, subject):
        return ()
    given = [one.matters for one in received(unit, person_id) if one.principal == subject]
    return tuple(sorted({matter for matters in given for matter in matters})) if all(given) else ()


def covers(unit: Unit, matter: str) -> bool:
    """Whether the actor may act in ``matter`` for the one they act for. Ask it before anything is done in their name."""
    actor = unit.actor
    if actor.kind != "person" or not actor.acts_for:
        return actor.kind == "person"
    person_id = UUID(actor.id)
    return represents(unit, person_id, actor.acts_for) or any(
        not one.matters or matter in one.matters for one in received(unit, person_id) if one.principal == actor.acts_for
    )


def may_give(unit: Unit, person_id: UUID, principal: str) -> bool:
    """Whether a person appoints agents for ``principal``: themself, or the enterprise they represent by law."""
    if principal.startswith("enterprise:"):
        return represents(unit, person_id, principal)
    return principal == unit.actor.subject or unit.actor.kind == "plugin"


def _speaks_for(unit: Unit, principal: str) -> bool:
    return unit.actor.kind == "person" and may_give(unit, UUID(unit.actor.id), principal)


def _live(unit: Unit) -> tuple[Any, ...]:
    return (mandate.c.revoked_at.is_(None), in_force(mandate.c.since, mandate.c.until, unit.today))


def _mandate(row: Row[Any]) -> Mandate:
    return Mandate(
        id=row.id,
        principal=row.principal,
        agent=row.agent,
        matters=tuple(row.matters),
        since=row.since,
        until=row.until,
        revoked=row.revoked_at is not None,
    )
