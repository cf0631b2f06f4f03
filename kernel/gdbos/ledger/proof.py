"""One record, proved offline: C2SP tlog-proof files (``.tlog-proof``).

    c2sp.org/tlog-proof@v1
    extra <base64 of the record's bytes>
    index <position>
    <base64 hash>                     zero or more, from the leaf's sibling up
    <empty line>
    <the checkpoint, a signed note>

The format leaves ``extra`` to the application; here it is the record itself, so that the file needs no companion. Nothing of
it is believed before its hash has been proved.
"""

from __future__ import annotations

from typing import Final, Self

import msgspec

from gdbos.ledger.merkle import HASH_SIZE, leaf_hash, verify_inclusion
from gdbos.ledger.note import MAX_NOTE, Checkpoint, Malformed, Note, from_base64, number, to_base64
from gdbos.ledger.policy import Policy

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
MAX_PATH: Final = 63


class Proof(msgspec.Struct, frozen=True):
    """That a record stands at ``index`` of the log whose checkpoint is ``note``."""

    index: int
    path: tuple[bytes, ...]
    note: Note
    record: bytes | None = None

    def __str__(self) -> str:
        extra = [] if self.record is None else [f"extra {to_base64(self.record)}"]
        lines = [FIRST_LINE, *extra, f"index {self.index}", *map(to_base64, self.path), ""]
        return "\n".join(lines) + "\n" + str(self.note)

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """The proof in a ``.tlog-proof`` file, or ``Malformed``."""
        try:
            head, gap, tail = content[: 2 * MAX_NOTE].decode().partition("\n\n")
        except UnicodeDecodeError:
            raise Malformed("A proof file is UTF-8.") from None
        lines = head.split("\n")
        if not gap or lines.pop(0) != FIRST_LINE:
            raise Malformed("A proof file starts with {line}.", line=FIRST_LINE)
        record = from_base64(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
        if not lines or not lines[0].startswith("index ") or len(lines) > MAX_PATH + 1:
            raise Malformed("A proof file has an index line and at most {most} hashes.", most=MAX_PATH)
        index = number(lines.pop(0).removeprefix("index "))
        return cls(index, tuple(_hash(line) for line in lines), Note.parse(tail), record)

    def checked(self, policy: Policy, record: bytes | None = None) -> Checkpoint | None:
        """The checkpoint that vouches for the record (the file's own unless given), or ``None`` when nothing does."""
        entry = self.record if record is None else record
        checkpoint = policy.accepts(self.note)
        if entry is None or checkpoint is None:
            return None
        included = verify_inclusion(self.index, checkpoint.size, leaf_hash(entry), self.path, checkpoint.root)
        return checkpoint if included else None


def _hash(line: str) -> bytes:
    value = from_base64(line)
    if len(value) != HASH_SIZE:
        raise Malformed("A hash is 32 bytes in base64.")
    return value
