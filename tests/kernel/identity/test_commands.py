"""``gdbos identity`` on the node's own machine."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from gdbos.cli import Context
from gdbos.errors import NotFound, SecondFactorNeeded
from gdbos.identity.account import open_account
from gdbos.identity.administration import SetUp, new_hash, run_set_up
from gdbos.identity.commands import identity as group
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.factor import enrol, factor
from gdbos.identity.login import log_in
from gdbos.identity.password import hashed
from gdbos.kernel import Kernel
from gdbos.testing import deployment
from gdbos.unit import Unit

from .conftest import MARKET, PASSWORD, body


class Shell:
    """The command line over a node that is not running."""

    def __init__(self, folder: Path, packs: Path) -> None:
        extra = f'[standards]\npacks = ["test"]\nfolders = ["{packs}"]'
        self.path = deployment(folder, extra=extra).path
        self.kernel.migrate()

    @property
    def kernel(self) -> Kernel:
        return Context(self.path).kernel

    def run(self, *words: str) -> Any:
        result = CliRunner().invoke(group, [*words, "--json"], obj=Context(self.path), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    def on_node(self, act: Any) -> Any:
        async def run() -> Any:
            async with self.kernel_running() as kernel:
                return await act(kernel)

        return asyncio.run(run())

    def kernel_running(self) -> Any:
        return self.kernel.running(background=False)


@pytest.fixture
def shell(tmp_path: Path, packs: Path) -> Shell:
    return Shell(tmp_path, packs)


def test_a_node_is_set_up_and_gets_officials(shell: Shell):
    code = shell.run("setup")["code"]
    entry = SetUp(code=code, login="first", name="First", password=PASSWORD, body=body(MARKET, "局", "Bureau"))

    async def set_up(kernel: Kernel) -> None:
        await run_set_up(kernel, entry, await new_hash(kernel, entry.login, entry.password))

    shell.on_node(set_up)
    assert shell.run("setup")["code"] is None
    added = shell.run("add-official", "second", "--name", "Second", "--body", MARKET, "--role", "examiner")

    async def logs_in(kernel: Kernel) -> str:
        return (await log_in(kernel.identity, "second", added["password"])).kind

    assert shell.on_node(logs_in) == "official"
    assert shell.run("disable", "second")["sessions_ended"] == 1
    with pytest.raises(Exception, match="not right"):
        shell.on_node(logs_in)


def test_a_lost_password_and_second_factor_are_reset_on_the_nodes_own_machine(shell: Shell):
    async def enter(kernel: Kernel) -> None:
        def opened(unit: Unit) -> None:
            account = open_account(unit, login="lost", password_hash=hashed(PASSWORD), name="L", kind="official")
            enrol(unit, account)
            unit.execute(update(factor).values(confirmed_at=unit.now))

        await kernel.units.write(IDENTITY, opened)

    async def logs_in(kernel: Kernel) -> str:
        return (await log_in(kernel.identity, "lost", recovered)).kind

    shell.on_node(enter)
    recovered = PASSWORD
    with pytest.raises(SecondFactorNeeded):
        shell.on_node(logs_in)
    recovered = shell.run("recover", "lost")["password"]
    assert shell.on_node(logs_in) == "official"


def test_an_unknown_account_is_not_disabled(shell: Shell):
    with pytest.raises(NotFound):
        shell.run("disable", "nobody")
