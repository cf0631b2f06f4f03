"""What the applicant does with a bundle: say what they need, fill in the one form, hand it in (一次告知、一表申请)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import insert

from gdbos import N_, Conflict, Forbidden, Invalid, Unit, Violation, covers, new_id
from gdbos_services.cases import case
from gdbos_services.cases.case import Applicant, Filled, Handed
from gdbos_services.forms.form import Sheet, part
from gdbos_services.matters import matter

from .events import BundleStarted, BundleSubmitted
from .kept import Failure, Kept, sealed
from .plan import choose, find
from .record import (
    Bundle,
    Child,
    ChildState,
    Done,
    State,
    children,
    choice_of,
    get,
    kept_of,
    sheet_of,
    store,
    store_child,
)
from .tables import bundle, bundle_child

OWN = "10"
"""``matter.material-source``: only the applicant has it."""


class Brought(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A material (材料) handed in for one of the matters."""

    matter: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    material: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    """Its id in the matter's list."""
    file: UUID | None = None
    how: Annotated[str, msgspec.Meta(pattern=r"\A[1-5]\Z")] = "2"
    """Code of ``case.material-get-type``."""


def start(unit: Unit, plan_id: str, guidance: Mapping[str, str]) -> Done:
    """Say what is needed. Every department concerned gets a draft, and with it a basis to be asked for what it knows.

    :raises Forbidden: an official asks, or the mandate does not cover a matter. :raises Invalid: the guidance is not answered.
    :raises NotFound: no such bundle is in force. :raises Conflict: no body here implements a matter.
    """
    actor = unit.actor
    if actor.kind != "person":
        raise Forbidden("Only a person applies, for themself or for whom they represent; log in as one.")
    plan = find(unit.standards, plan_id, unit.today)
    choice = choose(plan, guidance)
    if uncovered := [one for one in choice.matters if not covers(unit, one)]:
        raise Forbidden(
            "Your mandate does not cover the matter {matter}; ask for one that does.", matter=", ".join(uncovered)
        )
    begun = Bundle(
        id=new_id(),
        division=unit.around.division,
        body=_body(unit, plan.lead, plan_id),
        subject=actor.acts_for or actor.subject,
        applicant=actor.subject,
        plan=plan_id,
        plan_version=plan.version,
        pinned_on=unit.today,
        state=State.FILLING,
        version=1,
        started_at=unit.now,
        submitted_at=None,
        finished_at=None,
        counts=None,
    )
    kept = sealed(unit, begun.id, begun.division, Kept(guidance=dict(guidance)))
    unit.execute(insert(bundle).values(msgspec.structs.asdict(begun) | {"state": str(begun.state), "kept": kept}))
    for place, matter_id in enumerate(choice.matters):
        needs = [one for one in plan.needs(matter_id) if one in choice.matters]
        _open_child(unit, begun, place, matter_id, needs)
    unit.emit(BundleStarted(**begun.facts, matters=choice.matters))
    unit.record("bundle.start", bundle=str(begun.id), plan=plan_id, matters=list(choice.matters))
    return begun.done()


def answer(
    unit: Unit,
    bundle_id: UUID,
    answers: Mapping[str, Any],
    filled: Mapping[str, Filled] | None = None,
    failures: Sequence[Failure] | None = None,
    asked: Mapping[str, Any] | None = None,
) -> Done:
    """Keep answers, complete or not; those left empty are taken out.

    :param filled: values that government held already, put in with their source; only the node's own code passes them.
    :param failures: systems that did not answer this time; :param asked: look-ups that were answered, with their numbers.
    :raises Invalid: an answer is to nothing the form asks. :raises Conflict: it was handed in already.
    """
    before = _filling(unit, bundle_id)
    kept = kept_of(unit, before)
    _refuse_unasked(sheet_of(unit, before, choice_of(unit, before, kept)), answers)
    kept = _merged(kept, answers, filled or {})
    if failures is not None:
        kept = msgspec.structs.replace(kept, failures=list(failures), asked={**kept.asked, **(asked or {})})
    return store(unit, before, before, kept).done()


def submit(
    unit: Unit, bundle_id: UUID, answers: Mapping[str, Any] | None = None, materials: Sequence[Brought] = ()
) -> Done:
    """Hand the one form in. The cases that need no other result are received at once; the others wait, complete.

    :raises Invalid: an answer or a material is missing or wrong, for any of the matters; all are named.
    :raises Conflict: it was handed in already.
    """
    before = _filling(unit, bundle_id)
    kept = kept_of(unit, before)
    choice = choice_of(unit, before, kept)
    sheet = sheet_of(unit, before, choice)
    _refuse_unasked(sheet, answers or {})
    kept = _merged(kept, answers or {}, {})
    ours = children(unit, bundle_id)
    _hand_in(unit, ours, materials)
    settled = {element: value for element, value in choice.settled.items() if element in sheet.known}
    complete = sheet.normalise({**kept.answers, **settled})
    if wrong := [*sheet.check(complete, unit.standards, unit.today), *_missing(unit, ours, before)]:
        raise Invalid(violations=wrong)
    kept = msgspec.structs.replace(kept, answers=complete)
    for child in ours:
        _give(unit, child, sheet, kept)
    after = store(unit, before, msgspec.structs.replace(before, state=State.RUNNING, submitted_at=unit.now), kept)
    unit.emit(BundleSubmitted(**after.facts, submitted_on=unit.today))
    unit.record("bundle.submit", bundle=str(bundle_id), cases=[str(child.case) for child in ours])
    return after.done()


