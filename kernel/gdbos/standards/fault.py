"""What is wrong with a pack, said so that its author can mend it: file, line, item, key, rule, hint."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from gdbos.errors import Misconfigured

HINTS = {
    "calendar": "a calendar says weekend and published_until itself, or extends one that does",
    "characters": "leave the control character out; a line ends with \\n",
    "circle": "let one of them name nothing, or something that does not lead back",
    "ceased": "name the law that took its place, or end the rule on that day with until",
    "division": "name divisions that lie in the one pack.toml names",
    "document": "mend the document; docs/standards-packs.md says what must hold of its kind",
    "date": "dates are written 2026-01-31, without quotes",
    "duplicate": "keep one of them, or give each its days with from and until",
    "example": "mend the rule or the example; one of them is wrong",
    "form": "write an18, an..50, n6, a2, any..100, n..10,2, d, dt or bl",
    "in-force": "give both the same days with from and until, or name another item",
    "length": "see how long it may be: gdbos standards schema KIND",
    "locked": "leave the field out here, or ask whoever publishes that pack to unlock it",
    "loosened": "leave it as the pack above has it, or be stricter",
    "missing": "add it, here or in a pack above",
    "pattern": "write a pattern in RE2's syntax, without anchors, look-around and back-references; names keep to letters, digits and -",
    "past-day": "leave the days before the edition begins as they are",
    "period": "until is the first day on which it is not in force any more",
    "range": "see what it may be: gdbos standards schema KIND",
    "reference": "add the item that is named, or name one that is there",
    "toml": "mend the line: strings stand in quotes, tables in [[ ]], and a key stands once",
    "type": "see what may stand here: gdbos standards schema KIND",
    "unknown-folder": "enable the plugin that declares the kind, or rename the folder",
    "unknown-key": "see which keys there are: gdbos standards schema KIND",
    "version": "raise the version in pack.toml",
}
"""What to do about a rule that is broken, where nothing nearer can be said."""


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

    def __post_init__(self) -> None:
        if not self.hint:
            msgspec.structs.force_setattr(self, "hint", HINTS.get(self.rule, ""))

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


_ENTRY = re.compile(r"(\w+)\[([^\[\]]*)\](?:\.([^\[\]]+))?\Z")
"""The last entry that a key names, and the field within it: ``code[1].title.zh``."""


def line_of(file: Path, item: str, key: str = "") -> int | None:
    """The line on which ``key`` of the item with the id ``item`` stands; the item's own where the key is not seen, else the first."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = (_first(lines, _known_by("id|name|code", item), 0) if item else 0) or 0
    named = _ENTRY.search(key)
    entry, last = None, key.rsplit(".", 1)[-1]
    if named is not None:
        listed, last = _field(lines, named[1], found), (named[3] or "").rsplit(".", 1)[-1]
        entry = _first(lines, _known_by("id|name|code|to|on|from", named[2]), found if listed is None else listed)
        last = last or ("" if entry is not None else named[1])
    starts = [start for start in (entry, found) if start is not None] if last else []
    places = [_field(lines, last, start) for start in starts]
    return next((place for place in (*places, entry) if place is not None), found) + 1


def _known_by(keys: str, value: str) -> str:
    """Where an entry says what it is known by; dates and numbers stand without quotes."""
    return rf"\b(?:{keys})\s*=\s*(?:([\"']){re.escape(value)}\1|{re.escape(value)}(?=\s*(?:[,}}#]|$)))"


def _field(lines: list[str], name: str, start: int) -> int | None:
    return _first(lines, rf"(?:^|[\s{{,\[.]){re.escape(name)}(?:\s*=|\s*\.|\s*\])", start)


def _first(lines: list[str], pattern: str, start: int) -> int | None:
    seek = re.compile(pattern)
    return next((number for number in range(start, len(lines)) if seek.search(lines[number])), None)
