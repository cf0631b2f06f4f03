"""``/api/standards/deadlines``: when something is due, and how that was counted."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from gdbos.errors import Invalid, Violation
from gdbos.pages.language import locale_of
from gdbos.plugin import PUBLIC
from gdbos.text import N_, Text

from .acceptance import Correction, accepted_on
from .asked import today
from .calendar import Calendar, NotPublished
from .counting import due
from .deadline import Deadline, Extension, Skipped, Suspension
from .identifier import DIVISION_LIST
from .registry import Standards

Division = Annotated[str, msgspec.Meta(pattern=r"\A(?:(?:[0-9]{2}){0,3}|[0-9]{9}|[0-9]{12})\Z")]
"""Province, city, county; or a town (9 digits) or village (12)."""


class AskDue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deadline to count: ``days`` working days, or a ``rule`` of the standards."""

    start: date
    days: Annotated[int, msgspec.Meta(ge=0, le=3660)] | None = None
    rule: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    division: Division = ""
    suspensions: Annotated[list[Suspension], msgspec.Meta(max_length=100)] = []
    extensions: Annotated[list[Extension], msgspec.Meta(max_length=20)] = []


class Second(msgspec.Struct, frozen=True, kw_only=True):
    """The clock that starts when this one's act is done (such as delivery after the decision)."""

    rule: str
    title: Text
    due: date | None
    """When it ends if the act is done on the last day; null where that day or its calendar is not known."""
    explanation: str
    explanations: Text


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """When it is due, and how that was counted."""

    due: date | None
    explanation: str
    """In the language asked for, as a clerk can read it aloud."""
    explanations: Text
    """In each language."""
    start: date
    first: date | None
    days: int
    unit: str
    remaining: int
    skipped: list[Skipped]
    rule: str
    basis: list[str]
    calendar: str
    caveats: list[Text]
    """What is not certain of the days that were counted over; the explanation says it too."""
    deemed: str = ""
    """What silence means once it has passed: ``accepted-from-receipt``, ``accepted``, ``approved``, ``refused``; empty: nothing."""
    second: Second | None = None


class AskAccepted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application received, and the notices of what was missing."""

    received: date
    corrections: Annotated[list[Correction], msgspec.Meta(max_length=100)] = []
    division: Division = ""
    rule: Annotated[str, msgspec.Meta(max_length=100)] = "licence-correction"
    """The deadline for telling what is missing."""
    today: date | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """From which day it counts as accepted."""

    on: date | None
    """Null while it is open."""
    deemed: bool
    """By silence, from the day of receipt."""
    limit: date
    """The last day for telling what is missing."""
    unlawful: list[int]
    """Positions of notices that ask for something new after the first."""
    rule: str
    basis: list[str]
    explanation: str
    """In the language asked for."""
    explanations: Text
    """In each language."""


NOT_PUBLISHED = {409: ResponseSpec(None, generate_examples=False, description="The calendar is not published that far")}


class DeadlineController(Controller):
    """Deadlines by the working days that have been published."""

    path = "/api/standards"
    tags = ("standards",)

    @post("/deadlines", permission=PUBLIC, sync_to_thread=False, status_code=200, responses=NOT_PUBLISHED)
    def deadline(
        self, standards: NamedDependency[Standards], data: JSONBody[AskDue], request: Request[Any, Any, Any]
    ) -> Counted:
        """When something is due, in words that can be read aloud. 409 ``not-published`` beyond the published calendar."""
        return count(standards, data, locale_of(request))

    @post("/acceptances", permission=PUBLIC, sync_to_thread=False, status_code=200, responses=NOT_PUBLISHED)
    def acceptance(
        self, standards: NamedDependency[Standards], data: JSONBody[AskAccepted], request: Request[Any, Any, Any]
    ) -> Accepted:
        """From which day an application counts as accepted: when what was missing is there, or by silence from its receipt."""
        rule = standards.deadline(data.rule, data.received)
        calendar = _calendar(standards, data.division)
        law = standards.cited(rule.basis, data.received)
        found = accepted_on(data.received, data.corrections, calendar, data.today or today(), rule, law)
        return Accepted(
            on=found.on,
            deemed=found.deemed,
            limit=found.limit,
            unlawful=list(found.unlawful),
            rule=rule.id,
            basis=list(rule.basis),
            explanation=found.explanation.into(locale_of(request)),
            explanations=found.explanation,
        )


def count(standards: Standards, asked: AskDue, locale: str) -> Counted:
    """Count a deadline as asked for, and explain it in the language ``locale``.

    Raises:
        Invalid: neither or both of days and rule are given, nobody knows the division, or a suspension or extension is not allowed.
        NotPublished: the answer lies beyond the published calendar.
    """
    if (asked.days is None) == (asked.rule is None):
        detail = N_("Give either days or rule.")
        raise Invalid(detail, violations=[Violation("$.days", "required", detail)])
    rule: Deadline | int = standards.deadline(asked.rule, asked.start) if asked.rule is not None else asked.days or 0
    calendar = _calendar(standards, asked.division)
    words = standards.words(rule.reasons) if isinstance(rule, Deadline) else {}
    answer = due(asked.start, rule, calendar, asked.suspensions, asked.extensions, words)
    return Counted(
        due=answer.due,
        explanation=answer.explanation.into(locale),
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
        caveats=list(answer.caveats),
        deemed=rule.deemed if isinstance(rule, Deadline) else "",
        second=_second(standards, rule.next, answer.due, calendar, locale)
        if isinstance(rule, Deadline) and rule.next
        else None,
    )


def _calendar(standards: Standards, division: str) -> Calendar:
    """The calendar of a division that the packs know; zeros and nothing stand for the whole country."""
    divisions, code = standards.table(DIVISION_LIST), division[:6].ljust(6, "0")
    if divisions is not None and division.strip("0") and code not in divisions.rows:
        detail = N_("No division has the code {division}; give one of GB/T 2260, or none for the whole country.")
        facts = {"division": division}
        raise Invalid(detail, violations=[Violation("$.division", "division", detail, facts=facts)], **facts)
    return standards.calendar(division)


def _second(standards: Standards, id: str, starts: date | None, calendar: Calendar, locale: str) -> Second:
    rule = standards.deadline(id, starts)
    try:
        answer = due(starts, rule, calendar) if starts else None
    except NotPublished:
        answer = None
    told = answer.explanation if answer else Text("")
    return Second(
        rule=id,
        title=rule.title,
        due=answer.due if answer else None,
        explanation=told.into(locale),
        explanations=told,
    )
