"""When a field is asked: what the little language says, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos_services.forms.condition import parse

BOTH = "a == '1' and b != '2' or c in ('3', '4')"


@pytest.mark.parametrize(
    ("answers", "holds"),
    [
        ({"a": "1", "b": "9"}, True),
        ({"a": "1", "b": "2"}, False),
        ({"a": "1"}, False),
        ({"c": "4"}, True),
        ({"c": ["9", "3"]}, True),
        ({"c": "34"}, False),
        ({}, False),
    ],
)
def test_and_binds_tighter_than_or_and_nothing_answered_fulfils_nothing(answers: dict, holds: bool) -> None:
    assert parse(BOTH).holds(answers) is holds
    assert parse(BOTH).fields == ("a", "b", "c")


def test_yes_and_no_compare_as_true_and_false_and_numbers_as_written() -> None:
    assert parse("a == 'true'").holds({"a": True})
    assert not parse("a == 'true'").holds({"a": False})
    assert parse("a == '3'").holds({"a": 3})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a ==",
        "a == 1",
        "a = '1'",
        "a == '1' and",
        "a == '1' b == '2'",
        "a in '1'",
        "a in ()",
        "a in ('1'",
        "(a == '1')",
        "not a == '1'",
        "__import__('os') == 'x'",
        "a == '1' or " * 100,
        "a == '1",
    ],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_never_run(text: str) -> None:
    try:
        condition = parse(text)
    except ValueError:
        return
    assert condition.fields


names = st.sampled_from(["a", "b", "c"])
values = st.text("xyz12 ", min_size=1, max_size=3)


@given(st.lists(st.lists(st.tuples(names, values, st.booleans()), min_size=1, max_size=3), min_size=1, max_size=3), st.dictionaries(names, values))  # fmt: skip
def test_it_means_what_python_would_mean(alternatives: list, answers: dict) -> None:
    text = " or ".join(
        " and ".join(f"{name} {'!=' if negated else '=='} '{value}'" for name, value, negated in tests)
        for tests in alternatives
    )
    expected = any(
        all(name in answers and (answers[name] == value) is not negated for name, value, negated in tests)
        for tests in alternatives
    )
    assert parse(text).holds(answers) is expected
