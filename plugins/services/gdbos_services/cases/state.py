"""The states of a case and the acts that lead from one to the next (办件状态), as data.

draft → submitted → accepted → approved → closed
          ↕ correction  ↕ suspended
refused (不予受理), rejected (不予许可), void and closed are final.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from gdbos import Conflict, Text


class State(StrEnum):
    """Where a case stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    CORRECTION = "correction"
    ACCEPTED = "accepted"
    SUSPENDED = "suspended"
    APPROVED = "approved"
    REFUSED = "refused"
    """Not accepted (不予受理)."""
    REJECTED = "rejected"
    """Decided against (不予许可)."""
    VOID = "void"
    CLOSED = "closed"


class Act(StrEnum):
    """What can be done with a case."""

    ANSWER = "answer"
    SUBMIT = "submit"
    LEAVE = "leave"
    """A rule leaves it to an official."""
    ACCEPT = "accept"
    DEEM = "deem"
    """Silence accepts it (视为受理)."""
    DECLINE = "decline"
    ASK = "ask-correction"
    SUPPLY = "supply-correction"
    SUSPEND = "suspend"
    RESUME = "resume"
    EXTEND = "extend"
    APPROVE = "approve"
    REJECT = "reject"
    WAIT = "wait"
    """The department's own system does not answer yet."""
    FINISH = "finish"
    VOID = "void"


class Transition(msgspec.Struct, frozen=True):
    """From which states an act leads where."""

    sources: frozenset[State]
    target: State


def _from(*sources: State, to: State) -> Transition:
    return Transition(frozenset(sources), to)


S = State
TRANSITIONS: Mapping[Act, Transition] = MappingProxyType(
    {
        Act.ANSWER: _from(S.DRAFT, to=S.DRAFT),
        Act.SUBMIT: _from(S.DRAFT, to=S.SUBMITTED),
        Act.LEAVE: _from(S.SUBMITTED, to=S.SUBMITTED),
        Act.ACCEPT: _from(S.SUBMITTED, to=S.ACCEPTED),
        Act.DEEM: _from(S.SUBMITTED, to=S.ACCEPTED),
        Act.DECLINE: _from(S.SUBMITTED, S.CORRECTION, to=S.REFUSED),
        Act.ASK: _from(S.SUBMITTED, to=S.CORRECTION),
        Act.SUPPLY: _from(S.CORRECTION, to=S.SUBMITTED),
        Act.SUSPEND: _from(S.ACCEPTED, to=S.SUSPENDED),
        Act.RESUME: _from(S.SUSPENDED, to=S.ACCEPTED),
        Act.EXTEND: _from(S.ACCEPTED, to=S.ACCEPTED),
        Act.APPROVE: _from(S.ACCEPTED, to=S.APPROVED),
        Act.REJECT: _from(S.ACCEPTED, to=S.REJECTED),
        Act.WAIT: _from(S.APPROVED, to=S.APPROVED),
        Act.FINISH: _from(S.APPROVED, to=S.CLOSED),
        Act.VOID: _from(S.DRAFT, S.SUBMITTED, S.CORRECTION, S.ACCEPTED, S.SUSPENDED, to=S.VOID),
    }
)

FINAL = frozenset({S.REFUSED, S.REJECTED, S.VOID, S.CLOSED})
"""Nothing leads out of these; every basis that rested on the case has ended."""

STATES: Mapping[State, Text] = MappingProxyType(
    {
        S.DRAFT: Text("草稿", "a draft"),
        S.SUBMITTED: Text("已收件，待受理", "received, to be accepted"),
        S.CORRECTION: Text("待补正", "waiting for corrections"),
        S.ACCEPTED: Text("已受理，审查中", "accepted, being examined"),
        S.SUSPENDED: Text("已中止", "suspended"),
        S.APPROVED: Text("准予，办理中", "approved, being carried out"),
        S.REFUSED: Text("不予受理", "not accepted"),
        S.REJECTED: Text("不予许可", "decided against"),
        S.VOID: Text("已作废", "void"),
        S.CLOSED: Text("已办结", "closed"),
    }
)

ACTS: Mapping[Act, Text] = MappingProxyType(
    {
        Act.ANSWER: Text("填写", "fill in"),
        Act.SUBMIT: Text("提交", "submit"),
        Act.LEAVE: Text("转人工办理", "leave to an official"),
        Act.ACCEPT: Text("受理", "accept"),
        Act.DEEM: Text("视为受理", "deem accepted"),
        Act.DECLINE: Text("不予受理", "decline"),
        Act.ASK: Text("一次告知补正", "ask for corrections"),
        Act.SUPPLY: Text("补正", "supply corrections"),
        Act.SUSPEND: Text("中止（特别程序）", "suspend for a special procedure"),
        Act.RESUME: Text("恢复", "resume"),
        Act.EXTEND: Text("延长期限", "extend"),
        Act.APPROVE: Text("准予", "approve"),
        Act.REJECT: Text("不予许可", "reject"),
        Act.WAIT: Text("等待部门系统", "wait for the department's system"),
        Act.FINISH: Text("办结", "finish"),
        Act.VOID: Text("作废", "make void"),
    }
)


def acts_in(state: State) -> tuple[Act, ...]:
    """What can be done with a case in ``state``."""
    return tuple(act for act, transition in TRANSITIONS.items() if state in transition.sources)


def next_state(state: State, act: Act, number: str = "") -> State:
    """Where ``act`` leads from ``state``.

    :raises Conflict: it cannot be done in this state; the message says what can.
    """
    transition = TRANSITIONS[act]
    if state in transition.sources:
        return transition.target
    possible = [ACTS[one] for one in acts_in(state)]
    raise Conflict(
        "Case {number} is {state}, so “{act}” cannot be done now; what can be done: {possible}.",
        number=number or "—",
        state=STATES[state],
        act=ACTS[act],
        possible=Text(
            "、".join(one.zh for one in possible) or "无", ", ".join(one.en for one in possible) or "nothing"
        ),
    )
