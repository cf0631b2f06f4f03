"""The one form of a bundle (一张表) as the bus shows it: questions, answers and their sources, what could not be fetched."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from gdbos import Disclosed, NotFound, Offer, Text, Unit, body_names
from gdbos_services.forms.form import Question, Sheet
from gdbos_services.forms.prefill import plan as plan_prefills
from gdbos_services.matters import matter

from .application import materials_wanted
from .kept import Kept
from .permission import READ
from .record import Bundle, State, children, choice_of, get, kept_of, plan_of, settled_in, sheet_of
from .view import BundleQuery, whose

ByElement = Annotated[dict[str, Any], msgspec.Meta(extra={"keys": "element"})]
"""Values under the ids of their elements: each is masked by its own."""


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


def show_form(unit: Unit, query: BundleQuery) -> FormView:
    """The one form with its answers, sources, and what could not be fetched. :raises NotFound: it is not the caller's to see."""
    one = get(unit, query.bundle)
    kept, ours = kept_of(unit, one), children(unit, one.id)
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
        **whose(one, ours),
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


def _of_form(_: Any, reply: FormView) -> Iterable[Disclosed]:
    return [Disclosed(reply.subject, reply.matter, reply.case)]


FORM = Offer(
    code="services.bundles.form",
    title=Text("一件事一张表", "The one form of a bundle"),
    takes=BundleQuery,
    gives=FormView,
    provide=show_form,
    discloses=_of_form,
    permission=READ,
)
