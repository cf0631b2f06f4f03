"""What the applicant does with a case: draft, fill in, hand in, mend (申请、补正)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, update

from gdbos import N_, Conflict, Forbidden, Invalid, Unit, Violation, attach, covers, new_id, refuse_untrusted
from gdbos_services.forms.form import sheet
from gdbos_services.matters.matter import IN_USE, Matter, find

from .clock import FAR, acceptance, alarms
from .config import Config
from .dossier import Dossier, Filled, Names, merged, seal_dossier, seal_names
from .events import CaseDrafted, CaseSubmitted, ClockRang
from .limits import ring
from .number import next_number
from .permission import READ
from .record import (
    Applicant,
    Case,
    Done,
    Handed,
    calendar_of,
    dossier_of,
    get,
    handed,
    hold_basis,
    matter_of,
    note,
    received_on,
    store,
    values_of,
)
from .state import Act, State, next_state
from .tables import case, case_material

OWN = "10"
"""``matter.material-source``: only the applicant has it. Nothing else is ever asked for."""


def draft_own(unit: Unit, matter: str) -> Done:
    """Open a draft for the person who asks, or for the one they act for.

    :raises NotFound: no such matter is in force. :raises Forbidden: an official asks, or the mandate does not cover the matter.
    :raises Conflict: no body here implements the matter.
    """
    actor = unit.actor
    if actor.kind != "person":
        raise Forbidden("Only a person applies, for themself or for whom they represent; log in as one.")
    if not covers(unit, matter):
        raise Forbidden("Your mandate does not cover the matter {matter}; ask for one that does.", matter=matter)
    found = find(unit.standards, matter, unit.today)
    if found.status != IN_USE:
        raise Conflict("The matter {matter} is not open to applications at present.", matter=matter)
    body = unit.body_for(found.body.role)
    if not body:
        raise Conflict("No body of this place implements the matter {matter} yet.", matter=matter)
    kind = "2" if actor.acts_for.startswith("enterprise:") else "1"
    return open_draft(
        unit,
        matter=matter,
        subject=actor.acts_for or actor.subject,
        applicant=Applicant(subject=actor.subject, name=actor.name, kind=kind),
        body=body,
        division=unit.around.division,
        representing=actor.represents,
    )


def open_draft(
    unit: Unit,
    *,
    matter: str,
    subject: str,
    applicant: Applicant,
    body: str,
    division: str,
    bundle: UUID | str | None = None,
    representing: str = "",
) -> Done:
    """Open a draft: a live case, so that the body has a basis to see the subject while the form is filled in.

    :raises NotFound: no such matter is in force today. :raises TrustTooLow: it wants to know more surely who applies.
    """
    row, found = new_id(), find(unit.standards, matter, unit.today)
    refuse_untrusted(unit.actor, found.trust)
    expires = unit.now + timedelta(days=unit.config(Config).draft_days)
    blank = Case(
        id=row,
        division=division,
        body=body,
        subject=subject,
        number="",
        matter=matter,
        matter_version=found.version,
        pinned_on=unit.today,
        state=State.DRAFT,
        version=1,
        applicant=applicant.subject,
        applicant_kind=applicant.kind,
        bundle=str(bundle or ""),
        channel="1",
        handler="",
        drafted_at=unit.now,
        expires_at=expires,
        received_at=None,
        accepted_at=None,
        accepted_on=None,
        deemed=False,
        decided_at=None,
        closed_at=None,
        acceptance_due=None,
        legal_due=None,
        promise_due=None,
        due_key=FAR,
        suspensions=(),
        extensions=(),
        corrections=(),
        rule="",
        sample=False,
        waits="",
        asked=0,
        trips=0,
        outcome="",
    )
    names = seal_names(unit, row, division, Names(applicant.name, representing))
    unit.execute(
        insert(case).values(
            values_of(blank) | {"names": names, "answers": seal_dossier(unit, row, division, Dossier())}
        )
    )
    hold_basis(unit, blank, until=expires)
    unit.emit(CaseDrafted(**blank.facts))
    unit.emit(ClockRang(**blank.facts, what="draft"), at=expires)
    unit.record("case.draft", case=str(row), matter=matter, matter_version=found.version, body=body)
    return blank.done()


def answer(unit: Unit, case_id: UUID, answers: Mapping[str, Any], filled: Mapping[str, Filled] | None = None) -> Done:
    """Keep answers in a draft, complete or not; those left empty are taken out.

    :param filled: values that government held already, put in with their source; only the node's own code passes them.
    :raises Invalid: an answer is to nothing the form asks. :raises Conflict: it is no draft any more.
    """
    _refuse_officials(unit)
    before = get(unit, case_id, lock=True)
    after = before.after(Act.ANSWER)
    held = dossier_of(unit, case_id)
    _refuse_unasked(unit, before, answers)
    values = {element: one.value for element, one in (filled or {}).items()}
    kept = Dossier(answers=merged(held.answers, {**values, **answers}), filled={**held.filled, **(filled or {})})
    store(unit, before, after, answers=kept)
    return after.done()


def await_other(unit: Unit, case_id: UUID) -> Done:
    """Let a draft that waits for another case's result stay as long as that takes: it does not lapse, and the basis holds.

    :raises Conflict: it is no draft any more.
    """
    before = get(unit, case_id, lock=True)
    after = before.after(Act.ANSWER, expires_at=None)
    store(unit, before, after)
    hold_basis(unit, after)
    return after.done()


def hand_in(unit: Unit, case_id: UUID, materials: Sequence[Handed]) -> Done:
    """Put materials with a draft or a correction. :raises Invalid: the matter has none of that name.

    :raises Conflict: the case takes no materials now. :raises NotFound: a file is not the applicant's own.
    """
    _refuse_officials(unit)
    before = get(unit, case_id, lock=True)
    if before.state not in (State.DRAFT, State.CORRECTION):
        next_state(before.state, Act.ANSWER, before.number)
    _attach(unit, before, materials)
    return before.done()


def submit(
    unit: Unit,
    case_id: UUID,
    answers: Mapping[str, Any] | None = None,
    materials: Sequence[Handed] = (),
    *,
    filled: Mapping[str, Filled] | None = None,
) -> Done:
    """Hand the application in: it gets its number and its receipt, and the body's time runs.

    Answers given here are added to those kept in the draft. The case is pinned to the matter as it stands today.

    :raises Invalid: an answer or a material is missing or wrong; all are named. :raises Conflict: it is no draft any more.
    :raises TrustTooLow: this log-in shows less surely who applies than the matter wants.
    """
    _refuse_officials(unit)
    before = get(unit, case_id, lock=True)
    matter = find(unit.standards, before.matter, unit.today)
    refuse_untrusted(unit.actor, matter.trust)
    next_state(before.state, Act.SUBMIT, before.number)
    kept = _dossier(unit, before, answers or {}, filled or {})
    _attach(unit, before, materials)
    kept = _complete(unit, before, matter, kept)
    after = before.after(
        Act.SUBMIT,
        number=next_number(unit, before.division, matter),
        matter_version=matter.version,
        pinned_on=unit.today,
        received_at=unit.now,
        expires_at=None,
        trips=matter.trips,
    )
    return _receive(unit, before, after, matter, kept).done()


def supply_correction(
    unit: Unit,
    case_id: UUID,
    answers: Mapping[str, Any] | None = None,
    materials: Sequence[Handed] = (),
) -> Done:
    """Hand in what had been asked for (补正). The application counts as received in full from today.

    :raises Invalid: an answer or a material is still missing or wrong. :raises Conflict: nothing had been asked for.
    """
    _refuse_officials(unit)
    before = get(unit, case_id, lock=True)
    matter = matter_of(unit, before)
    next_state(before.state, Act.SUPPLY, before.number)
    kept = _dossier(unit, before, answers or {}, {})
    _attach(unit, before, materials)
    kept = _complete(unit, before, matter, kept)
    supplied = tuple(msgspec.structs.replace(one, supplied=one.supplied or unit.today) for one in before.corrections)
    return _receive(unit, before, before.after(Act.SUPPLY, corrections=supplied), matter, kept).done()


def _refuse_officials(unit: Unit) -> None:
    if unit.actor.kind not in ("person", "plugin"):
        raise Forbidden("Only the applicant fills in and hands in an application.")


def _refuse_unasked(unit: Unit, one: Case, answers: Mapping[str, Any]) -> None:
    asked = sheet(unit.standards, [one.matter], unit.today).known
    detail = N_("The form of this matter does not ask for {element}; leave it out.")
    wrong = [
        Violation(f"$.{element}", "unknown", detail, element=element, facts={"element": element})
        for element in answers
        if element not in asked
    ]
    if wrong:
        raise Invalid(violations=wrong)


def _dossier(unit: Unit, one: Case, answers: Mapping[str, Any], filled: Mapping[str, Filled]) -> Dossier:
    held = dossier_of(unit, one.id)
    values = {element: each.value for element, each in filled.items()}
    return Dossier(answers=merged(held.answers, {**values, **answers}), filled={**held.filled, **filled})


def _complete(unit: Unit, one: Case, matter: Matter, kept: Dossier) -> Dossier:
    """The dossier with its answers written the standard way. :raises Invalid: something is missing or wrong."""
    form = sheet(unit.standards, [matter.id], unit.today)
    answers = form.normalise(kept.answers)
    wrong = [*form.check(answers, unit.standards, unit.today), *_missing_materials(unit, one, matter)]
    if wrong:
        raise Invalid(violations=wrong)
    return msgspec.structs.replace(kept, answers=answers)


def _missing_materials(unit: Unit, one: Case, matter: Matter) -> list[Violation]:
    """Materials that only the applicant has and that are required. What government issued is never asked for."""
    there = handed(unit, one)
    detail = N_("The material “{title}” is missing; hand it in.")
    return [
        Violation(f"$.materials.{each.id}", "required", detail, facts={"title": each.title})
        for each in matter.asked
        if each.required and each.source == OWN and each.id not in there
    ]


def _attach(unit: Unit, one: Case, materials: Sequence[Handed]) -> None:
    known = {each.id for each in matter_of(unit, one).materials}
    detail = N_("This matter asks for no material {material}; leave it out.")
    wrong = [
        Violation(f"$.materials.{each.material}", "unknown", detail, facts={"material": each.material})
        for each in materials
        if each.material not in known
    ]
    if wrong:
        raise Invalid(violations=wrong)
    there = handed(unit, one)
    for each in materials:
        if each.file is not None:
            attach(unit, each.file, str(one.id), one.matter, one.body, READ)
        _enter_material(unit, one, each, replaces=each.material in there)


def _enter_material(unit: Unit, one: Case, each: Handed, *, replaces: bool) -> None:
    values = {"how": each.how, "file": each.file, "at": unit.now}
    if replaces:
        same = (case_material.c.case == one.id) & (case_material.c.material == each.material)
        unit.execute(update(case_material).where(same).values(values))
        return
    whose = {**one.whose, "case": one.id, "material": each.material}
    unit.execute(insert(case_material).values(id=new_id(), **whose, **values))


def _receive(unit: Unit, before: Case, after: Case, matter: Matter, kept: Dossier) -> Case:
    """Write a receipt: of the application, or of what was missing."""
    rule = unit.standards.deadline(unit.config(Config).acceptance, unit.today)
    told = acceptance(unit.today, (), calendar_of(unit, after), unit.today, rule)
    limit = told.limit if told else None
    after = msgspec.structs.replace(after, acceptance_due=limit, due_key=limit.isoformat() if limit else FAR)
    store(unit, before, after, answers=kept)
    hold_basis(unit, after)
    act = Act.SUBMIT if before.state is State.DRAFT else Act.SUPPLY
    note(unit, after, act, matter_version=after.matter_version)
    if limit is not None:
        for each in alarms("acceptance", unit.today, limit, calendar_of(unit, after), unit.around.zone):
            ring(unit, after, each.what, each.limit, each.due, each.at)
    unit.emit(
        CaseSubmitted(
            **after.facts,
            received_on=received_on(unit, after),
            acceptance_due=limit,
            instant=matter.instant,
            corrected=act is Act.SUPPLY,
        )
    )
    return after
