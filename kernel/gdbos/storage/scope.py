"""Whose rows a table holds, declared once: the predicate of every read and the database's own policy are both made from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Select, Table, and_, false, or_, true
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import CompoundSelect, FromClause

from gdbos.actor import Actor
from gdbos.reach import Reach, reach_of

S = TypeVar("S", bound=Any)


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which columns of a table say whose its rows are. ``Table(…, info={"scope": Scope(body=("body",), …)})``.

    A column left out is a way in that does not exist: no ``subject``, no person reads the table's rows.
    """

    division: str = ""
    body: tuple[str, ...] = ()
    """Bodies (USCC) whose officials and systems see the row: the handling body, and one it works with across areas."""
    subject: tuple[str, ...] = ()
    """Subject keys of those the row is about or who applied."""
    matter: str = ""
    """The matter a row belongs to: a post that is limited to some matters sees the rows of those only."""


class Guarded(msgspec.Struct, frozen=True):
    """A table whose rows no reach leads to: ``Table(…, info={"guarded": Guarded("why it says not whose they are")})``.

    On PostgreSQL only what reaches everything reads and writes it: the kernel's own works, and single statements of a unit
    that name the table (``unit.execute``), never SQL that got in elsewhere.
    """

    why: str
    adds: str = ""
    """SQL of the rows that any unit may add all the same; empty: none."""


def guard_of(table: object) -> Guarded | None:
    """How ``table`` is guarded, if it is."""
    found = table.info.get("guarded") if isinstance(table, Table) else None
    return found if isinstance(found, Guarded) else None


def scope_of(table: FromClause) -> Scope | None:
    """The scope ``table`` declares, if any."""
    found = table.info.get("scope") if isinstance(table, Table) else None
    return found if isinstance(found, Scope) else None


def within(table: Table, actor: Actor) -> ColumnElement[bool]:
    """The rows of ``table`` that ``actor`` may see."""
    scope = scope_of(table)
    if scope is None:
        raise TypeError(
            f'table {table.name} declares no Scope: add info={{"scope": Scope(…)}} before reading it by rows()'
        )
    reach = reach_of(actor)
    return and_(_ways(table, scope, reach), *_limits(table, scope, reach))


def _ways(table: Table, scope: Scope, reach: Reach) -> ColumnElement[bool]:
    if reach.everything:
        return true()
    ways: list[ColumnElement[bool]] = []
    if reach.low and scope.division:
        ways.append(table.c[scope.division].between(reach.low, reach.high))
    if body := reach.body if scope.division else reach.office:
        ways += [table.c[name] == body for name in scope.body]
    if reach.subjects:
        ways += [table.c[name].in_(reach.subjects) for name in scope.subject]
    return or_(*ways) if ways else false()


def _limits(table: Table, scope: Scope, reach: Reach) -> Iterable[ColumnElement[bool]]:
    if reach.matters and scope.matter:
        yield table.c[scope.matter].in_(reach.matters)
    if reach.area_low and scope.division:
        yield table.c[scope.division].between(reach.area_low, reach.area_high)


SCOPED = "gdbos_scoped"
WIDELY = "gdbos_widely"


def widely(statement: S) -> S:
    """``statement``, run past its actor's reach, in both walls: for what has to be decided before the reach is known.

    It must name by itself the rows it is for; lists go through ``unit.rows``.
    """
    chosen: S = statement.execution_options(**{SCOPED: True, WIDELY: True})
    return chosen


def is_wide(statement: object) -> bool:
    """Whether :func:`widely` made ``statement``."""
    return isinstance(statement, ClauseElement) and bool(_options(statement).get(WIDELY))


def _options(statement: Any) -> Any:
    return statement.get_execution_options() if hasattr(statement, "get_execution_options") else {}


def tables_named(statement: object) -> Iterator[Table]:
    """The tables that ``statement`` writes, or selects from without having come from ``unit.rows`` or :func:`widely`.

    Those in the subqueries of a condition are not among them.
    """
    if isinstance(statement, UpdateBase) and isinstance(statement.table, Table):
        yield statement.table
    elif isinstance(statement, CompoundSelect):
        for part in statement.selects:
            yield from tables_named(part)
    elif isinstance(statement, Select) and not statement.get_execution_options().get(SCOPED):
        for source in statement.get_final_froms():
            yield from _tables(source)


def _tables(source: FromClause) -> Iterable[Table]:
    return (t for t in source._from_objects if isinstance(t, Table))
