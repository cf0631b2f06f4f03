"""The cockpit counts what events told, within the reader's reach; every figure opens exactly the cases it counted."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos import Unit, new_id
from gdbos.bus.grant import decide, draft, new_grant
from gdbos.testing import PluginContract
from gdbos_enablement.heard import (
    BundleFinished,
    CaseAccepted,
    CaseApproved,
    CaseClosed,
    CaseResumed,
    CaseSubmitted,
    CaseSuspended,
    ChildOutcome,
    CorrectionAsked,
)
from gdbos_enablement.indicators.chart import HEIGHT, columns
from gdbos_enablement.indicators.counted import level_of
from gdbos_enablement.indicators.speed import Taken, speed_up

from .conftest import BEIHAI, MARKET, QINGXIU, SUPERVISION, City, NewCity

API = "/api/enablement/indicators"
PLUGINS = ("services.matters", "enablement.indicators")


class TestIndicators(PluginContract):
    name = "enablement.indicators"


def case(**facts: Any) -> dict[str, Any]:
    return {
        "case": str(new_id()),
        "number": "4501002026030231000001",
        "matter": "food.business-licence",
        "body": MARKET,
        "division": "450100",
    } | facts


def submitted(one: dict[str, Any], **facts: Any) -> CaseSubmitted:
    return CaseSubmitted(**one, received_on=date(2026, 3, 2), **facts)


def accepted(one: dict[str, Any], **facts: Any) -> CaseAccepted:
    return CaseAccepted(**one, accepted_on=date(2026, 3, 2), **{"legal_due": date(2026, 3, 30)} | facts)


def closed(one: dict[str, Any], **facts: Any) -> CaseClosed:
    said = {
        "outcome": "granted",
        "state": "closed",
        "received_on": date(2026, 3, 2),
        "accepted_on": date(2026, 3, 2),
        "closed_on": date(2026, 3, 6),
        "working_days": 4,
        "legal_days": 20,
        "promise_days": 5,
        "legal_due": date(2026, 3, 30),
        "promise_due": date(2026, 3, 9),
    }
    return CaseClosed(**one, **said | facts)


def figures(city: City, login: str = "leader") -> dict[str, Any]:
    found: dict[str, Any] = city.get(login, f"{API}/summary")
    return found


def behind(city: City, query: str, login: str = "leader") -> list[str]:
    return [one["case"] for one in city.get(login, f"{API}/cases?{query}")["cases"]]


def standings(found: dict[str, Any]) -> dict[str, int]:
    return {one["standing"]: one["cases"] for one in found["standings"] if one["cases"]}


def populate(city: City) -> dict[str, str]:
    """One case in each state."""
    cases = {name: case() for name in ("received", "correction", "overdue", "still", "approved", "quick", "late")}
    cases |= {name: case() for name in ("rejected", "refused", "void")}
    for one in cases.values():
        city.tell(submitted(one))
    city.tell(
        CorrectionAsked(**cases["correction"]),
        accepted(cases["overdue"], promise_due=date(2026, 3, 9)),
        accepted(cases["still"], legal_due=date(2026, 3, 4)),
        CaseSuspended(**cases["still"]),
        accepted(cases["approved"]),
        CaseApproved(**cases["approved"]),
        closed(cases["quick"]),
        closed(cases["late"], closed_on=date(2026, 4, 10), working_days=27),
        closed(cases["rejected"], state="rejected", outcome="refused"),
        closed(cases["refused"], state="refused", outcome="refused", accepted_on=None, working_days=0),
        closed(cases["void"], state="void", outcome="void"),
    )
    return {name: one["case"] for name, one in cases.items()}


def test_cases_are_counted_by_state_and_each_figure_opens_the_cases_it_counted(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        cases = populate(city)
        city.to("2026-03-16")
        found = figures(city)
        assert standings(found) == {
            "submitted": 1,
            "correction": 1,
            "accepted": 1,
            "suspended": 1,
            "approved": 1,
            "closed": 2,
            "rejected": 1,
            "refused": 1,
            "void": 1,
        }
        assert (found["open"], found["ended"], found["overdue"], found["overdue_legal"]) == (5, 5, 1, 0)
        assert (found["timed"], found["in_time"]) == (3, 2)
        assert found["in_time_rate"] == pytest.approx(2 / 3, abs=1e-6)
        assert behind(city, "group=overdue") == [cases["overdue"]]
        assert set(behind(city, "group=in-time")) == {cases["quick"], cases["rejected"]}
        assert behind(city, "group=late") == [cases["late"]]
        assert set(behind(city, "group=measured")) == {cases["quick"], cases["late"], cases["rejected"]}
        for standing, count in standings(found).items():
            assert len(behind(city, f"standing={standing}")) == count
        for group in ("open", "ended", "timed"):
            assert len(behind(city, f"group={group}")) == found[group]
        city.to("2026-03-31")
        assert figures(city)["overdue_legal"] == 1
        assert behind(city, "group=overdue-legal") == [cases["overdue"]]
        assert 'href="/cockpit/cases?group=overdue-legal"' in city.get("leader", "/cockpit")


def test_each_column_of_the_months_opens_the_cases_it_counted(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        cases = populate(city)
        city.to("2026-04-16")
        page = city.get("leader", "/cockpit")
        months = {one["first"][:7]: one for one in figures(city)["months"]}
        assert behind(city, "ended=2026-04") == [cases["late"]]
        assert behind(city, "received=2026-02") == []
        for month, counted in months.items():
            for what in ("received", "ended"):
                assert len(behind(city, f"{what}={month}")) == counted[what]
                assert (f'href="/cockpit/cases?{what}={month}"' in page) is bool(counted[what])
        listed = city.get("leader", "/cockpit/cases?ended=2026-04")
        assert ("2026-04 结束" in listed, "450100" in listed) == (True, True)


def test_speed_ups_are_put_together_both_ways_and_say_which(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        city.tell(
            closed(case(), working_days=4, legal_days=20),
            closed(case(), working_days=3, legal_days=3),
            closed(case(), working_days=2, legal_days=None),  # no limit by law: not measured
            closed(case(matter="no.such-matter"), working_days=0),  # of no known type: not measured
        )
        found = figures(city)
        [level] = [one for one in found["levels"] if one["level"] == "3"]
        actual = level["actual"]
        assert (actual["count"], actual["legal"], actual["taken"]) == (2, 23, 7)
        assert actual["ratio_of_sums"] == pytest.approx(16 / 23, abs=1e-6)
        assert actual["mean_of_ratios"] == pytest.approx(0.4)
        assert found["aggregation"] == "ratio-of-sums"
        assert len(behind(city, "group=measured&level=3")) == 2
        assert behind(city, "group=measured&level=4") == []


def test_a_deployment_chooses_how_speed_ups_are_put_together(new_city: NewCity) -> None:
    with new_city(*PLUGINS, settings={"enablement.indicators": {"aggregation": "mean-of-ratios"}}) as city:
        city.tell(closed(case(), working_days=4, legal_days=20), closed(case(), working_days=3, legal_days=3))
        assert figures(city)["aggregation"] == "mean-of-ratios"
        page = city.get("leader", "/cockpit")
        assert "<strong>40%</strong>" in page
        assert "比率的平均" in page


def test_a_promise_is_measured_only_over_matters_begun_on_application_with_a_limit_by_law(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        for level in figures(city)["levels"]:
            rows = city.get("leader", f"{API}/matters?level={level['level']}&limit=100")["matters"]
            assert len(rows) == level["promise"]["count"]
            expected = speed_up(Taken(one["legal_days"], one["promise_days"]) for one in rows)
            assert level["promise"]["ratio_of_sums"] == expected.ratio_of_sums
            for row in rows:
                matter = city.site.kernel.standards.document("matters", row["matter"]).value
                assert matter.type not in ("02", "03", "04", "06")
                assert row["legal_days"] == matter.legal_days > 0


def test_the_four_reductions_are_those_of_the_finished_bundles(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        bundle = str(new_id())
        children = [
            case(matter=f"enterprise.{name}", bundle=bundle) for name in ("registration", "seal", "bank-account")
        ]
        told = BundleFinished(
            bundle=bundle,
            plan="enterprise-opening",
            body=MARKET,
            division="450100",
            finished_on=date(2026, 3, 3),
            materials=1,
            trips=0,
            steps=1,
            working_days=1,
            children=tuple(ChildOutcome(case=one["case"], matter=one["matter"]) for one in children),
        )
        city.tell(*(closed(one) for one in children), told, told)
        [found] = figures(city)["bundles"]
        assert (found["plan"], found["finished"]) == ("enterprise-opening", 1)
        assert {one["measure"]: (one["before"], one["now"]) for one in found["reductions"]} == {
            "steps": (14, 1),
            "materials": (17, 1),
            "trips": (4, 0),
            "days": (20, 1),
        }
        assert found["reductions"][3]["share"] == pytest.approx(0.95)
        assert found["formula"]
        assert set(found["source"]) == {"zh", "en"}
        assert "30 个工作日" in found["source"]["zh"]
        assert len(behind(city, "plan=enterprise-opening")) == 3
        assert behind(city, "plan=enterprise-opening", "stranger") == []
        assert figures(city, "stranger")["bundles"] == []


def test_a_leader_of_another_division_sees_nothing_and_one_below_only_what_is_theirs(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        ours, theirs = case(), case(body=QINGXIU, division="450103")
        city.tell(submitted(ours), submitted(theirs))
        assert figures(city)["open"] == 2
        assert behind(city, "group=open", "county") == [theirs["case"]]
        assert figures(city, "county")["open"] == 1
        assert behind(city, "division=450103") == [theirs["case"]]
        stranger = figures(city, "stranger")
        assert (stranger["open"], stranger["ended"], standings(stranger)) == (0, 0, {})
        assert [month for month in stranger["months"] if month["received"] or month["ended"]] == []
        assert behind(city, "", "stranger") == []
        assert behind(city, "division=450100", "stranger") == []
        assert ours["number"] not in city.get("stranger", "/cockpit/cases")
        assert behind(city, "group=open", "manager") == [ours["case"]]
        city.get("clerk", f"{API}/summary", 403)
        assert city.client.get("/cockpit").status_code == 401


def test_the_list_holds_facts_of_procedure_only_and_pages_by_key(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        city.tell(*(submitted(case(number=f"45010020260302310{n:05d}")) for n in range(5)))
        seen: list[str] = []
        after = ""
        while True:
            page = city.get("leader", f"{API}/cases?limit=2&after={after}")
            seen += [one["case"] for one in page["cases"]]
            assert all(
                set(one)
                == {
                    *("case", "number", "matter", "matter_title", "body", "body_name", "division", "standing"),
                    *("standing_title", "received_on", "accepted_on", "due", "closed_on", "working_days", "legal_days"),
                }
                for one in page["cases"]
            )
            if not (after := page["next"]):
                break
        assert len(seen) == len(set(seen)) == 5
        assert seen == sorted(seen, reverse=True)


def test_events_that_cross_lead_to_the_same_figures(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        one, other = case(), case()
        city.tell(closed(one), accepted(one), submitted(one), submitted(one))
        city.tell(CaseResumed(**other), CaseSuspended(**other), accepted(other), submitted(other))
        assert standings(figures(city)) == {"closed": 1, "accepted": 1}


def test_a_draft_that_lapsed_is_no_case(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        city.tell(closed(case(), state="void", outcome="void", received_on=None, accepted_on=None))
        assert figures(city)["ended"] == 0


def test_the_cockpit_says_why_there_is_no_mount_rate(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        assert city.get("leader", f"{API}/mount-rate")["why"].startswith("The data catalogue is not enabled")
        assert "本节点未启用数据目录" in city.get("leader", "/cockpit")


def test_the_mount_rate_is_the_catalogues_once_an_official_has_granted_it(new_city: NewCity) -> None:
    with new_city(*PLUGINS, "governance.catalogue") as city:
        assert city.get("leader", f"{API}/mount-rate")["why"].startswith("Your body has not been granted")
        assert "尚未获得服务 governance.catalogue.rates 的授权" in city.get("leader", "/cockpit")

        def grant(unit: Unit) -> None:
            wanted = new_grant(
                body=SUPERVISION,
                system="enablement.indicators",
                service="governance.catalogue.rates",
                provider=city.site.kernel.settings.node.body,
            )
            decide(unit, draft(unit, wanted), approve=True, reason="the cockpit")

        city.site.unit(grant)
        found = city.get("leader", f"{API}/mount-rate")
        assert (found["why"], found["due"], found["mounted"]) == ("", 0, 0)
        assert found["formula"]["zh"]
        assert "挂载率 =" in city.get("leader", "/cockpit")


def test_the_pages_show_the_figures_in_both_languages_with_nothing_inline(new_city: NewCity) -> None:
    with new_city(*PLUGINS) as city:
        populate(city)
        for language, word in (("zh", "驾驶舱"), ("en", "Cockpit")):
            headers = city.as_("leader") | {"accept-language": language}
            for path in ("/cockpit", "/cockpit/cases?group=open", "/cockpit/matters?level=3"):
                page = city.client.get(path, headers=headers)
                assert page.status_code == 200, page.text
                assert word in page.text
                assert " style=" not in page.text


@pytest.mark.parametrize(
    "query",
    ["group=all", "standing=x", "level=9", "division=45", "received=2026-13", "ended=2026-3", "limit=0", "limit=101"],
)
def test_wrong_questions_are_refused(new_city: NewCity, query: str) -> None:
    with new_city(*PLUGINS) as city:
        city.get("leader", f"{API}/cases?{query}", 422)


# What is pure.

TAKEN = st.builds(Taken, st.integers(1, 3660), st.integers(0, 5000), st.integers(1, 1000))


@given(st.lists(TAKEN, min_size=1, max_size=30))
def test_a_speed_up_is_what_counting_one_by_one_gives(taken: list[Taken]) -> None:
    each = [(one.legal, one.taken) for one in taken for _ in range(one.count)]
    found = speed_up(taken)
    assert found.count == len(each)
    legal, used = sum(pair[0] for pair in each), sum(pair[1] for pair in each)
    assert found.ratio_of_sums == pytest.approx((legal - used) / legal, abs=1e-6)
    mean = sum((Fraction(a - b, a) for a, b in each), Fraction()) / len(each)
    assert found.mean_of_ratios == pytest.approx(float(mean), abs=1e-6)


@given(st.lists(TAKEN, min_size=1, max_size=10), st.randoms())
def test_a_speed_up_does_not_depend_on_order_or_on_how_equal_ones_are_counted(taken: list[Taken], random: Any) -> None:
    apart = [Taken(one.legal, one.taken) for one in taken for _ in range(min(one.count, 5))]
    together = [Taken(one.legal, one.taken, min(one.count, 5)) for one in taken]
    random.shuffle(apart)
    assert speed_up(apart) == speed_up(together)


@given(st.lists(TAKEN, max_size=10), st.lists(st.integers(0, 100), max_size=5))
def test_what_has_no_legal_limit_changes_nothing(taken: list[Taken], used: list[int]) -> None:
    assert speed_up([*taken, *(Taken(0, one) for one in used)]) == speed_up(taken)


@given(st.integers(1, 3660), st.data())
def test_a_speed_up_lies_between_nought_and_one_while_nothing_takes_longer_than_the_law_allows(
    legal: int, data: st.DataObject
) -> None:
    taken = [Taken(legal, data.draw(st.integers(0, legal))) for _ in range(3)]
    found = speed_up(taken)
    assert found.ratio_of_sums is not None
    assert 0 <= found.ratio_of_sums <= 1
    assert found.ratio_of_sums == found.mean_of_ratios  # equal limits: both ways agree


def test_nothing_measured_is_no_figure() -> None:
    assert (speed_up([]).ratio_of_sums, speed_up([]).mean_of_ratios) == (None, None)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=24))
def test_columns_keep_within_the_chart_and_to_scale(values: list[tuple[int, int]]) -> None:
    chart = columns([(date(2026, 1, 1), *pair) for pair in values])
    for pair in chart.pairs:
        for column in (pair.received, pair.ended):
            assert 0 <= column.height <= HEIGHT
            assert column.y + column.height == pytest.approx(HEIGHT, abs=0.02)
            assert 0 <= column.x <= chart.width - column.width


@pytest.mark.parametrize(("division", "level"), [("000000", "1"), ("450000", "2"), ("450100", "3"), ("450103", "4")])
def test_a_divisions_level_is_read_from_its_code(division: str, level: str) -> None:
    assert level_of(division) == level


def test_the_stranger_is_of_another_division() -> None:
    assert BEIHAI[2:8] != MARKET[2:8]
