"""Canary rows (金丝雀): one row of a foreign division in every scoped table, and a look at every response for any of them.

``plant`` them in any served node and ``watch`` its client: from then on a response that shows one to somebody whose reach is not
the whole node fails the test that asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import JSON, Boolean, Column, Date, Integer, LargeBinary, String, Table, Uuid, insert

from gdbos.kernel import Kernel
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Scope, scope_of
from gdbos.unit import Unit

MARK = "CANARY"
ID = UUID("0ca9a2e0-0000-7000-8000-000000000001")
"""The id of the canary in every table."""
DIVISION, BODY, SUBJECT = "440100", "CANARY440100000000", "person:CANARY"


def scoped(kernel: Kernel) -> Iterator[tuple[Table, Scope]]:
    """Every table of the node whose rows are somebody's."""
    for metadata in (kernel_metadata, *(plugin.tables for plugin in kernel.plugins if plugin.tables is not None)):
        for table in metadata.tables.values():
            if (scope := scope_of(table)) is not None:
                yield table, scope


def plant(unit: Unit, kernel: Kernel) -> int:
    """Put a canary into every scoped table; returns how many."""
    tables = list(scoped(kernel))
    for table, scope in tables:
        unit.connection.execute(insert(table).values({c.name: _value(c, scope) for c in table.columns}))
    return len(tables)


def _value(column: Column[Any], scope: Scope) -> Any:
    owners = {scope.division: DIVISION, **dict.fromkeys(scope.body, BODY), **dict.fromkeys(scope.subject, SUBJECT)}
    if column.name in owners:
        return owners[column.name]
    match column.type:
        case Uuid():
            return ID
        case JSON():
            return []
        case LargeBinary():
            return MARK.encode()
        case Boolean():
            return False
        case Integer():
            return 1
        case Instant():
            return datetime(2026, 1, 1, tzinfo=UTC)
        case Date():
            return date(2026, 1, 1)
        case String(length=length):
            return MARK[: length or None]
    raise TypeError(f"no canary value for {column}")


def watch(client: httpx.Client) -> list[str]:
    """Look at every response of ``client`` from now on; returns the list that grows with what showed a canary, and to whom."""
    seen: list[str] = []

    def look(response: httpx.Response) -> None:
        asked = response.request
        if MARK.encode() in response.read() and MARK not in str(asked.url):
            seen.append(f"{asked.method} {asked.url.path} as {asked.headers.get('x-who', 'nobody')}")

    client.event_hooks["response"].append(look)
    return seen
