"""Checking offline what a subject took away, receipts or their own data: the node's key signed it, and it is whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gdbos.ledger.note import Malformed, Note, Verifier

TITLE: Final = "gdbos-receipts/1"
OWN_DATA: Final = "gdbos-own-data/1"
_COUNT = re.compile(r"(receipts|answers) ([0-9]+), older (none|[0-9a-f-]{36})\Z")


class Stated(msgspec.Struct, frozen=True):
    """What a good statement says."""

    signed_by: list[str]
    node: str
    made: str
    older: str
    """The key after which older receipts follow; ``none`` where these are all."""
    kind: str
    """``receipts``, or ``answers`` of the services that hold a person's own data."""
    entries: list[dict[str, Any]]


def read_statement(content: bytes, trusted: Sequence[Verifier]) -> Stated | None:
    """The statement in ``content``; None where no trusted key signed exactly this. :raises Malformed: it is no statement."""
    note = Note.parse(content)
    lines = note.text.split("\n")[:-1]
    counted = _COUNT.match(lines[3]) if len(lines) >= 4 else None
    if lines[0] not in (TITLE, OWN_DATA) or counted is None or int(counted[2]) != len(lines) - 4:
        raise Malformed("This is no statement of receipts or own data, or not all of one.")
    signed = note.verified_by(trusted)
    if not signed:
        return None
    entries = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines[4:]]
    names, node, made = [one.name for one in signed], lines[1].removeprefix("node "), lines[2].removeprefix("made ")
    return Stated(names, node, made, counted[3], counted[1], entries)
