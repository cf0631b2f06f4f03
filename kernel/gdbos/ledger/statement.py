"""Checking a statement of receipts offline: the node's key signed it, and it is whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gdbos.ledger.note import Malformed, Note, Verifier

TITLE: Final = "gdbos-receipts/1"
_COUNT = re.compile(r"receipts ([0-9]+), older (none|[0-9a-f-]{36})\Z")


class Stated(msgspec.Struct, frozen=True):
    """What a good statement says."""

    signed_by: list[str]
    node: str
    made: str
    older: str
    """The key after which older receipts follow; ``none`` where these are all."""
    receipts: list[dict[str, Any]]


def read_statement(content: bytes, trusted: Sequence[Verifier]) -> Stated | None:
    """The statement in ``content``; None where no trusted key signed exactly this. :raises Malformed: it is no statement."""
    note = Note.parse(content)
    lines = note.text.split("\n")[:-1]
    counted = _COUNT.match(lines[3]) if len(lines) >= 4 else None
    if lines[0] != TITLE or counted is None or int(counted[1]) != len(lines) - 4:
        raise Malformed("This is no statement of receipts, or not all of one.")
    signed = note.verified_by(trusted)
    if not signed:
        return None
    receipts = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines[4:]]
    names, node, made = [one.name for one in signed], lines[1].removeprefix("node "), lines[2].removeprefix("made ")
    return Stated(names, node, made, counted[2], receipts)
