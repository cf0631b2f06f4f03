"""The ``sql`` adapter: a table or view of an existing system, read and never written, by registered columns only."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from gdbos.bus.adapters.adapter import Answered, Asking
from gdbos.bus.adapters.auth import secret_value
from gdbos.bus.adapters.database import SQLITE, Database, Row
from gdbos.bus.adapters.lines import Lines
from gdbos.bus.adapters.lookup import LookupSettings, answer, query
from gdbos.bus.adapters.settings import open_places
from gdbos.bus.adapters.target import Resolve, Target, parse, system_resolver
from gdbos.errors import Misconfigured, ProviderFailed
from gdbos.secret import Secret

NAME = re.compile(r"\A\w{1,63}\Z")


class SqlSettings(LookupSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[settings]` of a service whose adapter is ``sql``."""

    database: str
    """Its place: ``postgresql://host/name``, ``mysql://host/name`` (MariaDB too) or ``sqlite:///file``."""
    user: str = ""
    """A user that may read this table or view and nothing else."""
    password: Secret | None = None
    schema: str = ""
    table: str
    """A table or a view."""

    def __post_init__(self) -> None:
        LookupSettings.__post_init__(self)
        if not all(NAME.match(name) for name in (self.table, self.schema or "_", *self.registered())):
            raise ValueError("tables, schemas and columns are named in at most 63 letters, digits and _")
        if not open_places(self.database):
            _refuse_wrong(self.database, self.user)


def _refuse_wrong(database: str, user: str) -> None:
    if database.startswith(SQLITE):
        return
    try:
        base = parse(database)
    except Misconfigured as failure:
        raise ValueError(f"database: {failure}") from None
    if base.scheme not in ("postgresql", "mysql") or not NAME.match(base.path.strip("/")):
        raise ValueError("`database` is postgresql://host/name, mysql://host/name or sqlite:///file")
    if not user:
        raise ValueError("`user` is needed: one who may read what is registered and nothing else")


class Sql:
    """The ``sql`` adapter's way."""

    kind = SqlSettings

    def __init__(self, places: Mapping[str, Target | Path], lines: Lines, resolve: Resolve = system_resolver) -> None:
        self._places = places
        self._lines = lines
        self._resolve = resolve
        self._databases: dict[tuple[str, str, Secret | None], Database] = {}

    def check(self, settings: SqlSettings) -> None:
        if settings.database not in self._places:
            raise Misconfigured(
                f'{settings.database} is not among the places of this node; write database = "{{place}}"'
            )

    async def ask(self, settings: SqlSettings, asking: Asking) -> Answered:
        """The row or rows that the request asks for, in our fields."""
        database = self._database(settings)
        named = (settings.schema, settings.table, settings.registered())

        async def attempt(until: float) -> list[Row]:
            return await database.rows(
                named, lambda table: query(settings, table, asking), settings.max_rows + 1, until
            )

        rows = await self._lines.through(asking.trip(settings, repeatable=True), attempt)
        return Answered(answer(settings, rows, asking))

    async def aclose(self) -> None:
        databases, self._databases = self._databases, {}
        for database in databases.values():
            await asyncio.to_thread(database.close)

    def _database(self, settings: SqlSettings) -> Database:
        if (place := self._places.get(settings.database)) is None:
            raise ProviderFailed("The provider's address is not registered at this node.")
        secret = settings.password
        key = (settings.database, settings.user, secret)
        if key not in self._databases:
            password = (lambda: secret_value(secret)) if secret else str
            self._databases[key] = Database(place, settings.user, password, self._resolve)
        return self._databases[key]
