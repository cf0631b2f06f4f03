"""``gdbos doctor``: everything about a node that can be wrong without anybody noticing, each with what to do about it.

Looks only: no table, key or file is made or changed, and a running node goes on running.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from sqlalchemy import ColumnElement, Connection, Engine, Table, func, make_url, or_, select
from sqlalchemy.exc import SQLAlchemyError

from gdbos.bus.adapters import Adapter, adapters_for
from gdbos.bus.adapters.database import SQLITE
from gdbos.bus.adapters.target import parse
from gdbos.bus.grant import bus_grant
from gdbos.bus.outbox import delivery
from gdbos.bus.service import Offered
from gdbos.cli import Context, emit
from gdbos.errors import Misconfigured
from gdbos.files.content import LOOKS
from gdbos.files.file import file
from gdbos.identity.account import account
from gdbos.identity.post import post
from gdbos.ledger.status import LogStatus
from gdbos.ledger.status import status as standing
from gdbos.ledger.subjects import STORE
from gdbos.ledger.tables import pending
from gdbos.plugin import Check
from gdbos.standards.basis import ceased
from gdbos.storage.breach import escapes, weaknesses
from gdbos.storage.engine import engine_for, refuse_unsafe
from gdbos.storage.migrate import behind, lineages, tables_of
from gdbos.storage.wall import walled
from gdbos.vault import KeyRing, Use

if TYPE_CHECKING:
    from gdbos.kernel import Kernel

State = Literal["ok", "warn", "fail"]

WARN_FULL: Final = 0.85
FAIL_FULL: Final = 0.92
PATIENCE: Final = 2.0
"""Seconds a place may take to accept a connection."""
LATE: Final = timedelta(minutes=1)
"""How long a record may wait for the ledger's sequencer, which comes by every half second."""
QUARANTINE: Final = timedelta(minutes=10)
KEY_AGE: Final = timedelta(days=730)
"""A cryptoperiod of two years (NIST SP 800-57 part 1, 5.3.6) for keys that sign or wrap."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    state: State
    what: str
    hint: str = ""
    """What to do; empty where all is well."""


async def examine(kernel: Kernel) -> list[Finding]:
    """Everything that was looked at, in the order of its layers: home, keys, database, standards, plugins, surroundings."""
    found = [*_home(kernel.settings.home), *_keys(kernel.settings.home / "keys", kernel.clock())]
    found += await asyncio.to_thread(lambda: list(_database(kernel)))
    found += [_second_factor(kernel), *_standards(kernel), *_files(kernel)]
    found.append(await _services(kernel))
    usable = not any(one.state == "fail" for one in found)
    found += await _plugins(kernel, usable=usable)
    found += await asyncio.gather(
        *(
            _place(name, url)
            for name, url in sorted(kernel.settings.bus.addresses().items())
            if "://" in url and not url.startswith(SQLITE)
        )
    )
    return found


# Home and keys.


def _home(home: Path) -> Iterator[Finding]:
    if not home.is_dir():
        yield Finding("home", "fail", f"{home} is not there", "start the node once, or restore it from a backup")
        return
    mode = home.stat().st_mode & 0o777
    if mode & 0o077:
        yield Finding("home", "warn", f"{home} may be entered by others (mode {mode:04o})", f"run: chmod 700 {home}")
    else:
        yield Finding("home", "ok", f"{home} is the owner's alone")
    usage = shutil.disk_usage(home)
    share = 1 - usage.free / usage.total
    what = f"{share:.0%} of the disk is used, {usage.free / 1e9:,.1f} GB are free"
    state: State = "fail" if share >= FAIL_FULL else "warn" if share >= WARN_FULL else "ok"
    yield Finding("disk", state, what, "" if state == "ok" else "make room: a full disk stops the database")


def _keys(folder: Path, now: datetime) -> Iterator[Finding]:
    try:
        ring = KeyRing.open(folder)
    except (Misconfigured, OSError) as failure:
        yield Finding(
            "keys", "fail", str(failure), "the first start of a node makes them; later they come from their backup"
        )
        return
    open_to = [path.name for path in folder.glob(f"{STORE}*") if path.stat().st_mode & 0o077]
    if open_to:
        yield Finding("keys", "fail", f"others may read {', '.join(sorted(open_to))}", f"run: chmod 600 {folder}/*")
    elif not (folder / STORE).is_file():
        yield Finding("keys", "fail", f"{folder / STORE} is missing", "restore it from the backup of the keys")
    else:
        yield Finding("keys", "ok", "all are there, and the owner's alone")
    uses: tuple[Use, ...] = ("kek", "log", "token")
    if old := [use for use in uses if now - ring.current(use).since > KEY_AGE]:
        what = f"in use for more than two years: {', '.join(old)}"
        yield Finding("key age", "warn", what, "rotate them, and publish the log's new key to its witnesses first")
    else:
        yield Finding("key age", "ok", "none is in use for more than two years")


# The database and what it says.


def _database(kernel: Kernel) -> Iterator[Finding]:
    try:
        url = make_url(kernel.settings.database_url())
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            yield Finding("database", "fail", "its file is not there", "run: gdbos migrate")
            return
        engine = engine_for(kernel.settings.database_url(), writable=False)
    except Misconfigured as wrong:
        yield Finding("database", "fail", str(wrong), "mend [database] url")
        return
    try:
        refuse_unsafe(engine)
        yield Finding("database", "ok", f"{engine.dialect.name} answers, with settings that forget nothing")
        yield from _tables(kernel, engine)
    except Misconfigured as unsafe:
        yield Finding("database", "fail", str(unsafe), "change the setting and restart the database")
    except SQLAlchemyError as failure:
        yield Finding(
            "database", "fail", f"it does not answer ({type(failure).__name__})", "start it, or mend [database] url"
        )
    finally:
        engine.dispose()


def _tables(kernel: Kernel, engine: Engine) -> Iterator[Finding]:
    with engine.connect() as connection:
        if late := [one.owner for one in lineages(kernel.plugins) if behind(connection, one)]:
            what = f"the tables of {', '.join(late)} are not those of this release"
            yield Finding(
                "migrations",
                "fail",
                what,
                "run: gdbos migrate, with the release that the database was last used by or later",
            )
            return
        yield Finding("migrations", "ok", "every owner's tables are at this release")
        yield _second_wall(connection, kernel)
        try:
            wall = kernel.wall
        except Misconfigured:  # named among the keys; without them nobody sees behind the wall
            return
        if wall:
            wall.enter_all(connection)
        yield from _ledger(connection, kernel)
        yield from _waiting(connection, kernel.clock())
        yield _accounts(connection, kernel)


def _second_wall(connection: Connection, kernel: Kernel) -> Finding:
    if connection.dialect.name == "sqlite":
        what = "SQLite has no row-level security: whoever reads the file reads every row"
        return Finding("second wall", "warn", what, "take PostgreSQL where several bodies share a node")
    tables = tables_of(lineages(kernel.plugins))
    if found := escapes(connection, tables):
        what = f"rows get around it by {len(found)} ways: {', '.join(found[:3])}"
        return Finding(
            "second wall", "fail", what, "run: gdbos migrate; take away what it does not mend (docs/integrators.md)"
        )
    if weak := weaknesses(connection):
        what = f"it does not hold this node: {weak[0]}"
        return Finding("second wall", "warn", what, "serve with a role of its own, docs/integrators.md: the roles")
    return Finding("second wall", "ok", f"row-level security stands around {len(walled(tables))} tables")


def _ledger(connection: Connection, kernel: Kernel) -> Iterator[Finding]:
    for log in standing(connection, kernel.settings.home / "ledger"):
        oldest = connection.execute(select(func.min(pending.c.at)).where(pending.c.log == log.log)).scalar()
        yield _log(log, stuck=oldest is not None and kernel.clock() - oldest > LATE)
        yield _witnesses(log, asked=list(kernel.settings.ledger.witnesses))


def _log(log: LogStatus, *, stuck: bool) -> Finding:
    name = f"ledger {log.log}"
    if log.falls_short:
        what = log.falls_short.told(log.size)
        return Finding(name, "fail", what, "an old backup was restored: append nothing before the rest is back")
    if stuck or log.published < log.size:
        what = f"{log.pending:,} records wait and {log.size - log.published:,} are not published"
        return Finding(name, "warn", what, "start the node; where it runs, its log says why the sequencer stands still")
    return Finding(name, "ok", f"{log.size:,} records, all published")


def _witnesses(log: LogStatus, *, asked: list[str]) -> Finding:
    name = f"witnesses {log.log}"
    if not asked:
        what = "unwitnessed: whoever holds database and log key could rewrite the past"
        return Finding(name, "warn", what, "name other nodes that cosign it in [ledger.witnesses]")
    if log.cosigned < log.published:
        what = f"{log.published - log.cosigned:,} of {log.published:,} published records are not cosigned"
        return Finding(name, "warn", what, f"see whether they answer: {', '.join(asked)}")
    return Finding(name, "ok", f"cosigned by {', '.join(log.cosigners) or 'nobody: there is nothing yet'}")


def _waiting(connection: Connection, now: datetime) -> Iterator[Finding]:
    """What waits for a person to do something."""
    yield _none_of(
        "grants",
        _count(connection, bus_grant, bus_grant.c.state == "draft"),
        "in draft: what consumers asked for and nobody has decided",
        "an official of the provider decides them in the console",
    )
    yield _none_of(
        "dead letters",
        _count(connection, delivery, delivery.c.state == "dead"),
        "events could not be delivered and were put aside",
        "read why, then retry or drop each",
    )
    old = (file.c.state == "quarantined", file.c.at < now - QUARANTINE)
    yield _none_of(
        "quarantine",
        _count(connection, file, *old),
        "files wait for a scanner longer than ten minutes",
        "look why the scanner fails",
    )


def _accounts(connection: Connection, kernel: Kernel) -> Finding:
    today = kernel.clock().date()
    held = select(post.c.account).where(or_(post.c.until.is_(None), post.c.until > today))
    idle = (account.c.kind == "official", account.c.disabled.is_(False), account.c.id.not_in(held))
    return _none_of(
        "accounts",
        _count(connection, account, *idle),
        "officials can log in and hold no post",
        "appoint them or disable their accounts",
    )


def _count(connection: Connection, table: Table, *where: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


def _none_of(name: str, count: int, what: str, hint: str) -> Finding:
    return Finding(name, "warn", f"{count:,} {what}", hint) if count else Finding(name, "ok", "none waits")


# What the node is made of, and what is around it.


def _second_factor(kernel: Kernel) -> Finding:
    demanded = kernel.settings.identity
    if not demanded.second_factor:
        what = "nobody needs one: who learns an administrator's password has the node"
        return Finding("second factor", "warn", what, "name the administrators' roles in [identity] second_factor")
    again = (
        f"asked for again after {demanded.step_up_minutes} minutes" if demanded.step_up_minutes else "asked for once"
    )
    return Finding("second factor", "ok", f"needed by {', '.join(demanded.second_factor)}, {again}")


def _standards(kernel: Kernel) -> Iterator[Finding]:
    with contextlib.suppress(SQLAlchemyError):  # what is wrong with the database is told with the database
        try:
            kernel.stand_under(kernel.published())
        except Misconfigured as wrong:
            what = f"what is published here does not load: {wrong}"
            yield Finding("standards", "fail", what, "do what the fault says")
            return
    packs = [f"{pack.id} {pack.version}" for pack in kernel.standards.packs]
    if packs:
        yield Finding("standards", "ok", f"loaded, from the uppermost down: {', '.join(packs)}")
    else:
        yield Finding("standards", "warn", "no pack is loaded", "name them in [standards] packs")
    today = kernel.clock().astimezone(ZoneInfo(kernel.settings.node.zone)).date()
    ended = [one for one in ceased(kernel.standards) if one.ended <= today]
    if ended:
        first = f"{ended[0].kind}/{ended[0].id} on {ended[0].basis}"
        what = f"{len(ended)} rules rest on a law that has ended, among them {first}"
        yield Finding("laws", "warn", what, "whoever publishes them names another law, or ends them")


def _files(kernel: Kernel) -> Iterator[Finding]:
    if not kernel.hooks.scanners:
        yield Finding("scanner", "warn", "no malware scanner is enabled", "enable a plugin that implements scan_file")
    else:
        yield Finding("scanner", "ok", f"{kernel.hooks.scanners} look at every file")
    if blind := [one for one in kernel.settings.files.types if one not in LOOKS]:
        what = f"[files] types names {', '.join(blind)}, which nothing here can look into: such files are refused"
        yield Finding("file types", "warn", what, f"take those out; there are: {', '.join(LOOKS)}")


async def _services(kernel: Kernel) -> Finding:
    """Whether this node can reach what its packs offer."""
    adapters = adapters_for(kernel.settings.bus)
    documents = [*kernel.standards.documents("services", kernel.clock().date())]
    missing = [why for document in documents if (why := _unreachable(kernel.offer_of(document.value), adapters))]
    for adapter in adapters.values():
        await adapter.aclose()
    if missing:
        what = f"{len(missing)} of {len(documents)} services of the packs are not set up here: {'; '.join(missing[:3])}"
        return Finding("services", "warn", what, "name their places in [bus.places], where this node is to reach them")
    return Finding("services", "ok", f"{len(documents)} of the packs, each with its place")


def _unreachable(service: Offered, adapters: Mapping[str, Adapter[Any]]) -> str:
    assert service.registered is not None
    if service.registered.adapter not in adapters:
        return f"service {service.code}: there is no adapter {service.registered.adapter}"
    try:
        adapters[service.registered.adapter].check(service)
    except Misconfigured as why:
        return str(why)
    return ""


async def _plugins(kernel: Kernel, *, usable: bool) -> list[Finding]:
    asked = [(plugin.name, check) for plugin in kernel.plugins for check in plugin.checks]
    found = [Finding("plugins", "ok", f"{len(kernel.plugins)} enabled, {len(asked)} checks")]
    if asked and not usable:
        what = "not asked while the node itself is not well"
        return [*found, Finding("plugin checks", "warn", what, "mend what is above first")]
    try:
        if asked:
            async with kernel.running(background=False):
                found += [await _asked(kernel, owner, check) for owner, check in asked]
    except Misconfigured as taken:
        found.append(Finding("plugin checks", "warn", str(taken), "a running node answers them at /health/ready"))
    return found


async def _asked(kernel: Kernel, owner: str, check: Check) -> Finding:
    name = f"{owner} {check.name}"
    try:
        complaint = await check.ask(kernel)
    except Exception as failure:
        complaint = f"the check itself failed with {type(failure).__name__}"
    return Finding(name, "fail", complaint, f"see what {owner} needs") if complaint else Finding(name, "ok", "well")


async def _place(name: str, url: str) -> Finding:
    title = f"place {name}"
    try:
        base = parse(url)
        _, writer = await asyncio.wait_for(asyncio.open_connection(base.host, base.port), PATIENCE)
    except Misconfigured as wrong:
        return Finding(title, "fail", str(wrong), f"mend [bus] places.{name}")
    except (OSError, TimeoutError) as failure:
        what = f"it does not accept connections ({type(failure).__name__})"
        return Finding(title, "warn", what, "services there are unavailable until it does; forms go on without them")
    writer.close()
    return Finding(title, "ok", "it accepts connections")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def doctor(context: Context, as_json: bool) -> None:
    """Look whether the node is well. Exit code 1 when something fails; warnings do not."""
    found = asyncio.run(examine(context.kernel))
    if as_json:
        emit(found)
    else:
        _show(found)
    if any(one.state == "fail" for one in found):
        raise click.exceptions.Exit(1)


def _show(found: Sequence[Finding]) -> None:
    grid = Grid("", "What", "How it is", "What to do")
    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    for one in found:
        grid.add_row(f"[{colours[one.state]}]{one.state}[/]", one.name, escape(one.what), escape(one.hint))
    Console().print(grid)
