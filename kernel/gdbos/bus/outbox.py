"""The outbox: events and who must still handle them, written in the transaction that caused them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from opentelemetry import propagate
from sqlalchemy import Column, Connection, Index, Integer, LargeBinary, String, Table, Text, Uuid, insert

from gdbos.actor import Link
from gdbos.events import Event, tag
from gdbos.ids import new_id
from gdbos.storage.metadata import Instant, kernel_metadata

Subscribers = Mapping[str, Sequence[str]]
"""Event tag → names of the handlers that must receive it."""

outbox = Table(
    "bus_outbox",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("type", String(120), nullable=False),
    Column("key", String(120), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("traceparent", String(64), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("emitted_at", Instant, nullable=False),
)

delivery = Table(
    "bus_delivery",
    kernel_metadata,
    Column("event", Uuid, primary_key=True),
    Column("handler", String(200), primary_key=True),
    Column("key", String(120), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", String(8), nullable=False),  # pending, done, dead, dropped
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("error", Text, nullable=False),
    Column("settled_at", Instant),
    Index("bus_delivery_next", "state", "next_at"),
    Index("bus_delivery_order", "handler", "key", "state", "due_at", "event"),
)


def put(
    connection: Connection,
    subscribers: Subscribers,
    event: Event,
    chain: Sequence[Link],
    *,
    now: datetime,
    due: datetime,
) -> None:
    """Write ``event`` and one delivery per subscriber. An event nobody handles is kept all the same: it happened."""
    event_id, kind = new_id(), tag(type(event))
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    connection.execute(
        insert(outbox).values(
            id=event_id,
            type=kind,
            key=event.key,
            body=msgspec.json.encode(event),
            chain=msgspec.json.encode(chain),
            traceparent=carrier.get("traceparent", ""),
            due_at=due,
            emitted_at=now,
        )
    )
    rows = [
        {
            "event": event_id,
            "handler": name,
            "key": event.key,
            "due_at": due,
            "state": "pending",
            "attempts": 0,
            "next_at": due,
            "error": "",
        }
        for name in subscribers.get(kind, ())
    ]
    if rows:
        connection.execute(insert(delivery), rows)
