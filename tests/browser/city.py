"""The demo city, served by the command that ``make run`` uses, in a process of its own."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from gdbos import Context
from gdbos.testing import free_port
from gdbos_scenarios.enterprise_opening.city import LOGINS
from gdbos_scenarios.enterprise_opening.opening import approve_grants
from gdbos_scenarios.enterprise_opening.people import GUARD, Person

CONFIG = Path(__file__).parents[2] / "config" / "demo" / "city.toml"
STARTS_WITHIN = 120.0
"""Seconds; bodies, people and grants are planted first, on a machine that may be busy."""
MORE_PEOPLE = """
[[officials]]
name = "卞目录"
login = "bianmu"
posts = [{ body = "11450100MADEM002XN", role = "catalogue-manager" }]
"""
"""A resource needs two officials of its body: one who enters it, one who signs it off."""


class City:
    """A city that answers, with everybody's passwords."""

    def __init__(self, home: Path, url: str, passwords: Mapping[str, str]) -> None:
        self.home = home
        self.url = url
        self.passwords = passwords
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def person(self, login: str) -> Person:
        """Somebody who speaks HTTP to it."""
        return Person(self.http, login, self.passwords[login])

    def rows(self, statement: str, *values: str) -> list[tuple[str, ...]]:
        """What the database answers: for what only time or bad luck brings about, such as a limit that has come."""
        with sqlite3.connect(self.home / "gdbos.db", timeout=30) as database:
            return database.execute(statement, values).fetchall()


@contextmanager
def city(home: Path) -> Iterator[City]:
    """Serve the city until the block is left; its pages' grants are approved."""
    port = free_port()
    passwords = _plant(home)
    settings = {"GDBOS_HOME": str(home), "GDBOS_PORT": str(port), "GDBOS_DEMO": "off"}
    with (home / "city.log").open("wb") as log:
        command = [sys.executable, "-m", "gdbos", "--config", str(CONFIG), "demo", "city"]
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **settings})
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, url, home / "city.log")
            found = City(home, url, passwords)
            approve_grants(found.person(GUARD), lambda line: None)
            yield found
        finally:
            process.terminate()
            process.wait(30)


def _plant(home: Path) -> dict[str, str]:
    """The demo's people and a few more; their passwords stand where the command looks for them."""
    more = home / "more.toml"
    more.write_text(MORE_PEOPLE, "utf-8")
    passwords: dict[str, str] = {}
    for seed in (CONFIG.parent / "seed.toml", more):
        passwords |= Context(CONFIG).changed(GDBOS_HOME=str(home)).plant(seed)
    (home / LOGINS).write_text(json.dumps(passwords), "utf-8")
    return passwords


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(f"{url}/health/ready", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"the city does not answer: {log.read_text('utf-8')[-3000:]}")
