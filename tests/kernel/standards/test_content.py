"""What ships is sound, complete where the dossier lists it, and says how sure it is."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

import msgspec
import pytest

from gdbos.errors import Invalid
from gdbos.shipped import shipped
from gdbos.standards import Standards, check, due, load
from gdbos.standards.lines import read_lines

ON = date(2026, 6, 1)
PLACES = ("shanghai", "guizhou", "zhejiang", "anyang", "dezhou", "gaoping")
FAMILIES = ("task_directory", "task_general_basic", "task_general_extend", "task_public_basic", "task_public_extend", "task_penalty",
            "task_penalty_discretion", "task_levy", "task_material", "task_fee", "task_faq", "task_condition", "task_condition_material",
            "pro_accept", "pro_process", "pro_special_procedure", "pro_material", "pro_result", "lic_data")  # fmt: skip
ENVELOPE = ("row_guid", "cd_batch", "cd_operation", "cd_time", "data_source")
TERMS = {"名称", "代码", "号码", "标识符", "日期", "日期时间", "金额", "数量", "百分比", "指示符", "文本"}
"""Words for representations (表示词), after GB/T 19488.1."""
ANNEX_A = {
    "gbt39046.matter-type": 12,
    "gbt39046.exercise-level": 7,
    "gbt39046.implementer-nature": 4,
    "gbt39046.service-object": 6,
    "gbt39046.handling-form": 5,
    "gbt39046.case-class": 3,
    "gbt39046.special-procedure": 2,
    "gbt39046.satisfaction": 5,
    "gbt39046.stage-state": 2,
    "gbt39046.stage-action": 3,
    "gbt39046.cross-area": 4,
    "gbt39046.review-channel": 7,
}


@pytest.fixture(scope="module")
def standards() -> Standards:
    return load([shipped("standards")], {}, ["nanning", "ministry"])


@pytest.mark.parametrize("pack", ["national", *PLACES])
def test_the_pack_is_sound(pack: str) -> None:
    assert check(shipped("standards") / pack, {}, [shipped("standards")], ON) == []


@pytest.mark.parametrize(("codes", "count"), ANNEX_A.items())
def test_annex_a_is_there_whole_and_says_how_sure_it_is(standards: Standards, codes: str, count: int) -> None:
    """The words are the standard's; where it gives no codes, the pack's are marked M."""
    listed = standards.codes(codes, ON)
    assert len(listed) == count
    assert listed.definition.confidence in ("H", "M") and listed.definition.standard


def test_every_element_says_whose_property_it_is_and_how_it_is_represented(standards: Standards) -> None:
    """GB/T 18391: object class, property, representation; no two elements are the same property of the same thing."""
    elements = [one.value for one in standards.documents("elements")]
    assert [one.id for one in elements if not (one.object and one.property and one.representation)] == []
    concepts = Counter((one.object, one.property) for one in elements)
    assert [concept for concept, count in concepts.items() if count > 1] == []
    assert {one.representation for one in elements} == TERMS
    for term, form in (("日期时间", "dt"), ("指示符", "n1")):
        assert {one.form for one in elements if one.representation == term} == {form}


@pytest.mark.parametrize("pack", ["qingxiu", "ministry", *PLACES])
def test_where_a_rule_is_from_is_said_in_chinese(pack: str) -> None:
    """`source` stands on pages of both languages as it is: citations and Chinese, no English sentences."""
    stands = load([shipped("standards")], {}, [pack])
    said = {one.source for kind in stands.kinds for one in stands.documents(kind)}
    assert [one for one in said if re.search("[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", one)] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_what_goes_up_comes_down_with_the_same_fields_and_the_envelope(standards: Standards, family: str) -> None:
    up, down = standards.record(f"up_{family}", ON), standards.record(f"dn_{family}", ON)
    assert up.names == down.names
    assert up.names[-5:] == ENVELOPE
    assert [part.field.required for part in up.parts] == [part.field.required for part in down.parts]


def test_industries_have_the_sections_and_divisions_of_the_2017_edition(standards: Standards) -> None:
    """Its counts tell it from the edition of 2011, which has 20 and 96."""
    industries = standards.codes("gbt4754.industry", ON)
    assert (len(industries.children()), len(industries)) == (20, 20 + 97)
    assert [one.code for one in industries.ancestors("65")] == ["I"]


def test_faulty_rows_come_back_naming_table_row_and_kind(standards: Standards) -> None:
    assert standards.record("dn_abnormal", ON).names[:4] == ("table_name", "table_row_guid", "err_type", "remark")


CHECKED = {
    "behaviour_id": "b1", "directory_code": "45000000000001", "list_code": "11450100MADEM002XN3001", "behaviour_name": "检查",
    "organ": "市场监管局", "organ_code": "11450100MADEM002XN", "party": "某公司", "party_code": "91450103MADEM00112",
    "area": "450103", "form": "1", "mode": "1", "result": "1", "time": "2026-03-02T10:00:00+08:00", "officer": ["甲"],
    "officer_card": ["C1"], "reported_at": "2026-03-02T09:59:59+08:00", "reported_by": "乙", "row_guid": "g1",
    "cd_batch": "2026030200001", "cd_operation": "I", "cd_time": "2026-03-02T12:00:00+08:00", "data_source": "p45",
}  # fmt: skip


def test_a_check_is_not_reported_before_it_was_made(standards: Standards) -> None:
    record = standards.record("supervision.behaviour", ON)
    (early,) = record.check(CHECKED)
    assert (early.path, early.rule, early.facts["other_en"]) == ("$.reported_at", "order", "Checked at")
    with pytest.raises(Invalid) as refused:
        read_lines(record, msgspec.json.encode(CHECKED))
    assert [(one.path, one.rule) for one in refused.value.violations] == [("$[1].reported_at", "order")]
    same = CHECKED | {"reported_at": "2026-03-02T02:00:00Z"}
    assert record.check(same) == []
    assert len(read_lines(record, msgspec.json.encode(same))) == 1


@pytest.mark.parametrize("kind", ["behaviour", "penalty", "coercion", "other"])
def test_no_act_of_supervision_is_reported_before_it_happened(standards: Standards, kind: str) -> None:
    (pair,) = standards.record(f"supervision.{kind}", ON).compiled.ordered
    assert pair[0].field.name == "reported_at"


def test_every_element_of_matters_and_cases_stands_in_a_record(standards: Standards) -> None:
    named = {field.element for record in standards.documents("records") for field in record.value.field}
    for file in ("matter-upload", "matter", "case"):
        ids = {one.id for one in standards.documents("elements") if one.file.endswith(f"/{file}.toml")}
        assert ids - named <= {"case-status"}, file  # one province's list: no national table has it


@pytest.mark.parametrize("pack", ["qingxiu", "ministry", *PLACES])
def test_every_item_says_how_sure_it_is(pack: str) -> None:
    stands = load([shipped("standards")], {}, [pack])
    assert [one.id for kind in stands.kinds for one in stands.documents(kind) if not one.confidence] == []


@pytest.mark.parametrize(
    ("kind", "id", "confidence"),
    [
        ("records", "licence.metadata", "M"),
        ("records", "up_lic_data", "H"),
        ("records", "up_task_general_basic", "H"),
        ("records", "person", "GK"),
        ("elements", "project-no", "H"),
        ("elements", "licence-digest", "GK"),
        ("elements", "uscc", "H"),
        ("elements", "law-firm-name", "GK"),
    ],
)
def test_what_says_nothing_is_as_sure_as_its_file_and_else_its_pack(
    standards: Standards, kind: str, id: str, confidence: str
) -> None:
    found = standards.document(kind, id, ON)
    assert (found.confidence, found.value.confidence) == (confidence, confidence)


def test_rules_of_one_place_stand_in_its_pack(standards: Standards) -> None:
    for rule, place in (("hotline-return", "anyang"), ("online-pre-check", "anyang"), ("promise-verification", "zhejiang"),
                        ("sharing-uncatalogued", "shanghai")):  # fmt: skip
        assert rule not in standards.ids("deadlines")
        assert load([shipped("standards")], {}, [place]).document("deadlines", rule, ON).pack == place


def test_general_knowledge_and_single_sources_are_marked(standards: Standards) -> None:
    assert {one.value.confidence for one in standards.documents("masks")} == {"GK"}


@pytest.mark.parametrize("pack", ["nanning", "ministry", *PLACES])
def test_every_deadline_and_mask_says_what_it_rests_on(pack: str) -> None:
    """An article where a law says it; otherwise where it was taken from."""
    stands = load([shipped("standards")], {}, [pack])
    items = [one for kind in ("deadlines", "masks") for one in stands.documents(kind)]
    assert [one.id for one in items if not (one.basis or one.source)] == []


PLACES_DIFFER = [("anyang", "review-contact", 1), ("dezhou", "review-mending", 5), ("guangxi", "review-mending", 15),
                 ("gaoping", "sharing-reply-conditional", 5), ("guizhou", "sharing-reply-conditional", 10)]  # fmt: skip


@pytest.mark.parametrize(("pack", "rule", "days"), PLACES_DIFFER)
def test_the_same_deadline_differs_from_place_to_place(pack: str, rule: str, days: int) -> None:
    found = load([shipped("standards")], {}, [pack])
    assert found.deadline(rule, ON).days == days
    assert due(ON, found.deadline(rule, ON), found.calendar()).due is not None
