"""Whose signatures make a checkpoint good: C2SP tlog-policy files.

log <vkey> [<url>]
witness <name> <vkey> [<url>]
group <name> all|any|<k> <name>…
quorum <name>|none
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import msgspec

from gdbos.ledger.note import COSIGNATURE, ED25519, Checkpoint, Malformed, Note, Verifier, number

_ALLOWED = re.compile(rb"[\t\n\x20-\x7e\x80-\xff]*\Z")


class Group(msgspec.Struct, frozen=True):
    """So many of these witnesses or groups."""

    needed: int
    members: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True):
    """The logs and witnesses somebody trusts, and how many of the witnesses they want."""

    logs: tuple[Verifier, ...]
    witnesses: dict[str, Verifier] = {}
    groups: dict[str, Group] = {}
    quorum: str = "none"

    @classmethod
    def of(cls, *vkeys: str) -> Self:
        """The policy that trusts these logs' keys and asks for no witness."""
        return cls(tuple(Verifier.parse(vkey) for vkey in vkeys))

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """The policy in a tlog-policy file, or ``Malformed`` naming the line."""
        if not _ALLOWED.match(content):
            raise Malformed("A policy file has no control characters beside tab and newline.")
        draft = _Draft()
        for at, line in enumerate(content.decode("utf-8", "surrogateescape").split("\n"), 1):
            words = line.replace("\t", " ").split(" ")
            words = [word for word in words if word]
            if words and not words[0].startswith("#"):
                draft.take(at, words)
        if draft.quorum is None:
            raise Malformed("A policy file has exactly one quorum line.")
        return cls(tuple(draft.logs), draft.witnesses, draft.groups, draft.quorum)

    @classmethod
    def load(cls, trust: str | Path) -> Self:
        """The policy in a file, or the one that a vkey by itself means."""
        path = Path(trust)
        if isinstance(trust, str) and "+" in trust and not path.is_file():
            return cls.of(trust.strip())
        return cls.parse(path.read_bytes())

    def __str__(self) -> str:
        lines = [f"log {log.vkey}" for log in self.logs]
        lines += [f"witness {name} {witness.vkey}" for name, witness in self.witnesses.items()]
        lines += [f"group {name} {group.needed} {' '.join(group.members)}" for name, group in self.groups.items()]
        return "\n".join([*lines, f"quorum {self.quorum}", ""])

    def accepts(self, note: Note) -> Checkpoint | None:
        """The checkpoint in ``note`` if a trusted log of its origin signed it and the quorum cosigned; else ``None``."""
        checkpoint = Checkpoint.parse(note.text)
        signed = note.verified_by(log for log in self.logs if log.name == checkpoint.origin)
        return checkpoint if signed and self._witnessed(self.quorum, note) else None

    def cosigned(self, note: Note) -> list[str]:
        """The names of the trusted witnesses whose cosignature on ``note`` verifies."""
        return [name for name, witness in self.witnesses.items() if note.verified_by([witness])]

    def _witnessed(self, name: str, note: Note) -> bool:
        if name == "none":
            return True
        if name in self.witnesses:
            return bool(note.verified_by([self.witnesses[name]]))
        group = self.groups[name]
        return sum(self._witnessed(member, note) for member in group.members) >= group.needed


class _Draft:
    """A policy file as far as it has been read."""

    def __init__(self) -> None:
        self.logs: list[Verifier] = []
        self.witnesses: dict[str, Verifier] = {}
        self.groups: dict[str, Group] = {}
        self.members: set[str] = set()
        self.quorum: str | None = None

    def take(self, at: int, words: list[str]) -> None:
        reader = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum}.get(
            words[0]
        )
        try:
            if reader is None:
                raise Malformed("it starts with log, witness, group, quorum or #")
            reader(words[1:])
        except Malformed as fault:
            raise Malformed("Line {line} of the policy: {fault}.", line=at, fault=fault.message().rstrip(".")) from None

    def _log(self, words: list[str]) -> None:
        if len(words) not in (1, 2):
            raise Malformed("a log is a key and perhaps a URL")
        self.logs.append(_key(words[0], ED25519, self.logs))

    def _witness(self, words: list[str]) -> None:
        if len(words) not in (2, 3):
            raise Malformed("a witness is a name, a key and perhaps a URL")
        self._fresh(words[0])
        self.witnesses[words[0]] = _key(words[1], COSIGNATURE, self.witnesses.values())

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise Malformed("a group is a name, a number and its members")
        name, threshold, *members = words
        self._fresh(name)
        for member in members:
            self._defined(member)
            if member in self.members:
                raise Malformed("a name is a member once only")
            self.members.add(member)
        needed = {"all": len(members), "any": 1}.get(threshold) or number(threshold)
        if not 1 <= needed <= len(members):
            raise Malformed("a group needs at least one and at most all of its members")
        self.groups[name] = Group(needed, tuple(members))

    def _quorum(self, words: list[str]) -> None:
        if len(words) != 1 or self.quorum is not None:
            raise Malformed("there is one quorum line, of one name")
        if words[0] != "none":
            self._defined(words[0])
        self.quorum = words[0]

    def _fresh(self, name: str) -> None:
        if name == "none" or name in self.witnesses or name in self.groups:
            raise Malformed("this name is taken")

    def _defined(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise Malformed("a name is defined on a line before it is used")


def _key(vkey: str, algorithm: int, others: Iterable[Verifier]) -> Verifier:
    verifier = Verifier.parse(vkey)
    if verifier.algorithm != algorithm:
        raise Malformed("a log has a key of type 1, a witness one of type 4")
    if any(verifier.public == other.public for other in others):
        raise Malformed("this key stands on another line already")
    return verifier
