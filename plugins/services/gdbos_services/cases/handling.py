"""What the body does with a case until it decides (受理、审查、决定)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from gdbos import N_, Conflict, Correction, Extension, Forbidden, Invalid, Suspension, Unit, Violation
from gdbos_services.forms.form import sheet

from .clock import FAR, PROCEDURES, acceptance, legal_rule, refuse_extension
from .config import Config
from .ending import end
from .events import (
    CaseAccepted,
    CaseApproved,
    CaseDeclined,
    CaseExtended,
    CaseRejected,
    CaseResumed,
    CaseSuspended,
    CorrectionAsked,
)
from .limits import set_alarms, timed
from .question import subject_named
from .record import Case, Done, answers_of, basis_of, calendar_of, get, matter_of, note, received_on, store
from .state import Act, next_state

ONE_DAY = timedelta(days=1)


def accept(unit: Unit, case_id: UUID, *, rule: str = "") -> Done:
    """Accept a submitted case (受理). Law: 行政许可法 art. 32(5); starts the statutory clock.

    Accepting twice is a conflict, not a no-op: two officials disagree and one must know.

    :param rule: the instant rule that accepts, with its version; empty for a person.
    """
    before = get(unit, case_id, lock=True)
    next_state(before.state, Act.ACCEPT, before.number)
    return start_clock(unit, before, Act.ACCEPT, rule).done()


def decline(unit: Unit, case_id: UUID, reason: str) -> Done:
    """Do not accept (不予受理), with the reason in writing. Law: 行政许可法 art. 32(1)(2)."""
    before = get(unit, case_id, lock=True)
    after = before.after(Act.DECLINE, handler=before.handler or unit.actor.id, decided_at=unit.now)
    unit.emit(CaseDeclined(**after.facts))
    return end(unit, before, after, Act.DECLINE, "refused", reason).done()


def ask_correction(unit: Unit, case_id: UUID, items: Sequence[str], explanation: str = "") -> Done:
    """Tell the applicant, once and all of it, what is missing (一次告知). Law: 行政许可法 art. 32(4).

    After the days of the deadline the notice comes too late: the application counts as accepted from its receipt instead.

    :param items: ids of elements or materials.
    :raises Conflict: a later notice asks for something that the first did not.
    :raises Invalid: an item is neither an element of the form nor a material of the matter.
    """
    before = get(unit, case_id, lock=True)
    next_state(before.state, Act.ASK, before.number)
    _refuse_unknown_items(unit, before, items)
    first = before.corrections[0] if before.corrections else None
    if first is None and before.acceptance_due is not None and unit.today > before.acceptance_due:
        return deem_accepted(unit, case_id)
    if first is not None and (new := sorted(set(items) - set(first.items))):
        raise Conflict(
            "What is missing is told once, all of it; {items} was not on the first list and cannot be asked for now.",
            items=", ".join(new),
        )
    told = Correction(noticed=unit.today, items=tuple(items))
    after = before.after(
        Act.ASK, corrections=(*before.corrections, told), due_key=FAR, handler=before.handler or unit.actor.id
    )
    store(unit, before, after)
    note(unit, after, Act.ASK, explanation, items=list(items))
    unit.emit(CorrectionAsked(**after.facts, items=tuple(items)))
    return after.done()


TOO_LATE = N_(
    "The days for telling what is missing had passed, so nothing was asked for: the application counts as accepted from its receipt."
)


def deem_accepted(unit: Unit, case_id: UUID) -> Done:
    """Accept by silence (视为受理): from the day of receipt, or from the day a correction was supplied."""
    before = get(unit, case_id, lock=True)
    return start_clock(unit, before, Act.DEEM, "").done(TOO_LATE)


def leave_to_official(unit: Unit, case_id: UUID, rule: str, reason: str) -> Done:
    """A rule could not decide; an official will. The reason names conditions, never what was answered."""
    before = get(unit, case_id, lock=True)
    after = before.after(Act.LEAVE)
    store(unit, before, after)
    note(unit, after, Act.LEAVE, reason, rule=rule)
    return after.done()


def suspend(unit: Unit, case_id: UUID, procedure: str, explanation: str) -> Done:
    """Stop the clock for a special procedure (特别程序). Law: 行政许可法 art. 45; how long it takes is told in writing.

    :param procedure: code of ``case.special-procedure-name``; the matter's deadline rule must allow it.
    :raises Invalid: the rule does not stop for that.
    """
    before = get(unit, case_id, lock=True)
    next_state(before.state, Act.SUSPEND, before.number)
    _refuse_procedure(unit, before, procedure)
    spans = (*before.suspensions, Suspension(since=unit.today + ONE_DAY, reason=procedure))
    after = before.after(Act.SUSPEND, suspensions=spans, handler=before.handler or unit.actor.id)
    after = msgspec.structs.replace(after, legal_due=None, promise_due=None, due_key=FAR)
    store(unit, before, after)
    note(unit, after, Act.SUSPEND, explanation, procedure=procedure)
    unit.emit(CaseSuspended(**after.facts, reason=procedure))
    return after.done()


def resume(unit: Unit, case_id: UUID) -> Done:
    """Let the clock run again; the time between is left out. A suspension ended on the day it began never was."""
    before = get(unit, case_id, lock=True)
    next_state(before.state, Act.RESUME, before.number)
    *ended, last = before.suspensions
    if unit.today + ONE_DAY > last.since:
        ended.append(msgspec.structs.replace(last, until=unit.today + ONE_DAY))
    after = timed(unit, before.after(Act.RESUME, suspensions=tuple(ended)))
    store(unit, before, after)
    note(unit, after, Act.RESUME)
    set_alarms(unit, after)
    unit.emit(CaseResumed(**after.facts, legal_due=after.legal_due, promise_due=after.promise_due))
    return after.done()


def extend(unit: Unit, case_id: UUID, days: int, reason: str) -> Done:
    """Extend the time limit (延长审批), with the reason told to the applicant. Law: 行政许可法 art. 42.

    :raises Forbidden: the official who handles the case approves their own extension.
    :raises Conflict: the law has no extension for the matter, or the limit has passed.
    :raises Invalid: it is longer than the law allows.
    """
    before = get(unit, case_id, lock=True)
    next_state(before.state, Act.EXTEND, before.number)
    if unit.actor.answers_for(before.handler):
        raise Forbidden("Whoever handles a case does not approve its extension; the head of the body or a deputy must.")
    rule = refuse_extension(
        legal_rule(matter_of(unit, before), unit.standards, before.accepted_on or unit.today),
        unit.today,
        before.legal_due,
    )
    assert rule.extension is not None
    added = Extension(days=days, approver=rule.extension.approver, reason="", on=unit.today)
    after = timed(unit, before.after(Act.EXTEND, extensions=(*before.extensions, added)))
    store(unit, before, after)
    note(unit, after, Act.EXTEND, reason, days=days, approver=unit.actor.id)
    set_alarms(unit, after)
    unit.emit(CaseExtended(**after.facts, days=days, legal_due=after.legal_due, promise_due=after.promise_due))
    return after.done()


def approve(unit: Unit, case_id: UUID, reason: str = "", *, rule: str = "", inputs: Sequence[str] = ()) -> Done:
    """Decide for the applicant (准予). Law: 行政许可法 art. 38(1). The department's system carries it out afterwards.

    :param rule: the instant rule that decides, with its version; :param inputs: the elements it looked at, names only.
    """
    before = get(unit, case_id, lock=True)
    matter = matter_of(unit, before)
    after = before.after(
        Act.APPROVE, decided_at=unit.now, due_key=FAR, rule=rule or before.rule, sample=bool(rule) or before.sample
    )
    after = msgspec.structs.replace(after, handler=before.handler or unit.actor.id)
    store(unit, before, after)
    note(unit, after, Act.APPROVE, reason, **({"rule": rule, "inputs": list(inputs)} if rule else {}))
    for subject in subject_named(unit, matter.handled_by, answers_of(unit, case_id)):
        unit.open_basis(basis_of(after, subject))
    unit.emit(CaseApproved(**after.facts, handled_by=matter.handled_by, rule=rule))
    return after.done()


def reject(unit: Unit, case_id: UUID, reason: str) -> Done:
    """Decide against the applicant (不予许可), with reasons. Law: 行政许可法 art. 38(2)."""
    before = get(unit, case_id, lock=True)
    after = before.after(Act.REJECT, decided_at=unit.now, handler=before.handler or unit.actor.id)
    unit.emit(CaseRejected(**after.facts))
    return end(unit, before, after, Act.REJECT, "refused", reason).done()


def start_clock(unit: Unit, before: Case, act: Act, rule: str) -> Case:
    """Accept: from today, from the day a correction was supplied, or by law from the receipt."""
    told = acceptance(
        received_on(unit, before),
        before.corrections,
        calendar_of(unit, before),
        unit.today,
        unit.standards.deadline(unit.config(Config).acceptance, unit.today),
    )
    after = before.after(
        act,
        accepted_at=unit.now,
        accepted_on=(told.on if told else None) or unit.today,
        deemed=act is Act.DEEM or bool(told and told.deemed),
        handler=before.handler if act is Act.DEEM else before.handler or unit.actor.id,
    )
    after = timed(unit, after)
    store(unit, before, after)
    note(unit, after, act, **({"rule": rule} if rule else {}))
    set_alarms(unit, after)
    assert after.accepted_on is not None
    unit.emit(
        CaseAccepted(
            **after.facts,
            accepted_on=after.accepted_on,
            deemed=after.deemed,
            legal_due=after.legal_due,
            promise_due=after.promise_due,
        )
    )
    return after


def _refuse_unknown_items(unit: Unit, one: Case, items: Sequence[str]) -> None:
    known = set(sheet(unit.standards, [one.matter], one.pinned_on).known)
    known |= {each.id for each in matter_of(unit, one).materials}
    detail = N_("{item} is neither asked by the form nor a material of this matter; name one that is.")
    wrong = [
        Violation(f"$.items[{at}]", "unknown", detail, facts={"item": item})
        for at, item in enumerate(items)
        if item not in known
    ]
    if wrong:
        raise Invalid(violations=wrong)


def _refuse_procedure(unit: Unit, one: Case, procedure: str) -> None:
    assert one.accepted_on is not None, "only an accepted case is suspended"
    rule = legal_rule(matter_of(unit, one), unit.standards, one.accepted_on)
    allowed = rule.suspends if rule is not None and rule.id else tuple(unit.standards.words(PROCEDURES))
    if procedure not in allowed:
        detail = N_("The time limit of this matter does not stop for that; it stops for: {allowed}.")
        facts = {"allowed": ", ".join(allowed) or "—"}
        raise Invalid(detail, violations=[Violation("$.procedure", "suspension", detail, facts=facts)], **facts)
