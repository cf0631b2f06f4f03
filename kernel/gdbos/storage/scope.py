"""Whose rows a table holds, declared once, and the predicate every read of it carries."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import ColumnElement, Select, Table, false, or_, true
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.selectable import CompoundSelect, FromClause

from gdbos.actor import Actor


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which columns of a table say whose its rows are. ``Table(…, info={"scope": Scope(body=("body",), …)})``.

    A column left out is a way in that does not exist: no ``subject``, no person reads the table's rows.
    """

    division: str = ""
    body: tuple[str, ...] = ()
    """Bodies (USCC) whose officials and systems see the row: the handling body, and one it works with across areas."""
    subject: tuple[str, ...] = ()
    """Subject keys of those the row is about or who applied."""


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
    if actor.reach == "node":
        return true()
    ways: list[ColumnElement[bool]] = []
    if actor.kind == "person":
        ways = [table.c[name].in_(actor.subjects) for name in scope.subject]
    elif actor.reach == "division" and scope.division:
        ways = [_subtree(table, scope.division, actor.division)]
    elif actor.kind in ("official", "system") and actor.body:
        ways = [table.c[name] == actor.body for name in scope.body]
    return or_(*ways) if ways else false()


def below(code: str, division: str) -> bool:
    """Whether the GB/T 2260 ``code`` is ``division`` or lies in it; no code lies nowhere."""
    return bool(code) and code.startswith(_stem(division))


def _stem(division: str) -> str:
    """The digits that all codes in ``division`` share: two for a province, four for a city, six for a county."""
    stem = division.rstrip("0")
    return stem + "0" * (len(stem) % 2)


def _subtree(table: Table, column: str, division: str) -> ColumnElement[bool]:
    """GB/T 2260 codes at or below ``division``; a range, so that an index serves it."""
    stem = _stem(division)
    if not stem:
        return true()
    return table.c[column].between(stem.ljust(6, "0"), stem.ljust(6, "9"))


SCOPED = "gdbos_scoped"


def unscoped_reads(statement: ClauseElement) -> Iterable[str]:
    """Names of scoped tables that ``statement`` reads without having come from ``unit.rows``."""
    if isinstance(statement, CompoundSelect):
        for part in statement.selects:
            if isinstance(part, ClauseElement):
                yield from unscoped_reads(part)
    elif isinstance(statement, Select) and not statement.get_execution_options().get(SCOPED):
        for source in statement.get_final_froms():
            yield from (t.name for t in _tables(source) if scope_of(t) is not None)


def _tables(source: FromClause) -> Iterable[Table]:
    return (t for t in source._from_objects if isinstance(t, Table))
