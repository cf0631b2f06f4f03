"""Sealing anew what an older key has sealed (重新加密), while the node serves, so that the older key can be retired.

Each table says which of its columns are sealed, and what to (:class:`gdbos.vault.Sealed`). Values are read in the order of their
primary keys and written back only where nobody has changed them meanwhile; it may be stopped and begun again at any moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Row, Table, func, literal, select, update

from gdbos.actor import plugin_actor
from gdbos.kernel import Kernel
from gdbos.storage.migrate import lineages
from gdbos.storage.scope import SCOPED
from gdbos.unit import Unit
from gdbos.vault import Sealed, sealed_with

ACTOR: Final = plugin_actor("kernel.reseal")
BATCH: Final = 200
FILES: Final = "files on disk"

Told = Callable[[str, int, int], None]
"""What is being sealed anew, how many of it are, of how many."""


class Place(msgspec.Struct, frozen=True):
    """One sealed column."""

    table: Table
    column: str
    sealed: Sealed

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column}"


def places(kernel: Kernel) -> list[Place]:
    """Every sealed column of the kernel and the enabled plugins."""
    tables = [table for one in lineages(kernel.plugins) for table in one.tables.sorted_tables]
    return [
        Place(table, column.name, column.info["sealed"])
        for table in tables
        for column in table.columns
        if "sealed" in column.info
    ]


async def in_use(kernel: Kernel) -> Counter[int]:
    """How many values each key-encryption key has sealed: those in columns, and files."""
    found: Counter[int] = Counter()
    for place in places(kernel):
        found.update(await kernel.units.read(ACTOR, _by_key, place))
    for digest, _ in kernel.files.kept():
        with kernel.files.path(digest).open("rb") as content:
            found[sealed_with(content.read(3))] += 1
    return found


async def reseal(kernel: Kernel, told: Told = lambda what, done, total: None) -> int:
    """Seal anew everything that is not sealed with the current key; returns how many values were."""
    done = 0
    for place in places(kernel):
        total = await kernel.units.read(ACTOR, _stale, place)
        after, here = None, 0
        while total:
            last, renewed = await kernel.units.write(ACTOR, renew, place, after)
            if last is None:
                break
            after, here = last, here + renewed
            told(place.name, here, total)
        done += here
    digests = [digest for digest, _ in kernel.files.kept()]
    for at, digest in enumerate(digests, 1):
        done += kernel.files.reseal(digest)
        told(FILES, at, len(digests))
    if done:
        await kernel.units.write(ACTOR, lambda unit: unit.record("vault.resealed", values=done))
    return done


def renew(unit: Unit, place: Place, after: Any = None) -> tuple[Any, int]:
    """Seal the next few stale values of a column anew; the key of the last one looked at, and how many were renewed."""
    key = _key(place)
    chosen = _rows(place).where(_is_stale(unit, place)).order_by(key).limit(BATCH)
    rows = unit.execute(chosen if after is None else chosen.where(key > after)).all()
    renewed = sum(_renew(unit, place, row) for row in rows)
    return (rows[-1].key if rows else None), renewed


def _renew(unit: Unit, place: Place, row: Row[Any]) -> int:
    where: dict[str, Any] = {"table": place.table.name, "column": place.column, "division": row.division or ""}
    where["row"] = row.row.hex() if isinstance(row.row, bytes) else row.row
    fresh = unit.vault.seal(unit.vault.open(row.value, **where), **where)
    unchanged = (_key(place) == row.key, place.table.c[place.column] == row.value)
    return unit.execute(update(place.table).where(*unchanged).values({place.column: fresh})).rowcount


def _rows(place: Place) -> Any:
    columns = place.table.c
    division: Any = columns[place.sealed.division] if place.sealed.division else literal("")
    row = columns[place.sealed.row] if place.sealed.row else _key(place)
    labelled = (
        _key(place).label("key"),
        row.label("row"),
        columns[place.column].label("value"),
        division.label("division"),
    )
    return select(*labelled).execution_options(**{SCOPED: True})


def _by_key(unit: Unit, place: Place) -> dict[int, int]:
    prefix = _prefix(place)
    column = place.table.c[place.column]
    counted = select(prefix, func.count()).where(column.is_not(None)).group_by(prefix)
    found: Counter[int] = Counter()
    rows: Any = unit.execute(counted.execution_options(**{SCOPED: True})).all()
    for start, count in rows:
        found[sealed_with(bytes(start))] += count
    return found


def _stale(unit: Unit, place: Place) -> int:
    counted = select(func.count()).select_from(place.table).where(_is_stale(unit, place))
    return int(unit.execute(counted.execution_options(**{SCOPED: True})).scalar_one())


def _is_stale(unit: Unit, place: Place) -> ColumnElement[bool]:
    stale: ColumnElement[bool] = _prefix(place) != unit.vault.prefix()
    return stale


def _prefix(place: Place) -> Any:
    return func.substr(place.table.c[place.column], 1, 3, type_=place.table.c[place.column].type)


def _key(place: Place) -> ColumnElement[Any]:
    """The column by which rows are told apart. :raises TypeError: the table has a key of several columns."""
    keys: Sequence[Any] = list(place.table.primary_key.columns)
    if len(keys) != 1:
        raise TypeError(f"{place.name}: a sealed column needs a primary key of one column")
    return keys[0]  # type: ignore[no-any-return]
