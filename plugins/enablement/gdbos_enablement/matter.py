"""Matters as this family reads them: the fields of the document kind ``matters`` that measures and cards need, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from gdbos import NotFound, Standards, Text

KIND = "matters"


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """How it was before the reform: what the four reductions (四减) are measured against."""

    steps: int = 0
    materials: int = 0
    trips: int = 0
    days: int = 0
    source: Text | None = None


class MatterView(msgspec.Struct, frozen=True, kw_only=True):
    """A matter (事项), as far as it is measured."""

    id: str
    title: Text
    type: str = ""
    """``gbt39046.matter-type``; empty where no standard of this node holds the matter."""
    exercise_levels: tuple[str, ...] = ()
    legal_days: int | None = None
    """Working days the law allows; None where no law sets a limit."""
    promise_days: int = 0
    before: Baseline = Baseline()


def matters(standards: Standards, on: date) -> Iterator[MatterView]:
    """Every matter in force on that day; none where no enabled plugin declares the kind."""
    return (_view(document.value) for document in standards.documents(KIND, on))


def matter(standards: Standards, matter_id: str, on: date) -> MatterView:
    """The matter as it stood on that day; one that the standards do not hold is called by its id."""
    try:
        return _view(standards.document(KIND, matter_id, on).value)
    except NotFound:
        return MatterView(id=matter_id, title=Text(matter_id, matter_id))


def _view(value: object) -> MatterView:
    return msgspec.convert(value, MatterView, from_attributes=True)
