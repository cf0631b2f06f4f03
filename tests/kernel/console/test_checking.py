"""The clerk's pages: a deadline in words, a verdict on a value that is shown nowhere again, a file that comes back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from gdbos.testing import Site, deployment, plant_tester, serving

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
ID = "11010519491231002X"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("clerk")
    (folder / "base.toml").write_text(BASE, "utf-8")
    made = deployment(folder, extends=folder / "base.toml", permissions=["kernel.standards.read"])
    with serving(made, prepare=plant_tester) as site:
        yield site


@pytest.fixture(scope="module")
def clerk(site: Site) -> dict[str, str]:
    return site.sign_in()


def deadline(site: Site, clerk: dict[str, str], **asked: str) -> str:
    answer = site.client.get("/console/standards/deadline", params=asked, headers=clerk)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_deadline_is_told_in_words_with_its_second_clock_and_its_basis(site: Site, clerk: dict[str, str]) -> None:
    page = deadline(site, clerk, start="2026-01-30", rule="licence-decision")
    assert "届满日为2026年3月5日(星期四)。" in page
    assert "颁发、送达许可证件" in page and "2026年3月19日" in page
    assert "/console/standards/items/basis/xkf-2019-42" in page


def test_the_nodes_own_division_counts_unless_another_is_given(site: Site, clerk: dict[str, str]) -> None:
    assert "三月三" in deadline(site, clerk, start="2026-04-16", days="2")
    assert "三月三" not in deadline(site, clerk, start="2026-04-16", days="2", division="430100")


@pytest.mark.parametrize(
    "asked",
    [
        {"start": "2026-12-30", "days": "5"},
        {"start": "nonsense", "days": "5"},
        {"start": "2026-02-13"},
        {"start": "2026-02-13", "days": "5", "rule": "licence-decision"},
        {"start": "2026-02-13", "days": "-1"},
        {"start": "2026-02-13", "rule": "nobody"},
    ],
)
def test_what_cannot_be_counted_is_said_on_the_page(site: Site, clerk: dict[str, str], asked: dict[str, str]) -> None:
    assert 'class="alert bad"' in deadline(site, clerk, **asked)


def test_a_verdict_is_given_and_the_value_shown_nowhere(
    site: Site, clerk: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    form = {"scheme": "citizen-id", "value": ID}
    page = site.client.post("/console/standards/identifiers", data=form, headers=clerk).text
    assert "朝阳区" in page and "出生日期" in page and "birth_date" not in page
    assert ID not in page + caplog.text
    wrong = site.client.post("/console/standards/identifiers", data=form | {"value": ID[:-1] + "1"}, headers=clerk).text
    assert 'class="alert bad"' in wrong and "校验位不符，可能有数字输错。" in wrong
    missing = site.client.post("/console/standards/identifiers", data=form | {"scheme": "nobody"}, headers=clerk)
    assert missing.status_code == 404


def test_a_file_comes_back_with_verdicts(site: Site, clerk: dict[str, str]) -> None:
    answer = site.client.post(
        "/console/standards/identifiers/file",
        files={"file": ("ids.csv", f"id\n{ID}\n".encode())},
        data={"scheme-of-file": "citizen-id", "column": ""},
        headers=clerk,
    )
    assert answer.status_code == 200
    assert f"{ID},true" in answer.content.decode("utf-8-sig")
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("body", "zh", "en"),
    [
        ({"value": 1}, "此处需要文本，而不是整数。", "Needed here: text, not whole number."),
        ({"value": None}, "此处需要文本，而不是空值。", "Needed here: text, not null."),
        (
            {"value": "x", "on": "soon"},
            "此处需要日期（如 2026-01-31）。",
            "Needed here: date such as 2026-01-31.",
        ),
        ([], "此处需要一组字段，而不是列表。", "Needed here: object, not list."),
    ],
)
def test_a_wrong_shape_is_told_in_words_of_one_language(site: Site, body: object, zh: str, en: str) -> None:
    for language, words in (("zh-CN", zh), ("en", en)):
        headers = {"accept-language": language}
        answer = site.client.post("/api/standards/identifiers/uscc", json=body, headers=headers)
        assert [one["detail"] for one in answer.json()["violations"]] == [words]
