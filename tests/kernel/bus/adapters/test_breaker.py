"""When a failing provider is left in peace, and when it is tried again."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.bus.adapters.breaker import COOLING, IN_A_ROW, Breaker
from gdbos.errors import Unavailable


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def outcome(breaker, good):
    trial = breaker.admit()
    breaker.succeeded(trial) if good else breaker.failed(trial)


def test_half_of_twenty_calls_failing_opens_the_breaker_and_a_good_trial_closes_it():
    clock = Clock()
    breaker = Breaker(clock)
    for turn in range(19):
        outcome(breaker, turn % 2 == 0)
    assert breaker.state == "closed"
    outcome(breaker, False)
    assert breaker.state == "open"
    with pytest.raises(Unavailable):
        breaker.admit()
    clock.now += COOLING
    trial = breaker.admit()
    assert trial and breaker.state == "half-open"
    with pytest.raises(Unavailable):
        breaker.admit()
    breaker.succeeded(trial)
    assert breaker.state == "closed"


def test_a_bad_trial_opens_it_again_and_a_withdrawn_one_leaves_the_next_its_turn():
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(IN_A_ROW):
        outcome(breaker, False)
    clock.now += COOLING
    breaker.withdrew(breaker.admit())
    breaker.failed(breaker.admit())
    assert breaker.state == "open"


def test_late_answers_of_calls_made_before_neither_close_nor_prolong():
    clock = Clock()
    breaker = Breaker(clock)
    early = [breaker.admit() for _ in range(3)]
    for _ in range(IN_A_ROW):
        outcome(breaker, False)
    breaker.succeeded(early[0])
    assert breaker.state == "open"
    clock.now += COOLING - 1
    breaker.failed(early[1])
    clock.now += 1
    assert breaker.state == "half-open"


def test_old_failures_are_forgotten():
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(10):
        outcome(breaker, False), outcome(breaker, True)
        clock.now += 0.9
    clock.now += 11
    for _ in range(10):
        outcome(breaker, True)
        outcome(breaker, True)
        outcome(breaker, False)
    assert breaker.state == "closed"


@given(st.lists(st.tuples(st.booleans(), st.floats(min_value=0, max_value=20)), max_size=200))
def test_a_breaker_never_refuses_for_ever(history):
    clock = Clock()
    breaker = Breaker(clock)
    for good, pause in history:
        clock.now += pause
        with contextlib.suppress(Unavailable):
            outcome(breaker, good)
    clock.now += COOLING + 1
    outcome(breaker, True)
    assert breaker.state == "closed"
