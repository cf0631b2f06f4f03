"""``gdbos identity``: the first account of a node, further officials, recovering and shutting an account, on the node's own machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click
import msgspec

from gdbos.errors import NotFound
from gdbos.identity.account import disable, find_account, open_account, set_password
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.factor import remove
from gdbos.identity.password import generated, hashed
from gdbos.identity.post import appoint
from gdbos.identity.session import end_all
from gdbos.identity.setup import bootstrap
from gdbos.unit import Unit

T = TypeVar("T")
JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


@click.group()
def identity() -> None:
    """Accounts of this node. A node that runs on SQLite must be stopped first."""


@identity.command()
@JSON
def setup(as_json: bool) -> None:
    """Print a one-time code for opening the first account."""
    code = _in_unit(bootstrap)
    if code is None:
        _say({"code": None}, "This node has accounts already; its security administrator opens others.", as_json)
        return
    words = f"Set-up code, good once and for 24 hours: {code}\nSend it with POST /api/identity/setup."
    _say({"code": code}, words, as_json)


@identity.command("add-official")
@click.argument("login")
@click.option("--name", required=True, help="How pages greet them.")
@click.option("--body", required=True, help="USCC of the body they work for.")
@click.option("--role", "role_id", required=True, help="Id of a role of the standards packs.")
@JSON
def add_official(login: str, name: str, body: str, role_id: str, as_json: bool) -> None:
    """Open an account for an official with a post; prints the generated password once."""
    password = generated()
    password_hash = hashed(password)

    def add(unit: Unit) -> UUID:
        account = open_account(unit, login=login, password_hash=password_hash, name=name, kind="official")
        appoint(unit, account, body=body, role_id=role_id)
        return account

    account = _in_unit(add)
    said = {"account": str(account), "login": login, "password": password}
    _say(said, f"Opened {login}. Password, told this once: {password}", as_json)


@identity.command("disable")
@click.argument("login")
@JSON
def disable_account(login: str, as_json: bool) -> None:
    """End an account's access at once."""

    def shut(unit: Unit) -> int:
        found = find_account(unit, login)
        if found is None:
            raise NotFound("There is no account with this log-in name.")
        disable(unit, found.id)
        return end_all(unit, found.id)

    ended = _in_unit(shut)
    _say({"login": login, "sessions_ended": ended}, f"Disabled {login}; {ended} sessions ended.", as_json)


@identity.command()
@click.argument("login")
@JSON
def recover(login: str, as_json: bool) -> None:
    """Give an account another password and take its second factor away; prints the password once."""
    password = generated()
    password_hash = hashed(password)

    def reset(unit: Unit) -> int:
        found = find_account(unit, login)
        if found is None:
            raise NotFound("There is no account with this log-in name.")
        set_password(unit, found.id, password_hash)
        remove(unit, found.id)
        return end_all(unit, found.id)

    ended = _in_unit(reset)
    said = {"login": login, "password": password, "sessions_ended": ended}
    _say(said, f"Password of {login}, told this once: {password}", as_json)


def _in_unit(act: Callable[[Unit], T]) -> T:
    """Run ``act`` in one committed unit of the node, opened for this command alone."""
    kernel: Any = click.get_current_context().obj.kernel

    async def run() -> T:
        async with kernel.running(background=False):
            done: T = await kernel.units.write(IDENTITY, act)
            return done

    return asyncio.run(run())


def _say(facts: dict[str, Any], words: str, as_json: bool) -> None:
    click.echo(msgspec.json.encode(facts).decode() if as_json else words)
