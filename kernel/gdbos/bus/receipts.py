"""Who looked at my data, and why (谁看过我的数据): the receipts of a subject, read as their own data."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from gdbos.bus.record import bus_receipt
from gdbos.bus.seal import unsealed
from gdbos.identity.body import names as body_names
from gdbos.plugin import Disclosed, Offer
from gdbos.storage.scope import widely
from gdbos.text import Text
from gdbos.unit import Unit

CODE = "kernel.bus.receipts"
MOST = 100


class ReceiptsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which receipts: the newest first, ``after`` the last one already seen."""

    after: UUID | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 50
    case: Annotated[str, msgspec.Meta(max_length=50)] = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One disclosure of the reader's own data."""

    id: UUID
    call: UUID
    at: datetime
    body: str
    body_name: Text
    system: str
    by: str
    """Kind of principal that asked: official, system, person or plugin."""
    provider: str
    provider_name: Text
    service: str
    fields: list[str]
    """Names of the fields, never their values."""
    matter: str
    case: str
    grant: UUID | None
    purpose: str


class Receipts(msgspec.Struct, frozen=True):
    """A page of receipts; ``next`` is the key of the following page."""

    receipts: list[Receipt]
    next: UUID | None = None


def read_receipts(unit: Unit, query: ReceiptsQuery) -> Receipts:
    """The receipts of the actor's own subjects, newest first."""
    t = bus_receipt.c
    statement = unit.rows(bus_receipt).order_by(t.id.desc()).limit(query.limit + 1)
    if query.after:
        statement = statement.where(t.id < query.after)
    if query.case:
        statement = statement.where(t.case == query.case)
    # Which seals there are is not the subject's to see, only what they hide: the seals are looked at behind the second wall.
    rows = [dict(row) for row in unit.execute(widely(statement.where(unsealed(unit.today)))).mappings()]
    names = body_names(unit, sorted({row[side] for row in rows for side in ("body", "provider")}))
    shown = [_receipt(row, names) for row in rows[: query.limit]]
    return Receipts(shown, shown[-1].id if len(rows) > query.limit else None)


def _receipt(row: dict[str, object], names: dict[str, Text]) -> Receipt:
    kept = {name: row[name] for name in Receipt.__struct_fields__ if name in row}
    kept["body_name"] = names.get(str(row["body"]), Text(str(row["body"])))
    kept["provider_name"] = names.get(str(row["provider"]), Text(str(row["provider"])))
    return msgspec.convert(kept, Receipt)


def _own(_: ReceiptsQuery, __: Receipts) -> list[Disclosed]:
    return []  # the rows are scoped to the reader's own subjects; nobody else is in them


OFFERS = (
    Offer(
        code=CODE,
        title=Text("谁看过我的数据", "Who looked at my data"),
        takes=ReceiptsQuery,
        gives=Receipts,
        provide=read_receipts,
        discloses=_own,
        own=True,
    ),
)
