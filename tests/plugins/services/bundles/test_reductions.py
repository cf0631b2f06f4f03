"""The four reductions, as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos import Text
from gdbos_services.bundles.reductions import MEASURES, Amounts, reductions, share, sources, total

COUNTS = st.integers(0, 1000)
AMOUNTS = st.builds(Amounts, steps=COUNTS, materials=COUNTS, trips=COUNTS, days=COUNTS)


@given(AMOUNTS, AMOUNTS)
def test_each_measure_is_reduced_by_what_has_gone(before: Amounts, now: Amounts) -> None:
    found = reductions(before, now, Text("来源", "a source"))
    assert [one.measure for one in found] == list(MEASURES)
    for one in found:
        if one.before == 0:
            assert one.share is None
        else:
            assert one.share is not None
            assert one.before * (1 - one.share) == pytest.approx(one.now)
        assert one.formula
        assert one.source == Text("来源", "a source")


@given(COUNTS.filter(bool), COUNTS)
def test_a_share_is_one_when_nothing_is_left_and_below_nought_when_it_has_become_more(before: int, now: int) -> None:
    found = share(before, now)
    assert found is not None
    assert (found == 1) == (now == 0)
    assert (found < 0) == (now > before)
    assert (found == 0) == (now == before)


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=1, max_size=20))
def test_the_mean_of_several_has_the_share_of_their_sums(pairs: list[tuple[Amounts, Amounts]]) -> None:
    before, now = total(one for one, _ in pairs), total(one for _, one in pairs)
    together = reductions(before, now, "", len(pairs))
    assert [one.share for one in together] == [one.share for one in reductions(before, now, "")]
    for one in together:
        assert one.before == pytest.approx(getattr(before, one.measure) / len(pairs), abs=0.005)


@given(st.lists(AMOUNTS, max_size=10))
def test_a_total_is_the_sum_of_its_parts(several: list[Amounts]) -> None:
    assert [getattr(total(several), one) for one in MEASURES] == [
        sum(getattr(each, one) for each in several) for one in MEASURES
    ]


def test_reductions_of_nothing_are_no_reductions() -> None:
    with pytest.raises(ValueError, match="at least one"):
        reductions(Amounts(), Amounts(), "", 0)


def test_a_source_is_named_once() -> None:
    assert sources([Text("甲", "a"), Text("乙"), Text("甲", "a")]) == Text("甲；乙", "a; 乙")
