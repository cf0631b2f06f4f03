"""Each rule of an implementation list, broken once; and the shipped matters, which break none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gdbos import Standards, Text
from gdbos.standards import PackRefused, load
from gdbos_services.matters.consistency import complaints
from gdbos_services.matters.matter import Body, Fee, Material, Matter, Result, find

from .conftest import CHAINS, DAY, KINDS, ROOT

REASON = Text("因为", "Because")
PAID = {
    "fee": True,
    "fee_basis": "发改价格〔2016〕2559号",
    "fees": (Fee(id="a", name=Text("费"), standard=Text("80元")),),
    "pays_online": True,
}
MATERIAL = Material(id="x", title=Text("说明"), necessity="1", source="10", kind="1", basis=("xkf-2019-12",))


@pytest.mark.parametrize("level", CHAINS)
def test_the_shipped_matters_of_every_level_are_consistent(loaded: Callable[[str], Standards], level: str) -> None:
    standards = loaded(level)
    assert len(standards.ids("matters")) >= 24
    found = {one.id: list(complaints(one.value, standards)) for one in standards.documents("matters")}
    assert {id: what for id, what in found.items() if what} == {}


def test_every_rule_between_fields_names_its_law_and_its_source(loaded: Callable[[str], Standards]) -> None:
    rules = list(loaded("ministry").documents("matter-rules"))
    assert len(rules) == 29
    assert [one.id for one in rules if not (one.basis and one.source)] == []


def changed(matter: Matter, **fields: Any) -> Matter:
    return msgspec.structs.replace(matter, **fields)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"promise_days": 1}, "on the spot (1) exactly when"),
        ({"case_class": "2"}, "on the spot (1) exactly when"),
        ({"case_class": "2", "promise_days": 4}, "longer than the law allows (3)"),
        ({"legal_days": None}, "legal_days must say"),
        ({"trips": 1, "online_depth": "II"}, "reason why one must appear"),
        ({"note": REASON}, "no reason for a trip"),
        ({"trips": 1, "note": REASON}, "trips must be 0"),
        ({"handling_forms": ("1",)}, "courier"),
        ({"fee": True}, "a fee needs"),
        ({"pays_online": True}, "without a fee"),
        ({**PAID, "fees": ()}, "a fee needs"),
        ({"complaint_phone": "0771-00001031"}, "not be the one for enquiries"),
        ({"consult_phone": "00001031"}, "area code"),
        ({"object_topics": ("201", "101")}, "of 201, 101, what begins with 1 is for natural persons"),
        ({"object_topics": ()}, "beginning with 2 is missing"),
        (
            {"service_object": ("1",), "object_topics": ("101", "201")},
            "of 101, 201, what begins with 2 is for legal persons",
        ),
        ({"faq": ()}, "at least one question"),
        ({"flow": ()}, "five steps"),
        ({"result": Result(title=Text("批复"), type="1")}, "…批复 has result.type 3"),
        ({"result": Result(title=Text("准予通知文"), type="1")}, "…文 has result.type 2"),
        ({"result": Result(title=Text("营业执照"), type="3", licence="business-licence")}, "not a mere approval"),
        ({"result": Result(title=Text("某证"), type="1", licence="no-such")}, "no licences/no-such"),
        ({"materials": (changed(MATERIAL, title=Text("其他材料")),)}, "no catch-all"),
        ({"materials": (changed(MATERIAL, title=Text("其他证明材料")),)}, "no catch-all"),
        ({"materials": (changed(MATERIAL, title=Text("法律法规规定的其他文件")),)}, "no catch-all"),
        ({"materials": (changed(MATERIAL, title=Text("其它需要提供的资料")),)}, "no catch-all"),
        ({"materials": (changed(MATERIAL, title=Text("相关证明材料")),)}, "no catch-all"),
        ({"materials": (changed(MATERIAL, title=Text("应当提交的其他物件")),)}, "no catch-all"),
        ({"materials": (changed(MATERIAL, basis=()),)}, "names no legal basis"),
        ({"materials": (changed(MATERIAL, title=Text("营业执照")),)}, "government issues it itself"),
        ({"materials": (changed(MATERIAL, title=Text("营业执照复印件")),)}, "from_licence = 'business-licence'"),
        ({"materials": (changed(MATERIAL, title=Text("企业营业执照（副本）")),)}, "from_licence = 'business-licence'"),
        ({"result": Result(title=Text("准予通知书"), type="2")}, "needs result.sample"),
        ({"body": Body(role="housing-fund"), "exercise_levels": ("3", "5")}, "of 3, 5, none may be"),
        ({"exercise_levels": ("4", "6")}, "not exercised at level 6"),
        ({"materials": (changed(MATERIAL, kind="9"),)}, "materials[x].kind: '9' is not in the code list"),
        ({"type": "77"}, "type: '77' is not in the code list"),
        ({"type": "05"}, "digits 3 and 4 say type 01"),
        ({"basic_code": "000131000001"}, "main-item"),
        ({"form": "no.such"}, "no forms/no.such"),
        ({"deadline": "no-such"}, "no deadlines/no-such"),
        ({"basis": ("no-such",)}, "no basis/no-such"),
        ({"topics": ("no-such",)}, "topics: 'no-such'"),
    ],
)
def test_each_broken_rule_is_said(city: Standards, fields: dict[str, Any], complaint: str) -> None:
    matter = find(city, "enterprise.registration", DAY)
    said = list(complaints(changed(matter, **fields), city))
    assert any(complaint in one for one in said), said


def test_complaints_have_an_address_of_their_own(city: Standards) -> None:
    matter = find(city, "enterprise.registration", DAY)
    (said,) = complaints(changed(matter, complaint_address=matter.window), city)
    assert said.startswith("complaint_address: the address for complaints must not be the window")
    assert list(complaints(changed(matter, complaint_address=Text("示范地址 12 号 305 室")), city)) == []


@pytest.mark.parametrize(
    "title",
    ["法人或者其他组织的身份证明", "营业执照遗失公告", "结婚证明书", "经营场所平面布局图", "与项目有关的地形图"],
)
def test_a_material_that_only_resembles_these_is_well(city: Standards, title: str) -> None:
    matter = find(city, "enterprise.registration", DAY)
    materials = (changed(MATERIAL, title=Text(title)),)
    assert list(complaints(changed(matter, materials=materials), city)) == []


def test_a_matter_with_a_fee_that_says_all_is_well(city: Standards) -> None:
    matter = find(city, "enterprise.registration", DAY)
    assert list(complaints(changed(matter, **PAID), city)) == []


OWN = """
[[document]]
id = "window-names-a-floor"
title = { zh = "窗口写明楼层", en = "A window names its floor" }
says = { zh = "窗口须写明楼层", en = "{id} names a window without its floor" }
about = "window"
when = [{ field = "exercise_levels", any_of = ["4", "5"] }]
then = [{ field = "window.zh", matches = ".*楼.*" }]
"""
PACK = """
id = "own"
version = "1"
title = { zh = "市" }
publisher = { zh = "市" }
level = "city"
division = "450100"
extends = ["guangxi"]
"""


def with_rules(folder: Path, rules: str) -> Standards:
    """What stands at a city that brings rules of its own."""
    (folder / "own" / "matter-rules").mkdir(parents=True)
    (folder / "own" / "pack.toml").write_text(PACK, "utf-8")
    (folder / "own" / "matter-rules" / "own.toml").write_text(rules, "utf-8")
    return load([ROOT / "standards", folder], KINDS, ["own"])


def test_a_city_brings_rules_of_its_own_as_data(tmp_path: Path) -> None:
    with pytest.raises(PackRefused) as refused:
        with_rules(tmp_path, OWN)
    found = {fault.item: fault for fault in refused.value.faults}
    said = found["matters/construction.permit"]
    assert (said.key, said.detail) == ("window", "construction.permit names a window without its floor")
    assert said.file.endswith("construction.permit.toml")
    assert said.line


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('field = "window.zh"', 'field = "windows"'), "there is no field 'windows'"),
        (('matches = ".*楼.*"', 'matches = "(楼"'), "is no pattern of RE2"),
        (('about = "window"', 'about = "window"\neach = "windows"'), "have no list 'windows'"),
        (('matches = ".*楼.*"', 'like = "楼"'), "no such key"),
        (('id = "window-names-a-floor"', 'id = "two-telephones"'), "locked by the pack 'national'"),
    ],
)
def test_a_rule_that_cannot_be_run_or_loosens_another_is_refused(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    with pytest.raises(PackRefused) as refused:
        with_rules(tmp_path, OWN.replace(*change))
    faults = [one for one in refused.value.faults if one.file.endswith("own.toml")]
    assert any(words in one.detail for one in faults), faults
