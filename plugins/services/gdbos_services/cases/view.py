"""A case as the bus shows it: whole, and in the words of the department's own system. Every other read path would be a second door."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from gdbos import Disclosed, Offer, Text, Unit, body_names

from .clock import clock, left, working_days
from .dossier import words_in
from .permission import READ
from .question import question
from .record import Case, Recalled, calendar_of, dossier_of, get, matter_of, names_of, result_of
from .state import ACTS, STATES, Act, State, acts_in
from .tables import case_material, case_step

ByElement = Annotated[dict[str, Any], msgspec.Meta(extra={"keys": "element"})]
"""Values under the ids of their elements: each is masked by its own."""
ApplicantName = Annotated[str, msgspec.Meta(extra={"element": "applicant-name"})]


class CaseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which case."""

    case: UUID


class SourceView(msgspec.Struct, frozen=True):
    """Where an answer was filled in from."""

    service: str
    provider: str
    name: Text
    at: datetime


class StepView(msgspec.Struct, frozen=True):
    """One thing that was done with the case."""

    at: datetime
    act: Act
    title: Text
    state: State
    by: str
    """What kind of actor did it: person, official, system, plugin."""
    words: str
    rule: str = ""
    items: list[str] = []


class MaterialView(msgspec.Struct, frozen=True):
    """One material of the case."""

    material: str
    title: Text
    how: str
    file: UUID | None
    at: datetime


class ClockView(msgspec.Struct, frozen=True, kw_only=True):
    """How much time the case has, and had."""

    received_on: date | None = None
    acceptance_due: date | None = None
    accepted_on: date | None = None
    deemed: bool = False
    legal_days: int | None = None
    promise_days: int | None = None
    legal_due: date | None = None
    promise_due: date | None = None
    used: int = 0
    left: int | None = None
    """Working days until the nearer limit; negative once it has passed."""
    suspended: bool = False
    why: Text = Text("")


class ResultView(msgspec.Struct, frozen=True):
    """How the case ended."""

    outcome: str
    reason: str
    values: ByElement


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """One case, whole."""

    case: UUID
    number: str
    matter: str
    matter_title: Text
    matter_version: int
    pinned_on: date
    state: State
    state_title: Text
    version: int
    body: str
    body_name: Text
    division: str
    bundle: str
    subject: str
    applicant_name: ApplicantName
    representing: ApplicantName
    drafted_at: datetime
    expires_at: datetime | None
    closed_at: datetime | None
    answers: ByElement
    sources: dict[str, SourceView]
    materials: list[MaterialView]
    missing: list[str]
    """What the applicant was told to supply, while it is wanted."""
    steps: list[StepView]
    clock: ClockView
    rule: str
    sample: bool
    waits: str
    """Why the department's own system has not carried the decision out yet: the code of a problem."""
    asked: int
    outcome: str
    result: ResultView | None
    acts: list[Act]
    """What can be done with it now."""
    recalled: list[Recalled]
    """Values it received that were corrected at their source since."""


class Question(msgspec.Struct, frozen=True):
    """What the department's own system is asked."""

    request: Annotated[dict[str, Any] | None, msgspec.Meta(extra={"mask": "whole"})]
    subject: str
    matter: str
    case: str


# One case.


def show_case(unit: Unit, query: CaseQuery) -> CaseView:
    """The case with everything that belongs to it. :raises NotFound: it is not the caller's to see."""
    one = get(unit, query.case)
    matter, dossier, names, result = (
        matter_of(unit, one),
        dossier_of(unit, one.id),
        names_of(unit, one.id),
        result_of(unit, one.id),
    )
    # An ended case goes on showing the names of its time, whatever bodies were renamed or merged since.
    then = one.closed_at.astimezone(unit.around.zone).date() if one.closed_at else None
    providers = body_names(unit, [one.body, *(each.provider for each in dossier.sources().values())], then)
    steps = list(steps_of(unit, one))
    return CaseView(
        case=one.id,
        number=one.number,
        matter=one.matter,
        matter_title=matter.title,
        matter_version=one.matter_version,
        pinned_on=one.pinned_on,
        state=one.state,
        state_title=STATES[one.state],
        version=one.version,
        body=one.body,
        body_name=providers.get(one.body, Text(one.body)),
        division=one.division,
        bundle=one.bundle,
        subject=one.subject,
        applicant_name=names.applicant,
        representing=names.representing,
        drafted_at=one.drafted_at,
        expires_at=one.expires_at,
        closed_at=one.closed_at,
        answers=dossier.answers,
        sources={
            element: SourceView(
                each.service, each.provider, each.name or providers.get(each.provider, Text(each.provider)), each.at
            )
            for element, each in dossier.sources().items()
        },
        materials=[*_materials(unit, one)],
        missing=list(one.corrections[-1].items) if one.state is State.CORRECTION else [],
        steps=steps,
        clock=clock_view(unit, one),
        rule=one.rule,
        sample=one.sample,
        waits=one.waits,
        asked=one.asked,
        outcome=one.outcome,
        result=ResultView(result.outcome, result.reason, result.values) if result else None,
        acts=[*acts_in(one.state)],
        recalled=list(one.recalled),
    )


