"""``gdbos identity``: the first account of a node, further officials, recovering and shutting an account, on the node's own machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import click
import msgspec

from gdbos.errors import Conflict, NotFound
from gdbos.identity.account import disable, find_account, open_account, restore, set_password
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.factor import remove
from gdbos.identity.import_routes import Imported, apply, plan_of
from gdbos.identity.importing import Kind, read_table
from gdbos.identity.password import generated, hashed
from gdbos.identity.post import appoint
from gdbos.identity.session import end_all
from gdbos.identity.setup import bootstrap
from gdbos.unit import Run, Unit

if TYPE_CHECKING:
    from gdbos.kernel import Kernel

T = TypeVar("T")
REDEEM = "Send it with POST /api/identity/setup: code, login, name, password, body. There is no default password."
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
    words = f"Set-up code, good once and for 24 hours: {code}\n{REDEEM}"
    _say({"code": code}, words, as_json)


@identity.command("add-official")
@click.argument("login")
@click.option("--name", required=True, help="How pages greet them.")
@click.option("--body", required=True, help="USCC of the body they work for.")
@click.option("--role", "role_id", required=True, help="Id of a role of the standards packs.")
@JSON
def add_official(login: str, name: str, body: str, role_id: str, as_json: bool) -> None:
    """Open an account for an official with a post; prints the generated password once, to be changed at the first log-in.

    An administrator's post counts at once: whoever runs the node makes the second administrator, who then confirms others.
    """
    password = generated()
    password_hash = hashed(password)

    def add(unit: Unit) -> UUID:
        account = open_account(unit, login=login, password_hash=password_hash, name=name, kind="official", due=True)
        appoint(unit, account, body=body, role_id=role_id)
        return account

    account = _in_unit(add)
    said = {"account": str(account), "login": login, "password": password}
    _say(said, f"Opened {login}. Password, told this once: {password}", as_json)


@identity.command("import")
@click.argument("table", type=click.File("rb"))
@click.option("--kind", type=click.Choice(["bodies", "officials"]), required=True, help="What the rows are.")
@click.option("--apply", "digest", default="", help="Digest of the plan to apply; without it the plan is only shown.")
@JSON
def import_table(table: IO[bytes], kind: Kind, digest: str, as_json: bool) -> None:
    """Plan an import of bodies or officials from a workbook or CSV; exit code 1 when rows are refused."""
    kernel: Kernel = click.get_current_context().obj.kernel
    rows = read_table(kind, table)

    async def run() -> Imported:
        async with kernel.running(background=False):
            by = Run(kernel.units, IDENTITY)
            plan = await plan_of(by, kind, rows)
            return await apply(by, kernel, plan, rows, digest) if digest else Imported(plan=plan, applied=False)

    done = asyncio.run(run())
    lines = [f"{row.number:>5}  {row.state:<9}  {row.key}  {row.reason.format(**row.facts)}" for row in done.plan.rows]
    lines += [f"Password of {login}, told this once: {password}" for login, password in done.passwords.items()]
    last = "Applied." if done.applied else f"Nothing was changed. Apply it with: --apply {done.plan.digest}"
    click.echo(msgspec.json.encode(done).decode() if as_json else "\n".join([*lines, last]))
    if done.plan.count("refused"):
        raise click.exceptions.Exit(1)


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
@click.option("--restore", "again", is_flag=True, help="Let it log in again, if it is disabled.")
@JSON
def recover(login: str, again: bool, as_json: bool) -> None:
    """Give an account another password and take its second factor away; prints the password once, to be changed at log-in."""
    password = generated()
    password_hash = hashed(password)

    def reset(unit: Unit) -> int:
        found = find_account(unit, login)
        if found is None:
            raise NotFound("There is no account with this log-in name.")
        if found.disabled and not again:
            raise Conflict("The account is disabled: no password lets it in. Add --restore to let it log in again.")
        if found.disabled:
            restore(unit, found.id)
        set_password(unit, found.id, password_hash, due=True)
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
