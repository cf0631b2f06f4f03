"""A standards pack: a folder of TOML that speaks for one level and division of government, and how it is read."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import tomli  # compiled: a node reads hundreds of files, and tomllib takes three times as long

from gdbos.text import Text

from .document import Confidence
from .fault import Fault, line_of, misspelt, nearest
from .layer import Layer, Table
from .parcel import digest, files_of
from .shape import flaws
from .span import ALWAYS, Days

Level = Literal["ministry", "national", "province", "city", "county"]
RANK: dict[str, int] = {"national": 0, "ministry": 1, "province": 2, "city": 3, "county": 4}

FOLDERS: dict[str, tuple[str, ...]] = {
    "basis": ("basis",),
    "elements": ("element",),
    "codes": ("list", "crosswalk"),
    "records": ("record",),
    "calendars": ("calendar",),
    "deadlines": ("deadline",),
    "masks": ("mask",),
    "identifiers": ("identifier",),
}
"""The registry's own kinds: the folder, and the tables its files may hold beside ``[[document]]``."""

CSV_COLUMNS = ("code", "zh", "en", "parent", "from", "until", "successor")


ID: Final = r"\A[a-z0-9][a-z0-9.\-]{0,63}\Z"
"""What ids of packs look like."""
ITEM_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._\-]{0,127}")
"""What ids of items look like: they stand in addresses and in names of files."""
NATIVE: Final = (date,)
"""What TOML has by itself, so that a text in quotes is not taken for it."""
_ESCAPED_CONTROL = re.compile(r"\\(?:u00[01]|U000000[01]|x[01]|[bfe])")


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """``pack.toml``."""

    id: Annotated[str, msgspec.Meta(pattern=ID)]
    version: Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z][0-9A-Za-z.+\-]{0,31}\Z")]
    title: Text
    publisher: Text
    level: Level
    division: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{6}\Z")] = "000000"
    extends: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    description: Text = Text(zh="")
    source: str = ""
    confidence: Confidence = ""
    """Of the items it brings that say nothing of it, and whose file does not."""
    note: Text | None = None
    basis: list[Table] = []


class Pack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"since": "from"}):
    """A loaded pack, as pages and clients see it."""

    id: str
    version: str
    title: Text
    publisher: Text
    level: Level
    division: str
    extends: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    description: Text = Text(zh="")
    digest: str = ""
    """SHA-256 over the pack's files, so that two nodes can see whether they hold the same."""
    skipped: tuple[str, ...] = ()
    """Folders of kinds that no enabled plugin declares."""


class Source(msgspec.Struct, kw_only=True):
    """A pack as read from its folder, not yet laid over others."""

    folder: Path
    head: Head
    layers: list[Layer] = []
    examples: list[Layer] = []
    skipped: list[str] = []
    digest: str = ""
    days: Days = ALWAYS
    """On which this edition speaks for the pack."""

    def pack(self) -> Pack:
        """The pack for show."""
        shown = {name: getattr(self.head, name) for name in Head.__struct_fields__ if name in Pack.__struct_fields__}
        in_force = Days(self.head.since, self.head.until).within(self.days)
        shown |= {"since": in_force.since, "until": in_force.until}
        return Pack(**shown, digest=self.digest, skipped=tuple(self.skipped))

    def during(self, days: Days) -> Source:
        """The pack as it speaks on ``days`` only."""
        if days == ALWAYS:
            return self
        cut = [(layer, Days(layer.since, layer.until).within(days)) for layer in self.layers]
        layers = [
            msgspec.structs.replace(layer, since=both.since, until=both.until, edition=days)
            for layer, both in cut
            if not both.empty or Days(layer.since, layer.until).empty
        ]
        return msgspec.structs.replace(self, layers=layers, days=days)


def packs_in(folders: list[Path] | tuple[Path, ...]) -> Iterator[tuple[Path, bool]]:
    """The pack folders: each folder that is one itself (True: named), else the packs right below it (False)."""
    for folder in folders:
        if (folder / "pack.toml").is_file():
            yield folder, True
        elif folder.is_dir():
            yield from ((head.parent, False) for head in sorted(folder.glob("*/pack.toml")))


