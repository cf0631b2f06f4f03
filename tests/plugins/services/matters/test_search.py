"""What people say finds what they need; pages join without gaps."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gdbos import Standards
from gdbos_services.matters.search import Filter, search

from .conftest import DAY

SAID = [
    ("企业设立登记", "enterprise.registration"),
    ("营业执照", "enterprise.registration"),
    ("我想开公司", "enterprise.registration"),
    ("start a company", "enterprise.registration"),
    ("开餐馆", "food.business-licence"),
    ("open a restaurant", "food.business-licence"),
    ("换驾驶证", "driving-licence.renewal"),
    ("renew a DRIVING licence", "driving-licence.renewal"),
    ("公积金", "enterprise.housing-fund"),
    ("结婚", "marriage.registration"),
    ("社保卡丢了", "social-card.replacement"),
    ("税", "enterprise.tax"),
    ("000131001001", "enterprise.registration"),
    ("ｓｅａｌ", "enterprise.seal"),
]


@pytest.mark.parametrize(("said", "wanted"), SAID)
def test_what_people_say_finds_what_they_need_first(city: Standards, said: str, wanted: str) -> None:
    assert search(city, said, DAY)[0].matter.id == wanted


def test_words_that_fit_nothing_find_nothing(city: Standards) -> None:
    assert search(city, "zzzz", DAY) == []
    assert search(city, "量子纠缠", DAY) == []


def test_without_words_all_matters_in_use_come_by_id(city: Standards) -> None:
    ids = [hit.matter.id for hit in search(city, " ", DAY)]
    assert ids == sorted(city.ids("matters"))


def test_filters_narrow_and_add_up(city: Standards) -> None:
    both = Filter(topic="enterprise-opening", role="tax")
    assert [hit.matter.id for hit in search(city, "", DAY, both)] == ["enterprise.tax"]
    assert {hit.matter.type for hit in search(city, "", DAY, Filter(type="01"))} == {"01"}
    assert all("1" in hit.matter.service_object for hit in search(city, "", DAY, Filter(service_object="1")))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.sampled_from(["", "登记", "企业", "licence"]), limit=st.integers(1, 9))
def test_pages_by_key_join_to_the_whole(city: Standards, query: str, limit: int) -> None:
    whole = [hit.matter.id for hit in search(city, query, DAY)]
    read: list[str] = []
    while page := search(city, query, DAY, after=read[-1] if read else "", limit=limit):
        assert len(page) <= limit
        read += [hit.matter.id for hit in page]
    assert read == whole


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=120))
def test_any_text_can_be_searched_for(city: Standards, query: str) -> None:
    scores = [hit.score for hit in search(city, query, DAY)]
    assert scores == sorted(scores, reverse=True)
