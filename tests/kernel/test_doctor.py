"""The doctor names what is wrong, says what to do, and touches nothing."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from gdbos.actor import Actor, Link
from gdbos.bus.grant import draft, new_grant
from gdbos.config import Bus, Files, load
from gdbos.doctor import Finding, examine
from gdbos.identity.account import open_account
from gdbos.kernel import Kernel
from gdbos.plugin import Check, Plugin, hookimpl
from gdbos.storage.engine import engine_for

NewNode = Callable[..., Kernel]
NODE = Actor(kind="plugin", id="test", reach="node", chain=(Link("plugin", "test"),))


def started(kernel: Kernel, *works: Any) -> Kernel:
    async def whole() -> None:
        async with kernel.running(background=False):
            for work in works:
                await kernel.units.write(NODE, work)
            await kernel.book.catch_up()

    asyncio.run(whole())
    return kernel


def findings(kernel: Kernel) -> dict[str, Finding]:
    found = asyncio.run(examine(kernel))
    assert len({one.name for one in found}) == len(found)
    assert all(one.hint for one in found if one.state != "ok")
    return {one.name: one for one in found}


def test_a_node_that_is_well_has_no_failure(new_node: NewNode):
    found = findings(started(new_node()))
    assert [one for one in found.values() if one.state == "fail" and one.name != "disk"] == []
    for name in ("home", "keys", "database", "migrations", "ledger calls", "ledger audit", "accounts", "grants"):
        assert found[name].state == "ok", found[name]
    assert found["second wall"].state == "warn"
    assert found["scanner"].what == "no malware scanner is enabled"


def test_looking_at_a_node_that_never_started_makes_nothing(new_node: NewNode):
    kernel = new_node(migrated=False)
    found = findings(kernel)
    assert found["home"].state == found["keys"].state == "fail"
    assert "fail" in {found.get("migrations", found["database"]).state}
    assert not kernel.settings.home.exists()


def test_open_doors_are_named(new_node: NewNode):
    kernel = started(new_node())
    home = kernel.settings.home
    home.chmod(0o755)
    (home / "keys" / "subjects.sqlite").chmod(0o644)
    found = findings(kernel)
    assert (found["home"].state, found["keys"].state) == ("warn", "fail")
    (home / "keys" / "ring.json").chmod(0o640)
    assert "chmod 600" in findings(kernel)["keys"].what


def test_keys_in_use_for_too_long_are_named(new_node: NewNode):
    kernel = started(new_node())
    later = kernel.clock() + timedelta(days=800)
    kernel.clock = lambda: later
    assert findings(kernel)["key age"].state == "warn"


def test_tables_that_are_behind_fail(new_node: NewNode):
    kernel = started(new_node())
    engine = engine_for(kernel.settings.database_url())
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM kernel_migrations"))
    engine.dispose()
    assert findings(kernel)["migrations"].state == "fail"


def test_a_database_that_is_away_fails(new_node: NewNode):
    kernel = started(new_node())
    url = "postgresql+psycopg://postgres@127.0.0.1:1/none"
    kernel.settings = msgspec.structs.replace(
        kernel.settings, database=msgspec.structs.replace(kernel.settings.database, url=url)
    )
    assert findings(kernel)["database"].state == "fail"


def test_a_restored_database_that_is_too_short_fails(new_node: NewNode):
    kernel = started(new_node(), lambda unit: unit.record("test.acted"))
    engine = engine_for(kernel.settings.database_url())
    with engine.begin() as connection:
        for table in ("ledger_leaf", "ledger_checkpoint"):
            connection.execute(text(f"DELETE FROM {table} WHERE log = 'audit'"))
    engine.dispose()
    assert findings(kernel)["ledger audit"].state == "fail"


def test_records_that_nobody_sequences_are_named(new_node: NewNode):
    async def whole() -> None:
        async with kernel.running(background=False):
            await kernel.units.write(NODE, lambda unit: unit.record("test.acted"))

    kernel = new_node()
    asyncio.run(whole())
    assert findings(kernel)["ledger audit"].state == "ok"
    later = kernel.clock() + timedelta(minutes=5)
    kernel.clock = lambda: later
    assert findings(kernel)["ledger audit"].state == "warn"


def test_what_waits_for_people_is_counted_and_nobody_is_named(new_node: NewNode):
    def idle(unit: Any) -> None:
        open_account(unit, login="fictional-login", password_hash="x", name="虚构", kind="official")
        draft(unit, new_grant(body="a", system="s", service="x.y.z", provider="b"))

    found = findings(started(new_node(), idle))
    assert (found["accounts"].state, found["grants"].state) == ("warn", "warn")
    assert found["accounts"].what.startswith("1 ")
    assert "fictional-login" not in str(found)


def test_places_are_tried(new_node: NewNode):
    with socket.socket() as listening, socket.socket() as closed:
        for one in (listening, closed):
            one.bind(("127.0.0.1", 0))
        listening.listen()
        places = {
            "up": f"http://127.0.0.1:{listening.getsockname()[1]}",
            "down": f"http://127.0.0.1:{closed.getsockname()[1]}",
            "keys": "/etc/gdbos/keys",
        }
        found = findings(started(new_node(bus=Bus(places=places))))
    assert {name: one.state for name, one in found.items() if "place" in name} == {
        "place up": "ok",
        "place down": "warn",
    }


def test_a_type_that_nothing_can_look_into_is_named(new_node: NewNode):
    found = findings(started(new_node(files=Files(types=("application/pdf", "application/zip")))))
    assert "application/zip" in found["file types"].what


def test_plugins_are_asked_and_one_that_blows_up_is_a_failure(new_node: NewNode):
    async def well(kernel: Kernel) -> str | None:
        return None if await kernel.lane.read(lambda connection: True) else "no"

    async def unwell(kernel: Kernel) -> str | None:
        return "the printer is out of paper"

    async def broken(kernel: Kernel) -> str | None:
        raise ZeroDivisionError("fictional")

    checks = [Check(name=ask.__name__, ask=ask) for ask in (well, unwell, broken)]
    kernel = started(new_node())
    kernel.plugins.append(Plugin(name="acme.print", title="Print", checks=checks))
    found = findings(kernel)
    assert [found[f"acme.print {name}"].state for name in ("well", "unwell", "broken")] == ["ok", "fail", "fail"]
    assert found["acme.print unwell"].what == "the printer is out of paper"

    async def beside() -> dict[str, Finding]:
        async with kernel.running(background=False):
            other = Kernel(kernel.deployment)
            other.plugins.append(kernel.plugins[-1])
            return {one.name: one for one in await examine(other)}

    if kernel.settings.database_url().startswith("sqlite"):
        assert "/health/ready" in asyncio.run(beside())["plugin checks"].hint


def test_a_scanner_is_seen(new_node: NewNode):
    class Scanner(SimpleNamespace):
        @hookimpl
        def scan_file(self, content: bytes, media_type: str) -> str | None:
            return None

    kernel = started(new_node())
    kernel.hooks.manager.register(Scanner(), "acme.scanner")
    assert findings(kernel)["scanner"].state == "ok"


CONFIG = """
[node]
id = "nanning"
title = { zh = "试验", en = "Test" }
division = "450100"
level = "city"
home = "HOME"
"""


def gdbos(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gdbos.cli", "--config", str(config), *words]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GDBOS_")}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ, check=False)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(CONFIG.replace("HOME", str(tmp_path / "home")), "utf-8")
    return path


def test_the_commands_answer_with_their_exit_codes(config: Path, tmp_path: Path):
    ill = gdbos(config, "doctor", "--json")
    assert ill.returncode == 1, ill.stderr
    assert {"name", "state", "what", "hint"} == set(json.loads(ill.stdout)[0])
    assert gdbos(config, "backup", str(tmp_path / "b.tar")).returncode == 2  # no keys: nothing to back up

    assert gdbos(config, "migrate").returncode == 0
    started(Kernel(load(config, {})))
    (tmp_path / "safe").mkdir()
    target, keys = str(tmp_path / "b.tar"), str(tmp_path / "safe" / "k.tar")
    assert gdbos(config, "doctor").returncode == 0
    beside = gdbos(config, "backup", target, "--keys", str(tmp_path / "k.tar"))
    assert (beside.returncode, "beside the data" in beside.stderr) == (2, True)
    made = gdbos(config, "backup", target, "--keys", keys, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["node"] == "nanning"
    assert gdbos(config, "backup", target, "--keys", keys).returncode == 2

    full = gdbos(config, "restore", target, "--keys", keys)
    assert (full.returncode, "not empty" in full.stderr) == (1, True)
    (tmp_path / "home").rename(tmp_path / "lost")
    restored = gdbos(config, "restore", target, "--keys", keys, "--json")
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["ledger"] == json.loads(made.stdout)["ledger"]
    assert gdbos(config, "doctor").returncode == 0
    assert gdbos(config, "restore", str(tmp_path / "none.tar")).returncode == 2
