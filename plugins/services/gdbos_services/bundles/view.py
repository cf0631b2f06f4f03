"""A bundle as the bus shows it: how it and each of its cases stand. There is no other read path."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from gdbos import Disclosed, Offer, Text, Unit, body_names
from gdbos_services.cases import case
from gdbos_services.cases.state import STATES as CASE_STATES
from gdbos_services.cases.state import State as CaseState
from gdbos_services.cases.view import ClockView, clock_view, steps_of
from gdbos_services.matters import matter

from .permission import READ
from .record import Bundle, Child, ChildState, State, children, get, plan_of
from .reductions import Amounts, Reduction, reductions

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
        **whose(one, ours),
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


def whose(one: Bundle, ours: list[Child]) -> dict[str, str]:
    """Whom a bundle is about, and the case that is the reason to look."""
    first = ours[0]
    return {"subject": one.subject, "matter": first.matter, "case": str(first.case)}


def _of_one(_: Any, reply: BundleView) -> Iterable[Disclosed]:
    return [Disclosed(reply.subject, reply.matter, reply.case)]


BUNDLE = Offer(
    code="services.bundles.bundle",
    title=Text("一件事办理进度", "How a bundle stands"),
    takes=BundleQuery,
    gives=BundleView,
    provide=show_bundle,
    discloses=_of_one,
    permission=READ,
)
