"""What happens to a bundle when one of its cases ends: others are released or come to nothing, and in the end it is finished.

Everything happens in the unit of one delivery, with the bundle's row locked: however often the event is delivered, and
wherever the node is stopped, the effect is there once or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from gdbos import Basis, Invalid, NotPublished, Text, Unit, on, subject_key
from gdbos_services.cases import case
from gdbos_services.cases.events import CaseClosed
from gdbos_services.cases.permission import READ
from gdbos_services.forms.form import Sheet
from gdbos_services.matters import matter

from .events import BundleFinished, ChildOutcome, ChildReleased
from .kept import Kept
from .record import (
    ENDED,
    Bundle,
    Child,
    ChildState,
    State,
    children,
    choice_of,
    get,
    kept_of,
    plan_of,
    settled_in,
    sheet_of,
    store,
    store_child,
)
from .reductions import Amounts, sources, total

PREREQUISITE = Text(
    "前置事项“{zh}”未办成，本事项不再办理。",
    "“{en}”, which this depends on, was not granted, so this comes to nothing.",
)
COUNTED = (
    "fields_asked",
    "fields_prefilled",
    "fields_supplied",
    "fields_asked_more_than_once",
    "fields_before",
    "materials",
    "trips",
    "steps",
    "working_days",
)
OUTCOMES = {"granted": ChildState.GRANTED, "refused": ChildState.REFUSED, "void": ChildState.VOID}


@on(CaseClosed)
def advance(unit: Unit, event: CaseClosed) -> None:
    """Enter how a case of a bundle ended, and do what follows for the others."""
    if not event.bundle:
        return
    one = get(unit, UUID(event.bundle), lock=True)
    ours = {child.matter: child for child in children(unit, one.id)}
    ended = ours.get(event.matter)
    if ended is None or ended.case != UUID(event.case) or ended.state in ENDED:
        return
    ours[event.matter] = ended = _ended(unit, ended, event)
    kept = kept_of(unit, one)
    if ended.state is ChildState.GRANTED:
        kept = _supplied(unit, one, ended, kept)
        one = store(unit, one, one, kept)
    for child in list(ours.values()):
        if event.matter in child.needs and child.state not in ENDED:
            ours[child.matter] = _follow(unit, one, child, ended, ours, kept)
    if all(child.state in ENDED for child in ours.values()):
        _finish(unit, one, list(ours.values()), kept)


def _ended(unit: Unit, child: Child, event: CaseClosed) -> Child:
    facts = {
        "working_days": event.working_days,
        "legal_days": event.legal_days,
        "promise_days": event.promise_days,
        "materials": event.materials,
        "trips": event.trips,
        "closed_on": event.closed_on.isoformat(),
    }
    number = event.number or child.number
    ended = msgspec.structs.replace(child, state=OUTCOMES[event.outcome], number=number, facts=facts)
    store_child(unit, ended)
    return ended


def _supplied(unit: Unit, one: Bundle, ended: Child, kept: Kept) -> Kept:
    """Take from a result what the plan says it supplies."""
    result = case.result_of(unit, ended.case)
    values = result.values if result else {}
    given = {
        supply.element: values[supply.element]
        for supply in plan_of(unit, one).supplies
        if supply.matter == ended.matter and values.get(supply.element) not in (None, "", [])
    }
    return msgspec.structs.replace(kept, supplied={**kept.supplied, **given})


def _follow(unit: Unit, one: Bundle, child: Child, ended: Child, ours: dict[str, Child], kept: Kept) -> Child:
    """What the end of one case means for one that needs it."""
    drafted = case.get(unit, child.case, lock=True).state is case.State.DRAFT
    if ended.state is not ChildState.GRANTED:
        if drafted:
            title = matter.find(unit.standards, ended.matter, one.pinned_on).title
            words = f"{PREREQUISITE.zh} {PREREQUISITE.en}".format(zh=title.zh, en=title.into("en"))
            case.void(unit, child.case, words, "prerequisite")
        return child  # its own end is told by its own event
    ready = all(ours[need].state is ChildState.GRANTED for need in child.needs)
    if not ready or child.state is not ChildState.WAITING or not drafted:
        return child
    return _release(unit, one, child, kept)


def _release(unit: Unit, one: Bundle, child: Child, kept: Kept) -> Child:
    """Submit a case that waited, with what the results before it supplied.

    Where its form still lacks something, its draft stays and the applicant is shown what: nothing is guessed, nothing is lost.
    """
    asked = matter_elements(unit, one, child)
    given = {element: value for element, value in kept.supplied.items() if element in asked}
    try:
        done = case.submit(unit, child.case, given)
    except Invalid:
        after = msgspec.structs.replace(child, state=ChildState.INCOMPLETE)
        store_child(unit, after)
        unit.record("bundle.incomplete", bundle=str(one.id), case=str(child.case), matter=child.matter)
        return after
    _hold(unit, child, asked, given)
    after = msgspec.structs.replace(child, state=ChildState.SUBMITTED, number=done.number)
    store_child(unit, after)
    unit.emit(ChildReleased(**one.facts, case=str(child.case), matter=child.matter, number=done.number))
    return after


def _hold(unit: Unit, child: Child, asked: dict[str, str], given: dict[str, Any]) -> None:
    """A case that has received an enterprise's code is about that enterprise too: its body may see it while the case lives."""
    kinds = {"uscc": "enterprise", "citizen-id": "person"}
    for element, value in given.items():
        if kind := kinds.get(asked[element]):
            subject = subject_key(unit.vault, kind, str(value))
            case_id = str(child.case)
            unit.open_basis(
                Basis(subject=subject, body=child.body, matter=child.matter, case=case_id, permission=READ.name)
            )


