"""The three administrators (三员): that no human is two of them at a time is kept by the database itself.

``appoint`` and ``delegate`` refuse politely, under a lock; this table refuses whatever reaches it. It holds one row for each post or
delegation that makes an administrator, keyed by the human: whose accounts are two is one.
"""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import DDL, Column, Date, Index, String, Table, Uuid, delete, event, insert, text, update
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import IntegrityError

from gdbos.errors import Conflict
from gdbos.identity.account import person_of
from gdbos.identity.role import Role
from gdbos.storage.metadata import kernel_metadata
from gdbos.storage.scope import Guarded
from gdbos.unit import Unit

_APART: Final = ExcludeConstraint(
    ("human", "="),
    ("administration", "<>"),
    (text("daterange(since, until)"), "&&"),
    name="identity_duty_apart",
    using="gist",
)

duty = Table(
    "identity_duty",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("human", Uuid, nullable=False),
    Column("administration", String(8), nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Index("identity_duty_human", "human"),
    _APART.ddl_if(dialect="postgresql"),
    info={"guarded": Guarded("ids and days, and nobody reads it; it is there to refuse")},
)

_TRIGGER: Final = """
CREATE TRIGGER identity_duty_apart_MOMENT BEFORE MOMENT ON identity_duty WHEN EXISTS (
  SELECT 1 FROM identity_duty o WHERE o.human = NEW.human AND o.administration <> NEW.administration AND o.id <> NEW.id
  AND o.since < coalesce(NEW.until, '9999-12-31') AND NEW.since < coalesce(o.until, '9999-12-31')
) BEGIN SELECT RAISE(ABORT, 'identity_duty_apart'); END
"""


def _on(when: str, dialect: str, statement: str) -> None:
    ddl = DDL(statement)  # type: ignore[no-untyped-call]
    event.listen(duty, when, ddl.execute_if(dialect=dialect))


# "=" and "<>" in an exclusion want an index that PostgreSQL brings as a trusted extension.
_on("before_create", "postgresql", "CREATE EXTENSION IF NOT EXISTS btree_gist")
for _moment in ("INSERT", "UPDATE"):
    _on("after_create", "sqlite", _TRIGGER.replace("MOMENT", _moment))


def take_duty(unit: Unit, held: Role, origin: UUID, account_id: UUID, since: date, until: date | None) -> None:
    """Note that the human of an account is an administrator by the post or delegation ``origin``; other roles are none.

    :raises Conflict: they are another of the three within that time, by whatever account.
    """
    if not held.administration:
        return
    values = {"id": origin, "human": person_of(unit, account_id) or account_id, "administration": held.administration}
    try:
        unit.execute(insert(duty).values(**values, since=since, until=until))
    except IntegrityError:  # somebody else appointed them at this very moment
        raise Conflict(
            "Nobody may be two of the system, security and audit administrators: their duties check each other."
        ) from None


def leave_duty(unit: Unit, origin: UUID) -> None:
    """A post or delegation ends today; one of a single day was none."""
    unit.execute(update(duty).where(duty.c.id == origin, duty.c.since < unit.today).values(until=unit.today))
    unit.execute(delete(duty).where(duty.c.id == origin, duty.c.since >= unit.today))
