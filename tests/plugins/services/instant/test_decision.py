"""Cases decided by rule and carried out by the departments' own systems, over HTTP, on both databases."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from sqlalchemy import select

from gdbos.bus.adapters.breaker import COOLING
from gdbos.ledger.tables import leaf, pending
from gdbos_scenarios.departments.program import Running

from ..cases.conftest import ANNA, COMPANY, City, emitted
from .conftest import switch

SEAL = "enterprise.seal"
ANSWERS: dict[str, Any] = {
    "uscc": COMPANY,
    "enterprise-name": "南宁示例有限公司",
    "registered-address": "广西南宁市青秀区示范路1号",
    "enterprise-phone": "0771-0000001",
    "legal-representative-citizen-id": ANNA,
    "legal-representative-name": "韦示例",
    "legal-representative-mobile": "13800000001",
    "seal-now": "1",
    "seal-kind": ["01", "02"],
    "seal-material": "4",
    "electronic-seal": "1",
    "agent-citizen-id": ANNA,
    "agent-name": "韦示例",
    "agent-mobile": "13800000001",
}


def apply(city: City, **changed: Any) -> str:
    made = city.draft(matter=SEAL)
    answers = ANSWERS | {key.replace("_", "-"): value for key, value in changed.items()}
    city.done("anna", "POST", f"/{made}/submit", {"answers": answers})
    city.settle()
    return made


def test_a_usual_case_is_decided_by_rule_and_carried_out_in_the_same_minute(city: City) -> None:
    shown = city.done("anna", "GET", f"/{apply(city)}")
    assert (shown["state"], shown["outcome"]) == ("closed", "granted"), shown
    assert (shown["rule"], shown["sample"]) == ("enterprise.seal@1", True)
    assert len(shown["result"]["values"]["seal-number"]) == 2
    decided = next(step for step in shown["steps"] if step["act"] == "approve")
    assert (decided["by"], decided["rule"]) == ("plugin", "enterprise.seal@1")
    closed = emitted(city, "case-closed")[0]
    assert (closed["rule"], closed["working_days"], closed["promise_days"]) == ("enterprise.seal@1", 0, 0)


def test_the_decision_is_recorded_with_the_names_of_its_inputs_and_none_of_their_values(city: City) -> None:
    apply(city)

    def recorded(unit: Any) -> list[bytes]:
        kept = unit.execute(select(pending.c.leaf)).scalars().all()
        return [*kept, *unit.execute(select(leaf.c.leaf)).scalars().all()]

    said = b"\n".join(city.site.unit(recorded))
    assert b"enterprise.seal@1" in said
    assert b"seal-kind" in said
    assert ANSWERS["enterprise-name"].encode() not in said
    assert ANNA.encode() not in said


def test_an_unusual_case_is_left_to_an_official_with_the_reason(city: City) -> None:
    shown = city.done("anna", "GET", f"/{apply(city, seal_kind=['99'])}")
    assert (shown["state"], shown["sample"]) == ("submitted", False)
    left = shown["steps"][-1]
    assert (left["act"], left["rule"]) == ("leave", "enterprise.seal@1")
    assert "五种" in left["words"]
    assert "five usual kinds" in left["words"]


def test_a_system_that_is_down_is_waited_for_and_the_case_says_so(city: City, departments: Running) -> None:
    switch(departments, down=["seal"])
    made = apply(city)
    shown = city.done("anna", "GET", f"/{made}")
    assert (shown["state"], shown["waits"] != "", shown["asked"]) == ("approved", True, 1)
    page = city.site.client.get(
        f"/portal/cases/{made}", headers=city.headers("anna") | {"accept": "text/html", "accept-language": "en"}
    )
    assert "does not answer at the moment" in page.text
    city.clock.set(2026, 2, 9, 11)
    city.settle()
    assert city.done("anna", "GET", f"/{made}")["asked"] == 2
    switch(departments, down=[])
    time.sleep(COOLING)  # the adapter's circuit breaker lets the next call through
    city.clock.set(2026, 2, 9, 12)
    city.settle()
    shown = city.done("anna", "GET", f"/{made}")
    assert (shown["state"], shown["outcome"], shown["waits"]) == ("closed", "granted", "")
    assert [step["act"] for step in shown["steps"]].count("wait") == 1


def test_a_department_that_refuses_ends_the_case_with_its_reason(city: City, departments: Running) -> None:
    switch(departments, refuse=["seal"])
    shown = city.done("anna", "GET", f"/{apply(city)}")
    assert (shown["state"], shown["outcome"]) == ("closed", "refused")
    assert shown["result"]["reason"]
    assert emitted(city, "case-closed")[0]["outcome"] == "refused"


def test_whoever_the_department_was_told_about_has_a_receipt(city: City) -> None:
    made = apply(city)
    receipts = city.site.client.get("/api/bus/receipts", headers=city.headers("anna")).json()
    services = (
        {one["service"] for one in receipts["receipts"] if one["case"] == made}
        if "receipts" in receipts
        else str(receipts)
    )
    assert "services.cases.question" in services


def test_the_draft_is_filled_in_from_the_registers(city: City, departments: Running) -> None:
    headers = city.headers("anna") | {"accept": "text/html", "accept-language": "en"}
    begun = city.site.client.post(f"/portal/apply/{SEAL}", headers=headers, follow_redirects=False)
    form = begun.headers["location"]
    made = form.split("/")[3]
    page = city.site.client.get(form, headers=headers)
    assert page.status_code == 200, page.text
    shown = city.done("anna", "GET", f"/{made}")
    assert shown["answers"]["agent-name"] == "韦示例", "from the population register"
    assert shown["sources"]["agent-name"]["service"] == "gx.population.person"
    switch(departments, down=["population"])
    other = city.site.client.post(f"/portal/apply/{SEAL}", headers=headers, follow_redirects=False).headers["location"]
    page = city.site.client.get(other, headers=headers)
    assert "does not answer at the moment" in page.text
    assert msgspec.json.encode("韦示例") not in page.content