def matter_elements(unit: Unit, one: Bundle, child: Child) -> dict[str, str]:
    """The elements that one matter's own form asks, with their identifier schemes."""
    known = sheet_of(unit, one, choice_of(unit, one, kept_of(unit, one))).known
    return {element: one.scheme for element, one in known.items() if child.matter in one.asked_by}


# The end.


def _finish(unit: Unit, one: Bundle, ours: Sequence[Child], kept: Kept) -> None:
    """Every case has ended: count, and tell."""
    if one.submitted_at is None:
        store(unit, one, msgspec.structs.replace(one, state=State.VOID, finished_at=unit.now))
        unit.record("bundle.void", bundle=str(one.id))
        return
    counts = _counts(unit, one, ours, kept)
    after = msgspec.structs.replace(one, state=State.FINISHED, finished_at=unit.now, counts=counts)
    store(unit, one, after)
    told: dict[str, Any] = {name: counts[name] for name in COUNTED}
    outcomes = tuple(_outcome(child) for child in ours)
    unit.emit(msgspec.convert({**one.facts, **told, "finished_on": unit.today, "children": outcomes}, BundleFinished))
    unit.record("bundle.finish", bundle=str(one.id), outcomes=[f"{child.case} {child.state}" for child in ours])


def _outcome(child: Child) -> ChildOutcome:
    return ChildOutcome(
        case=str(child.case),
        number=child.number,
        matter=child.matter,
        body=child.body,
        outcome=str(child.state),
        working_days=child.facts.get("working_days", 0),
        legal_days=child.facts.get("legal_days"),
        promise_days=child.facts.get("promise_days"),
    )


def _counts(unit: Unit, one: Bundle, ours: Sequence[Child], kept: Kept) -> dict[str, Any]:
    """What this bundle took, and what it would have taken before."""
    days = _days(unit, one, ours)
    corrections = sum(len(case.get(unit, child.case).corrections) for child in ours)
    after = Amounts(
        steps=1 + corrections,
        materials=sum(child.facts.get("materials", 0) for child in ours),
        trips=sum(child.facts.get("trips", 0) for child in ours),
        days=days,
    )
    baselines = [matter.find(unit.standards, child.matter, one.pinned_on).before for child in ours]
    before = total(Amounts(steps=b.steps, materials=b.materials, trips=b.trips, days=b.days) for b in baselines)
    return {
        **fields(unit, one, kept),
        "materials": after.materials,
        "trips": after.trips,
        "steps": after.steps,
        "working_days": days,
        "before": msgspec.to_builtins(before),
        "now": msgspec.to_builtins(after),
        "source": msgspec.to_builtins(sources([b.source for b in baselines])),
        "granted": sum(child.state is ChildState.GRANTED for child in ours),
        "children": len(ours),
    }


def fields(unit: Unit, one: Bundle, kept: Kept) -> dict[str, int]:
    """How many elements were asked, filled in, supplied; and how many the departments would have asked each for itself."""
    choice = choice_of(unit, one, kept)
    sheet = sheet_of(unit, one, choice)
    answers = {**kept.answers, **settled_in(sheet, choice)}
    shown = [question for question in sheet.questions.values() if question.asked(answers)]
    prefilled = [question for question in shown if question.element in kept.sources()]
    guided = [one.element for one in plan_of(unit, one).guidance]
    asked = guided + [question.element for question in shown if question not in prefilled]
    return {
        "fields_asked": len(asked),
        "fields_prefilled": len(prefilled),
        "fields_supplied": sum(1 for element in choice.supplied if element in sheet.known),
        "fields_asked_more_than_once": len(asked) - len(set(asked)),
        "fields_before": _fields_before(sheet, answers),
    }


def _fields_before(sheet: Sheet, answers: dict[str, Any]) -> int:
    return sum(1 for question in sheet.known.values() for ask in question.asks if ask.asks(answers))


def _days(unit: Unit, one: Bundle, ours: Sequence[Child]) -> int:
    """Working days from handing in to the end, one that was begun counting whole; unpublished calendar: the longest case's."""
    assert one.submitted_at is not None, "only a bundle that was handed in is counted"
    handed_in = one.submitted_at.astimezone(unit.around.zone).date()
    try:
        passed = unit.standards.calendar(one.division).between(handed_in, unit.today)
    except NotPublished:
        passed = max((child.facts.get("working_days", 0) for child in ours), default=0)
    return max(1, passed)
