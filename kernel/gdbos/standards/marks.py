"""Marks (标记): what any table of a pack says about itself, whatever its kind: locks that lock something, titles that say something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .fault import nearest
from .layer import entry_key
from .shape import Keys

Mark = tuple[str, str, str, str]
"""Rule, key, detail, hint."""

_SEGMENT = re.compile(r"([^.\[\]]+)(\[[^\]]*\])?\.?")


def mistaken(value: Any, allowed: Keys | None, path: str = "") -> Iterator[Mark]:
    """Locks on fields that are none, and titles without a word, all the way down."""
    if isinstance(value, dict):
        yield from _locks(value, allowed, path)
        for key, inner in value.items():
            field = f"{path}.{key}" if path else str(key)
            if key == "title" and isinstance(inner, dict) and inner.get("zh") is not None and not str(inner["zh"]).strip():  # fmt: skip
                yield "missing", f"{field}.zh", "a title needs words in Chinese", ""
            elif isinstance(inner, dict | list):
                yield from mistaken(inner, _below(allowed, key), field)
    elif isinstance(value, list):
        for entry in value:
            if isinstance(entry, dict):
                yield from mistaken(entry, allowed.each if allowed else None, f"{path}[{entry_key(entry)}]")


def _locks(table: dict[str, Any], allowed: Keys | None, path: str) -> Iterator[Mark]:
    locked = table.get("locked")
    for name in locked if isinstance(locked, list) else ():
        if isinstance(name, str) and (strange := _strange(name, allowed)) is not None:
            word, known = strange
            key = f"{path}.locked" if path else "locked"
            yield "reference", key, f"there is no field {word!r} to lock", nearest(word, known)


def _strange(name: str, allowed: Keys | None) -> tuple[str, tuple[str, ...]] | None:
    """The first part of a lock's name that is no field, with those that could stand there; None where all are."""
    for word, entry in _SEGMENT.findall(name):
        if allowed is None or allowed.names is None:
            return None
        if word not in allowed.names:
            return word, tuple(allowed.names)
        allowed = allowed.names[word]
        allowed = allowed.each if entry and allowed is not None else allowed
    return None


def _below(allowed: Keys | None, key: str) -> Keys | None:
    if allowed is None:
        return None
    return allowed.each if allowed.names is None else allowed.names.get(key)
