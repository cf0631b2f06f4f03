"""Questions, repeats, batches and what is known against the data, through HTTP and against a system that tests steer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from department import Department
from nanning import ANNA, ANNA_NAME, BEN, BEN_NAME, MATTER, POLICE, Nanning, Neighbour, nanning, neighbour
from sqlalchemy import select, update

from gdbos.bus.notice import lift_notice, post_notice
from gdbos.bus.repeat import KEPT, bus_repeat, forget_answers
from gdbos.ledger.leaf import CALLS
from gdbos.ledger.tables import leaf
from gdbos.testing import postgres_database
from gdbos_scenarios.departments.program import running

SERVICE = "police.desk.people"
PEOPLE = {
    ANNA: {"citizen_id": ANNA, "name": ANNA_NAME, "sex": "2", "birth_date": "1985-03-12"},
    BEN: {"citizen_id": BEN, "name": BEN_NAME, "sex": "1", "birth_date": "1990-07-21"},
}
ADULT = [{"field": "birth_date", "is": "age>=18"}]


@pytest.fixture(scope="module")
def scripted() -> Iterator[Neighbour]:
    with neighbour() as found:
        yield found


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def city(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, scripted: Neighbour
) -> Iterator[Nanning]:
    folder = tmp_path_factory.mktemp("asking")
    with ExitStack() as stack:
        postgres = request.param == "postgres"
        url = stack.enter_context(postgres_database()) if postgres else f"sqlite:///{folder}/home/gdbos.db"
        departments = stack.enter_context(running(folder / "departments"))
        found = stack.enter_context(nanning(folder, url, departments, scripted))
        service = {
            "code": SERVICE,
            "title": {"zh": "人员查询", "en": "People"},
            "system": "register",
            "takes": "nanning.population.query",
            "gives": "nanning.population.person",
            "subject": {"kind": "person", "field": "citizen_id"},
            "updates": "2",
            "settings": {
                "base": "{neighbour}",
                "path": "/people",
                "request": {"citizen_id": "citizen_id"},
                "response": {field: field for field in PEOPLE[ANNA]},
            },
        }
        assert found.system(POLICE).ask("ApiBusServicesRegister", service).status_code == 201
        yield found


@pytest.fixture(autouse=True)
def register(scripted: Neighbour) -> None:
    scripted.answer = lambda body: PEOPLE[body["citizen_id"]]


def look(city: Nanning, system: Department, case: str, citizen: str = ANNA, key: str = "", **more: Any) -> Any:
    question = {"value": {"citizen_id": citizen}, "matter": MATTER, "case": case, "purpose": "check", **more}
    return sent(system, f"/api/bus/calls/{SERVICE}", question, key)


def sent(system: Department, path: str, body: Any, key: str = "") -> Any:
    headers = {"authorization": f"Bearer {system.token}", "accept-language": "en"}
    headers |= {"idempotency-key": key} if key else {}
    return system.http.post(path, json=body, headers=headers)


def kind(answered: Any) -> tuple[int, str]:
    return answered.status_code, answered.json()["type"].removeprefix("urn:gdbos:problem:")


# Questions.


def test_a_question_is_answered_without_the_value(city: Nanning) -> None:
    system = city.granted(SERVICE, questions=["birth_date age >= 18", "sex"])
    case = city.case(citizen=ANNA)
    answered = look(city, system, case, ask=[*ADULT, {"field": "sex", "is": "in 1"}])
    assert answered.json()["value"] == {"birth_date age >= 18": True, "sex in 1": False}
    assert "1985" not in answered.text
    receipt = city.receipts("anna")[0]
    assert (receipt["call"], receipt["fields"]) == (answered.json()["call"], ["birth_date age >= 18", "sex in 1"])
    page = city.site.client.get("/portal/receipts", headers=city.site.sign_in("anna") | {"accept-language": "en"})
    assert "Only asked whether" in page.text
    assert "age &gt;= 18" in page.text


def test_the_ledger_names_the_field_and_not_what_was_guessed(city: Nanning) -> None:
    system, case = city.granted(SERVICE, questions=["birth_date"]), city.case(citizen=ANNA)
    guess = [{"field": "birth_date", "is": "between 1985-03-12 and 1985-03-12"}]
    assert look(city, system, case, ask=guess).json()["value"] == {"birth_date between 1985-03-12 and 1985-03-12": True}
    city.site.call(city.site.kernel.book.settle)
    stored = city.site.unit(
        lambda unit: (
            unit.execute(select(leaf.c.leaf).where(leaf.c.log == CALLS).order_by(leaf.c.position)).scalars().all()
        )
    )
    assert b"birth_date?" in stored[-1]
    assert b"1985" not in stored[-1]


def test_who_may_only_ask_receives_no_values_and_no_other_answers(city: Nanning) -> None:
    system, case = city.granted(SERVICE, questions=["birth_date age >= 18"]), city.case(citizen=ANNA)
    asked = len(city.scripted.asked)
    assert kind(look(city, system, case)) == (403, "no-grant")
    assert kind(look(city, system, case, ask=[{"field": "birth_date", "is": "age>=21"}])) == (403, "no-grant")
    assert kind(look(city, system, case, ask=[{"field": "name", "is": "in 韦"}])) == (422, "invalid")
    assert len(city.scripted.asked) == asked
    masked = city.granted(SERVICE, fields=["birth_date"])
    assert kind(look(city, masked, case, ask=ADULT)) == (403, "no-grant")


def test_a_grant_asks_only_what_can_be_asked(city: Nanning) -> None:
    asked = {"service": SERVICE, "purpose": "check", "questions": ["birth_date age >= 18", "name in A"]}
    wrong = city.system().ask("ApiBusGrantsAsk", asked)
    assert [one["path"] for one in wrong.json()["violations"]] == ["$.questions[1]"]


# Repeats.


def test_a_repeated_call_gets_the_first_answer_and_a_receipt_of_its_own(city: Nanning) -> None:
    system, case = city.granted(SERVICE, clear=["*"]), city.case(citizen=ANNA)
    asked, receipts = len(city.scripted.asked), len(city.receipts("anna"))
    first = look(city, system, case, key="k-1").json()
    city.scripted.answer = lambda body: PEOPLE[ANNA] | {"name": "改名"}
    again = look(city, system, case, key='"k-1"').json()
    assert again["value"] == first["value"]
    assert again["call"] != first["call"]
    assert len(city.scripted.asked) == asked + 1
    assert len(city.receipts("anna")) == receipts + 2
    assert look(city, system, case, key="k-2").json()["value"]["name"] == "改名"


def test_a_repeat_passes_grant_and_basis_again(city: Nanning) -> None:
    system, case = city.system(), city.case(citizen=ANNA)
    grant = city.grant(system, SERVICE)
    assert look(city, system, case, key="k").status_code == 200
    city.decide(grant, path="revoke")
    assert kind(look(city, system, case, key="k")) == (403, "no-grant")
    city.grant(system, SERVICE)
    assert kind(look(city, system, case, key="k")) == (409, "conflict")
    assert look(city, system, case, key="other").status_code == 200
    city.close(case)
    assert kind(look(city, system, case, key="other")) == (403, "no-basis")


def test_a_key_belongs_to_one_request_of_one_system(city: Nanning) -> None:
    system, case = city.granted(SERVICE), city.case(citizen=ANNA)
    assert look(city, system, case, key="mine").status_code == 200
    other = look(city, system, city.case(citizen=BEN), citizen=BEN, key="mine")
    assert kind(other) == (422, "invalid")
    assert BEN_NAME not in other.text
    asked = len(city.scripted.asked)
    assert look(city, city.granted(SERVICE), case, key="mine").status_code == 200
    assert len(city.scripted.asked) == asked + 1
    assert kind(look(city, system, case, key="a b")) == (400, "bad-request")


def test_two_at_once_are_one_and_a_failed_one_frees_the_key(city: Nanning) -> None:
    system, case = city.granted(SERVICE), city.case(citizen=ANNA)
    reached, go = threading.Event(), threading.Event()

    def slowly(body: Any) -> Any:
        reached.set()
        go.wait(5)
        return PEOPLE[ANNA]

    city.scripted.answer = slowly
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(look(city, system, case, key="once")))
    thread.start()
    assert reached.wait(5)
    assert kind(look(city, system, case, key="once")) == (409, "conflict")
    go.set()
    thread.join(10)
    assert found[0].status_code == 200
    city.scripted.answer = lambda body: {"nothing": "of use"}
    assert look(city, system, case, key="fails").status_code == 502
    city.scripted.answer = lambda body: PEOPLE[ANNA]
    assert look(city, system, case, key="fails").status_code == 200


def test_kept_answers_are_sealed_and_short_lived(city: Nanning) -> None:
    system, case = city.granted(SERVICE, clear=["*"]), city.case(citizen=ANNA)
    look(city, system, case, key="short")
    mine = bus_repeat.c.system == system.client_id

    def rows() -> list[Any]:
        return list(city.site.unit(lambda unit: unit.execute(unit.rows(bus_repeat).where(mine)).mappings().all()))

    (kept,) = rows()
    assert all(ANNA_NAME.encode() not in bytes(kept[name]) for name in ("reply", "asked"))
    asked = len(city.scripted.asked)
    age = update(bus_repeat).where(mine)
    city.site.unit(lambda unit: unit.execute(age.values(at=unit.now - KEPT)))
    assert look(city, system, case, key="short").status_code == 200
    assert len(city.scripted.asked) == asked + 1
    city.site.unit(lambda unit: unit.execute(age.values(at=unit.now - KEPT)))
    assert city.site.unit(forget_answers) >= 1
    assert rows() == []


# Batches.


def batch(system: Department, items: list[Any], key: str = "", **more: Any) -> Any:
    body = {"items": items, "matter": MATTER, "purpose": "check", **more}
    return sent(system, f"/api/bus/calls/{SERVICE}/batch", body, key)


def test_a_batch_answers_each_item_for_itself(city: Nanning) -> None:
    system = city.granted(SERVICE)
    annas, bens = len(city.receipts("anna")), len(city.receipts("ben"))
    items = [
        {"value": {"citizen_id": ANNA}, "case": city.case(citizen=ANNA)},
        {"value": {"citizen_id": BEN}, "case": "CASE-NONE"},
        {"value": {"citizen_id": BEN}, "case": city.case(citizen=BEN)},
        {"value": {"citizen": BEN}},
    ]
    answered = batch(system, items)
    assert answered.status_code == 200
    outcomes = [
        one["reply"]["value"]["sex"] if "reply" in one else one["problem"]["type"].rpartition(":")[2]
        for one in answered.json()["answers"]
    ]
    assert outcomes == ["***", "no-basis", "***", "invalid"]
    assert len({one["reply"]["call"] for one in answered.json()["answers"] if "reply" in one}) == 2
    assert (len(city.receipts("anna")), len(city.receipts("ben"))) == (annas + 1, bens + 1)
    assert sorted(entry["outcome"] for entry in city.log(system)) == ["done", "done", "invalid", "no-basis"]


def test_a_batch_spends_the_rate_of_its_items(city: Nanning) -> None:
    system, case = city.granted(SERVICE, rate=3), city.case(citizen=ANNA)
    answered = batch(system, [{"value": {"citizen_id": ANNA}}] * 5, case=case).json()["answers"]
    assert sum("reply" in one for one in answered) == 3
    assert {one["problem"]["type"].rpartition(":")[2] for one in answered if "problem" in one} == {"too-many"}


def test_a_repeated_batch_gets_its_first_answers_and_asks_again_only_what_failed(city: Nanning) -> None:
    system, ended = city.granted(SERVICE), city.case(citizen=BEN)
    items = [
        {"value": {"citizen_id": ANNA}, "case": city.case(citizen=ANNA)},
        {"value": {"citizen_id": BEN}, "case": ended + "-NOT"},
    ]
    asked = len(city.scripted.asked)
    first = batch(system, items, key="b1", ask=[]).json()["answers"]
    again = batch(system, items, key="b1").json()["answers"]
    assert again[0]["reply"]["value"] == first[0]["reply"]["value"]
    assert again[1]["problem"]["status"] == 403
    assert len(city.scripted.asked) == asked + 1


@pytest.mark.parametrize("items", [[], [{"value": {}}] * 201, [{"value": 1}], "many"])
def test_a_batch_has_between_one_and_two_hundred_items(city: Nanning, items: Any) -> None:
    assert batch(city.granted(SERVICE), items).status_code == 422


# What is known against the data.


def test_a_reply_says_where_from_how_fresh_and_what_is_known_against_it(city: Nanning) -> None:
    system, case = city.granted(SERVICE, fields=["name", "sex"]), city.case(citizen=ANNA)

    def post(unit: Any) -> None:
        post_notice(unit, "t-1", service=SERVICE, kind="ticket", field="sex")
        post_notice(unit, "t-2", service=SERVICE, kind="ticket", field="sex")
        post_notice(unit, "t-3", service=SERVICE, kind="ticket", field="birth_date")
        post_notice(unit, "o-1", service=SERVICE, kind="objection")

    city.site.unit(post)
    reply = look(city, system, case).json()
    assert (reply["provider"], reply["source"], reply["updates"]) == (POLICE, "register", "2")
    assert [(one["kind"], one["field"], one["count"]) for one in reply["known"]] == [
        ("objection", "", 1),
        ("ticket", "sex", 2),
    ]
    for ref in ("t-1", "t-2", "o-1"):
        city.site.unit(lift_notice, ref)
    assert "known" not in look(city, system, case).json()
