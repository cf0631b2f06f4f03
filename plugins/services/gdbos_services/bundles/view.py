"""Bundles as the bus shows them: how one stands, its form, one's own list, and the four reductions. There is no other read path."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import Select

from gdbos import Disclosed, NotFound, Offer, Text, Unit, body_names
from gdbos_services.cases import case
from gdbos_services.cases.state import STATES as CASE_STATES
from gdbos_services.cases.state import State as CaseState
from gdbos_services.cases.view import ClockView, clock_view, steps_of
from gdbos_services.forms.form import Question, Sheet
from gdbos_services.forms.prefill import plan as plan_prefills
from gdbos_services.matters import matter

from .application import materials_wanted
from .kept import Kept
from .plan import Plan, find
from .record import (
    Bundle,
    Child,
    ChildState,
    State,
    bundle_of,
    children,
    choice_of,
    get,
    kept_of,
    plan_of,
    settled_in,
    sheet_of,
)
from .reductions import Amounts, Reduction, reductions, sources, total
from .tables import bundle

ByElement = Annotated[dict[str, Any], msgspec.Meta(extra={"keys": "element"})]
"""Values under the ids of their elements: each is masked by its own."""
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]

STATES = {
    State.FILLING: Text("填写中", "being filled in"),
    State.RUNNING: Text("办理中", "under way"),
    State.FINISHED: Text("已办结", "finished"),
    State.VOID: Text("已作废", "void"),
}
CHILD_STATES = {
    ChildState.DRAFT: Text("待提交", "to be handed in"),
    ChildState.WAITING: Text("等待前置事项办结", "waits for another result"),
    ChildState.INCOMPLETE: Text("需要您补充", "needs something from you"),
    ChildState.SUBMITTED: Text("办理中", "under way"),
    ChildState.GRANTED: Text("已办成", "granted"),
    ChildState.REFUSED: Text("未获准", "not granted"),
    ChildState.VOID: Text("未办理", "came to nothing"),
}


class BundleQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which bundle."""

    bundle: UUID


class MineQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of one's own bundles: the newest first, ``after`` the last one already seen."""

    after: UUID | None = None
    limit: Limit = 20


class ReductionsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of which plan, and finished when: from the first day to the last, both included."""

    plan: Annotated[str, msgspec.Meta(max_length=120)]
    since: date | None = None
    until: date | None = None


class ChildView(msgspec.Struct, frozen=True, kw_only=True):
    """One case of a bundle, as its applicant follows it."""

    case: UUID
    number: str
    matter: str
    matter_title: Text
    body: str
    body_name: Text
    needs: list[Text]
    """Titles of the matters whose results it waits for."""
    state: ChildState
    state_title: Text
    case_state: CaseState
    case_state_title: Text
    clock: ClockView
    waits: str
    """Why the department's own system has not carried the decision out yet."""
    reason: str
    """Why it was not granted."""
    rule: str
    """The rule that decided it at once; empty: an official."""
    licence: str
    """The licence type that its result brings."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What a finished bundle took."""

    fields_asked: int
    fields_prefilled: int
    fields_supplied: int
    fields_asked_more_than_once: int
    fields_before: int
    materials: int
    trips: int
    steps: int
    working_days: int


class BundleView(msgspec.Struct, frozen=True, kw_only=True):
    """How a bundle stands."""

    bundle: UUID
    plan: str
    title: Text
    state: State
    state_title: Text
    version: int
    body: str
    body_name: Text
    started_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None
    children: list[ChildView]
    counts: Counts | None
    reductions: list[Reduction]
    subject: str
    matter: str
    case: str


class QuestionView(msgspec.Struct, frozen=True, kw_only=True):
    """One question of the one form."""

    element: str
    title: Text
    hint: Text | None
    kind: str
    form: str
    codes: str
    unit: str
    repeat: bool
    required: bool
    asked: bool
    """Whether it is asked, as the answers stand."""
    asked_by: list[str]
    """The matters whose departments receive the answer."""


class SectionView(msgspec.Struct, frozen=True):
    """Questions under one heading."""

    id: str
    title: Text
    questions: list[QuestionView]


class SourceView(msgspec.Struct, frozen=True):
    """Where an answer was filled in from."""

    service: str
    provider: str
    name: Text
    at: datetime
    authoritative: bool
    """It comes from the element's one authoritative source (一数一源)."""


class FailureView(msgspec.Struct, frozen=True):
    """A system that did not answer."""

    service: str
    title: Text
    why: str
    elements: list[str]
    """What it would have filled in; typed, these are unverified."""


class MaterialView(msgspec.Struct, frozen=True, kw_only=True):
    """One material that the applicant has to bring."""

    matter: str
    matter_title: Text
    material: str
    title: Text
    hint: Text | None
    there: bool


class FormView(msgspec.Struct, frozen=True, kw_only=True):
    """The one form with what is answered so far."""

    bundle: UUID
    plan: str
    title: Text
    state: State
    version: int
    division: str
    pinned_on: date
    """The plan and the forms are read as of this day."""
    matters: list[str]
    guidance: dict[str, str]
    sections: list[SectionView]
    answers: ByElement
    sources: dict[str, SourceView]
    failures: list[FailureView]
    materials: list[MaterialView]
    subject: str
    matter: str
    case: str


