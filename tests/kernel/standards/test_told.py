"""What a node with the shipped packs tells about deadlines and numbers: words for clerks, in the language of whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gdbos.testing import Site, deployment, serving

BASE = """
[node]
id = "test"
title = { zh = "测试", en = "Test" }
division = "450103"
level = "county"
body = "11450100MADEM0011Y"

[standards]
packs = ["national", "guangxi"]
"""
HEARING = {"from": "2026-02-14", "until": "2026-02-24", "reason": "hearing"}
DECISION = {"start": "2026-02-10", "rule": "licence-decision", "division": "110105"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("told")
    (folder / "base.toml").write_text(BASE, "utf-8")
    with serving(deployment(folder, extends=folder / "base.toml")) as site:
        yield site


def told(site: Site, path: str, body: dict[str, Any], language: str = "", status: int = 200) -> Any:
    answer = site.client.post(f"/api/standards/{path}", json=body, headers={"accept-language": language})
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.parametrize(
    "rule",
    [
        "licence-decision",
        "licence-joint",
        "licence-first-tier",
        "construction-permit-decision",
        "teacher-qualification-decision",
    ],
)
def test_what_a_clock_stops_for_is_told_in_words(site: Site, rule: str) -> None:
    answer = told(site, "deadlines", {**DECISION, "rule": rule, "suspensions": [HEARING]})
    assert "计时中止(听证)" in answer["explanation"] and "hearing" not in answer["explanation"]
    assert "the clock stood still for: Hearing" in answer["explanations"]["en"]


def test_an_explanation_is_in_the_language_asked_for_and_chinese_otherwise(site: Site) -> None:
    silent = {"received": "2026-02-13", "today": "2026-03-20"}
    for language, due, accepted in (("", "届满日为", "视为受理"), ("en", "It is due on", "counts as accepted")):
        counted = told(site, "deadlines", DECISION, language)
        assert due in counted["explanation"] and due in counted["second"]["explanation"]
        assert set(counted["explanations"]) == set(counted["second"]["explanations"]) == {"zh", "en"}
        assert accepted in told(site, "acceptances", silent, language)["explanation"]


@pytest.mark.parametrize(
    ("asked", "zh", "en"),
    [
        ({"rule": None}, "请填写 days 或 rule，两者只填其一。", "Give either days or rule."),
        (
            {"suspensions": [{**HEARING, "until": "2026-02-14"}]},
            "计时中止的结束日须晚于开始日。",
            "A suspension ends after the day it begins.",
        ),
        (
            {"suspensions": [{**HEARING, "reason": "holiday"}]},
            "“行政许可决定”期限不因该事由中止计时；可以中止的事由：听证 (hearing)、招标 (tender)",
            "The deadline “Decision on a licence” does not stop for this reason; it stops for: Hearing (hearing), ",
        ),
        (
            {"extensions": [{"days": 11, "approver": "head-of-body"}]},
            "“行政许可决定”期限最多可延长10个工作日。",
            "The deadline “Decision on a licence” can be extended by 10 working days at most.",
        ),
        (
            {"extensions": [{"days": 10, "approver": "clerk"}]},
            "“行政许可决定”期限的延长须经本机关负责人 (head-of-body)批准；请填写批准人的岗位。",
            "An extension of “Decision on a licence” is approved by the head of the body (head-of-body); "
            "name who approved it.",
        ),
        (
            {"extensions": [{"days": 10, "approver": "head-of-body", "on": "2026-07-01"}]},
            "期限已于2026年3月",
            "The deadline had passed on",
        ),
        (
            {"rule": "licence-delivery", "extensions": [{"days": 1}]},
            "“颁发、送达许可证件”期限不能延长。",
            "The deadline “Issue and delivery of the licence” cannot be extended.",
        ),
    ],
)
def test_what_the_engine_refuses_is_said_in_the_language_asked_for(
    site: Site, asked: dict[str, Any], zh: str, en: str
) -> None:
    for language, words in (("", zh), ("en", en)):
        [violation] = told(site, "deadlines", DECISION | asked, language, status=422)["violations"]
        assert violation["detail"].startswith(words)


def test_days_that_are_only_reckoned_are_told_where_they_are_counted_over(site: Site) -> None:
    """三月三 of 2026 is a Sunday; which day the region gives in lieu of it, its notice says."""
    near = told(site, "deadlines", {"start": "2026-04-16", "days": 3, "division": "450103"})
    assert near["calendar"] == "cn-gx"
    assert [one["zh"] for one in near["caveats"]] == [
        "三月三放假日期按农历推算；补假、调休以自治区当年通知为准，本日历未收录。"
    ]
    assert near["explanation"].endswith("请注意:" + near["caveats"][0]["zh"])
    assert near["explanations"]["en"].endswith("Note: " + near["caveats"][0]["en"])
    silent = told(site, "acceptances", {"received": "2026-04-16", "today": "2026-05-20", "division": "450103"})
    assert silent["explanation"].endswith("请注意:" + near["caveats"][0]["zh"])
    far = told(site, "deadlines", {"start": "2026-06-01", "days": 3, "division": "450103"})
    assert far["caveats"] == [] and "请注意" not in far["explanation"]
    plain = told(site, "deadlines", {"start": "2026-04-16", "days": 3, "division": "430100"})
    assert plain["caveats"] == [] and plain["calendar"] == "cn"


@pytest.mark.parametrize("division", ["150000", "150100", "222401", "540102", "65", "130321", "450226", "540102003"])
def test_where_a_place_may_have_festivals_of_its_own_the_countrys_calendar_says_so(site: Site, division: str) -> None:
    answer = told(site, "deadlines", {"start": "2026-06-01", "days": 3, "division": division})
    assert "民族自治地方可以依法规定本民族节日放假" in answer["explanation"]
    assert "festivals of its own" in answer["caveats"][0]["en"]


@pytest.mark.parametrize("division", ["", "00", "000000", "110105", "4501", "450103"])
def test_where_nothing_is_left_open_nothing_is_said(site: Site, division: str) -> None:
    assert told(site, "deadlines", {"start": "2026-06-01", "days": 3, "division": division})["caveats"] == []


@pytest.mark.parametrize("division", ["999999", "99", "130171", "999999001"])
@pytest.mark.parametrize(
    ("path", "body"), [("deadlines", {"start": "2026-06-01", "days": 3}), ("acceptances", {"received": "2026-06-01"})]
)
def test_a_division_that_nobody_knows_is_refused(site: Site, path: str, body: dict[str, Any], division: str) -> None:
    [violation] = told(site, path, body | {"division": division}, status=422)["violations"]
    assert (violation["path"], violation["rule"]) == ("$.division", "division")
    assert violation["detail"].startswith(f"没有代码为 {division} 的行政区划")


def test_silence_is_acceptance_by_the_days_and_the_article_of_the_packs_deadline(site: Site) -> None:
    answer = told(site, "acceptances", {"received": "2026-02-13", "today": "2026-03-20", "division": "110105"}, "en")
    assert (answer["rule"], answer["basis"], answer["limit"]) == ("licence-correction", ["xkf-2019-32"], "2026-02-27")
    assert "依照中华人民共和国行政许可法 第32条,自收到申请材料之日" in answer["explanations"]["zh"]
    assert "under Administrative Licensing Law, article 32, the application counts as accepted" in answer["explanation"]
    other = {"received": "2026-02-13", "today": "2026-03-20", "rule": "real-estate-acceptance"}
    assert "不动产登记暂行条例 第17条" in told(site, "acceptances", other)["explanation"]


def test_a_case_number_is_taken_apart_by_the_rule_of_the_packs(site: Site) -> None:
    answer = told(site, "identifiers/case-number", {"value": "450103202602132300001"})
    parts = {
        "division": "450103",
        "division_name": "青秀区",
        "day": "2026-02-13",
        "department": "23",
        "serial": "00001",
    }
    assert (answer["valid"], answer["parts"]) == (True, parts)


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        ("!!!!", "length", "取值不符合该标识的书写规则。"),
        ("45010320260213230000!", "characters", "取值不符合该标识的书写规则。"),
        ("450103202602302300001", "date", "表示日期的数字不是有效日期。"),
    ],
)
def test_what_is_no_case_number_of_the_node_is_refused(site: Site, value: str, reason: str, detail: str) -> None:
    answer = told(site, "identifiers/case-number", {"value": value})
    assert (answer["valid"], answer["reason"], answer["detail"]) == (False, reason, detail)
