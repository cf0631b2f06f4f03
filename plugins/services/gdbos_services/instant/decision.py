"""Deciding a submitted case by its matter's rule, in the same minute it was received."""

from __future__ import annotations

from uuid import UUID

from gdbos import NotFound, Unit, on
from gdbos_services.cases.case import State, accept, answers_of, approve, get, leave_to_official
from gdbos_services.cases.events import CaseSubmitted

from .rule import Verdict, decide, find_rule


@on(CaseSubmitted)
def decide_at_once(unit: Unit, event: CaseSubmitted) -> None:
    """Accept and approve what the matter's rule lets pass; leave the rest to an official, saying why.

    Nothing happens where an official was quicker. Every such decision is marked to be sampled by a person later
    (个人信息保护法 art. 24 lets nobody be bound by a machine alone, so no rule refuses).
    """
    if not event.instant:
        return
    case_id = UUID(event.case)
    if get(unit, case_id, lock=True).state is not State.SUBMITTED:
        return
    try:
        rule = find_rule(unit.standards, event.instant, event.received_on)
    except NotFound:
        leave_to_official(unit, case_id, event.instant, "本节点没有这条规则 (this node has no such rule)")
        return
    verdict = decide(rule, answers_of(unit, case_id))
    if not verdict.approve:
        leave_to_official(unit, case_id, rule.name, in_words(verdict))
        return
    accept(unit, case_id, rule=rule.name)
    approve(unit, case_id, rule=rule.name, inputs=rule.inputs)


def in_words(verdict: Verdict) -> str:
    """Why a rule could not decide, in both languages."""
    return "；".join(f"{one.zh} ({one.into('en')})" for one in verdict.reasons)
