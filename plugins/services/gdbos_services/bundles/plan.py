"""A bundle as packs plan it (高效办成一件事): which matters, in which order, what decides which are needed. The kind ``bundles``.

A matter or an element that an effect names is in only where an effect naming it holds; all others are always in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any

import msgspec

from gdbos import N_, Invalid, Kind, NotFound, Standards, Text, Violation

KIND_NAME = "bundles"
IN_USE = "1"
Count = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of a plan is: read strictly, never changed."""


class Measured(Strict, frozen=True, kw_only=True):
    """Steps, materials, trips and working days, and where the figures are from."""

    steps: Count
    materials: Count
    trips: Count
    days: Count
    source: Text


class Dependency(Strict, frozen=True, kw_only=True):
    """Which matters must be granted before one begins."""

    matter: str
    needs: tuple[str, ...] = ()


class Supply(Strict, frozen=True, kw_only=True):
    """An element nobody is asked for, because the result of a matter gives it to those after it."""

    element: str
    matter: str


class Option(Strict, frozen=True, kw_only=True):
    """One answer to a question of guidance; an empty value says: not now."""

    value: str
    title: Text


class Guidance(Strict, frozen=True, kw_only=True):
    """A question asked first (情形引导); its answer is also the answer to ``element``."""

    id: str
    question: Text
    element: str
    options: tuple[Option, ...]


class Effect(Strict, frozen=True, kw_only=True):
    """What certain answers bring in."""

    id: str
    question: str
    answers: tuple[str, ...]
    matters: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()


class Plan(Strict, frozen=True, kw_only=True):
    """One thing that several departments get done together."""

    id: str
    title: Text
    summary: Text
    lead: str
    """Role of the leading department (牵头部门)."""
    version: int
    status: str
    matters: tuple[str, ...]
    topics: tuple[str, ...] = ()
    service_object: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    basis: tuple[str, ...] = ()
    before: Measured
    after: Measured
    dependencies: tuple[Dependency, ...] = ()
    supplies: tuple[Supply, ...] = ()
    guidance: tuple[Guidance, ...] = ()
    effects: tuple[Effect, ...] = ()

    def needs(self, matter: str) -> tuple[str, ...]:
        """The matters that must be granted before ``matter`` begins."""
        return next((one.needs for one in self.dependencies if one.matter == matter), ())


class Choice(msgspec.Struct, frozen=True):
    """What a plan comes to for one applicant."""

    matters: tuple[str, ...]
    settled: Mapping[str, str]
    """Elements that guidance has answered."""
    dropped: frozenset[str]
    """Elements that nobody needs to be asked."""
    supplied: tuple[str, ...]
    """Elements that a chosen matter's result gives."""

    @property
    def quiet(self) -> frozenset[str]:
        """Every element that is not asked on the form."""
        return self.dropped | frozenset(self.settled) | frozenset(self.supplied)


def find(standards: Standards, plan_id: str, on: date) -> Plan:
    """The plan as it stands on that day. :raises NotFound: there is none in use."""
    try:
        found: Plan = standards.document(KIND_NAME, plan_id, on).value
    except NotFound:
        found = None  # type: ignore[assignment]
    if found is None or found.status != IN_USE:
        raise NotFound(N_("There is no bundle {bundle} on {on}."), bundle=plan_id, on=on)
    return found


def plans(standards: Standards, on: date) -> list[Plan]:
    """Every plan in use on that day, by id."""
    return [one.value for one in standards.documents(KIND_NAME, on) if one.value.status == IN_USE]


def choose(plan: Plan, answers: Mapping[str, str]) -> Choice:
    """What the answers to the guidance bring in. :raises Invalid: one is missing, unknown, or to no question."""
    if wrong := [*_wrong(plan, answers)]:
        raise Invalid(violations=wrong)
    held = [one for one in plan.effects if answers[one.question] in one.answers]
    matters = _in("matters", plan, held)
    elements = _in("elements", plan, held)
    named = {element for one in plan.effects for element in one.elements}
    settled = {one.element: answers[one.id] for one in plan.guidance}
    return Choice(
        matters=tuple(matter for matter in plan.matters if matters(matter)),
        settled={element: value for element, value in settled.items() if value},
        dropped=frozenset(
            {element for element in named if not elements(element)}
            | {element for element, value in settled.items() if not value}
        ),
        supplied=tuple(one.element for one in plan.supplies if matters(one.matter)),
    )


def _in(what: str, plan: Plan, held: list[Effect]) -> Any:
    named = {one for effect in plan.effects for one in getattr(effect, what)}
    brought = {one for effect in held for one in getattr(effect, what)}
    return lambda one: one not in named or one in brought


def _wrong(plan: Plan, answers: Mapping[str, str]) -> Iterator[Violation]:
    known = {one.id: one for one in plan.guidance}
    for id in sorted(set(answers) - set(known)):
        yield Violation(f"$.guidance.{id}", "unknown", N_("The guidance asks no such question; leave it out."))
    for id, one in known.items():
        if id not in answers:
            detail = N_("“{question}” is not answered yet; choose one of the answers.")
            yield Violation(f"$.guidance.{id}", "required", detail, one.element, facts={"question": one.question})
        elif answers[id] not in {option.value for option in one.options}:
            detail = N_("“{question}” has no such answer; choose one of those offered.")
            yield Violation(f"$.guidance.{id}", "code", detail, one.element, facts={"question": one.question})


# What a plan must be, beyond its shape.


def complaints(plan: Plan, standards: Standards) -> Iterator[str]:
    """What is wrong with a plan, one sentence each."""
    matters, elements = set(standards.ids("matters")), set(standards.ids("elements"))
    yield from (f"matters: there is no matter {one}" for one in plan.matters if one not in matters)
    yield from _order(plan)
    named = {one.element for one in plan.supplies} | {one.element for one in plan.guidance}
    named |= {element for one in plan.effects for element in one.elements}
    yield from (f"there is no element {one}" for one in sorted(named - elements))
    yield from (
        f"supplies: {one.matter} is not in the bundle" for one in plan.supplies if one.matter not in plan.matters
    )
    questions = {one.id: {option.value for option in one.options} for one in plan.guidance}
    for effect in plan.effects:
        yield from _effect(plan, effect, questions)


def _order(plan: Plan) -> Iterator[str]:
    for one in plan.dependencies:
        yield from (
            f"dependencies: {m} is not in the bundle" for m in (one.matter, *one.needs) if m not in plan.matters
        )
    try:
        TopologicalSorter({one.matter: one.needs for one in plan.dependencies}).prepare()
    except CycleError as circle:
        yield f"dependencies: {' → '.join(circle.args[1])} need each other in a circle"


def _effect(plan: Plan, effect: Effect, questions: Mapping[str, set[str]]) -> Iterator[str]:
    yield from (f"effects: {one} is not in the bundle" for one in effect.matters if one not in plan.matters)
    if effect.question not in questions:
        yield f"effects: there is no question {effect.question}"
        return
    for answer in effect.answers:
        if answer not in questions[effect.question]:
            yield f"effects: {effect.question} has no answer {answer}"


KIND = Kind(KIND_NAME, Plan, complaints)
