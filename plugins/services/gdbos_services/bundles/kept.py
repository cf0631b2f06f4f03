"""What a bundle holds about people: what they answered, and what was filled in from where. Sealed in its row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from gdbos import Unit
from gdbos_services.cases.case import Filled

from .tables import bundle


class Failure(msgspec.Struct, frozen=True):
    """A system that did not answer when the form was filled in; the applicant types what it would have said."""

    service: str
    why: str
    """Code of a problem."""
    elements: tuple[str, ...] = ()
    """What it would have filled in."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Answers by element, with their sources."""

    guidance: dict[str, str] = {}
    answers: dict[str, Any] = {}
    filled: dict[str, Filled] = {}
    failures: list[Failure] = []
    asked: dict[str, Any] = {}
    """Look-up → the number it was made with, so that it is made again when the number changes."""
    supplied: dict[str, Any] = {}
    """What the results of cases have given so far."""

    def sources(self) -> dict[str, Filled]:
        """The filled values that still stand as they were filled."""
        return {element: one for element, one in self.filled.items() if self.answers.get(element) == one.value}


def sealed(unit: Unit, row: UUID, division: str, kept: Kept) -> bytes:
    """``kept`` for exactly this bundle."""
    return unit.vault.seal(msgspec.json.encode(kept), table=bundle.name, column="kept", row=row, division=division)


def opened(unit: Unit, content: bytes, row: UUID, division: str) -> Kept:
    """What a bundle holds."""
    plain = unit.vault.open(content, table=bundle.name, column="kept", row=row, division=division)
    return msgspec.json.decode(plain, type=Kept)
