"""What a case holds about people: names, answers, reasons, results. Sealed in its row, opened only inside units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec

from gdbos import Text, Unit

from .tables import case, case_result, case_step

S = TypeVar("S")


class Names(msgspec.Struct, frozen=True):
    """Who applied, and whom they represent."""

    applicant: str = ""
    representing: str = ""


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A value that government held already, and where it came from."""

    value: Any
    service: str
    provider: str
    """USCC of the body whose data it is."""
    at: datetime
    name: Text | None = None
    """How the source is called on the form."""


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of a case by element, and which of them were filled in."""

    answers: dict[str, Any] = {}
    filled: dict[str, Filled] = {}

    def sources(self) -> dict[str, Filled]:
        """The filled values that still stand as they were filled."""
        return {element: one for element, one in self.filled.items() if self.answers.get(element) == one.value}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a case ended: what was issued, or why nothing was."""

    outcome: Literal["granted", "refused"]
    reason: str = ""
    values: dict[str, Any] = {}
    """What the department's system gave back, by element: ``uscc``, ``established-on``…"""


def seal_names(unit: Unit, row: UUID, division: str, names: Names) -> bytes:
    return _seal(unit, case.name, "names", row, division, names)


def names_in(unit: Unit, sealed: bytes, row: UUID, division: str) -> Names:
    """The sealed names of a case."""
    return _open(unit, sealed, case.name, "names", row, division, Names)


def seal_dossier(unit: Unit, row: UUID, division: str, dossier: Dossier) -> bytes:
    return _seal(unit, case.name, "answers", row, division, dossier)


def dossier_in(unit: Unit, sealed: bytes, row: UUID, division: str) -> Dossier:
    """The sealed answers of a case."""
    return _open(unit, sealed, case.name, "answers", row, division, Dossier)


def seal_words(unit: Unit, row: UUID, division: str, words: str) -> bytes:
    return _seal(unit, case_step.name, "words", row, division, words)


def words_in(unit: Unit, sealed: bytes | None, row: UUID, division: str) -> str:
    """The sealed words of a step; empty where it has none."""
    return _open(unit, sealed, case_step.name, "words", row, division, str) if sealed else ""


def seal_result(unit: Unit, row: UUID, division: str, result: Result) -> bytes:
    return _seal(unit, case_result.name, "words", row, division, result)


def result_in(unit: Unit, sealed: bytes, row: UUID, division: str) -> Result:
    """The sealed result of a case."""
    return _open(unit, sealed, case_result.name, "words", row, division, Result)


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """``old`` with the answers of ``new``; an empty one takes the old away."""
    return {element: value for element, value in {**old, **new}.items() if value not in (None, "", [])}


def _seal(unit: Unit, table: str, column: str, row: UUID, division: str, value: object) -> bytes:
    return unit.vault.seal(msgspec.json.encode(value), table=table, column=column, row=row, division=division)


def _open(unit: Unit, sealed: bytes, table: str, column: str, row: UUID, division: str, kind: type[S]) -> S:
    plain = unit.vault.open(sealed, table=table, column=column, row=row, division=division)
    return msgspec.json.decode(plain, type=kind)
