"""An enterprise opened at seven departments, whose systems are really asked over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from gdbos.actor import Actor
from gdbos.bus.basis import bus_basis
from gdbos.subjects import enterprise_key, person_key
from gdbos_services.bundles.record import ChildState
from gdbos_services.bundles.view import CHILD_STATES
from gdbos_services.cases.case import Result, dossier_of, finish

from .conftest import ANNA, BEN, BODIES, GUIDANCE, PASSWORD, city_of

SEVEN = ["registration", "seal", "tax", "social-insurance", "medical-insurance", "housing-fund", "bank-account"]
API = "/api/services/bundles"


def test_an_enterprise_is_opened_with_one_form(city: Any) -> None:
    bundle = city.submitted()
    assert list(city.states(bundle)) == SEVEN
    assert city.states(bundle)["registration"] == "submitted"
    assert {state for matter, state in city.states(bundle).items() if matter != "registration"} == {"waiting"}

    city.registered(bundle)
    states = city.states(bundle)
    assert states.pop("bank-account") == "submitted"
    assert set(states.values()) == {"granted"}, city.dead_letters()

    city.decide("teller", city.children(bundle)["bank-account"]["case"])
    run = city.run(bundle)
    assert run["state"] == "finished"
    assert {child["state"] for child in run["children"]} == {"granted"}
    assert len({child["number"] for child in run["children"]}) == 7
    assert {name: run["counts"][name] for name in ("fields_asked_more_than_once", "trips", "materials", "steps")} == {
        "fields_asked_more_than_once": 0,
        "trips": 0,
        "materials": 1,
        "steps": 1,
    }
    assert run["counts"]["working_days"] <= 1
    assert run["counts"]["fields_prefilled"] >= 5
    assert run["counts"]["fields_supplied"] == 2
    assert [(one["measure"], one["before"]) for one in run["reductions"]] == [
        ("steps", 31),
        ("materials", 35),
        ("trips", 9),
        ("days", 30),
    ]
    assert city.dead_letters() == []


def test_every_element_is_asked_once_and_each_department_gets_its_own(city: Any) -> None:
    bundle = city.begin()
    shown = city.form(bundle)
    asked = [question["element"] for section in shown["sections"] for question in section["questions"]]
    assert len(asked) == len(set(asked))
    silent = {"employs-now", "seal-now", "invoice-now", "bank-code", "uscc", "established-on"}
    assert silent.isdisjoint(asked)
    city.fill(bundle)
    city.done("anna", "POST", f"{API}/{bundle}/submit", {"materials": city.materials(bundle)})
    seal = UUID(city.children(bundle)["seal"]["case"])
    received = city.site.unit(dossier_of, seal).answers
    assert received["seal-now"] == "1"
    assert "taxpayer-kind" not in received
    assert "investor-name" not in received


def test_what_government_holds_is_filled_in_with_its_source(city: Any) -> None:
    bundle = city.begin()
    shown = city.form(bundle)
    assert shown["answers"]["agent-citizen-id"] == ANNA
    assert shown["answers"]["agent-name"] == "韦示例"
    assert shown["sources"]["agent-name"]["service"] == "gx.population.person"
    assert shown["sources"]["agent-name"]["provider"] == BODIES["public-security"]
    receipts = city.done("anna", "GET", "/api/bus/receipts")["receipts"]
    assert "gx.population.person" in {one["service"] for one in receipts}
    city.done("anna", "PUT", f"{API}/{bundle}/answers", {"answers": {"legal-representative-citizen-id": ANNA}})
    assert city.form(bundle)["sources"]["legal-representative-name"]["service"] == "gx.population.person"


def test_another_number_takes_out_what_the_first_had_brought(city: Any) -> None:
    bundle = city.begin()
    answers = f"{API}/{bundle}/answers"
    city.done("anna", "PUT", answers, {"answers": {"legal-representative-citizen-id": ANNA}})
    assert city.form(bundle)["answers"]["legal-representative-name"] == "韦示例"
    city.done("anna", "PUT", answers, {"answers": {"legal-representative-citizen-id": BEN}})
    shown = city.form(bundle)
    assert "legal-representative-name" not in shown["answers"]
    assert "legal-representative-address" not in shown["answers"]
    assert shown["answers"]["agent-name"] == "韦示例"


def test_nobody_learns_a_strangers_name_by_typing_their_number(city: Any) -> None:
    bundle = city.begin()
    city.done("anna", "PUT", f"{API}/{bundle}/answers", {"answers": {"finance-officer-citizen-id": BEN}})
    assert "finance-officer-name" not in city.form(bundle)["answers"]
    assert city.done("ben", "GET", "/api/bus/receipts")["receipts"] == []


def test_a_system_that_is_down_says_so_and_the_form_goes_on(city: Any) -> None:
    city.switch(down=["population"])
    bundle = city.begin()
    (failure,) = {one["service"]: one for one in city.form(bundle)["failures"]}.values()
    assert failure["service"] == "gx.population.person"
    assert "agent-name" in failure["elements"]
    more = {
        "agent-name": "韦示例",
        "legal-representative-name": "韦示例",
        "legal-representative-sex": "1",
        "legal-representative-address": "广西南宁市青秀区示范路1号",
    }
    city.fill(bundle, **more)
    city.done("anna", "POST", f"{API}/{bundle}/submit", {"materials": city.materials(bundle)})
    assert "agent-name" not in city.form(bundle)["sources"]
    assert city.form(bundle)["sources"]["agent-citizen-id"]["service"] == "kernel.identity.applicant"
    assert city.states(bundle)["registration"] == "submitted"


def test_one_departments_refusal_leaves_the_others_alone(city: Any) -> None:
    city.switch(refuse=["seal"])
    bundle = city.submitted()
    city.registered(bundle)
    city.decide("teller", city.children(bundle)["bank-account"]["case"])
    run = city.run(bundle)
    states = city.states(bundle)
    assert states.pop("seal") == "refused"
    assert set(states.values()) == {"granted"}
    assert run["state"] == "finished"
    assert city.children(bundle)["seal"]["reason"]


@pytest.mark.parametrize("by", ["official", "system"])
def test_a_refused_registration_makes_all_that_wait_for_it_void(city: Any, by: str) -> None:
    bundle = city.submitted()
    city.settle()
    case = city.children(bundle)["registration"]["case"]
    if by == "system":
        city.switch(refuse=["enterprise"])
        city.decide("market", case)
    else:
        city.decide("market", case, "reject", reason="住所不符合规定")
    states = city.states(bundle)
    assert states.pop("registration") == "refused"
    assert set(states.values()) == {"void"}
    run = city.run(bundle)
    assert run["state"] == "finished"
    assert all(child["reason"] for child in run["children"])
    assert city.dead_letters() == []


def test_a_department_that_is_down_is_waited_for(city: Any) -> None:
    city.switch(down=["tax"])
    bundle = city.submitted()
    city.registered(bundle)
    tax = city.children(bundle)["tax"]
    assert (tax["state"], tax["case_state"]) == ("submitted", "approved")
    assert tax["waits"]
    city.switch(down=[])
    city.clock.forward(minutes=20)
    city.settle()
    assert city.states(bundle)["tax"] == "granted"


def test_only_what_guidance_brings_in_is_opened(city: Any) -> None:
    bundle = city.submitted({"employees": "0", "seal": "0", "invoices": "0", "bank": ""})
    assert list(city.states(bundle)) == ["registration", "tax"]
    city.registered(bundle)
    run = city.run(bundle)
    assert run["state"] == "finished"
    assert [one["before"] for one in run["reductions"]] == [11, 14, 4, 20]


def test_a_released_case_is_about_the_new_enterprise_too(city: Any) -> None:
    bundle = city.submitted()
    city.registered(bundle)
    bank = city.children(bundle)["bank-account"]
    uscc = city.site.unit(dossier_of, UUID(bank["case"])).answers["uscc"]
    t = bus_basis.c

    def bodies(unit: Any) -> set[str]:
        live = select(t.body).where(t.subject == enterprise_key(uscc), t.case == bank["case"], t.closed_at.is_(None))
        return set(unit.execute(live).scalars())

    assert city.site.unit(bodies) == {BODIES["bank"]}
    city.decide("teller", bank["case"])
    assert city.site.unit(bodies) == set()


def test_a_result_that_lacks_what_others_need_leaves_their_drafts_to_the_applicant(city: Any) -> None:
    city.switch(down=["enterprise"])
    bundle = city.submitted()
    city.settle()
    case = city.children(bundle)["registration"]["case"]
    city.decide("market", case)
    assert city.children(bundle)["registration"]["case_state"] == "approved"
    city.site.unit(finish, UUID(case), Result(outcome="granted"))
    city.settle()
    states = city.states(bundle)
    assert states["registration"] == "granted"
    assert {states[matter] for matter in SEVEN[1:]} == {"incomplete"}
    tax = city.children(bundle)["tax"]["case"]
    city.done("anna", "POST", f"/api/services/cases/{tax}/submit", {"answers": {"uscc": "91450103MADEM00112"}})
    city.settle()
    assert city.states(bundle)["tax"] == "granted"
    assert city.dead_letters() == []


def test_delivering_every_event_again_changes_nothing(city: Any) -> None:
    bundle = city.submitted()
    city.registered(bundle)
    before = city.run(bundle)
    city.deliver_again()
    assert city.run(bundle) == before
    city.decide("teller", city.children(bundle)["bank-account"]["case"])
    finished = city.run(bundle)
    city.deliver_again()
    assert city.run(bundle) == finished
    licences = city.done("anna", "GET", "/api/services/licences?limit=100")["licences"]
    assert len(licences) == len({one["case"] for one in licences}) == 7


def test_a_restart_in_the_middle_loses_nothing(
    tmp_path: Path, database: str, departments: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITY_PASSWORD", PASSWORD)
    with city_of(tmp_path, database, departments, clock) as city:
        bundle = city.begin()
        city.fill(bundle)
        answers = city.form(bundle)["answers"]
    with city_of(tmp_path, database, departments, clock) as city:
        assert city.form(bundle)["answers"] == answers
        city.done("anna", "POST", f"{API}/{bundle}/submit", {"materials": city.materials(bundle)})
        case = city.children(bundle)["registration"]["case"]
        city.done("market", "POST", f"/api/services/cases/{case}/accept")
        city.done("market", "POST", f"/api/services/cases/{case}/approve", {"reason": ""})
    with city_of(tmp_path, database, departments, clock) as city:
        city.clock.forward(minutes=20)
        city.settle()
        states = city.states(bundle)
        assert states.pop("bank-account") == "submitted"
        assert set(states.values()) == {"granted"}, city.dead_letters()


def test_another_applicant_finds_nothing(city: Any) -> None:
    bundle = city.submitted()
    city.settle()
    for method, path, body in (
        ("GET", f"{API}/{bundle}", None),
        ("GET", f"{API}/{bundle}/form", None),
        ("PUT", f"{API}/{bundle}/answers", {"answers": {}}),
        ("POST", f"{API}/{bundle}/submit", {}),
        ("GET", f"/portal/bundles/runs/{bundle}", None),
        ("GET", f"/portal/bundles/runs/{bundle}/form", None),
        ("POST", f"/portal/bundles/runs/{bundle}/form", {}),
        ("GET", f"/portal/bundles/runs/{bundle}/review", None),
    ):
        assert city.ask("ben", method, path, body).status_code == 404, (method, path)
        assert city.ask("", method, path, body).status_code == 401, (method, path)
        assert city.ask("market", method, path, body).status_code in (403, 404), (method, path)
    assert city.done("ben", "GET", API)["bundles"] == []
    assert [one["bundle"] for one in city.done("anna", "GET", API)["bundles"]] == [bundle]


def test_what_is_wrong_or_missing_is_named_at_once_for_all_departments(city: Any) -> None:
    bundle = city.begin()
    city.fill(bundle, **{"finance-officer-citizen-id": "450103199007219980", "fund-unit-rate": 99})
    city.done("anna", "PUT", f"{API}/{bundle}/answers", {"answers": {"hr-contact-name": None}})
    refused = city.ask("anna", "POST", f"{API}/{bundle}/submit", {})
    assert refused.status_code == 422
    assert {one["path"] for one in refused.json()["violations"]} >= {
        "$.finance-officer-citizen-id",
        "$.fund-unit-rate",
        "$.hr-contact-name",
        "$.materials.enterprise.registration.articles",
    }
    assert set(city.states(bundle).values()) == {"draft"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"bundle": "enterprise-opening", "guidance": {}}, "$.guidance.bank"),
        ({"bundle": "enterprise-opening", "guidance": {**GUIDANCE, "bank": "102"}}, "$.guidance.bank"),
        ({"bundle": "enterprise-opening", "guidance": {**GUIDANCE, "more": "1"}}, "$.guidance.more"),
        ({"bundle": "enterprise-opening", "guidance": GUIDANCE, "extra": 1}, "$.extra"),
    ],
)
def test_guidance_that_is_wrong_begins_nothing(city: Any, body: dict[str, Any], path: str) -> None:
    refused = city.ask("anna", "POST", API, body)
    assert refused.status_code == 422
    assert path in {one["path"] for one in refused.json()["violations"]}
    assert city.done("anna", "GET", API)["bundles"] == []


def test_a_plan_that_is_not_there_and_an_official_who_applies_are_refused(city: Any) -> None:
    assert city.ask("anna", "POST", API, {"bundle": "nothing", "guidance": {}}).status_code == 404
    assert city.ask("market", "POST", API, {"bundle": "enterprise-opening", "guidance": GUIDANCE}).status_code == 403


def test_an_answer_to_nothing_the_form_asks_is_refused(city: Any) -> None:
    bundle = city.begin()
    for element in ("uscc", "bank-code", "no-such-element"):
        refused = city.ask("anna", "PUT", f"{API}/{bundle}/answers", {"answers": {element: "1"}})
        assert refused.status_code == 422
        assert refused.json()["violations"][0]["path"] == f"$.{element}"


def test_a_name_that_may_not_be_used_is_refused_before_it_is_handed_in(city: Any) -> None:
    bundle = city.begin()
    city.fill(bundle, **{"enterprise-name": "中国南宁测试有限公司"})
    refused = city.ask("anna", "POST", f"{API}/{bundle}/submit", {"materials": city.materials(bundle)})
    assert refused.status_code == 422
    (violation,) = refused.json()["violations"]
    assert violation["path"] == "$.enterprise-name"
    assert "中国" in violation["detail"]


def test_handing_in_twice_is_a_conflict(city: Any) -> None:
    bundle = city.submitted()
    assert city.ask("anna", "POST", f"{API}/{bundle}/submit", {}).status_code == 409
    assert city.ask("anna", "PUT", f"{API}/{bundle}/answers", {"answers": {}}).status_code == 409


def test_drafts_nobody_hands_in_lapse_with_their_bundle(city: Any) -> None:
    bundle = city.begin()
    city.clock.forward(days=31)
    city.settle()
    assert set(city.states(bundle).values()) == {"void"}
    assert city.run(bundle)["state"] == "void"


def test_a_draft_that_waits_for_a_long_registration_does_not_lapse(city: Any) -> None:
    bundle = city.submitted()
    city.settle()
    city.clock.forward(days=40)
    city.settle()
    assert {state for matter, state in city.states(bundle).items() if matter != "registration"} == {"waiting"}
    city.decide_accepted("market", city.children(bundle)["registration"]["case"])
    assert city.states(bundle)["tax"] == "granted"


def test_the_four_reductions_of_what_was_finished_hold_nobodys_data(city: Any) -> None:
    bundle = city.submitted({"employees": "0", "seal": "0", "invoices": "0", "bank": ""})
    city.registered(bundle)
    reply = city.site.call(
        lambda: city.site.kernel.bus_for(_actor(city), "test").call(
            "services.bundles.reductions", {"plan": "enterprise-opening"}
        )
    )
    assert reply.value["finished"] == 1
    assert [one["measure"] for one in reply.value["reductions"]] == ["steps", "materials", "trips", "days"]
    assert all(one["formula"] and one["source"] for one in reply.value["reductions"])


def _actor(city: Any) -> Actor:
    return Actor(kind="person", id="x", subject=person_key(city.site.kernel.vault, ANNA))


def test_every_state_of_a_case_has_words() -> None:
    assert set(CHILD_STATES) == set(ChildState)
