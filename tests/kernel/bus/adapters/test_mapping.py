"""Their fields, codes, dates and amounts in our words, and back."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.bus.adapters.mapping import Read, Sent, nested, to_ours, to_theirs
from gdbos.errors import ProviderFailed


def there_and_back(format, value, **more):
    theirs = to_theirs({"x": Sent(field="v", format=format, **more)}, {"v": value})
    return to_ours({"v": Read(path="x", format=format, **more)}, theirs)["v"]


@given(st.decimals(min_value=0, max_value=Decimal("99999999999.99"), places=2))
def test_yuan_and_fen_keep_every_fen(yuan):
    fen = to_theirs({"x": Sent(field="v", format="fen")}, {"v": str(yuan)})["x"]
    assert fen == int(yuan * 100)
    assert Decimal(str(there_and_back("fen", str(yuan)))) == yuan


@given(st.dates(min_value=date(1000, 1, 1)))
def test_dates_keep_their_day(day):
    for format in ("yyyyMMdd", "yyyy/MM/dd", "yyyy年MM月dd日", "yyyy-MM-dd HH:mm:ss"):
        assert there_and_back(format, day) == day.isoformat() == there_and_back(format, day.isoformat())


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))
def test_moments_keep_their_millisecond(moment):
    aware = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    assert abs(datetime.fromisoformat(there_and_back("epoch-ms", aware.isoformat())) - aware) < timedelta(
        milliseconds=2
    )


@given(st.integers(min_value=0, max_value=10**15))
def test_numbers_and_words_keep_their_value(number):
    assert there_and_back("text", number) == number
    assert there_and_back("wan", number) == pytest.approx(number)


@given(st.lists(st.sampled_from(["01", "02", "99"]), min_size=1))
def test_joined_lists_and_codes_keep_their_order(kinds):
    assert there_and_back("comma", kinds, codes={"01": "A", "02": "B", "99": "Z"}) == kinds


@given(st.booleans())
def test_flags_keep_their_truth(flag):
    assert there_and_back("flag", flag) is flag


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["a", "a.b", "a.0", "0.a.b"]),
    st.sampled_from(["", "fen", "wan", "text", "number", "comma", "flag", "epoch-ms", "yyyyMMdd"]),
    st.booleans(),
)
def test_whatever_stands_there_is_read_or_is_the_providers_failure(body, path, format, coded):
    codes = {"1": "A"} if coded else {}
    with contextlib.suppress(ProviderFailed):
        to_ours({"v": Read(path=path, format=format, codes=codes)}, body)


@pytest.mark.parametrize(
    "value", ["2026-02-30", "20260230", "2026022", "２０２６０２０１", "", " 20260201", 20260201.5, None, [], {}]
)
def test_a_date_not_written_as_agreed_is_the_providers_failure_or_absent(value):
    table = {"day": Read(path="d", format="yyyyMMdd")}
    if value in ("", None, []):
        assert to_ours(table, {"d": value}) in ({}, {"day": []})
    else:
        with pytest.raises(ProviderFailed, match="day"):
            to_ours(table, {"d": value})


@pytest.mark.parametrize("value", ["1E99999999", "-1E-99999999", "Infinity", "NaN", 10**4000, "9" * 5000, 1e300])
@pytest.mark.parametrize("format", ["fen", "wan", "text", "number", "epoch-ms", "yyyyMMdd"])
def test_a_number_without_end_is_the_providers_failure_at_once(format, value):
    begin = time.monotonic()
    table = {"v": Read(path="v", format=format)}
    with contextlib.suppress(ProviderFailed):
        assert len(str(to_ours(table, {"v": value})["v"])) < 6000
    assert time.monotonic() - begin < 0.5


def test_dotted_places_become_tables_within_tables():
    assert nested({"a.b.c": 1, "a.d": 2, "e": 3}) == {"a": {"b": {"c": 1}, "d": 2}, "e": 3}
