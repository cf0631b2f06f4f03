"""Records: compiled structs that name every wrong field, and schemas that agree with them."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdbos.errors import BadRequest, Invalid
from gdbos.standards import Standards

ON = date(2026, 6, 1)
GOOD = {
    "citizen_id": "11010519491231002X",
    "name": "张三",
    "sex": "1",
    "born": "1949-12-31",
    "amount": 12.5,
    "trips": 3,
    "months": ["202601", "202612"],
    "consent": True,
    "moment": "2026-06-01T08:00:00Z",
}


def person(standards):
    return standards.record("person", ON)


def violations(act):
    with pytest.raises(Invalid) as invalid:
        act()
    return {(one.path, one.rule) for one in invalid.value.violations}


def test_a_right_value_decodes_to_typed_attributes(standards):
    value = person(standards).read(json.dumps(GOOD))
    assert value.born == date(1949, 12, 31)
    assert value.amount == Decimal("12.5")
    assert value.moment == datetime(2026, 6, 1, 8, tzinfo=UTC)
    assert value.months == ["202601", "202612"]
    assert person(standards).convert(GOOD) == value


def test_what_is_encoded_decodes_to_the_same(standards):
    record = person(standards)
    value = record.convert(GOOD)
    assert record.decode(record.encode(value)) == value
    assert json.loads(record.encode(value))["amount"] == 12.5


def test_optional_fields_may_be_absent_or_null(standards):
    record = person(standards)
    value = record.decode('{"citizen_id": "11010519491231002X", "name": "张三", "sex": null}')
    assert value.sex is None and value.months is None
    assert record.check(value) == []


def test_names_and_subject_come_from_the_record(standards):
    assert person(standards).names[:3] == ("citizen_id", "name", "sex")
    assert person(standards).subject == "citizen_id"
    assert [field.element for field in person(standards).fields][:2] == ["citizen-id", "name"]


BROKEN = {
    "citizen_id": ("1101051949123100", "length"),
    "name": ("", "length"),
    "sex": (1, "type"),
    "born": ("1949-02-30", "date"),
    "amount": (1.005, "decimals"),
    "trips": (100, "range"),
    "months": (["202601", "202613", 5], "pattern"),
    "consent": ("true", "type"),
    "moment": ("2026-06-01T08:00:00", "date"),
}


def test_every_wrong_field_is_named_not_only_the_first(standards):
    bad = {name: value for name, (value, _) in BROKEN.items()} | {"nmae": "x"}
    expected = {(f"$.{name}", rule) for name, (_, rule) in BROKEN.items() if name != "months"}
    expected |= {("$.months[1]", "pattern"), ("$.months[2]", "type"), ("$", "unknown")}
    record = person(standards)
    assert violations(lambda: record.convert(bad)) == expected
    assert violations(lambda: record.decode(json.dumps(bad))) == expected


@pytest.mark.parametrize("name", BROKEN)
def test_each_wrong_field_alone_is_named(standards, name):
    value, rule = BROKEN[name]
    found = violations(lambda: person(standards).decode(json.dumps({**GOOD, name: value})))
    assert rule in {one for path, one in found if path.startswith(f"$.{name}")}


def test_missing_fields_are_all_named_with_their_elements_titles(standards):
    with pytest.raises(Invalid) as invalid:
        person(standards).decode("{}")
    first, second = invalid.value.violations
    assert (first.path, first.rule, first.element, first.source) == (
        "$.citizen_id",
        "required",
        "citizen-id",
        "GB 11643-1999",
    )
    assert (first.facts["title_zh"], first.facts["title_en"]) == ("公民身份号码", "Citizen identity number")
    assert second.path == "$.name"


def test_no_violation_repeats_a_persons_data(standards):
    with pytest.raises(Invalid) as invalid:
        person(standards).decode(
            json.dumps({**GOOD, "citizen_id": "110105194912310021", "name": "张三丰" * 20, "born": "张三丰"})
        )
    assert "张三丰" not in repr(invalid.value.violations) + str(invalid.value)


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"a":' * 5000, b'{"name": "\xff"}', b"nan"])
def test_what_is_not_json_is_a_bad_request(standards, body):
    with pytest.raises(BadRequest):
        person(standards).decode(body)


@pytest.mark.parametrize("body", [b"[]", b"3", b"null"])
def test_what_is_no_object_is_invalid(standards, body):
    assert violations(lambda: person(standards).decode(body)) == {("$", "type")}


def test_the_second_step_checks_digits_and_dated_codes(standards):
    bad = person(standards).decode(json.dumps({**GOOD, "citizen_id": "110105194912310021", "sex": "9"}))
    found = person(standards).check(bad)
    assert [(one.path, one.rule, one.source) for one in found] == [
        ("$.citizen_id", "check-digit", "GB 11643-1999"),
        ("$.sex", "code", "GB/T 2261.1-2003"),
    ]
    assert standards.record("person", date(2023, 6, 1)).check({**GOOD, "sex": "9"}) == []


def test_a_text_with_nul_or_a_trailing_newline_is_refused(standards):
    record = person(standards)
    assert violations(lambda: record.convert({**GOOD, "name": "a\x00"})) == {("$.name", "pattern")}
    assert violations(lambda: record.convert({**GOOD, "sex": "1\n"})) == {("$.sex", "length")}
    assert violations(lambda: record.convert({**GOOD, "months": ["2026١٢"]})) == {("$.months[0]", "pattern")}


def test_a_record_is_compiled_once_and_again_when_an_element_changes(packs):
    old = '[[element]]\nid = "x"\ntitle = {zh = "旧"}\nform = "n6"\nuntil = 2020-01-01\n'
    new = '[[element]]\nid = "x"\ntitle = {zh = "新"}\nform = "n8"\nfrom = 2020-01-01\n'
    packs.write(
        "national",
        {
            "elements/x.toml": old + new,
            "records/r.toml": 'id = "r"\ntitle = {zh = "集"}\nfield = [{name = "class", element = "x"}]\n',
        },
    )
    loaded: Standards = packs.load()
    assert loaded.record("r", date(2019, 1, 1)).struct is loaded.record("r", date(2019, 12, 31)).struct
    assert loaded.record("r", date(2020, 1, 1)).struct is loaded.record("r", date(2026, 1, 1)).struct
    assert loaded.record("r", date(2019, 1, 1)).convert({"class": "123456"}).class_ == "123456"
    assert violations(lambda: loaded.record("r", date(2020, 1, 1)).convert({"class": "123456"})) == {
        ("$.class", "length")
    }


def mutated(name, value):
    return st.sampled_from(
        [
            None,
            0,
            1,
            -1,
            1.5,
            10**9,
            "",
            "1",
            "x" * 60,
            "1949-12-31",
            "２０２６01",
            [],
            ["202601"],
            {},
            True,
            value,
            [value],
        ]
    ) | (st.text(max_size=20))


values = st.fixed_dictionaries(
    {"citizen_id": mutated("citizen_id", GOOD["citizen_id"]), "name": mutated("name", "张三")},
    optional={name: mutated(name, value) for name, value in GOOD.items() if name not in ("citizen_id", "name")},
)
near = st.tuples(st.just(GOOD), values, st.sets(st.sampled_from(sorted(GOOD)), max_size=2)).map(
    lambda one: one[0] | {name: one[1][name] for name in one[2] if name in one[1]}
)


@settings(max_examples=1500)
@given(near)
def test_the_schema_and_the_decoder_agree(standards, value):
    record = person(standards)
    validator = jsonschema_rs.Draft202012Validator(record.schema(), validate_formats=True)
    body = json.dumps(value)
    try:
        record.decode(body)
        decoded = True
    except Invalid:
        decoded = False
    assert validator.is_valid(json.loads(body)) == decoded


@settings(max_examples=300)
@given(near)
def test_decoding_and_converting_agree_on_every_violation(standards, value):
    record = person(standards)
    outcomes = []
    for act in (lambda: record.decode(json.dumps(value)), lambda: record.convert(value)):
        try:
            outcomes.append(act())
        except Invalid as invalid:
            outcomes.append(sorted((one.path, one.rule) for one in invalid.violations))
    assert outcomes[0] == outcomes[1]


def test_the_schema_is_a_schema(standards):
    schema = person(standards).schema()
    jsonschema_rs.meta.validate(schema)
    assert schema["properties"]["citizen_id"]["title"] == "公民身份号码"
    assert schema["required"] == ["citizen_id", "name"]
