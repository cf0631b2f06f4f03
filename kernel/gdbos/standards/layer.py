"""Layering: a lower pack adds to an item of an upper one, narrows and translates it, and never touches what is locked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeGuard

import msgspec

from .document import Change
from .fault import Fault, line_of
from .span import ALWAYS, Days

Table = dict[str, Any]

ENTRY_KEYS = ("id", "name", "code", "to", "on")
"""The first of these that an entry of a list of tables has is what it is merged by."""
LAYER_KEYS = frozenset({"locked", "withdrawn", "from", "until"})
"""Keys that speak of a layer as a whole and are not merged as fields."""


class Layer(msgspec.Struct, kw_only=True):
    """What one pack says of one item, for one period."""

    kind: str
    id: str
    table: Table
    pack: str
    path: Path
    file: str
    """The path as faults name it, from the pack's folder on."""
    since: date | None = None
    until: date | None = None
    confidence: str = ""
    """How sure its file or pack is of what says nothing of it."""
    edition: Days = ALWAYS
    """The days in which the edition of the pack speaks, whether or not it speaks of this item."""

    @property
    def withdrawn(self) -> bool:
        return self.table.get("withdrawn") is True

    def covers(self, day: date) -> bool:
        """Whether the layer speaks for that day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    def fault(self, rule: str, detail: str, key: str = "", hint: str = "") -> Fault:
        """A fault of this layer, with its line."""
        return Fault(
            rule=rule,
            detail=detail,
            file=self.file,
            line=line_of(self.path, self.id, key),
            pack=self.pack,
            item=f"{self.kind}/{self.id}",
            key=key,
            hint=hint,
        )


Layers = dict[tuple[str, str], list[Layer]]
"""By kind and id, from the uppermost pack down, and within a pack from the edition that spoke first."""


def speaker(layers: Sequence[Layer], key: str, day: date | None = None) -> Layer:
    """Whoever can mend a field: the last layer that speaks of it on that day; the first layer where none does."""
    top = key.split(".", 1)[0].split("[", 1)[0]
    said = [layer for layer in layers if day is None or layer.covers(day)] or list(layers)
    return next((layer for layer in reversed(said) if top in layer.table), said[0])


class Merged(msgspec.Struct):
    """An item while levels are laid over each other."""

    table: Table
    locks: dict[str, str]
    changes: list[Change]
    faults: list[Fault]
    withdrawn: bool = False


def start(layer: Layer) -> Merged:
    """The item as the pack that brought it says it."""
    said = {"confidence": layer.confidence} if layer.confidence else {}
    return Merged(said | _living(layer.table), dict(_locks(layer.table, "", layer.pack)), [], [], layer.withdrawn)


def lay(item: Merged, layer: Layer) -> None:
    """Lay a lower pack's table over the item; what touches a lock becomes a fault and changes nothing."""
    if layer.withdrawn:
        if _permits(item, layer, "", deep=True):
            item.withdrawn = True
        return
    item.table = _merge(item, layer, item.table, layer.table, "")
    _lock(item, layer)


def _lock(item: Merged, layer: Layer) -> None:
    """Locks add up: a lower pack may lock more and never less."""
    for path, pack in _locks(layer.table, "", layer.pack):
        item.locks.setdefault(path, pack)


def _merge(item: Merged, layer: Layer, base: Table, patch: Table, path: str) -> Table:
    out = dict(base)
    for key, new in patch.items():
        field = f"{path}.{key}" if path else key
        if key == "locked":
            _relock(item, layer, out, new, path)
        elif path == "" and (key in LAYER_KEYS or key == "id"):
            continue
        elif key not in base:
            if _permits(item, layer, field):
                out[key] = _living(new)
                item.changes.append(Change(field, layer.pack, None, new))
        elif base[key] != new:
            out[key] = _changed(item, layer, base[key], new, field)
    return out


