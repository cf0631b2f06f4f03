"""What is wrong with a pack, said so that its author can mend it: file, line, item, key, rule, hint."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from gdbos.errors import Misconfigured


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing in one pack that cannot be loaded."""

    rule: str
    """``toml``, ``unknown-key``, ``missing``, ``type``, ``duplicate``, ``locked``, ``reference``, ``pattern``, ``example``, …"""
    detail: str
    file: str = ""
    line: int | None = None
    """Counted from 1; absent where it cannot be found."""
    pack: str = ""
    item: str = ""
    """Kind and id: ``elements/citizen-id``."""
    key: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = self.file + (f":{self.line}" if self.line else "")
        about = " ".join(part for part in (self.item, self.key) if part)
        hint = f" ({self.hint})" if self.hint else ""
        return ": ".join(part for part in (place, about, f"{self.rule}: {self.detail}{hint}") if part)


class PackRefused(Misconfigured):
    """The packs cannot be loaded; ``faults`` holds every reason that was found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def misspelt(word: str, known: Iterable[str]) -> str:
    """The known word that ``word`` is plainly a misspelling of; empty where it may well be a word of its own."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.8)), "")


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint naming the known word most like ``word``, or all of them where none is near and they are few."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 20 else ""


def line_of(file: Path, item: str, key: str = "") -> int | None:
    """The line on which ``key`` of the item with the id ``item`` stands; the item's own line where the key is not seen."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = _first(lines, rf"\b(?:id|name|code)\s*=\s*[\"']{re.escape(item)}[\"']", 0) if item else 0
    if found is None:
        return None
    last = key.rsplit(".", 1)[-1].split("[", 1)[0]
    wanted = _first(lines, rf"(?:^|[\s{{,\[.]){re.escape(last)}(?:\s*=|\s*\.|\s*\])", found) if last else None
    return (found if wanted is None else wanted) + 1 if item or wanted is not None else None


def _first(lines: list[str], pattern: str, start: int) -> int | None:
    seek = re.compile(pattern)
    return next((number for number in range(start, len(lines)) if seek.search(lines[number])), None)