def head(folder: Path, faults: list[Fault]) -> Head | None:
    """Read ``pack.toml``."""
    path = folder / "pack.toml"
    table = _toml(path, f"{folder.name}/pack.toml", faults)
    if table is None:
        return None
    found = flaws(table, Head, native=NATIVE)
    for flaw in found:
        key = flaw.path.removeprefix("$.")
        rule = {"unknown": "unknown-key", "required": "missing"}.get(flaw.rule, flaw.rule)
        detail = {"unknown": "no such key", "required": "must be given"}.get(flaw.rule, flaw.detail)
        shown, line, hint = f"{folder.name}/pack.toml", line_of(path, "", key), nearest(key, flaw.known)
        faults.append(Fault(rule=rule, detail=detail, file=shown, line=line, pack=folder.name, key=key, hint=hint))
    return None if found else msgspec.convert(table, Head)


def source(folder: Path, named: Head, kinds: Mapping[str, object], faults: list[Fault]) -> Source:
    """Read every file of the pack into layers; what cannot be read becomes a fault and is left out."""
    made = Source(folder=folder, head=named)
    made.digest = digest(files_of(folder))
    top = folder / "pack.toml"
    made.layers += [_layer("basis", table, made, top, _shown(made, top), faults) for table in named.basis]
    for below in sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")):
        _read_folder(below, made, kinds, faults)
    made.layers = [layer for layer in made.layers if _named(layer, faults)]
    return made


def _read_folder(below: Path, made: Source, kinds: Mapping[str, object], faults: list[Fault]) -> None:
    known = {*FOLDERS, *kinds, "examples"}
    if below.name not in known:
        if meant := misspelt(below.name, known):
            hint = f"did you mean {meant!r}?"
            faults.append(_fault(made, below, "unknown-folder", "no kind of this name is declared", hint=hint))
        made.skipped.append(below.name)
        return
    for path in sorted(below.glob("*.toml")):
        table = _toml(path, _shown(made, path), faults)
        if table is not None and below.name == "examples":
            made.examples += _examples(made, path, table, faults)
        elif table is not None:
            made.layers += _items(made, path, below.name, table, faults)


def _items(made: Source, path: Path, kind: str, table: Table, faults: list[Fault]) -> list[Layer]:
    shown = _shown(made, path)
    if "id" in table:
        return [_layer(kind, table, made, path, shown, faults)]
    layers: list[Layer] = []
    sure = table.pop("confidence", "")
    for key, entries in _tables(made, path, table, (*FOLDERS.get(kind, ()), "document"), faults):
        of_kind = "crosswalks" if key == "crosswalk" else kind
        layers += [_layer(of_kind, one, made, path, shown, faults, sure) for one in entries]
    return layers


def _examples(made: Source, path: Path, table: Table, faults: list[Fault]) -> list[Layer]:
    shown = _shown(made, path)
    return [
        Layer(kind=key, id=str(one.get("id", "")), table=one, pack=made.head.id, path=path, file=shown)
        for key, entries in _tables(made, path, table, ("valid", "invalid"), faults)
        for one in entries
    ]


def _tables(
    made: Source, path: Path, table: Table, allowed: tuple[str, ...], faults: list[Fault]
) -> Iterator[tuple[str, list[Table]]]:
    """The lists of tables of a file; anything else in it is a fault."""
    for key, entries in table.items():
        if key not in allowed:
            hint = nearest(key, allowed) + "; a file with one item begins with its id"
            faults.append(_fault(made, path, "unknown-key", "no such table here", key, hint))
        elif not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            faults.append(_fault(made, path, "type", f"write [[{key}]] for each", key))
        else:
            yield key, entries


def _layer(kind: str, table: Table, made: Source, path: Path, shown: str, faults: list[Fault], sure: str = "") -> Layer:
    if kind == "crosswalks":
        table = {"id": f"{table.get('list', '')}→{table.get('to', '')}", **table}
    if kind == "codes" and "csv" in table:
        table = _with_rows(table, made, path, faults)
    return Layer(
        kind=kind,
        id=str(table.get("id", "")),
        table=table,
        pack=made.head.id,
        path=path,
        file=shown,
        confidence=sure or made.head.confidence,
        since=_day(table.get("from")) or made.head.since,
        until=_day(table.get("until")) or made.head.until,
    )


def _day(value: object) -> date | None:
    return value if type(value) is date else None


