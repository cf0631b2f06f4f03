"""Canary rows (金丝雀) in every node that tests make: one of a foreign division in each scoped table, and a look at every response.

A response that shows one to somebody whose reach is not the whole node fails the test that asked. A vendor's tests are watched like
ours: what matters is a route that nobody thought of when its tests were written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Send
from litestar.types import Scope as ASGIScope
from sqlalchemy import JSON, Boolean, Column, Date, Integer, LargeBinary, String, Table, Uuid, insert, select

from gdbos.kernel import Kernel
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Scope, scope_of
from gdbos.unit import Unit

MARK = "CANARY"
ID = UUID("00000000-ca9a-7000-8000-000000000001")
"""The id of the canary in every table: older than any other."""
DIVISION, BODY, SUBJECT = "440100", "CANARY440100000000", "person:CANARY"


def scoped(kernel: Kernel) -> Iterator[tuple[Table, Scope]]:
    """Every table of the node whose rows are somebody's."""
    for metadata in (kernel_metadata, *(plugin.tables for plugin in kernel.plugins if plugin.tables is not None)):
        for table in metadata.sorted_tables:
            if (scope := scope_of(table)) is not None:
                yield table, scope


def plant(unit: Unit, kernel: Kernel) -> int:
    """Put a canary into every scoped table that has none; returns how many tables there are."""
    tables = list(scoped(kernel))
    for table, scope in tables:
        owner, value = next(iter(owners(scope).items()))
        if unit.connection.execute(select(table).where(table.c[owner] == value)).first() is None:
            put(unit, table, scope, ID, **owners(scope))
    return len(tables)


def put(unit: Unit, table: Table, scope: Scope, row: UUID, mark: str = MARK, **whose: str) -> None:
    """Put one row into a scoped table: ``row`` wherever it holds an id, ``mark`` wherever a text, ``whose`` where it says so."""
    values = {column.name: _value(column, row, mark) for column in table.columns}
    owned = {name: value for name, value in whose.items() if name in owners(scope)}
    unit.connection.execute(insert(table).values(values | owned))


def owners(scope: Scope) -> dict[str, str]:
    """Whose a canary is, by the columns in which a table says so."""
    one = {scope.division: DIVISION} if scope.division else {}
    return one | dict.fromkeys(scope.body, BODY) | dict.fromkeys(scope.subject, SUBJECT)


def _value(column: Column[Any], row: UUID, mark: str) -> Any:
    match column.type:
        case Uuid():
            return row
        case JSON():
            return []
        case LargeBinary():
            return mark.encode()
        case Boolean():
            return False
        case Integer():
            return 1
        case Instant():
            return datetime(2026, 1, 1, tzinfo=UTC)
        case Date():
            return date(2026, 1, 1)
        case String(length=length):
            return mark[: length or None]
    raise TypeError(f"no canary value for {column}")


class Watch:
    """Around the application of a test's node: what showed a canary, and to whom."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.seen: list[str] = []

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        sent = bytearray()

        async def looking(message: Message) -> None:
            if message["type"] == "http.response.body":
                sent.extend(message["body"])
            elif message["type"] == "http.response.start":
                sent.extend(b"\n".join(value for _, value in message["headers"]))
            await send(message)

        await self.app(scope, receive, looking)
        if MARK.encode() in sent and not self._may(scope):
            self.seen.append(f"{scope['method']} {scope['path']}")

    @staticmethod
    def _may(scope: HTTPScope) -> bool:
        """Whether a canary is no secret here: to auditors and operators of the whole node, and to whoever named it in the address."""
        actor = scope.get("state", {}).get("actor")
        return (actor is not None and actor.reach == "node") or MARK in scope["path"] + scope["query_string"].decode()

    def refuse(self, *_: object) -> None:
        """:raises AssertionError: a canary was shown; the response it stood in came just now."""
        shown, self.seen = self.seen, []
        assert not shown, f"rows of a foreign division were shown: {', '.join(shown)}"
