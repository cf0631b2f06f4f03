"""``gdbos standards new | diff | schema | export``: for whoever writes a pack; no node has to run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from .asked import today
from .compare import compared, place
from .pack import ID, RANK
from .parcel import files_of, unzipped, zipped
from .schema import names, schema
from .shelf import Shelf, write

FOLDER = click.Path(file_okay=False, path_type=Path)
LANGUAGE = click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)

PACK = """#:schema .schemas/pack.json
id = "{id}"
version = "1"
level = "{level}"
division = "{division}"
extends = {extends}
title = {{ zh = "{title}" }}
publisher = {{ zh = "{publisher}" }}

# Articles that rules name in `basis`:
# [[basis]]
# id = "local-2026-8"
# title = {{ zh = "某条例 第八条", en = "Some ordinance, article 8" }}
# article = "8"
# from = 2026-01-01
"""
STARTED = {
    "codes/{id}.example.toml": """#:schema ../.schemas/codes.json
id = "{id}.example"
title = {{ zh = "示例代码集", en = "An example list" }}

[[code]]
code = "1"
title = {{ zh = "第一项", en = "First" }}
""",
    "elements/elements.toml": """#:schema ../.schemas/elements.json
[[element]]
id = "{id}-example"
title = {{ zh = "示例数据元", en = "An example element" }}
form = "an1"
codes = "{id}.example"
""",
    "examples/examples.toml": """#:schema ../.schemas/examples.json
[[valid]]
kind = "code"
id = "{id}.example"
value = "1"

[[invalid]]
kind = "code"
id = "{id}.example"
value = "2"
rule = "code"
""",
}
EDITOR = """# Even Better TOML and taplo read this: each file is checked while it is written.
{rules}"""
RULE = """[[rule]]
include = ["{include}"]
[rule.schema]
path = ".schemas/{kind}.json"
"""


def shelf() -> Shelf:
    """The packs and kinds of the deployment."""
    found: Shelf = click.get_current_context().obj.kernel.shelf
    return found


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--id", help="Its id; without it, the folder's name.")
@click.option("--level", type=click.Choice(list(RANK)), default="county", show_default=True)
@click.option("--division", default="000000", help="GB/T 2260 code it speaks for.")
@click.option("--extends", multiple=True, help="A pack it lays over; may be given several times.")
@click.option("--title", default="示例包", help="In Chinese.")
@click.option("--publisher", default="示例", help="In Chinese.")
def new(folder: Path, id: str | None, extends: tuple[str, ...], **said: str) -> None:
    """Begin a pack in FOLDER: a list, an element, examples, and the schemas that editors read."""
    if (folder / "pack.toml").exists():
        raise click.BadParameter(f"{folder} holds a pack already", param_hint="FOLDER")
    _refuse_wrong_id(id or folder.name)
    named = {"id": id or folder.name, "extends": msgspec.json.encode(extends).decode(), **said}
    started = {"pack.toml": PACK, **STARTED}
    write(folder, {name.format(**named): text.format(**named).encode() for name, text in started.items()})
    _schemas(folder / ".schemas")
    _editors(folder)
    click.echo(f"{folder}: begun; gdbos standards check {folder}")


def _refuse_wrong_id(id: str) -> None:
    if not re.match(ID, id):
        detail = (
            f"{id!r} is no id of a pack: small letters, digits, dots and hyphens, 64 at most; give another with --id"
        )
        raise click.BadParameter(detail, param_hint="FOLDER")


def _editors(folder: Path) -> None:
    kinds = [one for one in names(shelf().structs()) if one != "pack"]
    rules = [RULE.format(include="pack.toml", kind="pack")]
    rules += [RULE.format(include=f"{kind}/*.toml", kind=kind) for kind in kinds]
    (folder / ".taplo.toml").write_text(EDITOR.format(rules="\n".join(rules)), "utf-8")


@click.command("schema")
@click.argument("kind", default="")
@click.option("--out", type=FOLDER, help="Write the schema of every kind into this folder.")
def schema_command(kind: str, out: Path | None) -> None:
    """Print the JSON Schema of the files of KIND, or write all of them."""
    if out is not None:
        _schemas(out)
    elif kind:
        click.echo(msgspec.json.format(msgspec.json.encode(schema(shelf().structs(), kind)), indent=2).decode())
    else:
        click.echo("\n".join(names(shelf().structs())))


def _schemas(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind in names(shelf().structs()):
        made = msgspec.json.format(msgspec.json.encode(schema(shelf().structs(), kind)), indent=1)
        (folder / f"{kind}.json").write_bytes(made + b"\n")


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="As of this day; today if absent.")
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def diff(old: str, new: str, on: datetime | None, language: str, as_json: bool) -> None:
    """Say in words how the pack NEW differs from OLD: two versions of one pack, or two levels.

    Each is a folder, a ZIP, the id of a pack of this deployment, or ID@VERSION of one that was published here.
    """
    with _lying(old) as before, _lying(new) as after:
        found = compared(before, after, shelf().kinds, shelf().folders, on.date() if on else today())
    if as_json:
        click.echo(msgspec.json.encode(found, enc_hook=str).decode())
        return
    for one in found:
        click.echo(one.words.into(language))
    click.echo(f"{len(found)} difference(s)")


@click.command()
@click.argument("pack")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def export(pack: str, out: Path) -> None:
    """Write PACK (a folder, an id, or ID@VERSION as published) as a ZIP that another node can import."""
    with _lying(pack) as folder:
        out.write_bytes(zipped(files_of(folder)))
    click.echo(out)


@contextmanager
def _lying(word: str) -> Iterator[Path]:
    """The folder that a word on the command line means."""
    path = Path(word)
    if path.is_dir():
        yield path.resolve()
    elif path.is_file():
        with tempfile.TemporaryDirectory(prefix="gdbos-pack-") as made:
            write(Path(made) / path.stem, unzipped(path.read_bytes()))
            yield Path(made) / path.stem
    elif "@" in word:
        folder = shelf().home.joinpath(*word.split("@", 1))
        if not folder.is_dir():
            raise click.BadParameter(f"no edition {word} was published here")
        yield folder
    else:
        yield place(word, shelf().folders)


COMMANDS: tuple[Any, ...] = (new, diff, schema_command, export)
