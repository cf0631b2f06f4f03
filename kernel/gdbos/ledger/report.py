"""What the verifier says: sound, tampered with (and where), or not all there."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["tampered", "incomplete"]
SOUND, TAMPERED, INCOMPLETE = 0, 1, 2
"""Exit codes."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is not as it was signed."""

    kind: Kind
    place: str
    """The file concerned, relative to the log's folder."""
    detail: str
    first: int | None = None
    """Position of the first record concerned, where records are."""
    last: int | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.detail}"


class Report(msgspec.Struct, kw_only=True):
    """The outcome for one log."""

    log: str
    origin: str = ""
    size: int = 0
    """Records in the newest good checkpoint."""
    checkpoints: int = 0
    """Remembered checkpoints that the records agree with."""
    witnesses: list[str] = []
    trust: str = ""
    """Where the keys came from that the signatures were checked with."""
    faults: list[Fault] = []

    @property
    def code(self) -> int:
        if any(fault.kind == "tampered" for fault in self.faults):
            return TAMPERED
        return INCOMPLETE if self.faults else SOUND

    def tampered(self, place: str, detail: str, first: int | None = None, last: int | None = None) -> None:
        self.faults.append(Fault(kind="tampered", place=place, detail=detail, first=first, last=last))

    def incomplete(self, place: str, detail: str, first: int | None = None, last: int | None = None) -> None:
        self.faults.append(Fault(kind="incomplete", place=place, detail=detail, first=first, last=last))
