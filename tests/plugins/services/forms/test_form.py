"""One sheet from several forms: each element asked once, every wrong answer named, every department served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gdbos import NotFound, Standards
from gdbos.standards import PackRefused, load
from gdbos_services.forms.form import Sheet, part, sheet

from .conftest import DAY, KINDS, OPENING, ROOT, one_answer, valid_answers

SUPPLIED = ("uscc", "established-on")


@pytest.fixture(scope="module")
def opening(standards: Standards) -> Sheet:
    return sheet(standards, OPENING, DAY, supplied=SUPPLIED)


def rules(found: list) -> set[tuple[str, str]]:
    return {(one.path, one.rule) for one in found}


def test_seven_departments_ask_each_element_once(standards: Standards, opening: Sheet) -> None:
    asked = [question.element for one in opening.parts for question in one.questions]
    assert len(asked) == len(set(asked))
    wanted = {
        field.element
        for matter in OPENING
        for field in standards.document("forms", matter, DAY).value.fields
        if field.element not in SUPPLIED
    }
    assert set(asked) == wanted
    assert sum(len(question.asks) for question in opening.questions.values()) > 2 * len(asked)
    assert set(opening.questions["enterprise-name"].asked_by) == set(OPENING)


def test_the_first_matter_that_asks_says_how_it_is_prefilled(standards: Standards, opening: Sheet) -> None:
    assert opening.questions["enterprise-name"].prefill == ""
    alone = sheet(standards, ["enterprise.tax"], DAY)
    assert alone.questions["enterprise-name"].prefill == "gx.enterprise.register#enterprise_name"


def test_what_is_dropped_or_supplied_is_not_asked_and_still_reaches_its_department(standards: Standards) -> None:
    both = sheet(standards, ["enterprise.seal"], DAY, dropped=["seal-now"], supplied=["uscc"])
    assert {"seal-now", "uscc"}.isdisjoint(both.elements)
    answers = {"seal-now": "1", "seal-kind": ["01"], "uscc": "91450100MADEM000X0"}
    received = part(both, answers, "enterprise.seal")
    assert received == answers
    assert ("$.uscc", "check-digit") in rules(both.check(answers, standards, DAY))
    assert {path for path, rule in rules(both.check(answers, standards, DAY)) if rule == "unknown"} == set()


def test_every_matter_of_every_level_has_a_sheet_and_a_part_of_its_own(standards: Standards) -> None:
    for document in standards.documents("matters", DAY):
        asked = sheet(standards, [document.id], DAY)
        assert asked.elements
        assert {matter for one in asked.questions.values() for matter in one.asked_by} == {document.id}


def test_an_empty_form_names_what_is_missing_and_nothing_that_is_not_asked(
    standards: Standards, opening: Sheet
) -> None:
    missing = rules(opening.check({}, standards, DAY))
    assert {rule for _, rule in missing} == {"required"}
    paths = {path for path, _ in missing}
    assert "$.enterprise-name" in paths
    assert "$.investor-citizen-id" in paths
    assert paths.isdisjoint({"$.seal-kind", "$.production-address", "$.postal-code", "$.uscc"})
    asked = {path for path, _ in rules(opening.check({"seal-now": "1"}, standards, DAY))}
    assert {"$.seal-kind", "$.seal-material", "$.electronic-seal"} <= asked


@pytest.mark.parametrize(
    ("element", "value", "path", "rule"),
    [
        ("legal-representative-citizen-id", "450103199003071230", "", "check-digit"),
        ("legal-representative-citizen-id", "450103", "", "length"),
        ("legal-representative-mobile", "12345", "", "length"),
        ("registered-capital", "a lot", "", "type"),
        ("registered-capital", "12.345", "", "decimals"),
        ("capital-due-date", "2026-02-30", "", "date"),
        ("enterprise-type", "9999", "", "code"),
        ("registered-division", "459999", "", "code"),
        ("fund-unit-rate", "90", "", "range"),
        ("seal-kind", ["01", "00"], "[1]", "code"),
        ("investor-name", ["甲", "乙" * 101], "[1]", "length"),
        ("no-such-element", "x", "", "unknown"),
        ("staff-count", {"a": 1}, "", "type"),
    ],
)
def test_each_wrong_answer_is_named_with_its_rule(
    standards: Standards, opening: Sheet, element: str, value: Any, path: str, rule: str
) -> None:
    answers = opening.normalise({"seal-now": "1", element: value})
    found = [one for one in opening.check(answers, standards, DAY) if one.path.startswith(f"$.{element}")]
    assert rules(found) == {(f"$.{element}{path}", rule)}


def test_a_gap_in_a_row_is_named_with_its_row_and_blank_rows_are_left_out(standards: Standards, opening: Sheet) -> None:
    answers = opening.normalise(
        {
            "investor-name": ["甲", " ", "乙"],
            "investor-citizen-id": ["", "", "450103199003071234"],
            "investor-contribution": ["1,000.50"],
        }
    )
    assert answers["investor-name"] == ["甲", "乙"]
    assert answers["investor-contribution"] == [1000.5, ""]
    paths = {path for path, rule in rules(opening.check(answers, standards, DAY)) if rule == "required"}
    assert {"$.investor-citizen-id[0]", "$.investor-contribution[1]"} <= paths


@pytest.mark.parametrize(
    ("element", "typed", "kept"),
    [
        ("legal-representative-citizen-id", " ４５０１０３ 19900307 123x ", "45010319900307123X"),
        ("legal-representative-mobile", "138 0013 8000", "13800138000"),
        ("registered-capital", "１,０００,０００.５０", 1000000.5),
        ("registered-capital", "12345678901234567.89", "12345678901234567.89"),
        ("staff-count", "12", 12),
        ("capital-due-date", "2026年3月1日", "2026-03-01"),
        ("capital-due-date", "20260301", "2026-03-01"),
        ("enterprise-name", "  南宁聚通\n数据 有限公司 ", "南宁聚通 数据 有限公司"),
        ("business-scope", " 软件开发；\r\n 数据处理。 ", "软件开发；\n数据处理。"),
    ],
)
def test_answers_are_kept_one_way_however_they_were_typed(opening: Sheet, element: str, typed: str, kept: Any) -> None:
    assert opening.normalise({element: typed}) == {element: kept}


def test_answers_no_longer_asked_are_left_out_however_long_the_chain(standards: Standards) -> None:
    opened = sheet(standards, ["enterprise.seal"], DAY)
    assert opened.normalise({"seal-now": "0", "seal-kind": ["01"]}) == {"seal-now": "0"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_normalising_twice_changes_nothing_and_checking_never_fails(
    standards: Standards, opening: Sheet, data: st.DataObject
) -> None:
    elements = st.sampled_from([*opening.elements, *SUPPLIED, "no-such-element"])
    once = opening.normalise(data.draw(st.dictionaries(elements, anything, max_size=6)))
    assert opening.normalise(once) == once
    opening.check(once, standards, DAY)
    msgspec.json.encode(once)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_parts_of_valid_answers_satisfy_each_departments_own_form(
    standards: Standards, opening: Sheet, data: st.DataObject
) -> None:
    answers = data.draw(valid_answers(opening, standards))
    assert rules(opening.check(answers, standards, DAY)) == set()
    uscc = data.draw(one_answer(opening.known["uscc"], standards))
    for matter in OPENING:
        own = sheet(standards, [matter], DAY)
        received = part(opening, {**answers, "uscc": uscc}, matter)
        assert rules(own.check(received, standards, DAY)) == set()
        assert set(received) <= set(own.elements)
        assert own.normalise(received) == received


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_two_matters_union_to_each_element_once(standards: Standards, data: st.DataObject) -> None:
    ids = list(standards.ids("matters"))
    chosen = data.draw(st.lists(st.sampled_from(ids), min_size=2, max_size=4, unique=True))
    union = sheet(standards, chosen, DAY)
    each = [set(sheet(standards, [one], DAY).elements) for one in chosen]
    assert len(union.elements) == len(set().union(*each))
    assert set(union.elements) == set().union(*each)
    for matter, own in zip(chosen, each, strict=True):
        assert {one.element for one in union.questions.values() if matter in one.asked_by} == own


def test_a_matter_or_form_that_is_not_there_is_not_found(standards: Standards) -> None:
    with pytest.raises(NotFound, match=r"no\.such"):
        sheet(standards, ["no.such"], DAY)


FORM = """
id = "elderly.card"
[[sections]]
id = "more"
title = {{ zh = "更多", en = "More" }}
fields = [{fields}]
"""


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ('{ name = "x", element = "no-such" }', "no element 'no-such'"),
        ('{ name = "x", element = "remark", when = "y == 1" }', "when:"),
        ('{ name = "x", element = "remark", when = "nobody == \'1\'" }', "no field 'nobody'"),
        ('{ name = "x", element = "remark", when = "x == \'1\'" }', "cannot depend on itself"),
        ('{ name = "x", element = "remark", prefill = "applicant#shoe_size" }', "identity knows"),
        ('{ name = "x", element = "remark", prefill = "gx.population.person" }', "service#field"),
        ('{ name = "x", element = "remark", prefill = "gx.population.person#shoes" }', "not 'shoes'"),
        ('{ name = "x", element = "remark" }, { name = "x", element = "postal-code" }', "stands 2 times"),
        ('{ name = "x", element = "postal-code", repeat = true }', "otherwise whether"),
    ],
)
def test_a_form_that_leads_nowhere_is_refused(tmp_path: Path, fields: str, complaint: str) -> None:
    pack = tmp_path / "town"
    (pack / "forms").mkdir(parents=True)
    (pack / "pack.toml").write_text(
        'id = "town"\nversion = "1"\nlevel = "county"\ndivision = "450103"\nextends = ["nanning"]\n'
        'title = { zh = "镇", en = "Town" }\npublisher = { zh = "镇", en = "Town" }\n'
    )
    (pack / "forms" / "elderly.card.toml").write_text(FORM.format(fields=fields))
    with pytest.raises(PackRefused) as refused:
        load([ROOT / "standards", pack], KINDS, ["national", "guangxi", "nanning", "town"])
    assert complaint in str(refused.value)
