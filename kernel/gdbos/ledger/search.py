"""Searching the audit log (审计查询): who did what, when, to what; read from the ledger itself, page by key."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, select

from gdbos.ledger.leaf import AUDIT, Act
from gdbos.ledger.tables import leaf

BATCH: Final = 1_000
MOST: Final = 50_000
"""Records looked at for one page: a search that finds little goes on from where it stopped."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; what is empty does not matter."""

    act: str = ""
    """The act, or how its name begins: ``identity.`` finds all of identity."""
    actors: frozenset[str] = frozenset()
    """Ids of principals, any of which acted."""
    object: str = ""
    """An id or code that the entry names, or the body it was done at."""
    since: datetime | None = None
    until: datetime | None = None
    """Before this moment."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An entry and its place in the log, by which it can be proved."""

    position: int
    id: UUID
    at: datetime
    act: str
    acting: list[str]
    body: str
    facts: dict[str, Any]


class Results(msgspec.Struct, frozen=True):
    """A page of entries, the latest first; ``before`` is the key of the next, 0 when the search has come to its end."""

    entries: list[Found]
    before: int = 0


_ACT: Final = msgspec.json.Decoder(Act)


def search(connection: Connection, wanted: Wanted, before: int = 0, limit: int = 50) -> Results:
    """The entries that ``wanted`` describes, from the one before position ``before`` down; 0: from the latest."""
    end = before or _end(connection, wanted.until)
    stop = max(0, end - MOST)
    entries: list[Found] = []
    while end > stop:
        rows = connection.execute(
            select(leaf.c.position, leaf.c.leaf)
            .where(leaf.c.log == AUDIT, leaf.c.position < end, leaf.c.position >= stop)
            .order_by(leaf.c.position.desc())
            .limit(BATCH)
        ).all()
        for row in rows:
            act = _ACT.decode(row.leaf)
            if wanted.since is not None and act.at < wanted.since:
                return Results(entries)
            if _matches(act, wanted):
                entries.append(_found(row.position, act))
            if len(entries) == limit:
                return Results(entries, row.position)
        end = rows[-1].position if rows else stop
    return Results(entries, stop)


def _end(connection: Connection, until: datetime | None) -> int:
    """The position after the last entry before ``until``: entries stand in the order of time, so halving finds it."""
    size = connection.execute(select(func.max(leaf.c.position)).where(leaf.c.log == AUDIT)).scalar()
    low, high = 0, 0 if size is None else int(size) + 1
    while until is not None and low < high:
        middle = (low + high) // 2
        content = connection.execute(select(leaf.c.leaf).where(leaf.c.log == AUDIT, leaf.c.position == middle)).scalar()
        if content is not None and _ACT.decode(content).at < until:
            low = middle + 1
        else:
            high = middle
    return high


def _matches(act: Act, wanted: Wanted) -> bool:
    if not act.act.startswith(wanted.act):
        return False
    if wanted.until is not None and act.at >= wanted.until:
        return False
    if wanted.actors and not any(link.partition(":")[2] in wanted.actors for link in act.acting):
        return False
    return not wanted.object or wanted.object == act.body or wanted.object in map(str, _values(act.facts))


def _values(facts: Any) -> list[Any]:
    if isinstance(facts, dict):
        return [one for inner in facts.values() for one in _values(inner)]
    return [one for inner in facts for one in _values(inner)] if isinstance(facts, list) else [facts]


def _found(position: int, act: Act) -> Found:
    return Found(
        position=position, id=act.id, at=act.at, act=act.act, acting=act.acting, body=act.body, facts=act.facts
    )
