"""SQL ready for its driver: what SQLAlchemy does with a statement at every execution, done once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Dialect, TextClause
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg

DIALECTS: Final[dict[str, Dialect]] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": psycopg.dialect(),  # type: ignore[no-untyped-call]
}


class Statement:
    """A statement in the words of one database."""

    def __init__(self, statement: TextClause, dialect: str) -> None:
        spoken = DIALECTS[dialect]
        compiled = statement.compile(dialect=spoken)
        self.sql = str(compiled)
        self._bind: dict[str, Callable[[Any], Any]] = {
            name: bind
            for name, parameter in compiled.binds.items()
            if (bind := parameter.type.dialect_impl(spoken).bind_processor(spoken))
        }

    def bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """``values`` as the driver takes them."""
        return {name: self._bind[name](value) if name in self._bind else value for name, value in values.items()}
