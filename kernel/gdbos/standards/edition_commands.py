"""``gdbos standards import | editions | review | publish | refuse | withdraw``: an official's acts, on a running node or one that is opened here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import click
import httpx
import msgspec

from .parcel import files_of, zipped

F = TypeVar("F", bound=Callable[..., Any])
EDITIONS = "/api/standards/editions"
SECONDS = 120.0
DAY = click.DateTime(["%Y-%m-%d"])
REASON = click.option("--reason", required=True, help="Why; goes on record.")


def acting(command: F) -> F:
    """Options that say where an official acts, and as whom."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="For machines."),
        click.option("--token", envvar="GDBOS_TOKEN", help="A session's token, in place of a log-in; or GDBOS_TOKEN."),
        click.option(
            "--login",
            envvar="GDBOS_LOGIN",
            help="Whose act it is; or GDBOS_LOGIN. The password is asked, or GDBOS_PASSWORD.",
        ),
        click.option("--node", help="Address of the running node; without it, the deployment's own is opened here."),
    ):
        command = option(command)
    return command


@click.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--summary", default="", help="What it is for.")
@acting
def import_pack(path: Path, summary: str, as_json: bool, **desk: Any) -> None:
    """Hand in the pack in PATH, a folder or a ZIP, as a draft."""
    content = zipped(files_of(path)) if path.is_dir() else path.read_bytes()
    sent = {"files": {"file": (path.name, content, "application/zip")}, "data": {"summary": summary}}
    made = _asked("POST", EDITIONS, desk, **sent)
    _say(made, as_json, f"{made['id']}: draft of {made['pack']} {made['version']}")


@click.command("editions")
@click.option("--of", type=click.Choice(["draft", "published", "refused", "withdrawn"]), help="Only these.")
@acting
def list_editions(of: str | None, as_json: bool, **desk: Any) -> None:
    """List drafts and what became of them, newest first."""
    found = _asked("GET", EDITIONS, desk, params={"of": of} if of else {})["editions"]
    lines = [f"{one['id']}  {one['state']:9}  {one['pack']} {one['version']}  {one['since'] or ''}" for one in found]
    _say(found, as_json, "\n".join(lines))


@click.command("review")
@click.argument("edition", type=click.UUID)
@click.option("--on", type=DAY, help="The day it would begin to speak; today if absent.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@acting
def review_edition(edition: Any, on: datetime | None, language: str, as_json: bool, **desk: Any) -> None:
    """Say what is wrong with EDITION, what it changes, and whom it would break; exit 1 where it cannot be published."""
    found = _asked("GET", f"{EDITIONS}/{edition}/review", desk, params=_day(on))
    lines = [_fault(one) for one in found["faults"]]
    lines += [one["words"].get(language) or one["words"]["zh"] for one in found["differences"]]
    lines += [f"{one['consumer']}: {how.get(language) or how['zh']}{' ✓' if one['consent'] else ''}" for one in found["affected"] for how in one["how"]]  # fmt: skip
    _say(found, as_json, "\n".join(lines))
    if found["faults"]:
        click.get_current_context().exit(1)


def _fault(one: dict[str, Any]) -> str:
    at = ":".join(str(one[key]) for key in ("file", "line") if one.get(key))
    return f"{at}: {one['rule']}: {one['detail']} ({one.get('hint', '')})"


@click.command("publish")
@click.argument("edition", type=click.UUID)
@click.option("--from", "on", type=DAY, help="The first day on which it speaks; today if absent.")
@REASON
@acting
def publish_edition(edition: Any, on: datetime | None, reason: str, as_json: bool, **desk: Any) -> None:
    """Publish somebody else's draft EDITION: signed and recorded, and every worker stands under it."""
    _decide(edition, "publish", {"reason": reason, **_day(on)}, as_json, desk)


@click.command("refuse")
@click.argument("edition", type=click.UUID)
@REASON
@acting
def refuse_edition(edition: Any, reason: str, as_json: bool, **desk: Any) -> None:
    """Say why the draft EDITION is not published."""
    _decide(edition, "refuse", {"reason": reason}, as_json, desk)


@click.command("withdraw")
@click.argument("edition", type=click.UUID)
@click.option("--from", "on", type=DAY, help="The first day on which it speaks no more; today if absent.")
@REASON
@acting
def withdraw_edition(edition: Any, on: datetime | None, reason: str, as_json: bool, **desk: Any) -> None:
    """Withdraw the published EDITION; what stood before it speaks again."""
    _decide(edition, "withdraw", {"reason": reason, **_day(on)}, as_json, desk)


COMMANDS: tuple[click.Command, ...] = (
    import_pack,
    list_editions,
    review_edition,
    publish_edition,
    refuse_edition,
    withdraw_edition,
)


def _decide(edition: Any, act: str, said: dict[str, str], as_json: bool, desk: dict[str, Any]) -> None:
    made = _asked("POST", f"{EDITIONS}/{edition}/{act}", desk, json=said)
    _say(made, as_json, f"{made['pack']} {made['version']}: {made['state']}")


def _day(on: datetime | None) -> dict[str, str]:
    return {"on": on.date().isoformat()} if on else {}


def _say(value: Any, as_json: bool, words: str) -> None:
    click.echo(msgspec.json.encode(value).decode() if as_json else words)


# The same addresses, whether the node runs elsewhere or is opened for this command alone.


def _asked(method: str, path: str, desk: dict[str, Any], **sent: Any) -> Any:
    """What the node answers; where it refuses, the command ends with its words and exit code 1."""
    if not desk["token"] and not desk["login"]:
        raise click.UsageError("say whose act it is: --login LOGIN, or --token")
    password = "" if desk["token"] else _password(desk["login"])
    answer = asyncio.run(_ask(method, path, desk, password, sent))
    if answer.is_success:
        return answer.json()
    told = answer.json()
    wrong = "".join(f"\n{one['path']}: {one['detail']}" for one in told.get("violations", ()))
    click.echo(f"{told['title']}. {told['detail']}{wrong}", err=True)
    return click.get_current_context().exit(1)


def _password(login: str) -> str:
    return os.environ.get("GDBOS_PASSWORD") or str(click.prompt(f"Password of {login}", hide_input=True))


async def _ask(method: str, path: str, desk: dict[str, Any], password: str, sent: dict[str, Any]) -> httpx.Response:
    async with _node(desk["node"]) as client:
        token = desk["token"]
        if not token:
            opened = await client.post("/api/identity/sessions", json={"login": desk["login"], "password": password})
            if not opened.is_success:
                return opened
            token = opened.json()["token"]
            client.cookies.clear()
        headers = {"authorization": f"Bearer {token}", "accept-language": "en"}
        return await client.request(method, path, headers=headers, **sent)


@asynccontextmanager
async def _node(address: str | None) -> AsyncIterator[httpx.AsyncClient]:
    if address:
        async with httpx.AsyncClient(base_url=address, timeout=SECONDS) as client:
            yield client
        return
    from gdbos.http import application  # the whole node; only this needs it

    app = application(click.get_current_context().obj.kernel)
    here = httpx.ASGITransport(app=cast("Any", app))
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=here, base_url="http://127.0.0.1", timeout=SECONDS) as client,
    ):
        yield client
