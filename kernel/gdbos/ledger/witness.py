"""A witness of other nodes' logs, as C2SP tlog-witness decides (add-checkpoint).

It cosigns a checkpoint only when it continues the largest one it cosigned before. An operator who holds a log's database
and its key can sign another past, but not have it cosigned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

import msgspec
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from gdbos.ledger.merkle import EMPTY_ROOT, HASH_SIZE, verify_consistency
from gdbos.ledger.note import Checkpoint, Malformed, Note, Signer, Verifier, from_base64, number, to_base64
from gdbos.ledger.tables import witnessed

MAX_PATH = 63
MAX_SUBMISSION = 65_536
"""Bytes of a submission: at most 63 hashes, and a checkpoint with room for hundreds of signatures."""
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"

Logs = Mapping[str, Sequence[Verifier]]
"""Origin to the keys that sign for it."""


class Answer(msgspec.Struct, frozen=True):
    """What the HTTP edge sends back."""

    status: int
    body: str = ""
    content_type: str = TEXT_TYPE


class Submission(msgspec.Struct, frozen=True):
    """A checkpoint, with the path that leads to it from the size the witness should know."""

    old: int
    path: tuple[bytes, ...]
    note: Note

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """The submission in a request body, or ``Malformed``."""
        try:
            head, gap, tail = body[:MAX_SUBMISSION].decode().partition("\n\n")
        except UnicodeDecodeError:
            raise Malformed("A submission is UTF-8.") from None
        first, *lines = head.split("\n")
        if not gap or not first.startswith("old ") or len(lines) > MAX_PATH:
            raise Malformed("A submission is an old size, at most 63 hashes, an empty line and a checkpoint.")
        path = tuple(from_base64(line) for line in lines)
        if any(len(hashed) != HASH_SIZE for hashed in path):
            raise Malformed("A hash is 32 bytes in base64.")
        return cls(number(first.removeprefix("old ")), path, Note.parse(tail))

    def __bytes__(self) -> bytes:
        return "\n".join([f"old {self.old}", *map(to_base64, self.path), "", str(self.note)]).encode()


class Known(msgspec.Struct, frozen=True):
    """The largest tree of a log that this witness cosigned; the empty one before the first."""

    size: int = 0
    root: bytes = EMPTY_ROOT


def refusal(submission: Submission, checkpoint: Checkpoint, known: Known, logs: Logs) -> Answer | None:
    """Why the checkpoint is not cosigned, in the order and with the status of the specification; ``None`` if it is."""
    keys = logs.get(checkpoint.origin)
    if keys is None:
        return Answer(404, "this witness does not follow that log\n")
    if not submission.note.verified_by(keys):
        return Answer(403, "no trusted key of the log signed this\n")
    if submission.old > checkpoint.size:
        return Answer(400, "the old size is larger than the checkpoint's\n")
    if submission.old != known.size:
        return Answer(409, f"{known.size}\n", SIZE_TYPE)
    if submission.old == checkpoint.size and checkpoint.root != known.root:
        return Answer(409, f"{known.size}\n", SIZE_TYPE)
    if not verify_consistency(known.size, checkpoint.size, submission.path, known.root, checkpoint.root):
        return Answer(422, "the path does not lead from the old tree to this one\n")
    return None


def considered(connection: Connection, body: bytes, logs: Logs) -> Answer | tuple[Submission, Checkpoint, Known | None]:
    """Why the submission is not cosigned as things stand, or what it is made of; nothing is written.

    What this refuses never comes to the writer: anybody may submit, and only a log that is followed makes a witness write.
    """
    try:
        submission = Submission.parse(body)
        checkpoint = Checkpoint.parse(submission.note.text)
    except Malformed as fault:
        return Answer(400, f"{fault}\n")
    known = known_of(connection, checkpoint.origin)
    refused = refusal(submission, checkpoint, known or Known(), logs)
    return (submission, checkpoint, known) if refused is None else refused


def add_checkpoint(connection: Connection, body: bytes, logs: Logs, signer: Signer, *, now: datetime) -> Answer:
    """Cosign the submitted checkpoint if it continues what was cosigned before; the caller commits before it answers.

    ``signer`` is a cosigning key (type 4). Comparing and storing are one statement: of two submissions that race, one gets 409.
    """
    read = considered(connection, body, logs)
    if isinstance(read, Answer):
        return read
    submission, checkpoint, known = read
    if not _store(connection, known, checkpoint, submission.note, now):
        now_known = known_of(connection, checkpoint.origin) or Known()
        return Answer(409, f"{now_known.size}\n", SIZE_TYPE)
    return Answer(200, signer.cosign(submission.note.text, int(now.timestamp())).line())


def known_of(connection: Connection, origin: str) -> Known | None:
    """What this witness cosigned last for ``origin``."""
    query = select(witnessed.c.size, witnessed.c.root).where(witnessed.c.origin == origin)
    row = connection.execute(query).first()
    return Known(row.size, row.root) if row else None


def _store(connection: Connection, known: Known | None, checkpoint: Checkpoint, note: Note, now: datetime) -> bool:
    values = {"size": checkpoint.size, "root": checkpoint.root, "note": str(note), "at": now}
    if known is not None:
        same = (witnessed.c.origin == checkpoint.origin, witnessed.c.size == known.size, witnessed.c.root == known.root)
        return connection.execute(update(witnessed).where(*same).values(values)).rowcount == 1
    try:
        with connection.begin_nested():
            connection.execute(insert(witnessed).values(origin=checkpoint.origin, **values))
    except IntegrityError:
        return False
    return True
