"""A node that cannot be served says why in one sentence, and ends with 1 (failed) or 2 (what was written cannot be run)."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import command
from sqlalchemy import make_url

from gdbos.config import Deployment
from gdbos.identity.account import open_account
from gdbos.identity.password import hashed
from gdbos.storage.engine import connected
from gdbos.testing import PASSWORD, deployment, free_port, postgres_database, serving
from gdbos.unit import Unit
from gdbos.vault import RING


def says_so(ran: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """It ended with ``code`` and a last line of these words; nothing of how it is made came before it."""
    last = ran.stderr.strip().splitlines()[-1]
    assert ran.returncode == code, ran.stderr
    assert [word for word in words if word not in last] == [], ran.stderr
    assert "Traceback" not in ran.stderr
    assert "File " not in ran.stderr


def somebody(unit: Unit) -> None:
    """An account, so that the node has no set-up code to offer before it is served."""
    open_account(unit, login="anna", password_hash=hashed(PASSWORD), name="Anna", kind="official")


@pytest.fixture
def taken() -> Iterator[str]:
    """A port at which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


def test_a_port_that_is_taken(tmp_path: Path, taken: str) -> None:
    made = deployment(tmp_path)
    ran = command(made.path, "serve", GDBOS_PORT=taken)
    says_so(ran, 2, "Cannot run", f"127.0.0.1:{taken}", "Address already in use")
    assert len(ran.stderr.strip().splitlines()) == 1
    assert not any(made.settings.home.glob("*.db")), "nothing was made for a node that is not served"


def test_a_home_in_use_by_a_running_node(tmp_path: Path) -> None:
    made = deployment(tmp_path)
    with serving(made, prepare=somebody):
        ran = command(made.path, "serve", GDBOS_PORT=str(free_port()))
    says_so(ran, 2, "Cannot run", "is in use by a running node; stop it first")


def test_something_the_node_refuses_while_it_opens(tmp_path: Path) -> None:
    """Its keys are gone, which nothing before the application's start looks at."""
    made = deployment(tmp_path)
    with serving(made, prepare=somebody):
        pass
    ring = made.settings.home / "keys" / RING
    ring.rename(ring.with_suffix(".away"))
    says_so(command(made.path, "serve", GDBOS_PORT=str(free_port())), 2, "Cannot run", "keys")


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A deployment on a PostgreSQL at an address where nothing listens."""
    url = f"postgresql+psycopg://gdbos:secret@127.0.0.1:{free_port()}/gdbos"
    return deployment(tmp_path_factory.mktemp("away"), database=url)


@pytest.mark.parametrize(
    "asked", [("serve",), ("serve", "--workers", "2"), ("migrate",), ("standards", "list")], ids=" ".join
)
def test_a_database_that_is_away(away: Deployment, asked: tuple[str, ...]) -> None:
    ran = command(away.path, *asked, GDBOS_PORT=str(free_port()))
    says_so(ran, 1, "The database does not answer", "refused", "[database] url")
    assert "secret" not in ran.stderr


def test_workers_that_cannot_start_say_why_too(tmp_path: Path) -> None:
    with postgres_database() as url:
        made = deployment(tmp_path, database=url)
        with serving(made, prepare=somebody):
            pass
        with connected(url) as connection, connection.begin():
            connection.exec_driver_sql(f'ALTER DATABASE "{make_url(url).database}" SET synchronous_commit = off')
        ran = command(made.path, "serve", "--workers", "2", GDBOS_PORT=str(free_port()))
    says_so(ran, 2, "Cannot run", "the workers could not start; the lines above say why")
    assert "synchronous_commit=off: a power cut would lose" in ran.stderr