def _relock(item: Merged, layer: Layer, out: Table, new: object, path: str) -> None:
    old = out.get("locked", False)
    if new is False and old is True:
        _refuse(item, layer, path, path)
    elif isinstance(old, list) and isinstance(new, list):
        out["locked"] = [*old, *(name for name in new if name not in old)]
    elif new and old is not True:
        out["locked"] = new


def _changed(item: Merged, layer: Layer, old: Any, new: Any, field: str) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return _merge(item, layer, old, new, field)
    if _entries(old) and _entries(new):
        return _merge_entries(item, layer, old, new, field)
    if not _permits(item, layer, field, deep=True):
        return old
    item.changes.append(Change(field, layer.pack, old, new))
    return new


def _merge_entries(item: Merged, layer: Layer, old: list[Table], new: list[Table], field: str) -> list[Table]:
    out = list(old)
    for entry in new:
        path = f"{field}[{entry_key(entry)}]"
        at = _position(out, entry)
        if at is None:
            if _permits(item, layer, path):
                out.append(_living(entry))
                item.changes.append(Change(path, layer.pack, None, entry))
        elif entry.get("withdrawn") is True:
            if _permits(item, layer, path, deep=True):
                item.changes.append(Change(path, layer.pack, out.pop(at), None))
        else:
            out[at] = _merge(item, layer, out[at], entry, path)
    return out


def _position(entries: list[Table], entry: Table) -> int | None:
    """Where the entry that ``entry`` speaks of stands. A dated row (``from``) speaks of the row with that very date."""
    key = entry_key(entry)
    same = [at for at, one in enumerate(entries) if entry_key(one) == key]
    if "from" in entry:
        same = [at for at in same if entries[at].get("from") == entry["from"]]
    return same[-1] if same else None


def entry_key(entry: Table) -> str:
    """What an entry of a list of tables is merged by; empty where it has nothing to be known by."""
    return str(next((entry[key] for key in ENTRY_KEYS if key in entry), entry.get("from", "")))


def _entries(value: object) -> TypeGuard[list[Table]]:
    """Whether it is a list of tables that each can be told from the others."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and entry_key(one) for one in value)


def _living(value: Any) -> Any:
    """The value without the entries that say they are withdrawn."""
    if not isinstance(value, dict):
        return value
    if not any(isinstance(one, list) and _has_withdrawn(one) for one in value.values()):
        return value
    return {
        key: [entry for entry in one if entry.get("withdrawn") is not True] if _entries(one) else one
        for key, one in value.items()
    }


def _has_withdrawn(entries: list[Any]) -> bool:
    return any(isinstance(entry, dict) and "withdrawn" in entry for entry in entries)


def _locks(value: object, path: str, pack: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        locked = value.get("locked")
        if locked is True:
            yield path, pack
        elif isinstance(locked, list):
            yield from ((f"{path}.{name}" if path else str(name), pack) for name in locked)
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                yield from _locks(inner, f"{path}.{key}" if path else key, pack)
    elif isinstance(value, list):
        for entry in value:
            if isinstance(entry, dict):
                yield from _locks(entry, f"{path}[{entry_key(entry)}]", pack)


def _permits(item: Merged, layer: Layer, field: str, *, deep: bool = False) -> bool:
    """Whether ``field`` may be touched: no lock on it or above it and, if ``deep``, none below it."""
    for locked in item.locks:
        if _within(field, locked) or (deep and _within(locked, field)):
            _refuse(item, layer, field, locked)
            return False
    return True


def _within(field: str, outer: str) -> bool:
    return outer == "" or field == outer or (field.startswith(outer) and field[len(outer)] in ".[")


def _refuse(item: Merged, layer: Layer, field: str, locked: str) -> None:
    owner = item.locks.get(locked, "")
    what = f"the field {locked!r}" if locked else "the whole item"
    item.faults.append(
        layer.fault("locked", f"{what} is locked by the pack {owner!r}; a lower pack may not change it", field)
    )
