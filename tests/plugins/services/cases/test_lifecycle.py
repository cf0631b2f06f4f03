"""A case from the draft to the result, over HTTP, on SQLite and PostgreSQL."""

from __future__ import annotations

import msgspec
import pytest

from gdbos.actor import Actor, Link
from gdbos.bus.basis import Basis
from gdbos.bus.grant import decide, draft, new_grant
from gdbos.bus.recall import ValueRecalled
from gdbos.bus.service import offered_by_plugin
from gdbos.identity.account import open_account
from gdbos.identity.password import hashed
from gdbos.identity.post import appoint
from gdbos.plugin import Disclosed, Offer
from gdbos.subjects import person_key
from gdbos.text import Text
from gdbos.unit import Unit

from .conftest import ANNA, ANSWERS, BODIES, HEALTH, MARKET, PASSWORD, PLACE, City, emitted

REASON = {"reason": "材料与实际不符"}


def test_a_case_goes_from_draft_to_result(city: City) -> None:
    made = city.submitted()
    city.done("clerk", "POST", f"/{made}/accept")
    city.done("head", "POST", f"/{made}/approve", {"reason": "符合条件"})
    city.settle()
    shown = city.done("anna", "GET", f"/{made}")
    assert (shown["state"], shown["outcome"]) == ("closed", "granted")
    assert [step["act"] for step in shown["steps"]] == ["submit", "accept", "approve", "finish"]
    assert shown["number"] == "4501002026020923" + "00001"
    assert shown["answers"] == ANSWERS
    closed = emitted(city, "case-closed")[0]
    assert (closed["outcome"], closed["working_days"], closed["legal_days"]) == ("granted", 0, 20)
    assert closed["body"] == HEALTH


def test_no_event_carries_what_was_answered(city: City) -> None:
    made = city.accepted()
    city.done("head", "POST", f"/{made}/reject", REASON)
    city.settle()

    def bodies(unit):  # type: ignore[no-untyped-def]
        from sqlalchemy import select

        from gdbos.bus.outbox import outbox

        return b"".join(unit.execute(select(outbox.c.body)).scalars()).decode()

    said = city.site.unit(bodies)
    assert not [
        value
        for value in (ANNA, ANSWERS["enterprise-name"], ANSWERS["agent-mobile"], REASON["reason"])
        if value in said
    ]


def test_rejecting_tells_the_applicant_why(city: City) -> None:
    made = city.accepted()
    city.done("head", "POST", f"/{made}/reject", REASON)
    shown = city.done("anna", "GET", f"/{made}")
    assert (shown["state"], shown["outcome"]) == ("rejected", "refused")
    assert shown["steps"][-1]["words"] == REASON["reason"]
    assert shown["acts"] == []


def test_declining_needs_a_reason_and_ends_the_case(city: City) -> None:
    made = city.submitted()
    assert city("clerk", "POST", f"/{made}/decline", {"reason": ""}).status_code == 422
    city.done("clerk", "POST", f"/{made}/decline", REASON)
    assert city.state(made) == "refused"
    assert emitted(city, "case-closed")[0]["outcome"] == "refused"


@pytest.mark.parametrize(
    ("who", "act", "body"),
    [
        ("clerk", "accept", None),
        ("clerk", "decline", REASON),
        ("examiner", "corrections", {"items": ["premises-area"]}),
        ("anna", "corrections/supply", {}),
        ("examiner", "suspend", {"procedure": "hearing", "explanation": "听证"}),
        ("examiner", "resume", None),
        ("head", "extend", {"days": 5, "reason": "案情复杂"}),
        ("head", "approve", {}),
        ("head", "reject", REASON),
    ],
)
def test_a_draft_takes_no_official_act_and_the_answer_says_what_can_be_done(
    city: City, who: str, act: str, body: object
) -> None:
    made = city.draft()
    answered = city(who, "POST", f"/{made}/{act}", body, headers={"accept-language": "en"})
    assert answered.status_code == 409
    assert "a draft" in answered.json()["detail"]
    assert "submit" in answered.json()["detail"]


def test_what_is_closed_stays_closed(city: City) -> None:
    made = city.accepted()
    city.done("head", "POST", f"/{made}/reject", REASON)
    for who, act, body in (
        ("anna", "submit", {}),
        ("clerk", "accept", None),
        ("clerk", "decline", REASON),
        ("head", "approve", {}),
        ("head", "reject", REASON),
        ("examiner", "suspend", {"procedure": "hearing", "explanation": "听证"}),
    ):
        assert city(who, "POST", f"/{made}/{act}", body).status_code == 409, act
    assert city("anna", "PUT", f"/{made}/answers", {"answers": {"staff-count": 7}}).status_code == 409


