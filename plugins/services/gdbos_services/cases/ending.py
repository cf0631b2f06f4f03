"""How a case ends, whichever way: carried out, refused, void (办结)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, insert

from gdbos import Unit

from .clock import FAR, legal_rule, working_days
from .dossier import Result, seal_result
from .events import CaseClosed, CaseVoided, DepartmentAwaited, Outcome
from .record import Case, Done, basis_of, calendar_of, get, matter_of, note, received_on, store
from .state import FINAL, Act
from .tables import case_material, case_result


def wait_for_department(unit: Unit, case_id: UUID, why: str, again: DepartmentAwaited, at: datetime) -> Done:
    """The department's system has not answered; the case says so, and it is asked again at ``at``."""
    before = get(unit, case_id, lock=True)
    after = before.after(Act.WAIT, waits=why, asked=before.asked + 1)
    store(unit, before, after)
    if not before.waits:
        note(unit, after, Act.WAIT, why=why)
    unit.emit(again, at=at)
    return after.done()


def finish(unit: Unit, case_id: UUID, result: Result) -> Done:
    """End an approved case with what the department's system answered (办结)."""
    before = get(unit, case_id, lock=True)
    after = before.after(Act.FINISH, waits="")
    _keep_result(unit, after, result)
    return end(unit, before, after, Act.FINISH, result.outcome, result.reason).done()


def void(unit: Unit, case_id: UUID, reason: str, why: str = "prerequisite") -> Done:
    """Make a case void: its draft lapsed, the applicant withdrew, or what it depended on was refused.

    :param why: ``lapsed``, ``withdrawn`` or ``prerequisite``.
    """
    before = get(unit, case_id, lock=True)
    after = before.after(Act.VOID, expires_at=None)
    unit.emit(CaseVoided(**after.facts, why=why))
    return end(unit, before, after, Act.VOID, "void", reason).done()


def _keep_result(unit: Unit, one: Case, result: Result) -> None:
    unit.execute(
        insert(case_result).values(
            case=one.id,
            **one.whose,
            outcome=result.outcome,
            words=seal_result(unit, one.id, one.division, result),
            at=unit.now,
        )
    )


def end(unit: Unit, before: Case, after: Case, act: Act, outcome: Outcome, words: str) -> Case:
    """Write the end of a case: it opens no other record of its subject any more, and stays with its body as an archive."""
    assert after.state in FINAL
    after = msgspec.structs.replace(after, closed_at=unit.now, outcome=outcome, due_key=FAR)
    store(unit, before, after)
    note(unit, after, act, words)
    unit.close_bases(str(after.id))
    if after.received_at is not None:
        unit.open_basis(basis_of(after, after.subject, kind="archive"))
    unit.emit(_closed(unit, after, outcome))
    return after


def _closed(unit: Unit, one: Case, outcome: Outcome) -> CaseClosed:
    matter, calendar = matter_of(unit, one), calendar_of(unit, one)
    rule = legal_rule(matter, unit.standards, one.pinned_on)
    days = working_days(calendar, one.accepted_on, unit.today, one.suspensions) if one.accepted_on else 0
    uploaded = unit.rows(case_material, func.count()).where(
        case_material.c.case == one.id, case_material.c.how.in_(("1", "2"))
    )
    return CaseClosed(
        **one.facts,
        outcome=outcome,
        state=str(one.state),
        received_on=received_on(unit, one) if one.received_at else None,
        accepted_on=one.accepted_on,
        closed_on=unit.today,
        working_days=days,
        legal_days=rule.days if rule else None,
        promise_days=matter.promise_days,
        legal_due=one.legal_due,
        promise_due=one.promise_due,
        materials=int(unit.execute(uploaded).scalar_one()),
        trips=one.trips,
        rule=one.rule,
    )
