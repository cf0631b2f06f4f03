"""Records have one spelling, and say nothing about a person to whoever has no key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.errors import TooLarge
from gdbos.ids import new_id
from gdbos.ledger.leaf import Act, Call, Decision, bundle, commitment, encode, identity, record_key, unbundle

NOW = datetime(2026, 11, 23, 8, 0, 0, 5, tzinfo=UTC)
CALL = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def act(**facts: object) -> bytes:
    return encode(Act(id=CALL, at=NOW, act="test.done", facts=facts))


def test_a_call_is_written_with_its_version_first_and_its_fields_in_order():
    call = Call(
        call_id=CALL,
        asked_at=NOW,
        service="gx.population.person",
        decision=Decision(rule="grant", result="allowed"),
        status=200,
        fields=["name", "sex"],
    )
    assert encode(call) == (
        b'{"v":1,"asked_at":"2026-11-23T08:00:00.000005Z","call_id":"01890a5d-ac96-774b-bcce-b302099a8057",'
        b'"decision":{"config":"","result":"allowed","rule":"grant"},"fields":["name","sex"],"kind":"call",'
        b'"service":"gx.population.person","status":200}'
    )
    assert identity(encode(call)) == CALL


def test_the_order_of_facts_makes_no_difference():
    assert act(a=1, b={"y": [1, {"q": 1, "p": 2}], "x": None}) == act(b={"x": None, "y": [1, {"p": 2, "q": 1}]}, a=1)
    assert act(names={"b", "a"}) == act(names=["a", "b"])


def test_equal_text_is_written_equally():
    assert act(a={"caf\u00e9": "e\u0301"}) == act(a={"cafe\u0301": "\u00e9"})
    assert act(a=["数据", "\ufa0a"]) == act(a=["数据", "\u898b"])


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans())
)
def test_whatever_is_recorded_is_json_with_sorted_keys(facts: dict[str, object]):
    content = act(facts=facts)
    read = json.loads(content)
    first, *names = read
    assert first == "v"
    assert names == sorted(names)
    held = list(read["facts"]["facts"])
    assert held == sorted(held)


@pytest.mark.parametrize("value", [1.5, float("nan"), 2**53, -(2**53), object(), {"deep": [0.1]}, b"bytes"])
def test_what_has_no_canonical_form_is_refused(value: object):
    with pytest.raises(ValueError, match="cannot hold"):
        act(value=value)


def test_a_record_too_long_for_an_entry_is_refused():
    with pytest.raises(TooLarge):
        act(text="x" * 65_536)


def test_commitments_open_with_the_record_key_only():
    subject, other = b"s" * 32, b"o" * 32
    citizen = b"450102199901010010"
    key = record_key(subject, CALL)
    made = commitment(key, "subject", citizen)
    assert made == commitment(key, "subject", citizen)
    different = [
        commitment(record_key(other, CALL), "subject", citizen),
        commitment(record_key(subject, new_id()), "subject", citizen),
        commitment(key, "request", citizen),
        commitment(key, "subject", citizen + b"x"),
        commitment(subject, "subject", citizen),
    ]
    assert made not in different
    assert len(set(different)) == len(different)
    assert sha256(citizen).hexdigest() not in made


@given(st.lists(st.binary(max_size=400), max_size=40))
def test_bundles_are_read_as_they_were_written(leaves: list[bytes]):
    assert unbundle(bundle(leaves)) == leaves


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=10), st.integers(1, 30))
def test_a_bundle_that_breaks_off_says_what_came_before(leaves: list[bytes], cut: int):
    content = bundle(leaves)[:-cut]
    try:
        found = unbundle(content)
    except ValueError as broken:
        found = broken.args[1]
    assert found == leaves[: len(found)]


def test_foreign_bytes_have_no_identity():
    assert identity(b"\x00\xff") is None
    assert identity(b'{"call_id":7}') is None
    assert identity(b"{}") is None