def _named(layer: Layer, faults: list[Fault]) -> bool:
    id = layer.table.get("id")
    if id is None or id == "":
        faults.append(layer.fault("missing", "every item needs an id", "id"))
    elif not isinstance(id, str):
        faults.append(layer.fault("type", f'an id is text: write id = "{id}"', "id"))
    elif layer.kind != "crosswalks" and not ITEM_ID.fullmatch(id):
        detail = f"{id!r} is no id"
        hint = "ids have up to 128 letters, digits, dots, - and _, and begin with a letter or digit"
        faults.append(layer.fault("pattern", detail, "id", hint))
    else:
        return True
    return False


def _with_rows(table: Table, made: Source, path: Path, faults: list[Fault]) -> Table:
    """The list with the rows of its CSV file as ``code`` entries."""
    rest = {key: value for key, value in table.items() if key != "csv"}
    name = table["csv"]
    beside = path.parent / str(name)
    if not isinstance(name, str) or not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._\-]*\.csv", name) or not beside.is_file():
        faults.append(_fault(made, path, "reference", f"no file {name!r} beside this one", "csv"))
        return rest
    above = table.get("code", [])
    return {**rest, "code": [*(above if isinstance(above, list) else [above]), *_rows(made, beside, faults)]}


def _rows(made: Source, path: Path, faults: list[Fault]) -> Iterator[Table]:
    try:
        yield from _read_rows(made, path, faults)
    except (UnicodeDecodeError, csv.Error) as error:
        faults.append(_fault(made, path, "type", f"this is not CSV in UTF-8: {error}", line=1))


def _read_rows(made: Source, path: Path, faults: list[Fault]) -> Iterator[Table]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        columns = next(reader, [])
        for column in columns:
            if column not in CSV_COLUMNS:
                faults.append(_fault(made, path, "unknown-key", "no such column", column, nearest(column, CSV_COLUMNS)))
                return
        for cells in reader:
            try:
                if _has_control(cells):
                    raise ValueError(CONTROL)
                yield _row(dict(zip(columns, cells, strict=True)))
            except (ValueError, KeyError) as error:
                faults.append(_fault(made, path, "type", f"a row that cannot be read: {error}", line=reader.line_num))


def _row(cells: dict[str, str]) -> Table:
    row: Table = {"code": cells["code"], "title": {"zh": cells["zh"], "en": cells.get("en", "")}}
    row |= {key: cells[key] for key in ("parent", "successor") if cells.get(key)}
    row |= {key: date.fromisoformat(cells[key]) for key in ("from", "until") if cells.get(key)}
    return row


def _toml(path: Path, shown: str, faults: list[Fault]) -> dict[str, Any] | None:
    try:
        text = path.read_text(encoding="utf-8")
        table = tomli.loads(text)
    except (tomli.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        line = re.search(r"line ([0-9]+)", str(error))
        faults.append(Fault(rule="toml", detail=str(error), file=shown, line=int(line[1]) if line else _last(path)))
        return None
    if (escaped := _ESCAPED_CONTROL.search(text)) and _has_control(table):
        line_number = text.count("\n", 0, escaped.start()) + 1
        faults.append(Fault(rule="characters", detail=CONTROL, file=shown, line=line_number))
        return None
    return table


CONTROL = "a text has a control character, which no database keeps and no reader sees"


def _has_control(value: object) -> bool:
    """Whether a text anywhere in the value has a control character other than a tab or the end of a line."""
    if isinstance(value, str):
        return any(sign < " " and sign not in "\t\n\r" for sign in value)
    if isinstance(value, dict):
        return any(_has_control(key) or _has_control(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_has_control, value))


def _last(path: Path) -> int:
    """The number of the last line: TOML that breaks off is said to end there."""
    try:
        return max(1, path.read_bytes().count(b"\n"))
    except OSError:
        return 1


def _shown(made: Source, path: Path) -> str:
    return f"{made.folder.name}/{path.relative_to(made.folder).as_posix()}"


def _fault(
    made: Source, path: Path, rule: str, detail: str, key: str = "", hint: str = "", line: int | None = None
) -> Fault:
    at = line or (line_of(path, "", key) if path.is_file() else None)
    return Fault(rule=rule, detail=detail, file=_shown(made, path), line=at, pack=made.head.id, key=key, hint=hint)
