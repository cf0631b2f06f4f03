"""Cases as the bus shows them: whole, one's own list, the tasks of a body. Every other read path would be a second door."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import and_, or_

from gdbos import N_, Consumption, Disclosed, Invalid, Offer, Text, Unit, Violation, body_names
from gdbos_services.matters.matter import find

from .clock import clock, left, working_days
from .dossier import names_in, words_in
from .question import question
from .record import Case, Recalled, calendar_of, case_of, dossier_of, get, matter_of, names_of, result_of
from .state import ACTS, FINAL, STATES, Act, State, acts_in
from .tables import case, case_material, case_step

ByElement = Annotated[dict[str, Any], msgspec.Meta(extra={"keys": "element"})]
"""Values under the ids of their elements: each is masked by its own."""
ApplicantName = Annotated[str, msgspec.Meta(extra={"element": "applicant-name"})]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]
After = Annotated[str, msgspec.Meta(max_length=60)]


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


class MineQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of one's own cases."""

    after: After = ""
    limit: Limit = 20


class MineView(msgspec.Struct, frozen=True, kw_only=True):
    """One of one's own cases in a list."""

    case: UUID
    number: str
    matter: str
    matter_title: Text
    body: str
    body_name: Text
    state: State
    state_title: Text
    bundle: str
    drafted_at: datetime
    received_at: datetime | None
    due: date | None
    outcome: str
    subject: str


class MineList(msgspec.Struct, frozen=True):
    """A page of one's own cases, newest first."""

    cases: list[MineView]
    next: str
    """Where the next page begins; empty on the last."""


class TasksQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tasks of the body."""

    state: Annotated[str, msgspec.Meta(max_length=12)] = ""
    after: After = ""
    limit: Limit = 20


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """One case with the body, as its list of tasks shows it."""

    case: UUID
    number: str
    matter: str
    matter_title: Text
    state: State
    state_title: Text
    applicant_name: ApplicantName
    received_at: datetime | None
    due: date | None
    left: int | None
    """Working days until it is due."""
    waits: str
    left_by_rule: bool
    """A rule looked at it and left it to an official."""
    subject: str


class TaskList(msgspec.Struct, frozen=True):
    """A page of a body's tasks, the most urgent first."""

    cases: list[TaskView]
    next: str


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


# Lists.


def show_mine(unit: Unit, query: MineQuery) -> MineList:
    """The caller's own cases, newest first; nothing for anybody but a person."""
    if unit.actor.kind != "person":
        return MineList([], "")
    rows = unit.rows(case).order_by(case.c.id.desc()).limit(query.limit + 1)
    if query.after:
        rows = rows.where(case.c.id < _uuid(query.after))
    found = [case_of(row) for row in unit.execute(rows).mappings()]
    names = body_names(unit, [one.body for one in found])
    shown = [_mine(unit, one, names) for one in found[: query.limit]]
    return MineList(shown, str(shown[-1].case) if len(found) > query.limit else "")


def _mine(unit: Unit, one: Case, names: dict[str, Text]) -> MineView:
    return MineView(
        case=one.id,
        number=one.number,
        matter=one.matter,
        matter_title=find(unit.standards, one.matter, one.pinned_on).title,
        body=one.body,
        body_name=names.get(one.body, Text(one.body)),
        state=one.state,
        state_title=STATES[one.state],
        bundle=one.bundle,
        drafted_at=one.drafted_at,
        received_at=one.received_at,
        due=due_of(one),
        outcome=one.outcome,
        subject=one.subject,
    )


def show_tasks(unit: Unit, query: TasksQuery) -> TaskList:
    """The live cases of the caller's body, the most urgent first."""
    t = case.c
    wanted = (
        [query.state] if query.state else [str(state) for state in State if state not in FINAL and state != State.DRAFT]
    )
    rows = unit.rows(case).where(
        t.body == unit.actor.body, t.state.in_(wanted), t.closed_at.is_(None), t.received_at.is_not(None)
    )
    if query.after:
        day, _, after = query.after.partition("~")
        rows = rows.where(or_(t.due_key > day, and_(t.due_key == day, t.id > _uuid(after))))
    found = list(unit.execute(rows.order_by(t.due_key, t.id).limit(query.limit + 1)).mappings())
    shown = [_task(unit, row) for row in found[: query.limit]]
    last = found[len(shown) - 1] if len(found) > query.limit else None
    return TaskList(shown, f"{last['due_key']}~{last['id']}" if last else "")


def _task(unit: Unit, row: Any) -> TaskView:
    one = case_of(row)
    names = names_in(unit, row["names"], one.id, one.division)
    due = due_of(one)
    return TaskView(
        case=one.id,
        number=one.number,
        matter=one.matter,
        matter_title=find(unit.standards, one.matter, one.pinned_on).title,
        state=one.state,
        state_title=STATES[one.state],
        applicant_name=names.representing or names.applicant,
        received_at=one.received_at,
        due=due,
        left=left(calendar_of(unit, one), unit.today, due),
        waits=one.waits,
        left_by_rule=bool(one.rule) and one.state is State.SUBMITTED,
        subject=one.subject,
    )


def _uuid(text: str) -> UUID:
    """:raises Invalid: it is no key that a list gave."""
    try:
        return UUID(text)
    except ValueError:
        raise _no_key() from None


def _no_key() -> Exception:

    return Invalid(violations=[Violation("?after", "shape", N_("Take this from the list's “next”, as it is."))])


# The services.


def _of_case(_: Any, reply: CaseView) -> list[Disclosed]:
    return [Disclosed(reply.subject, reply.matter, str(reply.case))]


def _of_question(_: Any, reply: Question) -> list[Disclosed]:
    return [Disclosed(reply.subject, reply.matter, reply.case)]


def _of_list(_: Any, reply: MineList | TaskList) -> list[Disclosed]:
    return [Disclosed(one.subject, one.matter, str(one.case)) for one in reply.cases]


CASE = Offer(
    code="services.cases.case",
    title=Text("办件详情", "One case"),
    takes=CaseQuery,
    gives=CaseView,
    provide=show_case,
    discloses=_of_case,
)
MINE = Offer(
    code="services.cases.mine",
    title=Text("我的办件", "My cases"),
    takes=MineQuery,
    gives=MineList,
    provide=show_mine,
    discloses=_of_list,
    own=True,
)
TASKS = Offer(
    code="services.cases.tasks",
    title=Text("部门待办", "A body's tasks"),
    takes=TasksQuery,
    gives=TaskList,
    provide=show_tasks,
    discloses=_of_list,
)
QUESTION = Offer(
    code="services.cases.question",
    title=Text("交部门系统办理的数据", "What a department's system is asked"),
    takes=CaseQuery,
    gives=Question,
    provide=show_question,
    discloses=_of_question,
)
OFFERS = [CASE, MINE, TASKS, QUESTION]
CONSUMES = [
    Consumption(
        service=CASE.code,
        purpose=Text("办理本部门受理的办件", "Handle the cases of this body"),
        clear=("answers", "applicant_name", "representing", "result"),
    ),
    Consumption(service=TASKS.code, purpose=Text("查看本部门待办", "See the tasks of this body")),
    Consumption(
        service=QUESTION.code,
        purpose=Text("将决定交本部门业务系统办理", "Have the body's own system carry a decision out"),
        clear=("request",),
    ),
]
"""What the workbench's pages and the handlers use for a body: a draft grant for each, which an official approves."""
