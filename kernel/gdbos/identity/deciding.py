"""How identity reads rows that the one who asks may not see, in order to decide about them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, and_, or_, select

from gdbos.actor import plugin_actor
from gdbos.storage.scope import widely

IDENTITY = plugin_actor("kernel.identity")
"""In whose name identification runs: until it has ended, nobody is known."""


def deciding(table: Table, *columns: Any) -> Select[Any]:
    """Select whatever the actor's scope: identity says who is whose, so it cannot wait for a scope that rests on its answer.

    The statement itself must name the one it is for: who appoints an agent learns that this person is registered here, and
    nothing more about them; who represents an enterprise by law is shown its mandates. Lists go through ``unit.rows``.
    """
    chosen: Any = select(*columns)
    wide: Select[Any] = widely(chosen.select_from(table))
    return wide


def in_force(since: Column[Any], until: Column[Any], on: date) -> ColumnElement[bool]:
    """Whether a period from ``since`` (inclusive) until ``until`` (exclusive; none: open) holds ``on`` a day."""
    return and_(since <= on, or_(until.is_(None), until > on))
