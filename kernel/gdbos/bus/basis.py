"""Why a subject's data may be seen now: a live case, an inspection order, a consent, or that the data are one's own.

A case that has ended stays open, as an archive (归档), to the body that decided it, and for what the case itself holds; it opens no
other record any more.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cache
from typing import Final, Literal

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Index,
    String,
    Table,
    TextClause,
    bindparam,
    exists,
    insert,
    or_,
    select,
    text,
    update,
)

from gdbos.errors import NoBasis
from gdbos.ids import new_id
from gdbos.storage.bulk import packed, unpacked
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Guarded


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for one body to see one subject's data."""

    subject: str
    """Subject key."""
    body: str
    """USCC of the body that may see."""
    matter: str = ""
    case: str = ""
    kind: Literal["case", "inspection", "consent", "archive"] = "case"
    until: datetime | None = None
    permission: str = ""
    """Name of the right that an official needs to see the files handed in for the case; empty: no official sees them by it."""


class Wanted(msgspec.Struct, frozen=True):
    """One look of one body at one subject, for which there must be a live basis."""

    subject: str
    body: str
    case: str
    matter: str
    kind: Literal["live", "archive"] = "live"

    def missing(self) -> NoBasis:
        """The problem of a look without a basis."""
        return NoBasis(
            "Case {case} of matter {matter} is no live basis for body {body} to see this subject's data; open a case"
            " first, or cite the one that is open.",
            case=self.case or "—",
            matter=self.matter or "—",
            body=self.body or "—",
        )


class Recent:
    """Looks for which there was a basis a moment ago (within :data:`LASTS`), as one worker remembers them.

    Enough to ask a provider, never to disclose: the transaction that records the call looks again.
    """

    def __init__(self) -> None:
        self._until: dict[Wanted, float] = {}

    def covers(self, looks: Iterable[Wanted]) -> bool:
        now = time.monotonic()
        return all(self._until.get(look, 0.0) > now for look in looks)

    def add(self, looks: Iterable[Wanted]) -> None:
        if len(self._until) > MOST:
            self._until.clear()
        self._until |= dict.fromkeys(looks, time.monotonic() + LASTS)

    def forget(self) -> None:
        """A basis has ended."""
        self._until.clear()


LASTS: Final = 1.0
MOST: Final = 10_000
ENDED: Final = "bases"
"""Topic of a unit after which a remembered look may have no basis any more."""

bus_basis = Table(
    "bus_basis",
    kernel_metadata,
    Column("id", String(36), primary_key=True),
    Column("subject", String(80), nullable=False),
    Column("body", String(18), nullable=False),
    Column("matter", String(120), nullable=False),
    Column("case", String(50), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("until", Instant),
    Column("closed_at", Instant),
    Column("permission", String(120), nullable=False),
    Index("bus_basis_subject", "subject", "body", "case"),
    Index("bus_basis_case", "case"),
    info={"guarded": Guarded("it opens looks at a subject: whoever could write one would permit himself")},
)


def open_basis(connection: Connection, basis: Basis, now: datetime) -> None:
    """Write ``basis``; it holds from ``now``. The same basis twice is one."""
    if _holds(connection, basis, now):
        return
    connection.execute(insert(bus_basis).values(id=str(new_id()), opened_at=now, **msgspec.structs.asdict(basis)))


def close_bases(connection: Connection, case: str, now: datetime) -> None:
    """End every basis that rests on ``case``."""
    connection.execute(
        update(bus_basis).where(bus_basis.c.case == case, bus_basis.c.closed_at.is_(None)).values(closed_at=now)
    )


def _holds(connection: Connection, basis: Basis, now: datetime) -> bool:
    t = bus_basis.c
    found = exists().where(
        t.subject == basis.subject,
        t.body == basis.body,
        t.case == basis.case,
        t.matter == basis.matter,
        t.kind == basis.kind,
        t.closed_at.is_(None),
        or_(t.until.is_(None), t.until > now),
    )
    return bool(connection.execute(select(found)).scalar_one())


def without(connection: Connection, wanted: Collection[Wanted], now: datetime) -> set[Wanted]:
    """Those of ``wanted`` for which there is no live basis at ``now``; one query however many there are."""
    if not wanted:
        return set()
    asked = {"bases": packed(msgspec.structs.asdict(one) for one in set(wanted)), "now": now}
    return {Wanted(*row) for row in connection.execute(_without(connection.dialect.name), asked)}


@cache
def _without(dialect: str) -> TextClause:
    return text(lacking(dialect)).bindparams(bindparam("now", type_=Instant()))


def lacking(dialect: str) -> str:
    """SQL of the looks in the document ``:bases`` for which there is no live basis at ``:now``."""
    columns = [bus_basis.c[name] for name in Wanted.__struct_fields__]
    names = ", ".join(f'r."{column.name}"' for column in columns)
    same = " AND ".join(f'b."{name}" = r."{name}"' for name in ("subject", "body", "case", "matter"))
    return (
        f"SELECT {names} FROM {unpacked(dialect, columns, 'bases')} WHERE NOT EXISTS (SELECT 1 FROM bus_basis AS b"  # noqa: S608
        f" WHERE {same} AND (b.kind = 'archive') = (r.kind = 'archive') AND b.closed_at IS NULL AND (b.until IS NULL OR b.until > :now))"
    )
