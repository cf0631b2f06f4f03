"""The state machine by itself: whatever is tried, no undeclared state is reached and what is final stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos import Conflict
from gdbos_services.cases.state import ACTS, FINAL, STATES, TRANSITIONS, Act, State, acts_in, next_state


@given(st.lists(st.sampled_from(Act), max_size=40))
def test_no_sequence_of_acts_reaches_an_undeclared_state_or_leaves_a_final_one(acts: list[Act]) -> None:
    state = State.DRAFT
    for act in acts:
        before = state
        try:
            state = next_state(state, act)
        except Conflict:
            assert act not in acts_in(before)
            continue
        assert state in STATES
        assert before not in FINAL
        assert state is TRANSITIONS[act].target


@given(st.sampled_from(State), st.sampled_from(Act))
def test_a_refusal_says_what_can_be_done_in_both_languages(state: State, act: Act) -> None:
    if act in acts_in(state):
        return
    with pytest.raises(Conflict) as refused:
        next_state(state, act, "4501002026020923")
    facts = refused.value.facts
    assert facts["state"] == STATES[state]
    assert all(ACTS[one].en in facts["possible"].en and ACTS[one].zh in facts["possible"].zh for one in acts_in(state))


def test_every_state_but_the_first_can_be_reached_and_every_live_one_left() -> None:
    reached, todo = set(), [State.DRAFT]
    while todo:
        state = todo.pop()
        if state not in reached:
            reached.add(state)
            todo += [TRANSITIONS[act].target for act in acts_in(state)]
    assert reached == set(State)
    assert {state for state in State if not acts_in(state)} == FINAL
    assert set(ACTS) == set(Act) == set(TRANSITIONS)
