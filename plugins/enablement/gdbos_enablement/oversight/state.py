"""The states of a card and the acts that lead from one to the next, as data.

issued → explained → upheld | excused, and from each of them → withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from gdbos import Conflict, Text

Outcome = Literal["upheld", "excused"]


class State(StrEnum):
    """Where a card stands."""

    ISSUED = "issued"
    EXPLAINED = "explained"
    UPHELD = "upheld"
    EXCUSED = "excused"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    """What is done with a card."""

    ISSUE = "issue"
    EXPLAIN = "explain"
    REVIEW = "review"
    WITHDRAW = "withdraw"


STATES: Mapping[str, Text] = MappingProxyType(
    {
        State.ISSUED: Text("待说明", "to be explained"),
        State.EXPLAINED: Text("待复核", "to be reviewed"),
        State.UPHELD: Text("复核成立", "upheld"),
        State.EXCUSED: Text("理由成立，不予追究", "excused"),
        State.WITHDRAWN: Text("已撤销", "withdrawn"),
    }
)
ACTS: Mapping[str, Text] = MappingProxyType(
    {
        Act.ISSUE: Text("发牌", "Issued by the clock"),
        Act.EXPLAIN: Text("说明", "Explained"),
        Act.REVIEW: Text("复核", "Reviewed"),
        Act.WITHDRAW: Text("撤销", "Withdrawn"),
    }
)
SOURCES: Mapping[Act, frozenset[State]] = MappingProxyType(
    {
        Act.EXPLAIN: frozenset({State.ISSUED}),
        Act.REVIEW: frozenset({State.ISSUED, State.EXPLAINED}),
        Act.WITHDRAW: frozenset({State.ISSUED, State.EXPLAINED, State.UPHELD, State.EXCUSED}),
    }
)


def refuse_unless(act: Act, state: State, number: str) -> None:
    """Let ``act`` pass in the states it is for. :raises Conflict: the card is in another one."""
    if state not in SOURCES[act]:
        raise Conflict(
            "Card {number} is {state}; “{act}” cannot be done any more.",
            number=number,
            state=STATES[state],
            act=ACTS[act],
        )
