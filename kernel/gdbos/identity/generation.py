"""The generation of rights: a number that grows whenever someone's access ends or changes.

What was found out about a credential may be kept in memory only together with the generation it was found in. Every worker
asks for the number on every request, so ending a session ends it everywhere at the next request.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, select, text

from gdbos.storage.metadata import kernel_metadata
from gdbos.unit import Unit

generation = Table(
    "identity_generation",
    kernel_metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)


def advance(unit: Unit) -> None:
    """Make every worker look again at who may do what; part of this unit, so it holds once that has committed."""
    # Written as text: SQLAlchemy has this statement once per database, and both understand these words.
    unit.execute(
        text(
            "INSERT INTO identity_generation (id, value) VALUES (1, 1)"
            " ON CONFLICT (id) DO UPDATE SET value = identity_generation.value + 1"
        )
    )


def read(unit: Unit) -> int:
    """The generation now."""
    return unit.execute(select(generation.c.value)).scalar() or 0
