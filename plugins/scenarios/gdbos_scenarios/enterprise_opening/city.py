"""The demo city: the departments' systems in one program, and beside it a node with its bodies and people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gdbos import Context
from gdbos_scenarios.departments.program import running

LOGINS = "demo-logins.json"


class City(msgspec.Struct, frozen=True):
    """A city ready to be served."""

    context: Context
    home: Path
    passwords: Mapping[str, str]


@contextmanager
def city(context: Context, home: Path, *options: str, port: int = 0) -> Iterator[City]:
    """Start the departments' systems, and settle the city's people where that has not been done yet.

    :param options: for the departments' program: ``--down population``, ``--refuse tax``.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with running(home / "departments", *options) as systems:
        settled = context.changed(
            GDBOS_HOME=str(home),
            GDBOS__BUS__PLACES__DEPARTMENTS=systems.url,
            GDBOS__BUS__PLACES__DEPARTMENTS_KEYS=str(systems.keys),
            GDBOS__BUS__PLACES__HOUSING_FUND_DB=f"sqlite:///{home / 'departments' / 'housing-fund.sqlite'}",
            **({"GDBOS_PORT": str(port)} if port else {}),
        )
        yield City(settled, home, _settle(settled, home / LOGINS))


def _settle(context: Context, logins: Path) -> Mapping[str, str]:
    """Plant the seed; the passwords it generated once are kept beside the node, readable by its owner alone."""
    generated = context.plant(context.config.parent / "seed.toml")
    known: dict[str, str] = msgspec.json.decode(logins.read_bytes()) if logins.exists() else {}
    known |= generated
    logins.touch(mode=0o600)
    logins.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2))
    return known
