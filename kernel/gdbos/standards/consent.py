"""Consents (同意): consumers who say of a publication or a withdrawal that would break them that they are ready for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Column, String, Table, Text, Uuid, insert, select

from gdbos.errors import Conflict, Forbidden
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.unit import Unit

from .edition import SAID, get

Act = Literal["publish", "withdraw"]
"""What is agreed to: that a draft be published, or a published edition withdrawn."""
_AGREED_TO: Final[Mapping[str, Act]] = {"draft": "publish", "published": "withdraw"}


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer's word on one act."""

    act: Act
    consumer: str
    body: str
    given_by: str
    given_at: datetime
    reason: str


standards_consent = Table(
    "standards_consent",
    kernel_metadata,
    Column("edition", Uuid, primary_key=True),
    Column("act", String(8), primary_key=True),
    Column("consumer", String(240), primary_key=True),
    Column("body", String(18), nullable=False),
    Column("given_by", String(80), nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
)


def consent(unit: Unit, edition: UUID, consumer: str, body: str, reason: str) -> Consent:
    """Agree in the name of ``consumer``, which belongs to ``body``, that a draft is published or a published edition withdrawn.

    :raises NotFound: no such edition. :raises Forbidden: the actor is of another body.
    :raises Conflict: it is neither, or the consumer has agreed already.
    """
    if unit.actor.body != body:
        raise Forbidden("Only an official of the body {body} agrees for {consumer}.", body=body, consumer=consumer)
    found = get(unit, edition, lock=True)
    act = _AGREED_TO.get(found.state)
    if act is None:
        raise Conflict("The edition is {state}; there is nothing to agree to.", state=SAID[found.state])
    if any(one.consumer == consumer for one in consents(unit, edition, act)):
        raise Conflict("{consumer} has agreed already.", consumer=consumer)
    given = Consent(act=act, consumer=consumer, body=body, given_by=unit.actor.id, given_at=unit.now, reason=reason)
    unit.execute(insert(standards_consent).values(edition=edition, **msgspec.structs.asdict(given)))
    unit.record(
        "standards.consent", edition=str(edition), to=act, consumer=consumer, digest=found.digest, reason=reason
    )
    return given


def consents(unit: Unit, edition: UUID, act: Act) -> list[Consent]:
    """Who agreed to an act, by consumer."""
    t = standards_consent.c
    columns = [t[name] for name in Consent.__struct_fields__]
    rows = unit.execute(select(*columns).where(t.edition == edition, t.act == act).order_by(t.consumer)).mappings()
    return [Consent(**row) for row in rows]
