"""One's own cases, the tasks of a body and what it has ended, as the bus lists them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import and_, or_

from gdbos import N_, Disclosed, Invalid, Offer, Text, Unit, Violation, body_names
from gdbos_services.matters.matter import find

from .clock import left
from .dossier import names_in
from .permission import READ
from .record import Case, calendar_of, case_of
from .state import FINAL, STATES, State
from .tables import case
from .view import ApplicantName, due_of

Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]
After = Annotated[str, msgspec.Meta(max_length=60)]


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


class EndedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of what the body has ended."""

    after: Annotated[str, msgspec.Meta(max_length=80)] = ""
    limit: Limit = 20


class EndedView(msgspec.Struct, frozen=True, kw_only=True):
    """One case that the body received and that has ended."""

    case: UUID
    number: str
    matter: str
    matter_title: Text
    state: State
    state_title: Text
    applicant_name: ApplicantName
    received_at: datetime
    closed_at: datetime
    outcome: str
    subject: str


class EndedList(msgspec.Struct, frozen=True):
    """A page of what the body has ended, the latest first."""

    ended: list[EndedView]
    next: str
    """Where the next page begins; empty on the last."""


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


def show_ended(unit: Unit, query: EndedQuery) -> EndedList:
    """What the caller's body received and has ended, the latest first; nothing about subjects who were erased."""
    t = case.c
    rows = unit.rows(case).where(t.body == unit.actor.body, t.closed_at.is_not(None), t.received_at.is_not(None))
    if query.after:
        moment, _, after = query.after.partition("~")
        closed = _moment(moment)
        rows = rows.where(or_(t.closed_at < closed, and_(t.closed_at == closed, t.id < _uuid(after))))
    found = list(unit.execute(rows.order_by(t.closed_at.desc(), t.id.desc()).limit(query.limit + 1)).mappings())
    page = found[: query.limit]
    last = page[-1] if len(found) > query.limit else None
    shown = [_ended(unit, row) for row in page if not unit.erased(row["subject"])]
    return EndedList(shown, f"{last['closed_at']:%Y-%m-%dT%H:%M:%S.%fZ}~{last['id']}" if last else "")


def _ended(unit: Unit, row: Any) -> EndedView:
    one = case_of(row)
    names = names_in(unit, row["names"], one.id, one.division)
    assert one.received_at is not None and one.closed_at is not None, "only such cases are listed"
    return EndedView(
        case=one.id,
        number=one.number,
        matter=one.matter,
        matter_title=find(unit.standards, one.matter, one.pinned_on).title,
        state=one.state,
        state_title=STATES[one.state],
        applicant_name=names.representing or names.applicant,
        received_at=one.received_at,
        closed_at=one.closed_at,
        outcome=one.outcome,
        subject=one.subject,
    )


def _moment(text: str) -> datetime:
    """:raises Invalid: it is no key that a list gave."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _no_key() from None
    if found.tzinfo is None:
        raise _no_key()
    return found


def _uuid(text: str) -> UUID:
    """:raises Invalid: it is no key that a list gave."""
    try:
        return UUID(text)
    except ValueError:
        raise _no_key() from None


def _no_key() -> Exception:

    return Invalid(violations=[Violation("?after", "shape", N_("Take this from the list's “next”, as it is."))])


def _of_list(_: Any, reply: MineList | TaskList) -> list[Disclosed]:
    return [Disclosed(one.subject, one.matter, str(one.case)) for one in reply.cases]


def _of_ended(_: Any, reply: EndedList) -> list[Disclosed]:
    return [Disclosed(one.subject, one.matter, str(one.case), "archive") for one in reply.ended]


MINE = Offer(
    code="services.cases.mine",
    title=Text("我的办件", "My cases"),
    takes=MineQuery,
    gives=MineList,
    provide=show_mine,
    discloses=_of_list,
    permission=READ,
    own=True,
)
TASKS = Offer(
    code="services.cases.tasks",
    title=Text("部门待办", "A body's tasks"),
    takes=TasksQuery,
    gives=TaskList,
    provide=show_tasks,
    discloses=_of_list,
    permission=READ,
)
ENDED = Offer(
    code="services.cases.ended",
    title=Text("部门已办结办件", "What a body has ended"),
    takes=EndedQuery,
    gives=EndedList,
    provide=show_ended,
    discloses=_of_ended,
    permission=READ,
)