def test_an_incomplete_application_names_every_missing_answer(city: City) -> None:
    made = city.draft()
    partial = {key: value for key, value in ANSWERS.items() if key not in ("uscc", "staff-count")}
    answered = city(
        "anna", "POST", f"/{made}/submit", {"answers": partial | {"agent-citizen-id": "450103198503129994"}}
    )
    assert answered.status_code == 422
    assert {one["path"] for one in answered.json()["violations"]} == {"$.uscc", "$.staff-count", "$.agent-citizen-id"}
    assert ANNA[:-1] not in answered.text
    assert city.state(made) == "draft"


def test_a_draft_keeps_answers_and_forgets_those_taken_out(city: City) -> None:
    made = city.draft()
    city.done("anna", "PUT", f"/{made}/answers", {"answers": {"staff-count": 7, "premises-area": 80}})
    city.done("anna", "PUT", f"/{made}/answers", {"answers": {"staff-count": ""}})
    assert city.done("anna", "GET", f"/{made}")["answers"] == {"premises-area": 80}
    assert city("anna", "PUT", f"/{made}/answers", {"answers": {"seal-kind": "01"}}).status_code == 422


def test_an_official_neither_applies_nor_fills_in(city: City) -> None:
    made = city.draft()
    assert city("clerk", "POST", "", {"matter": PLACE}).status_code == 403
    assert city("clerk", "PUT", f"/{made}/answers", {"answers": {"staff-count": 7}}).status_code == 403
    assert city("clerk", "POST", f"/{made}/submit", {"answers": ANSWERS}).status_code == 403


def test_unknown_matters_and_unknown_keys_are_refused(city: City) -> None:
    assert city("anna", "POST", "", {"matter": "no.such"}).status_code == 404
    assert city("anna", "POST", "", {"matter": PLACE, "body": HEALTH}).status_code == 422


def test_the_handler_does_not_approve_their_own_extension(city: City) -> None:
    made = city.submitted()
    city.done("head", "POST", f"/{made}/accept")
    asked = {"days": 10, "reason": "案情复杂"}
    assert city("head", "POST", f"/{made}/extend", asked).status_code == 403
    before = city.done("head", "GET", f"/{made}")["clock"]["legal_due"]
    city.done("deputy", "POST", f"/{made}/extend", asked)
    after = city.done("head", "GET", f"/{made}")["clock"]["legal_due"]
    assert (before, after) == ("2026-03-13", "2026-03-27")
    again = city("deputy", "POST", f"/{made}/extend", {"days": 1, "reason": "还不够"})
    assert again.status_code == 422


def test_numbers_count_up_by_body_and_day(city: City) -> None:
    first, second = (city.done("anna", "GET", f"/{city.submitted()}")["number"] for _ in range(2))
    city.clock.set(2026, 2, 10)
    third = city.done("anna", "GET", f"/{city.submitted()}")["number"]
    assert (first[-5:], second[-5:], third[-5:]) == ("00001", "00002", "00001")
    assert third.startswith("45010020260210")


def test_the_number_of_a_case_is_valid_where_numbers_are_checked(city: City) -> None:
    number = city.done("anna", "GET", f"/{city.submitted()}")["number"]
    checked = city.site.client.post("/api/standards/identifiers/case-number", json={"value": number}).json()
    assert (checked["valid"], checked["parts"]["division_name"]) == (True, "南宁市")
    assert (checked["parts"]["day"], checked["parts"]["serial"]) == ("2026-02-09", "00001")


def test_one_official_sees_the_tasks_most_urgent_first_and_page_by_page(city: City) -> None:
    city.clock.set(2026, 2, 10)
    later = city.submitted()
    city.clock.set(2026, 2, 9, 11)  # back, and yet after the grants were approved
    sooner = city.submitted()
    first = city.done("clerk", "GET", "?limit=1")
    assert [one["case"] for one in first["cases"]] == [sooner]
    assert first["cases"][0]["applicant_name"] == "韦*例"
    second = city.done("clerk", "GET", f"?limit=1&after={first['next']}")
    assert ([one["case"] for one in second["cases"]], second["next"]) == ([later], "")
    assert city("clerk", "GET", "?after=nonsense").status_code == 422
    city.done("clerk", "POST", f"/{sooner}/accept")
    assert [one["case"] for one in city.done("clerk", "GET", "?stage=accepted")["cases"]] == [sooner]


