"""Cards come from the clock, only while a limit runs; they are explained by the body and judged by others."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos import Calendar, Text, new_id
from gdbos.standards.calendar import CalendarDefinition, Off
from gdbos.testing import PluginContract
from gdbos_enablement.heard import (
    CaseAccepted,
    CaseApproved,
    CaseClosed,
    CaseExtended,
    CaseLimitPassed,
    CaseNearLimit,
    CaseResumed,
    CaseSubmitted,
    CaseSuspended,
    CorrectionAsked,
    merged,
)
from gdbos_enablement.oversight.rule import Rule, earned_from
from gdbos_enablement.oversight.watched import Watched

from .conftest import MARKET, City, NewCity

CARDS = "/api/enablement/oversight/cards"


class TestOversight(PluginContract):
    name = "enablement.oversight"


def case(**facts: Any) -> dict[str, Any]:
    return {
        "case": str(new_id()),
        "number": "4501002026030231000001",
        "matter": "food.business-licence",
        "body": MARKET,
        "division": "450100",
    } | facts


def accepted(one: dict[str, Any], legal: date | None = date(2026, 3, 30), promise: date | None = None) -> CaseAccepted:
    return CaseAccepted(**one, accepted_on=date(2026, 3, 2), legal_due=legal, promise_due=promise)


def signals(city: City, login: str = "leader") -> list[tuple[str, str, str]]:
    found = city.get(login, CARDS)["cards"]
    return [(one["card"]["signal"], one["card"]["rule"], one["card"]["due"]) for one in reversed(found)]


def closed(one: dict[str, Any]) -> CaseClosed:
    return CaseClosed(**one, outcome="granted", state="closed", closed_on=date(2026, 3, 10))


def test_a_case_gets_yellow_when_a_fifth_is_left_and_red_when_the_day_is_over(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        city.tell(accepted(case()))  # 20 working days, 2 March to 30 March
        city.to("2026-03-23", hour=2)
        assert signals(city) == []
        city.to("2026-03-24", hour=2)  # four working days are left
        assert signals(city) == [("yellow", "near-limit", "2026-03-30")]
        city.to("2026-03-30", hour=10)
        assert len(signals(city)) == 1
        city.to("2026-03-31", hour=2)
        assert signals(city) == [("yellow", "near-limit", "2026-03-30"), ("red", "legal-passed", "2026-03-30")]


def test_a_card_has_the_fields_of_the_standard_and_names_nobody(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        city.tell(accepted(case()))
        city.to("2026-03-24")
        [view] = city.get("leader", CARDS)["cards"]
        card = view["card"]
        assert card["number"].startswith("JC45010020260324")
        assert (card["rule"], card["signal"], card["trigger"], card["state"]) == ("near-limit", "yellow", "9", "issued")
        assert (card["body"], view["body_name"]["zh"]) == (MARKET, "南宁市市场监督管理局")
        assert card["at"].startswith("2026-03-24")
        assert card["explain_by"] == "2026-03-27"
        assert set(card) == {
            *("id", "number", "division", "body", "case", "case_number", "matter", "rule", "signal", "trigger"),
            *("watched", "due", "at", "explain_by", "state", "version"),
        }


def test_no_card_while_the_clock_stands_still_and_one_for_the_moved_limit(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        one = case()
        city.tell(accepted(one), CaseSuspended(**one))
        city.to("2026-04-02")
        assert signals(city) == []
        city.tell(CaseResumed(**one, legal_due=date(2026, 4, 30)))
        assert signals(city) == []
        city.to("2026-05-06")
        assert signals(city) == [("yellow", "near-limit", "2026-04-30"), ("red", "legal-passed", "2026-04-30")]


def test_an_alarm_that_rang_while_the_clock_stood_still_is_made_good_when_it_runs_again(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        one = case()
        city.tell(accepted(one), CaseSuspended(**one))
        city.to("2026-03-24")
        assert signals(city) == []
        city.tell(CaseResumed(**one, legal_due=date(2026, 3, 30)))
        assert signals(city) == [("yellow", "near-limit", "2026-03-30")]


@pytest.mark.parametrize("end", [closed, lambda one: CaseApproved(**one)], ids=["closed", "decided"])
def test_a_late_alarm_of_a_case_that_is_over_issues_nothing(new_city: NewCity, end: Any) -> None:
    with new_city("enablement.oversight") as city:
        one = case()
        city.tell(accepted(one), end(one))
        city.to("2026-04-08")
        city.tell(CaseLimitPassed(**one, limit="legal", due=date(2026, 3, 30)))
        assert signals(city) == []


def test_a_late_alarm_of_a_limit_that_moved_issues_nothing(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        one = case()
        city.tell(accepted(one), CaseExtended(**one, legal_due=date(2026, 4, 14)))
        city.to("2026-04-01")
        city.tell(CaseNearLimit(**one, limit="legal", due=date(2026, 3, 30)))
        assert signals(city) == []
        city.to("2026-04-15")
        assert [due for _, _, due in signals(city)] == ["2026-04-14", "2026-04-14"]


def test_the_clock_of_a_case_never_heard_of_is_believed(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        city.to("2026-03-31")
        one = case()
        city.tell(CaseLimitPassed(**one, limit="promise", due=date(2026, 3, 30)))
        assert ("red", "promise-passed", "2026-03-30") in signals(city)


def test_silence_after_receipt_earns_a_red_card_and_a_correction_asked_in_time_none(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        silent, told = case(), case()
        facts = {"received_on": date(2026, 3, 2), "acceptance_due": date(2026, 3, 9)}
        city.tell(CaseSubmitted(**silent, **facts), CaseSubmitted(**told, **facts), CorrectionAsked(**told))
        city.to("2026-03-10")
        assert signals(city) == [("red", "acceptance-passed", "2026-03-09")]


def test_events_told_twice_make_one_card(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        one = case()
        city.tell(accepted(one), accepted(one))
        city.to("2026-03-24")
        city.tell(CaseNearLimit(**one, limit="legal", due=date(2026, 3, 30)), accepted(one))
        assert len(signals(city)) == 1
        [view] = city.get("leader", CARDS)["cards"]
        assert [one["act"] for one in city.get("leader", f"{CARDS}/{view['card']['id']}")["history"]] == ["issue"]


def test_only_those_within_reach_see_a_card(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        city.tell(accepted(case()))
        city.to("2026-03-24")
        [view] = city.get("manager", CARDS)["cards"]
        address = f"{CARDS}/{view['card']['id']}"
        for login in ("stranger", "county", "taxman"):
            assert city.get(login, CARDS)["cards"] == []
            assert city.get(login, CARDS)["counts"] == {}
            city.get(login, address, 404)
        city.get("clerk", CARDS, 403)
        assert city.client.get(CARDS).status_code == 401
        assert view["card"]["number"] not in city.get("stranger", "/cockpit/cards")
        assert view["card"]["number"] in city.get("leader", "/cockpit/cards")


def test_a_card_is_explained_by_its_body_and_judged_by_another(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        city.tell(accepted(case()))
        city.to("2026-03-24")
        [view] = city.get("manager", CARDS)["cards"]
        at = f"{CARDS}/{view['card']['id']}"
        words = {"words": "系统升级，已加派人手。"}
        city.post("supervisor", f"{at}/explanation", words, 403)
        city.post("taxman", f"{at}/explanation", words, 404)
        city.post("supervisor", f"{at}/review", {"outcome": "upheld", **words}, 409)  # the body still has time
        assert city.post("manager", f"{at}/explanation", words)["state"] == "explained"
        city.post("manager", f"{at}/explanation", words, 409)
        city.post("manager", f"{at}/review", {"outcome": "excused", **words}, 403)
        assert city.post("supervisor", f"{at}/review", {"outcome": "excused", **words})["state"] == "excused"
        city.post("supervisor", f"{at}/review", {"outcome": "upheld", **words}, 409)
        assert city.post("own-supervisor", f"{at}/withdrawal", words)["state"] == "withdrawn"
        shown = city.get("leader", at)
        assert [one["act"] for one in shown["history"]] == ["issue", "explain", "review", "withdraw"]
        assert shown["history"][1]["words"] == words["words"]
        assert shown["acts"] == []


def test_a_body_that_stays_silent_is_reviewed_without_its_word(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        city.tell(accepted(case()))
        city.to("2026-03-24")
        [view] = city.get("leader", CARDS)["cards"]
        city.to("2026-03-28")
        at = f"{CARDS}/{view['card']['id']}"
        assert city.get("supervisor", at)["acts"] == ["review", "withdraw"]
        assert city.post("supervisor", f"{at}/review", {"outcome": "upheld", "words": "未说明"})["state"] == "upheld"


@pytest.mark.parametrize(
    "body", [{}, {"words": ""}, {"words": "x" * 2001}, {"words": "x", "more": 1}, {"outcome": "maybe", "words": "x"}]
)
def test_wrong_input_is_refused_by_name(new_city: NewCity, body: dict[str, Any]) -> None:
    with new_city("enablement.oversight") as city:
        city.tell(accepted(case()))
        city.to("2026-03-24")
        [view] = city.get("manager", CARDS)["cards"]
        answer = city.client.post(f"{CARDS}/{view['card']['id']}/review", json=body, headers=city.as_("supervisor"))
        assert answer.status_code in (400, 422)


def test_the_pages_do_the_same_by_forms(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        city.tell(accepted(case()))
        city.to("2026-03-24")
        [view] = city.get("manager", CARDS)["cards"]
        card = view["card"]["id"]
        assert "黄牌" in city.get("manager", "/workbench/cards")
        shown = city.send("manager", f"/workbench/cards/{card}/explain", {"words": "系统升级"})
        assert shown.status_code == 200
        assert "系统升级" in shown.text
        shown = city.send("supervisor", f"/cockpit/cards/{card}/review", {"words": "理由充分", "outcome": "excused"})
        assert "理由充分" in shown.text
        shown = city.send("supervisor", f"/cockpit/cards/{card}/withdraw", {"words": "重复发牌"})
        assert "已撤销" in shown.text
        assert city.send("manager", f"/cockpit/cards/{card}/withdraw", {"words": "x"}).status_code == 403


def test_the_list_pages_by_key(new_city: NewCity) -> None:
    with new_city("enablement.oversight") as city:
        city.tell(*(accepted(case(number=f"4501002026030231{n:06d}")) for n in range(5)))
        city.to("2026-03-24")
        seen: list[str] = []
        after = ""
        while True:
            page = city.get("leader", f"{CARDS}?limit=2{after}")
            seen += [one["card"]["number"] for one in page["cards"]]
            if not page.get("next"):
                break
            after = f"&after={page['next']}"
        assert len(seen) == len(set(seen)) == 5


def test_thresholds_come_from_the_pack(new_city: NewCity, tmp_path: Any) -> None:
    pack = tmp_path / "packs" / "strict"
    (pack / "oversight").mkdir(parents=True)
    (pack / "pack.toml").write_text(
        'id = "strict"\nversion = "1"\ntitle = { zh = "试", en = "t" }\npublisher = { zh = "试", en = "t" }\n'
        'level = "city"\ndivision = "450100"\nextends = ["nanning"]\nfrom = 2000-01-01\n',
        "utf-8",
    )
    (pack / "oversight" / "rules.toml").write_text('[[document]]\nid = "near-limit"\nshare = 50\n', "utf-8")
    with new_city("enablement.oversight", extra=f'folders = ["{pack}"]') as city:
        assert {one["id"]: one["share"] for one in city.get("leader", "/api/enablement/oversight/rules")["rules"]}[
            "near-limit"
        ] == 50
        city.tell(accepted(case()))
        city.to("2026-03-16")  # half of the twenty working days is left
        assert signals(city) == [("yellow", "near-limit", "2026-03-30")]


# What is pure.

CALENDAR = Calendar(
    "test",
    (6, 7),
    date(2026, 1, 1),
    date(2027, 1, 1),
    [CalendarDefinition(id="test", off=(Off(since=date(2026, 10, 1), until=date(2026, 10, 8), title=Text("国庆")),))],
)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 30))


@given(DAYS, DAYS, st.integers(0, 100), st.integers(0, 60))
def test_a_case_is_near_its_limit_only_after_its_start_and_not_after_its_end(
    start: date, due: date, share: int, days: int
) -> None:
    rule = Rule(
        id="r", title=Text("r"), signal="yellow", trigger="9", limits=("legal",), when="near",
        share=share, days=days, urges=Text("r"),
    )  # fmt: skip
    day = earned_from(rule, CALENDAR, start, due)
    whole = CALENDAR.between(start, due)
    if whole <= 0:
        assert day is None
        return
    assert day is not None
    assert start < day <= max(due, start + timedelta(days=1))
    left = CALENDAR.between(day, due)
    assert left <= max(days, whole * share // 100)


FACTS = st.lists(
    st.one_of(
        st.builds(lambda d: (accepted(case(case="c"), legal=d), 40, {"legal_due": d}), st.none() | DAYS),
        st.builds(lambda d: (CaseExtended(**case(case="c"), legal_due=d), 40, {"legal_due": d}), DAYS),
        st.just((CaseApproved(**case(case="c")), 60, {})),
        st.just((closed(case(case="c")), 100, {})),
    ),
    max_size=8,
)


@given(FACTS, st.randoms())
def test_what_is_known_in_the_end_does_not_depend_on_the_order_of_events(told: list[Any], random: Any) -> None:
    def known(events: list[Any]) -> Watched:
        one = Watched(case="c")
        for event, stage, facts in events:
            one = merged(one, event, stage, **facts)
        return one

    shuffled = [*told, *told]
    random.shuffle(shuffled)
    assert known(shuffled) == known(told)