def bring(unit: Unit, bundle_id: UUID, materials: Sequence[Brought]) -> Done:
    """Put materials with the drafts before the form is handed in. :raises Conflict: it was handed in already."""
    before = _filling(unit, bundle_id)
    _hand_in(unit, children(unit, bundle_id), materials)
    return before.done()


def materials_wanted(unit: Unit, ours: Iterable[Child], one: Bundle) -> Iterator[tuple[Child, matter.Material, bool]]:
    """What the applicant has to bring for each case, and whether it is there. What government issued is never asked for."""
    for child in ours:
        there = case.handed(unit, case.get(unit, child.case))
        for material in matter.find(unit.standards, child.matter, one.pinned_on).materials:
            if material.required and material.source == OWN:
                yield child, material, material.id in there


def _filling(unit: Unit, bundle_id: UUID) -> Bundle:
    if unit.actor.kind not in ("person", "plugin"):
        raise Forbidden("Only the applicant fills in and hands in an application.")
    one = get(unit, bundle_id, lock=True)
    if one.state is not State.FILLING:
        raise Conflict("The form was handed in already; each case is followed and mended by itself.")
    return one


def _body(unit: Unit, role: str, what: str) -> str:
    body = unit.body_for(role)
    if not body:
        raise Conflict("No body of this place implements the matter {matter} yet.", matter=what)
    return body


def _open_child(unit: Unit, begun: Bundle, place: int, matter_id: str, needs: Sequence[str]) -> None:
    actor = unit.actor
    body = _body(unit, matter.find(unit.standards, matter_id, unit.today).body.role, matter_id)
    kind = "2" if actor.acts_for.startswith("enterprise:") else "1"
    drafted = case.open_draft(
        unit,
        matter=matter_id,
        subject=begun.subject,
        applicant=Applicant(subject=actor.subject, name=actor.name, kind=kind),
        body=body,
        division=begun.division,
        bundle=begun.id,
        representing=actor.represents,
    )
    unit.execute(
        insert(bundle_child).values(
            case=drafted.id,
            bundle=begun.id,
            division=begun.division,
            body=body,
            subject=begun.subject,
            place=place,
            matter=matter_id,
            needs=list(needs),
            state=str(ChildState.DRAFT),
            number="",
            facts={},
        )
    )


def _merged(kept: Kept, answers: Mapping[str, Any], filled: Mapping[str, Filled]) -> Kept:
    """Filled values first, then what the applicant says; one left empty is taken out."""
    values = {element: one.value for element, one in filled.items()}
    everything = {**kept.answers, **values, **answers}
    return msgspec.structs.replace(
        kept,
        answers={element: value for element, value in everything.items() if value not in (None, "", [])},
        filled={**kept.filled, **filled},
    )


def _refuse_unasked(sheet: Sheet, answers: Mapping[str, Any]) -> None:
    detail = N_("The form does not ask for {element}; leave it out.")
    wrong = [
        Violation(f"$.{element}", "unknown", detail, element=element, facts={"element": element})
        for element in answers
        if element not in sheet.questions
    ]
    if wrong:
        raise Invalid(violations=wrong)


def _missing(unit: Unit, ours: Sequence[Child], one: Bundle) -> Iterator[Violation]:
    detail = N_("The material “{title}” is missing; hand it in.")
    for child, material, there in materials_wanted(unit, ours, one):
        if not there:
            path = f"$.materials.{child.matter}.{material.id}"
            yield Violation(path, "required", detail, facts={"title": material.title})


def refuse_foreign(ours: Sequence[Child], materials: Sequence[Brought]) -> None:
    """:raises Invalid: a material is for a matter that is not in the bundle."""
    by_matter = {child.matter for child in ours}
    detail = N_("The matter {matter} is not in this bundle; leave its materials out.")
    wrong = [
        Violation(f"$.materials[{at}].matter", "unknown", detail, facts={"matter": one.matter})
        for at, one in enumerate(materials)
        if one.matter not in by_matter
    ]
    if wrong:
        raise Invalid(violations=wrong)


def _hand_in(unit: Unit, ours: Sequence[Child], materials: Sequence[Brought]) -> None:
    refuse_foreign(ours, materials)
    for child in ours:
        theirs = [
            Handed(material=one.material, file=one.file, how=one.how) for one in materials if one.matter == child.matter
        ]
        if theirs:
            case.hand_in(unit, child.case, theirs)


def _give(unit: Unit, child: Child, sheet: Sheet, kept: Kept) -> None:
    """Give one department what its own form asks, and no more; submit the case unless it waits for another's result."""
    theirs = part(sheet, kept.answers, child.matter)
    sources = {element: one for element, one in kept.sources().items() if element in theirs}
    case.answer(unit, child.case, theirs, sources)
    if child.needs:
        case.await_other(unit, child.case)
        store_child(unit, msgspec.structs.replace(child, state=ChildState.WAITING))
        return
    done = case.submit(unit, child.case)
    store_child(unit, msgspec.structs.replace(child, state=ChildState.SUBMITTED, number=done.number))