def test_a_body_lists_what_it_has_ended_latest_first_and_page_by_page(city: City) -> None:
    ended = [city.submitted(), city.submitted()]
    city.submitted()  # goes on
    for made in ended:
        city.done("clerk", "POST", f"/{made}/decline", REASON)
    first = city.done("clerk", "GET", "/ended?limit=1")
    assert [one["case"] for one in first["ended"]] == [ended[1]]
    assert (first["ended"][0]["applicant_name"], first["ended"][0]["outcome"]) == ("韦*例", "refused")
    second = city.done("clerk", "GET", f"/ended?limit=1&after={first['next']}")
    assert ([one["case"] for one in second["ended"]], second["next"]) == ([ended[0]], "")
    for nonsense in ("nonsense", "2026-02-09~x", f"2026-02-09T00:00:00Z~{'x' * 36}"):
        assert city("clerk", "GET", f"/ended?after={nonsense}").status_code == 422, nonsense
    assert city("anna", "GET", "/ended").status_code == 403


def test_people_list_their_own_newest_first(city: City) -> None:
    one, two = city.draft(), city.draft()
    first = city.done("anna", "GET", "?limit=1")
    assert [each["case"] for each in first["cases"]] == [two]
    assert [each["case"] for each in city.done("anna", "GET", f"?after={first['next']}")["cases"]] == [one]
    assert city.done("ben", "GET", "")["cases"] == []


def test_an_open_case_is_flagged_when_a_value_it_received_is_corrected(city: City) -> None:
    mine, other, ended = city.accepted(), city.accepted("ben"), city.accepted()
    city.done("head", "POST", f"/{ended}/reject", {"reason": "not so"})

    def tell(unit: Unit, case: str, body: str) -> None:
        unit.emit(
            ValueRecalled(
                case=case,
                matter=PLACE,
                body=body,
                system="desk",
                task="t",
                service="gx.population.person",
                fields=("name",),
            )
        )

    for case, body in ((mine, HEALTH), (other, MARKET), (ended, HEALTH), ("CASE-ELSEWHERE", HEALTH)):
        city.site.unit(tell, case, body)
    city.settle()
    readers = {mine: "anna", other: "ben", ended: "anna"}
    flagged = {case: city.done(who, "GET", f"/{case}")["recalled"] for case, who in readers.items()}
    assert [(one["service"], one["fields"]) for one in flagged[mine]] == [("gx.population.person", ["name"])]
    assert flagged[other] == flagged[ended] == []
    page = city.site.client.get(
        f"/workbench/cases/{mine}", headers=city.headers("clerk") | {"accept": "text/html", "accept-language": "en"}
    )
    assert "was corrected at its source" in page.text
    city.done("head", "POST", f"/{mine}/approve", {})


class Nothing(msgspec.Struct):
    pass


class Known(msgspec.Struct):
    name: str


def test_a_value_that_its_provider_recalls_flags_the_case_that_received_it(city: City) -> None:
    case, police = city.accepted(), BODIES["public-security"]
    subject = city.site.unit(lambda unit: person_key(unit.vault, ANNA))
    register = Offer(
        code="test.register",
        title=Text("登记", "Register"),
        takes=Nothing,
        gives=Known,
        provide=lambda unit, asked: Known("韦误例"),
        discloses=lambda asked, answer: [Disclosed(subject, PLACE, case)],
    )
    clerk = Actor(kind="official", id="clerk", body=HEALTH, division="450100", chain=(Link("official", "clerk"),))
    kernel = city.site.kernel

    def prepare(unit: Unit) -> None:
        grant = new_grant(body=HEALTH, system="services.cases", service=register.code, provider=police)
        decide(unit, draft(unit, grant), approve=True, reason="for the test")
        unit.open_basis(Basis(subject=subject, body=HEALTH, matter=PLACE, case=case))
        account = open_account(unit, login="police", password_hash=hashed(PASSWORD), name="P", kind="official")
        appoint(unit, account, body=police, role_id="body-manager")

    async def look() -> None:
        await kernel.refresh()
        kernel.directory.replace([*kernel.directory.all(), offered_by_plugin(register, "test", police)], [])
        await kernel.bus_for(clerk, "services.cases").call(register.code, {}, matter=PLACE, case=case)

    city.site.unit(prepare)
    city.site.call(look)
    since = city.clock().isoformat()[:10] + "T00:00:00Z"
    wanted = {"service": register.code, "kind": "person", "number": ANNA, "since": since, "reason": "a typing mistake"}
    told = city.site.client.post("/api/bus/recalls", json=wanted, headers=city.headers("police"))
    assert told.status_code == 201, told.text
    assert [task["body"] for task in told.json()["tasks"]] == [HEALTH]
    city.settle()
    flagged = city.done("anna", "GET", f"/{case}")["recalled"]
    assert [(one["service"], one["fields"]) for one in flagged] == [(register.code, ["name"])]
