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
from gdbos.errors import Conflict, NotFound, SecondFactorNeeded
from gdbos.home import alone
from gdbos.identity.account import open_account
from gdbos.identity.administration import SetUp, new_hash, run_set_up
from gdbos.identity.auth_commands import auth
from gdbos.identity.body import register_body
from gdbos.identity.commands import identity as group
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.factor import enrol, factor
from gdbos.identity.login import log_in
from gdbos.identity.password import hashed
from gdbos.identity.setup import offer
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
        own = "a sentence of their own"
        return (await log_in(kernel.identity, "second", added["password"], new_password=own)).kind

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
        return (await log_in(kernel.identity, "lost", recovered, new_password="a sentence of their own")).kind

    shell.on_node(enter)
    recovered = PASSWORD
    with pytest.raises(SecondFactorNeeded):
        shell.on_node(logs_in)
    recovered = shell.run("recover", "lost")["password"]
    assert shell.on_node(logs_in) == "official"
    shell.run("disable", "lost")
    with pytest.raises(Conflict, match="disabled"):
        shell.run("recover", "lost")
    recovered = shell.run("recover", "lost", "--restore")["password"]
    assert shell.on_node(logs_in) == "official"


def test_an_unknown_account_is_not_disabled(shell: Shell):
    with pytest.raises(NotFound):
        shell.run("disable", "nobody")


def test_auth_explain_tells_every_rule_that_spoke_and_the_exit_code_says_the_result(shell: Shell) -> None:
    shell.on_node(lambda kernel: kernel.units.write(IDENTITY, register_body, body(MARKET, "市场监管局", "Market")))
    shell.run("add-official", "li", "--name", "李", "--body", MARKET, "--role", "body-manager")

    def asked(*words: str) -> tuple[int, Any]:
        done = CliRunner().invoke(auth, ["explain", *words, "--json"], obj=Context(shell.path))
        return done.exit_code, json.loads(done.output)

    with alone(shell.kernel.settings.home):  # a node that serves is not in the way
        code, found = asked("li", "kernel.identity.appoint", f"division=450100 body={MARKET}")
    assert (code, [one["rule"] for one in found["reasons"]]) == (0, ["permission", "reach"])
    code, found = asked("li", "kernel.identity.appoint", "division=450100 body=another")
    assert (code, found["rule"], found["result"]) == (1, "reach", "denied")
    shown = CliRunner().invoke(auth, ["explain", "li", "services.cases.read"], obj=Context(shell.path))
    assert isinstance(shown.exception, NotFound)  # nothing that runs here declares it
    plain = CliRunner().invoke(auth, ["explain", "anonymous", "kernel.identity.read"], obj=Context(shell.path))
    assert plain.exit_code == 1 and "Nobody known is asking." in plain.output


def test_an_import_is_planned_and_then_applied_from_the_command_line(shell: Shell, tmp_path: Path) -> None:
    table = tmp_path / "bodies.csv"
    table.write_text(f"uscc,name,division,level\n{MARKET},市场监管局,450100,city\n", "utf-8")
    planned = shell.run("import", str(table), "--kind", "bodies")
    assert not planned["applied"] and [one["state"] for one in planned["plan"]["rows"]] == ["created"]
    done = shell.run("import", str(table), "--kind", "bodies", "--apply", planned["plan"]["digest"])
    assert done["applied"]
    table.write_text("uscc,name,division,level\n1,坏,450100,city\n", "utf-8")
    words = ["import", str(table), "--kind", "bodies"]
    refused = CliRunner().invoke(group, words, obj=Context(shell.path))
    assert refused.exit_code == 1 and "refused" in refused.output and "Nothing was changed" in refused.output


def test_the_first_start_offers_a_code_that_opens_the_first_account_and_later_ones_none(shell: Shell):
    code = offer(shell.kernel)
    assert code
    assert offer(shell.kernel) != code, "each start makes the code before worthless"
    code = offer(shell.kernel)
    entry = SetUp(code=code or "", login="first", name="First", password=PASSWORD, body=body(MARKET, "局", "Bureau"))

    async def set_up(kernel: Kernel) -> None:
        await run_set_up(kernel, entry, await new_hash(kernel, entry.login, entry.password))

    shell.on_node(set_up)
    assert offer(shell.kernel) is None
