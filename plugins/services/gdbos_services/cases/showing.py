"""Cases in words: what was answered and where it came from, how far a case has got, how urgent it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from gdbos import N_, NotFound, Standards, Text
from gdbos_services.forms.form import Question, Sheet, sheet
from gdbos_services.matters.matter import find

from .prefill import verifiable
from .state import STATES, Act, State
from .view import CaseView, ClockView


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, as a clerk or its applicant reads it."""

    title: Text
    words: list[Text]
    source: Text | None = None
    on: datetime | None = None
    unverified: bool = False
    """It could have come from a register and was typed."""


class Facts(msgspec.Struct, frozen=True):
    """Answers under one heading."""

    title: Text
    facts: list[Fact]


def facts(shown: CaseView, standards: Standards) -> list[Facts]:
    """The answers of a case in the order of its form, as of the day it is pinned to."""
    form = sheet(standards, [shown.matter], shown.pinned_on)
    checkable = verifiable(form, standards, shown.pinned_on)
    found = [Facts(part.title, [*_facts(part.questions, shown, standards, checkable)]) for part in form.parts]
    return [one for one in found if one.facts]


def _facts(questions: Iterable[Question], shown: CaseView, standards: Standards, checkable: set[str]) -> Iterable[Fact]:
    for question in questions:
        value = shown.answers.get(question.element)
        if value in (None, "", []):
            continue
        source = shown.sources.get(question.element)
        yield Fact(
            title=question.title,
            words=[*words(value, question.codes, standards)],
            source=source.name if source else None,
            on=source.at if source else None,
            unverified=source is None and question.element in checkable,
        )


def words(value: Any, codes: str, standards: Standards) -> Iterable[Text]:
    """An answer in words: codes by their titles, yes and no, several one by one."""
    titles = standards.words(codes) if codes else {}
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, bool):
            yield Text("是", "yes") if one else Text("否", "no")
        else:
            yield titles.get(str(one), Text(str(one), str(one)))


def result_words(shown: CaseView, standards: Standards) -> list[Fact]:
    """What the department gave back, by the titles of its elements."""
    if shown.result is None:
        return []
    found = []
    for element, value in shown.result.values.items():
        try:
            described = standards.element(element)
        except NotFound:
            continue
        found.append(Fact(title=described.title, words=[*words(value, described.codes, standards)]))
    return found


def askable(shown: CaseView, standards: Standards) -> list[tuple[str, Text]]:
    """What an official can say is missing: materials first, then questions."""
    form: Sheet = sheet(standards, [shown.matter], shown.pinned_on)
    materials = [(one.id, one.title) for one in find(standards, shown.matter, shown.pinned_on).asked]
    return [*materials, *((question.element, question.title) for question in form.questions.values())]


def tone(clock: ClockView) -> str:
    """How urgent a case is: neutral, active, warn (one working day left or less), bad (overdue)."""
    if clock.suspended or clock.left is None:
        return "neutral"
    if clock.left < 0:
        return "bad"
    return "warn" if clock.left <= 1 else "active"


ENDED = {State.REFUSED, State.REJECTED, State.VOID}
WAY = (
    (State.SUBMITTED, N_("Received")),
    (State.ACCEPTED, N_("Accepted")),
    (State.APPROVED, N_("Decided")),
    (State.CLOSED, N_("Carried out")),
)
REACHED = {
    State.DRAFT: -1,
    State.SUBMITTED: 0,
    State.CORRECTION: 0,
    State.ACCEPTED: 1,
    State.SUSPENDED: 1,
    State.APPROVED: 2,
    State.CLOSED: 3,
}
ACTS_OF = {
    0: (Act.SUBMIT,),
    1: (Act.ACCEPT, Act.DEEM),
    2: (Act.APPROVE,),
    3: (Act.FINISH,),
}


class Stage(msgspec.Struct, frozen=True):
    """One of the four stages of a case; the title is an English message id."""

    title: str
    state: str
    """``done``, ``current``, ``todo``, ``failed``."""
    at: datetime | None = None
    note: Text | None = None


def progress(shown: CaseView) -> list[Stage]:
    """Received, accepted, decided, carried out: how far a case has got, and where it failed."""
    reached = REACHED[shown.state] if shown.state not in ENDED else _reached(shown)
    failed = shown.state in ENDED or shown.outcome == "refused"
    return [_stage(at, title, reached, failed, shown) for at, (_, title) in enumerate(WAY)]


def _reached(shown: CaseView) -> int:
    done = {step.act for step in shown.steps}
    return max((at for at, acts in ACTS_OF.items() if done & {*acts}), default=-1)


def _stage(at: int, title: str, reached: int, failed: bool, shown: CaseView) -> Stage:
    when = next((step.at for step in reversed(shown.steps) if step.act in ACTS_OF[at]), None)
    broke = 3 if shown.state is State.CLOSED else reached + 1
    if failed and at == broke:
        return Stage(title, "failed", shown.closed_at, STATES[shown.state])
    if at <= reached:
        return Stage(title, "done", when)
    if at == reached + 1 and not failed:
        return Stage(title, "current", None, STATES[shown.state])
    return Stage(title, "todo")


TABS = (
    ("", N_("All")),
    ("submitted", N_("To accept")),
    ("accepted", N_("To decide")),
    ("correction", N_("Waiting for the applicant")),
    ("suspended", N_("Suspended")),
    ("approved", N_("With the department's system")),
)


def task_tabs(state: str) -> list[tuple[str, str, bool]]:
    """The tabs of the workbench's lists: title (message id), address, whether it is this one."""
    live = [(title, f"/workbench?stage={key}" if key else "/workbench", key == state) for key, title in TABS]
    return [*live, (N_("Concluded"), "/workbench/ended", state == "ended")]
