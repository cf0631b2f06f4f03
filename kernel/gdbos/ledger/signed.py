"""What a log signed, as its published folder and other people's memories have it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gdbos.ledger.note import Checkpoint, Malformed, Note
from gdbos.ledger.policy import Policy
from gdbos.ledger.publication import CHECKPOINT, CHECKPOINTS, COSIGNED, note_in
from gdbos.ledger.report import Report


def _accepted(place: str, note: Note | bytes, policy: Policy, report: Report) -> Checkpoint | None:
    try:
        accepted = policy.accepts(note if isinstance(note, Note) else Note.parse(note))
    except Malformed as fault:
        report.tampered(place, f"not a checkpoint: {fault}")
        return None
    if accepted is None:
        report.tampered(place, "its signatures do not satisfy the trusted keys")
    return accepted


PATIENCE: Final = 2.0
"""Seconds that a running node is given to finish what it is publishing."""


def settles(condition: Callable[[], bool]) -> bool:
    """Whether ``condition`` comes true while we wait a little."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Signed:
    """What the log signed: for each size, every root and the place of its checkpoint."""

    def __init__(self, report: Report, policy: Policy) -> None:
        self.roots: dict[int, dict[bytes, str]] = {}
        self._report, self._policy = report, policy
        self._log = Policy(policy.logs)
        """What makes a checkpoint the log's own. Witnesses sign some of them, and those come last."""

    def gather(self, folder: Path, remembered: Sequence[Note]) -> None:
        # A running node writes the newest first: read the kept ones first, and none is newer than the newest.
        kept = sorted((folder / CHECKPOINTS).glob("[!.]*"))
        cosigned = note_in(folder, COSIGNED)
        newest = self._newest(folder)
        for path in kept:
            self._kept(path)
        self._witnessed(folder, cosigned)
        for number, note in enumerate(remembered, 1):
            self._take(f"remembered checkpoint {number}", note)
        self._report.size = max(self.roots, default=0)
        if newest is not None:
            self._judge(folder, newest)
        for size, signed in self.roots.items():
            if len(signed) > 1:
                places = " and ".join(sorted(signed.values()))
                self._report.tampered(places, f"fork: two histories of {size} records were signed", 0, size - 1)

    def _take(self, place: str, note: Note | bytes) -> Checkpoint | None:
        accepted = _accepted(place, note, self._log, self._report)
        if accepted is None:
            return None
        if self._report.origin not in ("", accepted.origin):
            self._report.tampered(place, f"is of the log {accepted.origin}, not of {self._report.origin}")
            return None
        self._report.origin = accepted.origin
        self.roots.setdefault(accepted.size, {}).setdefault(accepted.root, place)
        return accepted

    def _newest(self, folder: Path) -> Checkpoint | None:
        try:
            content = (folder / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            self._report.incomplete(CHECKPOINT, "missing")
            return None
        return self._take(CHECKPOINT, content)

    def _witnessed(self, folder: Path, cosigned: Note | None) -> None:
        """The newest checkpoint that witnesses signed is part of this history, and enough of those trusted signed it."""
        if cosigned is not None and self._take(COSIGNED, cosigned) is not None:
            self._report.witnesses = self._policy.cosigned(cosigned)
        if self._policy.quorum != "none" and (cosigned is None or not self._policy.accepts(cosigned)):
            self._report.incomplete(COSIGNED, "no checkpoint here carries the cosignatures that the policy asks for")

    def _kept(self, path: Path) -> None:
        place = f"{CHECKPOINTS}/{path.name}"
        kept = self._take(place, path.read_bytes())
        if kept is not None and str(kept.size) != path.name:
            self._report.tampered(place, f"is the checkpoint of {kept.size} records under another name")

    def _judge(self, folder: Path, newest: Checkpoint) -> None:
        largest = self._report.size
        if largest > newest.size:
            detail = f"truncated: ends at {newest.size} records, though {largest} were signed for"
            self._report.tampered(CHECKPOINT, detail, newest.size, largest - 1)
        if not settles((folder / CHECKPOINTS / str(newest.size)).is_file):
            self._report.incomplete(f"{CHECKPOINTS}/{newest.size}", "missing: the newest checkpoint is kept here too")