class MineView(msgspec.Struct, frozen=True, kw_only=True):
    """One of one's own bundles in a list."""

    bundle: UUID
    plan: str
    title: Text
    state: State
    state_title: Text
    started_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None
    subject: str


class MineList(msgspec.Struct, frozen=True):
    """A page of one's own bundles; ``next`` is the key of the following page."""

    bundles: list[MineView]
    next: UUID | None = None


class Reductions(msgspec.Struct, frozen=True, kw_only=True):
    """The four reductions of a plan, measured on what was finished."""

    plan: str
    title: Text
    finished: int
    reductions: list[Reduction]
    """Means per bundle; none while nothing is finished."""
    bundles: list[UUID]
    """Behind the figures: the last hundred of them."""


# One bundle.


def show_bundle(unit: Unit, query: BundleQuery) -> BundleView:
    """How the bundle and each of its cases stand. :raises NotFound: it is not the caller's to see."""
    one = get(unit, query.bundle)
    ours = children(unit, one.id)
    names = body_names(unit, sorted({one.body, *(child.body for child in ours)}))
    shown = [_child(unit, one, child, names) for child in ours]
    return BundleView(
        bundle=one.id,
        plan=one.plan,
        title=plan_of(unit, one).title,
        state=one.state,
        state_title=STATES[one.state],
        version=one.version,
        body=one.body,
        body_name=names.get(one.body, Text(one.body)),
        started_at=one.started_at,
        submitted_at=one.submitted_at,
        finished_at=one.finished_at,
        children=shown,
        counts=_counts(one),
        reductions=_reductions(one),
        **_whose(one, ours),
    )


def _child(unit: Unit, one: Bundle, child: Child, names: dict[str, Text]) -> ChildView:
    found, described = case.get(unit, child.case), matter.find(unit.standards, child.matter, one.pinned_on)
    return ChildView(
        case=child.case,
        number=found.number,
        matter=child.matter,
        matter_title=described.title,
        body=child.body,
        body_name=names.get(child.body, Text(child.body)),
        needs=[matter.find(unit.standards, need, one.pinned_on).title for need in child.needs],
        state=child.state,
        state_title=CHILD_STATES[child.state],
        case_state=found.state,
        case_state_title=CASE_STATES[found.state],
        clock=clock_view(unit, found),
        waits=found.waits,
        reason=_reason(unit, child, found),
        rule=found.rule,
        licence=described.result.licence,
    )


def _reason(unit: Unit, child: Child, found: case.Case) -> str:
    """What the department, or the official who decided, said."""
    if child.state not in (ChildState.REFUSED, ChildState.VOID):
        return ""
    result = case.result_of(unit, child.case)
    if result is not None and result.reason:
        return result.reason
    steps = steps_of(unit, found)
    return steps[-1].words if steps else ""


def _counts(one: Bundle) -> Counts | None:
    return msgspec.convert(one.counts, Counts) if one.counts else None


def _reductions(one: Bundle) -> list[Reduction]:
    if one.counts is None:
        return []
    before, now = (msgspec.convert(one.counts[name], Amounts) for name in ("before", "now"))
    return reductions(before, now, Text(**one.counts["source"]))


def _whose(one: Bundle, ours: list[Child]) -> dict[str, str]:
    """Whom a bundle is about, and the case that is the reason to look."""
    first = ours[0]
    return {"subject": one.subject, "matter": first.matter, "case": str(first.case)}


# Its form.


def show_form(unit: Unit, query: BundleQuery) -> FormView:
    """The one form with its answers, sources, and what could not be fetched. :raises NotFound: it is not the caller's to see."""
    one = get(unit, query.bundle)
    kept, ours = kept_of(unit, one.id), children(unit, one.id)
    choice = choice_of(unit, one, kept)
    sheet = sheet_of(unit, one, choice)
    answers = {**kept.answers, **settled_in(sheet, choice)}
    return FormView(
        bundle=one.id,
        plan=one.plan,
        title=plan_of(unit, one).title,
        state=one.state,
        version=one.version,
        division=one.division,
        pinned_on=one.pinned_on,
        matters=list(choice.matters),
        guidance=kept.guidance,
        sections=_sections(sheet, answers),
        answers={element: value for element, value in kept.answers.items() if element in sheet.questions},
        sources=_sources(unit, one, kept, sheet),
        failures=[
            FailureView(each.service, _title(unit, each.service), each.why, list(each.elements))
            for each in kept.failures
        ],
        materials=[
            MaterialView(
                matter=child.matter,
                matter_title=matter.find(unit.standards, child.matter, one.pinned_on).title,
                material=material.id,
                title=material.title,
                hint=material.hint,
                there=there,
            )
            for child, material, there in materials_wanted(unit, ours, one)
        ],
        **_whose(one, ours),
    )


def _sections(sheet: Sheet, answers: dict[str, Any]) -> list[SectionView]:
    return [
        SectionView(part.id, part.title, [_question(question, answers) for question in part.questions])
        for part in sheet.parts
    ]


