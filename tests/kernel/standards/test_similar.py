"""Likenesses between data elements: each with its reasons, the likeliest first, and none where there is none."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gdbos.shipped import shipped
from gdbos.standards import Element, Standards, load
from gdbos.standards.similar import Finder
from gdbos.text import Text

TERMS = ("名称", "姓名", "代码", "日期")


def element(id: str, zh: str, en: str = "", **more: Any) -> Element:
    return Element(id=id, title=Text(zh, en), **{"form": "any..50"} | more)


LIBRARY = [
    element("uscc", "统一社会信用代码", "Unified social credit code", form="an18", scheme="uscc", synonyms=("社会信用代码", "纳税人识别号")),
    element("sex", "性别", "Sex", form="n1", codes="sex"),
    element("legal-name", "法定代表人姓名", "Name of legal representative", object="法定代表人", property="姓名"),
    element("agent-name", "经办人姓名", "Name of agent"),
    element("established", "成立日期", "Established on", form="d"),
    element("deposit", "押金", "Deposit", form="n..10,2"),
]  # fmt: skip


@pytest.fixture(scope="module")
def finder() -> Finder:
    return Finder(LIBRARY, TERMS)


@pytest.mark.parametrize(
    ("brought", "wanted", "reason"),
    [
        (element("x", "统一社会信用代码"), "uscc", "same-name"),
        (element("x", "统一 社会信用代码（18位）"), "uscc", "same-name"),
        (element("x", "UNIFIED SOCIAL CREDIT CODE", "unified social credit code"), "uscc", "same-name"),
        (element("x", "纳税人识别号", form="an18"), "uscc", "synonym"),
        (element("x", "企业代码", synonyms=("统一社会信用代码",)), "uscc", "synonym"),
        (element("x", "法人代表名字", object="法定代表人", property="姓名"), "legal-name", "same-object-and-property"),
        (element("x", "人员性别", form="n1", codes="sex", synonyms=("性别",)), "sex", "same-codes"),
        (element("x", "统一社会信用代码证号", form="an18", scheme="uscc"), "uscc", "similar-name"),
    ],
)
def test_what_means_the_same_is_found_with_the_reason(
    finder: Finder, brought: Element, wanted: str, reason: str
) -> None:
    likeliest, *_ = finder.like(brought)
    assert likeliest.element == wanted
    assert reason in likeliest.reasons


@pytest.mark.parametrize(
    "brought", [element("x", "证书编号"), element("x", "保证金利率", form="n..10,2"), element("x", "申请人姓名")]
)
def test_what_means_something_else_is_left_alone(finder: Finder, brought: Element) -> None:
    assert finder.like(brought) == []


def test_whose_fact_it_is_keeps_names_apart(finder: Finder) -> None:
    assert finder.like(LIBRARY[3]) == []
    assert list(finder.pairs()) == []


def test_the_same_property_of_different_people_is_two_facts() -> None:
    owned = [
        element("citizen-id", "公民身份号码", "Citizen identity number", scheme="citizen-id"),
        element("father", "父亲公民身份号码", "Citizen identity number of the father", scheme="citizen-id"),
        element("mother", "母亲公民身份号码", "Citizen identity number of the mother", scheme="citizen-id"),
    ]
    assert list(Finder(owned).pairs()) == []


def test_a_name_is_split_into_object_and_property_by_known_words(finder: Finder) -> None:
    assert finder.split(element("x", "营业执照颁发日期")) == ("营业执照颁发", "日期")
    assert finder.split(element("x", "日期")) is None


def test_the_shipped_library_names_few_pairs_and_every_one_has_a_reason() -> None:
    standards: Standards = load([shipped("standards")], {}, ["nanning"])
    elements = [one.value for one in standards.documents("elements")]
    pairs = list(Finder(elements, TERMS).pairs())
    assert all(one.reasons and one.score >= 0.5 for _, one in pairs)
    assert len(pairs) < len(elements) / 20


def test_a_thousand_elements_are_compared_with_twenty_thousand_in_seconds() -> None:
    library = [element(f"e{n}", f"{'登记许可备案检查'[n % 8]}事项{n}{TERMS[n % 4]}") for n in range(20_000)]
    finder = Finder(library, TERMS)
    started = time.process_time()
    for n in range(100):
        found = finder.like(element("x", f"{'登记许可备案检查'[n % 8]}事项{n}{TERMS[n % 4]}"))
        assert found[0].element == f"e{n}"
    assert time.process_time() - started < 20
