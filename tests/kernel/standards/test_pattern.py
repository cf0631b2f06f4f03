"""Patterns of packs cannot be made to run for ever, and mean the same in msgspec and in RE2."""

import re
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.standards.pattern import compiled


@pytest.mark.parametrize(
    "text", ["[0-9]{6}", "1[3-9][0-9]{9}", "[^a]{3}", "[A-Z]?[0-9]{1,4}", r"\$5", "[$^]x", "[一-龥]{2,5}"]
)
def test_bounded_classes_run_natively(text):
    assert compiled(text).native


@pytest.mark.parametrize("text", ["(a+)+", "(a|b)c", r"\d+", "[0-9]*", "a{1,1000}b{1,1000}", "[A-Z]([0-9]{2})?"])
def test_everything_else_runs_in_re2(text):
    assert not compiled(text).native


@pytest.mark.parametrize(
    "text",
    [
        "(?=a)b",
        "(?<=a)b",
        r"(a)\1",
        "(?P<x>a)(?P=x)",
        "a++",
        "(?>a)",
        "^a",
        "a$",
        r"\Aa",
        r"a\Z",
        "[0-9",
        "x{2,1}",
        "a" * 1001,
    ],
)
def test_backtracking_syntax_and_anchors_are_refused(text):
    with pytest.raises(ValueError):
        compiled(text)


def test_a_classic_blow_up_is_answered_at_once():
    pattern = compiled("(a+)+")
    started = time.perf_counter()
    assert not pattern.fits("a" * 5000 + "!")
    assert time.perf_counter() - started < 1


PARTS = ("[0-9]", "[A-Z]", "[^0]", "a", r"\.", "[a\\-z]", "[.+]", "-")
REPEATS = ("", "?", "{2}", "{1,3}", "{0,2}")
natives = st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from(REPEATS)), min_size=1, max_size=4).map(
    lambda parts: "".join(part + repeat for part, repeat in parts)
)


@given(natives, st.text("09AZaz.-+\n0", max_size=8))
def test_native_patterns_mean_the_same_in_both_engines(text, value):
    pattern = compiled(text)
    assert pattern.native
    python = re.search(pattern.anchored, value) is not None
    assert pattern.fits(value) == python
    try:
        msgspec.convert(value, type_of(pattern))
        assert python
    except msgspec.ValidationError:
        assert not python


def type_of(pattern):
    from typing import Annotated

    return Annotated[str, msgspec.Meta(pattern=pattern.anchored)]
