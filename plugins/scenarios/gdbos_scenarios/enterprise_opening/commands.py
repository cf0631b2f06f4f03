"""``gdbos demo``: the demo city, and one enterprise opened in it."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from pathlib import Path

import click
import httpx
from rich.console import Console
from rich.table import Table

from gdbos import Context, emit

from .city import City, city
from .gathering import gather
from .opening import open_enterprise
from .people import APPLICANT, AUDITOR, CATALOGUER, CONSUMER, COUNTERSIGNER, GUARD, OFFICIALS, OTHER_APPLICANT, Refused
from .summary import Summary, summarise, told

err = Console(stderr=True)
ROLES = {
    APPLICANT: "办事人 applicant",
    OTHER_APPLICANT: "另一办事人 another applicant",
    **dict(zip(OFFICIALS, ("市场监管", "公安", "税务", "人社", "医保", "公积金", "银行"), strict=True)),
    "lingdao": "领导（驾驶舱） leader",
    CATALOGUER: "目录管理员 catalogue manager",
    COUNTERSIGNER: "目录核签 catalogue, second signature",
    CONSUMER: "用数部门 asks for data",
    "ducha": "督查 supervisor",
    "xitong": "系统管理员 system administrator",
    "biaozhun": "标准管理员 standards manager",
    GUARD: "安全管理员 security administrator",
    AUDITOR: "审计管理员 audit administrator",
}
LEDGER_TICK = 1.5
"""Seconds in which the ledger's sequencer has surely been round."""


@click.group()
def demo() -> None:
    """The demo city, with everything invented but the rules."""


@demo.command("city")
@click.pass_obj
def serve_city(context: Context) -> None:
    """Serve the demo city; unless GDBOS_DEMO=off, first open one enterprise in it."""
    home = Path(context.deployment.settings.node.home)
    with city(context, home) as found:

        def beside(url: str) -> bool:
            if os.environ.get("GDBOS_DEMO", "on").lower() != "off":
                _run(found, url)
                _gather(found, url)
            _show_logins(found, url)
            return False

        found.context.serve(beside)


@demo.command("enterprise-opening")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--refuse", default="", metavar="SYSTEM,…", help="Departments' systems that refuse: seal, tax, …")
@click.option("--down", default="", metavar="SYSTEM,…", help="Departments' systems that are down: population, …")
@click.pass_obj
def enterprise_opening(context: Context, as_json: bool, refuse: str, down: str) -> None:
    """Open one enterprise in a temporary city and say what it took."""
    options = [word for name, given in (("--refuse", refuse), ("--down", down)) if given for word in (name, given)]
    made: list[Summary] = []
    with (
        tempfile.TemporaryDirectory(prefix="gdbos-demo-") as home,
        city(context, Path(home), *options, port=_free_port()) as found,
    ):

        def beside(url: str) -> bool:
            if summary := _run(found, url):
                made.append(summary)
            return True

        found.context.serve(beside)
    if not made:
        raise click.exceptions.Exit(1)
    if as_json:
        emit(made[0])


def _run(found: City, url: str) -> Summary | None:
    """Carry the job out with visible progress; what went wrong is said and does not stop the node."""
    try:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http, err.status("企业开办演示 …") as status:
            status.update("")
            opened = open_enterprise(http, found.passwords, lambda line: err.print(line, highlight=False))
            time.sleep(LEDGER_TICK)
            summary = summarise(opened, found.home / "ledger", found.context.config)
        told(summary, lambda line: err.print(line, highlight=False, soft_wrap=True))
    except Exception as failure:
        err.print(f"[red]演示未完成[/red]  ·  The demonstration did not finish: {type(failure).__name__}: {failure}")
        return None
    return summary


def _gather(found: City, url: str) -> None:
    try:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            gather(http, found.passwords, lambda line: err.print(line, highlight=False))
    except Refused as refusal:
        err.print(f"[red]聚通用演示未完成[/red]  ·  The data slice did not finish: {refusal}")


def _show_logins(found: City, url: str) -> None:
    table = Table("用户名 log-in", "口令 password", "身份 who", title=f"演示城市 {url}")
    for login, role in ROLES.items():
        table.add_row(login, found.passwords.get(login, "—"), role)
    err.print(table)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
