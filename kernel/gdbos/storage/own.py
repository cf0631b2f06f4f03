"""A connection to PostgreSQL beside the pool (专用连接), for statements that are a whole transaction each.

It says how far it reaches once and not per transaction, which is safe because no unit ever gets it: it only runs what the kernel
itself writes at every moment.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, PoolProxiedConnection

from gdbos.reach import EVERYTHING
from gdbos.storage.wall import LASTS, Wall

RESTED: Final = 1.0
"""Seconds without use after which the connection may be gone unnoticed."""


class OwnConnection:
    """One connection, opened when first needed and again when it was lost. For one thread."""

    def __init__(self, engine: Engine, wall: Wall | None) -> None:
        self._engine = engine
        self._wall = wall
        self._held: tuple[PoolProxiedConnection, Any] | None = None
        self._used = self._entered = 0.0

    def run(self, sql: str, values: Mapping[str, Any]) -> int:
        """How many rows ``sql`` wrote; durable when this returns.

        :raises sqlalchemy.exc.OperationalError: the database is away.
        :raises psycopg.OperationalError: it went away; whether the statement came through is not known.
        """
        driver = self._ready()
        try:
            return int(driver.execute(sql, values).rowcount)
        except psycopg.OperationalError:
            self.close()
            raise

    def close(self) -> None:
        """Let the connection go."""
        held, self._held = self._held, None
        if held is not None:
            held[0].close()

    def _ready(self) -> Any:
        now = time.monotonic()
        if self._held is not None and (now - self._used > RESTED or now - self._entered > LASTS / 2):
            try:
                self._enter(self._held[1])
            except psycopg.OperationalError:
                self.close()
        if self._held is None:
            self._held = self._opened()
        self._used = now
        return self._held[1]

    def _opened(self) -> tuple[PoolProxiedConnection, Any]:
        held = self._engine.raw_connection()
        driver: Any = held.driver_connection
        held.detach()  # from the pool, whose places are for units
        driver.autocommit = True
        self._enter(driver)
        return held, driver

    def _enter(self, driver: Any) -> None:
        context = self._wall.context(EVERYTHING, driver.info.backend_pid) if self._wall else ""
        driver.execute("SELECT set_config('gdbos.scope', %s, false)", (context,))
        self._entered = time.monotonic()