def steps_of(unit: Unit, one: Case) -> list[StepView]:
    """What was done with the case, oldest first."""
    found = unit.execute(unit.rows(case_step).where(case_step.c.case == one.id).order_by(case_step.c.id))
    return [
        StepView(
            at=row.at,
            act=Act(row.act),
            title=ACTS[Act(row.act)],
            state=State(row.state),
            by=row.by_kind,
            words=words_in(unit, row.words, row.id, row.division),
            rule=row.facts.get("rule", ""),
            items=row.facts.get("items", []),
        )
        for row in found
    ]


def _materials(unit: Unit, one: Case) -> list[MaterialView]:
    titles = {each.id: each.title for each in matter_of(unit, one).materials}
    found = unit.execute(unit.rows(case_material).where(case_material.c.case == one.id).order_by(case_material.c.id))
    return [
        MaterialView(row.material, titles.get(row.material, Text(row.material)), row.how, row.file, row.at)
        for row in found
    ]


def clock_view(unit: Unit, one: Case) -> ClockView:
    """The limits of the case as they stand today."""
    received = one.received_at.astimezone(unit.around.zone).date() if one.received_at else None
    if one.accepted_on is None:
        remaining = (
            left(calendar_of(unit, one), unit.today, one.acceptance_due) if one.state is State.SUBMITTED else None
        )
        return ClockView(received_on=received, acceptance_due=one.acceptance_due, left=remaining)
    matter, calendar = matter_of(unit, one), calendar_of(unit, one)
    counted = clock(
        matter, unit.standards, calendar, start=one.accepted_on, suspensions=one.suspensions, extensions=one.extensions
    )
    end = one.closed_at.astimezone(unit.around.zone).date() if one.closed_at else unit.today
    return ClockView(
        received_on=received,
        acceptance_due=one.acceptance_due,
        accepted_on=one.accepted_on,
        deemed=one.deemed,
        legal_days=counted.legal_days,
        promise_days=counted.promise_days,
        legal_due=one.legal_due,
        promise_due=one.promise_due,
        used=working_days(calendar, one.accepted_on, end, one.suspensions),
        left=left(calendar, unit.today, due_of(one)) if one.state is State.ACCEPTED else None,
        suspended=one.state is State.SUSPENDED,
        why=counted.why,
    )


def due_of(one: Case) -> date | None:
    """By when the body must act next, where a clock runs."""
    if one.state is State.SUBMITTED:
        return one.acceptance_due
    if one.state is not State.ACCEPTED:
        return None
    return min((day for day in (one.legal_due, one.promise_due) if day), default=None)


# What a department's system is asked.


def show_question(unit: Unit, query: CaseQuery) -> Question:
    """The case in the words of the department's own system."""
    one = get(unit, query.case)
    service = matter_of(unit, one).handled_by
    request = question(unit.standards, service, dossier_of(unit, one.id).answers, one.number, unit.today)
    return Question(request=request, subject=one.subject, matter=one.matter, case=str(one.id))


# The services.


def _of_case(_: Any, reply: CaseView) -> list[Disclosed]:
    return [Disclosed(reply.subject, reply.matter, str(reply.case), "archive" if reply.closed_at else "live")]


def _of_question(_: Any, reply: Question) -> list[Disclosed]:
    return [Disclosed(reply.subject, reply.matter, reply.case)]


CASE = Offer(
    code="services.cases.case",
    title=Text("办件详情", "One case"),
    takes=CaseQuery,
    gives=CaseView,
    provide=show_case,
    discloses=_of_case,
    permission=READ,
)
QUESTION = Offer(
    code="services.cases.question",
    title=Text("交部门系统办理的数据", "What a department's system is asked"),
    takes=CaseQuery,
    gives=Question,
    provide=show_question,
    discloses=_of_question,
    permission=READ,
)
