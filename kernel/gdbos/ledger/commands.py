"""``gdbos ledger``: check and prove from files alone. Exit codes: 0 sound, 1 tampered with, 2 not all there or wrong input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import DBAPIError

from gdbos.config import Deployment, Settings
from gdbos.errors import NotFound, Problem
from gdbos.ledger import prove as proving
from gdbos.ledger.leaf import LOGS
from gdbos.ledger.names import log_verifiers, witness_signer
from gdbos.ledger.note import Malformed, Verifier
from gdbos.ledger.policy import Policy
from gdbos.ledger.proof import Proof
from gdbos.ledger.publication import POLICY, published
from gdbos.ledger.report import INCOMPLETE, TAMPERED, Report
from gdbos.ledger.statement import read_statement
from gdbos.ledger.status import LogStatus
from gdbos.ledger.status import status as standing
from gdbos.ledger.verify import log_folders
from gdbos.ledger.verify import verify as check_log
from gdbos.storage.engine import engine_for
from gdbos.storage.wall import wall_at
from gdbos.vault import KeyRing

EXISTING = click.Path(exists=True, path_type=Path)
_WORDS = {0: "[green]sound[/]", TAMPERED: "[red]tampered with[/]", INCOMPLETE: "[yellow]not all there[/]"}

trust_option = click.option(
    "--policy",
    "--vkey",
    "trust",
    metavar="VKEY|FILE",
    help="A verifier key, or a C2SP tlog-policy file; by default the log's own policy file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a machine.")


class Context(Protocol):
    """What the command line knows of a node: its deployment, read only when a command asks."""

    @property
    def deployment(self) -> Deployment: ...


@click.group()
def ledger() -> None:
    """The tamper-evident ledger: verify, prove, check."""


@ledger.command()
@click.argument("path", type=EXISTING, required=False)
@trust_option
@json_option
def verify(path: Path | None, trust: str | None, as_json: bool) -> None:
    """Check every published log at PATH: a log's folder, the ledger's, or a node's home (default: this node's).

    Needs no server and no database.
    """
    folders = _logs(path or _home())
    policy = _policy(trust)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=as_json or not sys.stderr.isatty(),
        transient=True,
    ) as bars:
        reports = [check_log(folder, policy, progress=_follow(bars, folder.name)) for folder in folders]
    _finish(reports, as_json)


@ledger.command()
@click.argument("path_and_call", nargs=-1, required=True, metavar="[PATH] CALL")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write the proof here instead of to the terminal.")
def prove(path_and_call: tuple[str, ...], out: Path | None) -> None:
    """Write the proof (.tlog-proof) of CALL, a call id or a position, from the logs published at PATH (default: this node's)."""
    *paths, call = path_and_call
    if len(paths) > 1:
        raise click.UsageError("Give one PATH and one CALL.")
    folders = _logs(Path(paths[0]) if paths else _home())
    wanted = int(call) if call.isascii() and call.isdigit() else _uuid(call)
    if isinstance(wanted, int) and len(folders) > 1:
        raise click.UsageError(
            f"Position {wanted} of which log? Give the folder of one of: {', '.join(f.name for f in folders)}."
        )
    proof = _first_proof(folders, wanted)
    if out is None:
        click.echo(str(proof), nl=False)
    else:
        out.write_text(str(proof), encoding="utf-8")


def _first_proof(folders: Sequence[Path], wanted: int | UUID) -> Proof:
    faults: list[Problem] = []
    for folder in folders:
        try:
            return proving.prove(folder, wanted)
        except Problem as problem:
            faults.append(problem)
    broken = [fault for fault in faults if not isinstance(fault, NotFound)]
    click.echo(str((broken or faults)[0]), err=True)
    raise SystemExit(TAMPERED if broken else INCOMPLETE)


@ledger.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@trust_option
@click.option(
    "--record", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The record's bytes, if not in FILE."
)
@json_option
def check(file: Path, trust: str | None, record: Path | None, as_json: bool) -> None:
    """Check a proof FILE (.tlog-proof) offline, under a key you trust."""
    policy = _policy(trust) or _own_policy()
    _finish([proving.check(file.read_bytes(), policy, record.read_bytes() if record else None)], as_json)


@ledger.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@trust_option
@json_option
def statement(file: Path, trust: str | None, as_json: bool) -> None:
    """Check FILE, a statement of receipts or of own data as its subject downloaded it, offline, under a key you trust."""
    policy = _policy(trust) or _own_policy()
    try:
        stated = read_statement(file.read_bytes(), policy.logs)
    except Malformed as fault:
        click.echo(str(fault), err=True)
        raise SystemExit(INCOMPLETE) from None
    if stated is None:
        click.echo("No key you trust signed exactly this: it was changed, or comes from another node.", err=True)
        raise SystemExit(TAMPERED)
    if as_json:
        _print_json(stated)
    else:
        more = "" if stated.older == "none" else f"; older ones follow after {stated.older}"
        click.echo(f"sound: {len(stated.entries)} {stated.kind} of node {stated.node}, made {stated.made}{more}")
        click.echo(f"  signed by {', '.join(stated.signed_by)}")


@ledger.command()
@click.argument("a", type=EXISTING)
@click.argument("b", type=EXISTING)
@trust_option
@json_option
def consistency(a: Path, b: Path, trust: str | None, as_json: bool) -> None:
    """Check that checkpoints A and B (files or logs' folders) are of one history, the smaller the beginning of the larger."""
    _finish([proving.consistency(a, b, _policy(trust))], as_json)


@ledger.command()
@json_option
def keys(as_json: bool) -> None:
    """Print the public keys this node signs with, for others to trust: its logs', and its own as a witness."""
    settings = _settings()
    ring = KeyRing.open(settings.home / "keys")
    logs = [one.vkey for one in log_verifiers(settings, ring, _epochs(settings.home / "ledger"))]
    witness = witness_signer(settings, ring).verifier.vkey
    if as_json:
        _print_json({"logs": logs, "witness": witness})
        return
    click.echo(
        "\n".join(
            [
                "# its logs, first that of calls: for --vkey, and for [witness] logs of a node that witnesses this one",
                *logs,
            ]
        )
    )
    click.echo("# for the key of a witness in [ledger.witnesses] of a node that this one witnesses\n" + witness)


@ledger.command()
@json_option
def status(as_json: bool) -> None:
    """Show what waits, what is signed and what is published of this node's logs."""
    settings = _settings()
    try:
        with _database(settings).connect() as connection:
            if wall := wall_at(settings.database_url(), settings.home / "keys"):
                wall.enter_all(connection)
            logs = standing(connection, settings.home / "ledger")
    except DBAPIError:
        raise click.UsageError(
            "The node's database does not answer or holds no ledger yet: run gdbos migrate."
        ) from None
    if as_json:
        _print_json(logs)
    else:
        for log in logs:
            click.echo(_line(log))
    raise SystemExit(INCOMPLETE if any(log.falls_short for log in logs) else 0)


def _line(log: LogStatus) -> str:
    signed = f"{log.signed_at:%Y-%m-%d %H:%M:%S %Z}" if log.signed_at else "never"
    line = f"{log.log}  {log.origin}  {log.size} records, {log.pending} waiting, {log.published} published, signed {signed}"
    line += f", {log.cosigned} cosigned by {', '.join(log.cosigners)}" if log.cosigners else ", unwitnessed"
    if log.falls_short:
        line += "\n  " + log.falls_short.told(log.size)
    return line


def _follow(bars: Progress, name: str) -> Callable[[int, int], None]:
    task = bars.add_task(name, total=None)
    return lambda done, total: bars.update(task, completed=done, total=total)


def _finish(reports: Sequence[Report], as_json: bool) -> None:
    """Print the reports and leave with the worst outcome: tampering outweighs absence."""
    codes = {report.code for report in reports}
    code = TAMPERED if TAMPERED in codes else max(codes)
    if as_json:
        _print_json([{"code": report.code, **msgspec.to_builtins(report)} for report in reports])
        raise SystemExit(code)
    console = Console(soft_wrap=True, highlight=False)
    for report in reports:
        console.print(f"{report.log}: {_WORDS[report.code]}, {report.size} records  {report.origin}")
        for fault in report.faults:
            console.print(f"  {fault}", markup=False)
        if report.code == 0:
            console.print(
                f"  {report.checkpoints} checkpoints agree; witnesses: {', '.join(report.witnesses) or 'none'}"
            )
            console.print(f"  keys from {report.trust}")
    raise SystemExit(code)


def _print_json(value: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _policy(trust: str | None) -> Policy | None:
    if trust is None:
        return None
    try:
        return Policy.load(trust)
    except (Malformed, OSError) as fault:
        raise click.UsageError(
            f"What you trust (--vkey, --policy) is neither a verifier key nor a policy file: {fault}"
        ) from None


def _own_policy() -> Policy:
    """This node's own logs; a proof cannot vouch for its own key."""
    logs: list[Verifier] = []
    for folder in log_folders(_home()):
        if (folder / POLICY).is_file():
            logs += Policy.load(folder / POLICY).logs
    if not logs:
        raise click.UsageError("Give the key or policy you trust with --policy: a proof cannot vouch for its own key.")
    return Policy(tuple(logs))


def _epochs(folder: Path) -> dict[str, int]:
    """The epoch that each log was last published in."""
    out = {log: published(folder / log) for log in LOGS}
    return {log: int(one.origin.rpartition("/")[2]) for log, one in out.items() if one}


def _settings() -> Settings:
    context: Context | None = click.get_current_context().obj
    if context is None:
        raise click.UsageError("Give the PATH of the published log, or the key you trust with --policy.")
    return context.deployment.settings


def _home() -> Path:
    return _settings().home


def _database(settings: Settings) -> Engine:
    url = make_url(settings.database_url())
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise click.UsageError(f"{url.database} is not there yet: start the node once.")
    return engine_for(settings.database_url(), writable=False)


def _logs(path: Path) -> list[Path]:
    folders = log_folders(path)
    if not folders:
        raise click.UsageError(f"{path} holds no published log.")
    return folders


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is neither a call id nor a position.") from None
