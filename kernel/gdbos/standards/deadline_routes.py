"""``/api/standards/deadlines``: when something is due, and how that was counted."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from gdbos.errors import Invalid, Violation
from gdbos.plugin import PUBLIC
from gdbos.text import Text

from .counting import due
from .deadline import Deadline, Extension, Skipped, Suspension
from .registry import Standards


class AskDue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deadline to count: ``days`` working days, or a ``rule`` of the standards."""

    start: date
    days: Annotated[int, msgspec.Meta(ge=0, le=3660)] | None = None
    rule: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    division: Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9]{2}){0,6}\Z")] = ""
    suspensions: Annotated[list[Suspension], msgspec.Meta(max_length=100)] = []
    extensions: Annotated[list[Extension], msgspec.Meta(max_length=20)] = []


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """When it is due, and how that was counted."""

    due: date | None
    explanation: str
    """In the default language, as a clerk can read it aloud."""
    explanations: Text
    start: date
    first: date | None
    days: int
    unit: str
    remaining: int
    skipped: list[Skipped]
    rule: str
    basis: list[str]
    calendar: str


class DeadlineController(Controller):
    """Deadlines by the working days that have been published."""

    path = "/api/standards"
    tags = ("standards",)

    @post("/deadlines", permission=PUBLIC, sync_to_thread=False, status_code=200)
    def deadline(self, standards: NamedDependency[Standards], data: JSONBody[AskDue]) -> Counted:
        """When something is due, in words that can be read aloud. 409 ``not-published`` beyond the published calendar."""
        return count(standards, data)


def count(standards: Standards, asked: AskDue) -> Counted:
    """Count a deadline as asked for.

    Raises:
        Invalid: neither or both of days and rule are given, or a suspension or extension is not allowed.
        NotPublished: the answer lies beyond the published calendar.
    """
    if (asked.days is None) == (asked.rule is None):
        detail = "Give either days or rule."
        raise Invalid(detail, violations=[Violation("$.days", "required", detail)])
    rule: Deadline | int = standards.deadline(asked.rule, asked.start) if asked.rule is not None else asked.days or 0
    calendar = standards.calendar(asked.division)
    words = standards.words(rule.reasons) if isinstance(rule, Deadline) else {}
    answer = due(asked.start, rule, calendar, asked.suspensions, asked.extensions, words)
    return Counted(
        due=answer.due,
        explanation=answer.explanation.zh,
        explanations=answer.explanation,
        start=answer.start,
        first=answer.first,
        days=answer.days,
        unit=answer.unit,
        remaining=answer.remaining,
        skipped=list(answer.skipped),
        rule=answer.rule,
        basis=list(answer.basis),
        calendar=calendar.id,
    )