def _question(question: Question, answers: dict[str, Any]) -> QuestionView:
    return QuestionView(
        element=question.element,
        title=question.title,
        hint=question.hint,
        kind=question.kind,
        form=question.form,
        codes=question.codes,
        unit=question.unit,
        repeat=question.repeat,
        required=question.needed(answers),
        asked=question.asked(answers),
        asked_by=list(question.asked_by),
    )


def _sources(unit: Unit, one: Bundle, kept: Kept, sheet: Sheet) -> dict[str, SourceView]:
    found = kept.sources()
    looks = plan_prefills(sheet, unit.standards, one.pinned_on)
    authoritative = {take.element for look in looks for take in look.takes if take.authoritative}
    names = body_names(unit, sorted({each.provider for each in found.values()}))
    return {
        element: SourceView(
            each.service,
            each.provider,
            each.name or names.get(each.provider, Text(each.provider or each.service)),
            each.at,
            element in authoritative,
        )
        for element, each in found.items()
    }


def _title(unit: Unit, service: str) -> Text:
    try:
        title: Text = unit.standards.document("services", service, unit.today).value.title
    except NotFound:
        return Text(service)
    return title


# Lists.


def show_mine(unit: Unit, query: MineQuery) -> MineList:
    """The caller's own bundles; nothing for anybody but a person."""
    if unit.actor.kind != "person":
        return MineList([])
    statement = unit.rows(bundle).order_by(bundle.c.id.desc()).limit(query.limit + 1)
    if query.after:
        statement = statement.where(bundle.c.id < query.after)
    found = [bundle_of(row) for row in unit.execute(statement).mappings()]
    shown = [_mine(unit, one) for one in found[: query.limit]]
    return MineList(shown, shown[-1].bundle if len(found) > query.limit else None)


def _mine(unit: Unit, one: Bundle) -> MineView:
    return MineView(
        bundle=one.id,
        plan=one.plan,
        title=plan_of(unit, one).title,
        state=one.state,
        state_title=STATES[one.state],
        started_at=one.started_at,
        submitted_at=one.submitted_at,
        finished_at=one.finished_at,
        subject=one.subject,
    )


# The four reductions.


def show_reductions(unit: Unit, query: ReductionsQuery) -> Reductions:
    """What bundles took, on the mean, of those the caller's rows hold. Figures only: nobody's data.

    :raises NotFound: there is no such plan.
    """
    plan: Plan = find(unit.standards, query.plan, unit.today)
    found = [bundle_of(row) for row in unit.execute(_finished(unit, query)).mappings()]
    measured = [one.counts for one in found if one.counts]
    before = total(msgspec.convert(one["before"], Amounts) for one in measured)
    now = total(msgspec.convert(one["now"], Amounts) for one in measured)
    source = sources([Text(**one["source"]) for one in measured])
    return Reductions(
        plan=plan.id,
        title=plan.title,
        finished=len(measured),
        reductions=reductions(before, now, source, len(measured)) if measured else [],
        bundles=[one.id for one in found[:100]],
    )


def _finished(unit: Unit, query: ReductionsQuery) -> Select[Any]:
    t = bundle.c
    statement = unit.rows(bundle).where(t.plan == query.plan, t.state == str(State.FINISHED))
    for day, edge in ((query.since, "since"), (query.until, "until")):
        if day is not None:
            moment = datetime.combine(day, datetime.min.time(), unit.around.zone)
            late = datetime.combine(day, datetime.max.time(), unit.around.zone)
            statement = statement.where(t.finished_at >= moment if edge == "since" else t.finished_at <= late)
    return statement.order_by(t.finished_at.desc()).limit(10_000)


# The services.


def _of_one(_: Any, reply: BundleView | FormView) -> Iterable[Disclosed]:
    return [Disclosed(reply.subject, reply.matter, reply.case)]


def _of_list(_: Any, reply: MineList) -> Iterable[Disclosed]:
    return [Disclosed(one.subject) for one in reply.bundles]


def _nobody(_: Any, __: Reductions) -> Iterable[Disclosed]:
    return []


BUNDLE = Offer(
    code="services.bundles.bundle",
    title=Text("一件事办理进度", "How a bundle stands"),
    takes=BundleQuery,
    gives=BundleView,
    provide=show_bundle,
    discloses=_of_one,
)
FORM = Offer(
    code="services.bundles.form",
    title=Text("一件事一张表", "The one form of a bundle"),
    takes=BundleQuery,
    gives=FormView,
    provide=show_form,
    discloses=_of_one,
)
MINE = Offer(
    code="services.bundles.mine",
    title=Text("我的一件事", "My bundles"),
    takes=MineQuery,
    gives=MineList,
    provide=show_mine,
    discloses=_of_list,
    own=True,
)
REDUCTIONS = Offer(
    code="services.bundles.reductions",
    title=Text("一件事四减成效", "The four reductions of a bundle"),
    takes=ReductionsQuery,
    gives=Reductions,
    provide=show_reductions,
    discloses=_nobody,
    sharing="unconditional",
)
OFFERS = [BUNDLE, FORM, MINE, REDUCTIONS]
