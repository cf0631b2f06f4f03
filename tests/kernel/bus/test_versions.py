"""Versions of a service: which consumers a new one would break, who is answered by which, and how an old one ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from department import Department
from nanning import ANNA, ANNA_NAME, MARKET, MATTER, POLICE, TAX, Nanning, Neighbour, nanning, neighbour
from sqlalchemy import select, update

from gdbos.bus.outbox import outbox
from gdbos.bus.service import bus_service
from gdbos.bus.version import end_versions
from gdbos_scenarios.departments.program import running

PERSON = {"citizen_id": ANNA, "name": ANNA_NAME, "sex": "1", "birth_date": "1985-03-12"}
QUERY, FULL = "nanning.population.query", "nanning.population.person"


@pytest.fixture(scope="module")
def scripted() -> Iterator[Neighbour]:
    with neighbour() as found:
        yield found


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, scripted: Neighbour) -> Iterator[Nanning]:
    folder = tmp_path_factory.mktemp("versions")
    with ExitStack() as stack:
        departments = stack.enter_context(running(folder / "departments"))
        found = stack.enter_context(nanning(folder, f"sqlite:///{folder}/home/gdbos.db", departments, scripted))
        scripted.answer = lambda body: PERSON
        yield found


def registration(code: str, version: int, gives: str, **more: Any) -> dict[str, Any]:
    fields = ["citizen_id"] if gives == QUERY else list(PERSON)
    return {
        "code": code,
        "version": version,
        "title": {"zh": "人员查询", "en": "People"},
        "takes": QUERY,
        "gives": gives,
        "subject": {"kind": "person", "field": "citizen_id"},
        "settings": {
            "base": "{neighbour}",
            "path": f"/v{version}",
            "request": {"citizen_id": "citizen_id"},
            "response": {name: name for name in fields},
        },
        **more,
    }


@pytest.fixture
def police(city: Nanning) -> Department:
    return city.system(POLICE)


@pytest.fixture
def code(police: Department) -> str:
    return police.client_id.replace("-", "") + ".people"


def publish(police: Department, code: str, version: int, gives: str, **more: Any) -> Any:
    return police.ask("ApiBusServicesRegister", registration(code, version, gives, **more))


def look(city: Nanning, system: Department, code: str, **more: Any) -> Any:
    question = {"value": {"citizen_id": ANNA}, "matter": MATTER, "purpose": "check", **more}
    return system.ask("ApiBusCallsServiceCall", question | {"case": city.case(citizen=ANNA)}, service=code)


def test_a_new_version_that_breaks_nobody_answers_everybody(city: Nanning, police: Department, code: str) -> None:
    assert publish(police, code, 1, QUERY).status_code == 201
    market = city.granted(code)
    assert publish(police, code, 2, FULL).status_code == 201
    reply = look(city, market, code).json()
    assert (reply["version"], set(reply["value"])) == (2, {"citizen_id"})  # what v2 adds was not granted
    assert set(look(city, city.granted(code), code).json()["value"]) == set(PERSON)


def test_one_that_would_break_a_consumer_names_consumer_and_field(city: Nanning, police: Department, code: str) -> None:
    publish(police, code, 1, FULL)
    market, unharmed = city.granted(code, fields=["name"]), city.granted(code, fields=["citizen_id"])
    refused = publish(police, code, 2, QUERY)
    assert refused.status_code == 422
    (violation,) = refused.json()["violations"]
    assert (violation["path"], violation["rule"]) == ("$.gives", "breaks-consumer")
    assert market.client_id in violation["detail"]
    assert "name" in violation["detail"]
    assert publish(police, code, 2, QUERY, breaking=True).status_code == 201
    assert [look(city, who, code).json()["version"] for who in (market, unharmed)] == [1, 2]
    assert look(city, market, code).json()["value"]["name"]


def test_a_caller_may_name_a_version_that_is_live(city: Nanning, police: Department, code: str) -> None:
    publish(police, code, 1, QUERY)
    publish(police, code, 2, QUERY)
    market = city.granted(code)
    assert [look(city, market, code, version=one).json()["version"] for one in (0, 1, 2)] == [2, 1, 2]
    absent = look(city, market, code, version=7)
    assert absent.status_code == 404
    assert "2, 1" in absent.json()["detail"]


def test_versions_only_go_up(police: Department, code: str) -> None:
    publish(police, code, 2, QUERY)
    assert publish(police, code, 2, QUERY).status_code == 409
    assert publish(police, code, 1, QUERY).status_code == 409


def test_a_version_ends_with_notice_and_consumers_are_told(city: Nanning, police: Department, code: str) -> None:
    publish(police, code, 1, QUERY)
    market = city.granted(code)
    publish(police, code, 2, QUERY)
    today = city.site.kernel.units.around.today()
    notice = {"on": (today + timedelta(days=30)).isoformat(), "reason": "moved to version 2"}
    ended = police.ask("ApiBusServicesCodeVersionsWithdrawWithdraw", notice, code=code, version="1")
    assert [(one["version"], one["ends_on"]) for one in ended.json()["services"]] == [(2, None), (1, notice["on"])]
    assert look(city, market, code, version=1).status_code == 200
    told = city.site.unit(lambda unit: unit.execute(select(outbox.c.type, outbox.c.body)).all())
    (event,) = [body for kind, body in told if kind == "kernel.bus.version-ending/1" and code.encode() in body]
    assert f'"system":"{market.client_id}"'.encode() in event
    city.site.unit(
        lambda unit: unit.execute(
            update(bus_service)
            .values(ends_on=today)
            .where(bus_service.c.code == code)
            .where(bus_service.c.version == 1)
        )
    )
    assert city.site.unit(end_versions) == 1
    assert look(city, market, code, version=1).status_code == 404
    assert look(city, market, code).json()["version"] == 2


def test_notice_is_given_by_the_provider_and_not_for_the_past(city: Nanning, police: Department, code: str) -> None:
    publish(police, code, 1, QUERY)
    today = city.site.kernel.units.around.today()
    path = "ApiBusServicesCodeVersionsWithdrawWithdraw"
    late = {"on": (today - timedelta(days=1)).isoformat(), "reason": "too late"}
    assert police.ask(path, late, code=code, version="1").status_code == 400
    assert city.system(TAX).ask(path, late | {"on": today.isoformat()}, code=code, version="1").status_code == 403


def test_what_the_provider_promises_is_read_by_everybody(city: Nanning, police: Department, code: str) -> None:
    sla = {"answer_ms": 800, "availability": 99.5, "hours": "7×24"}
    assert publish(police, code, 1, QUERY, sla=sla, updates="1", vertical=True).status_code == 201
    listed = city.system(TAX).ask("ApiBusServicesCodeVersionsVersions", code=code).json()["services"]
    assert [(one["sla"], one["updates"], one["vertical"]) for one in listed] == [(sla, "1", True)]
    unknown = publish(police, code, 2, QUERY, updates="no-such")
    assert [one["path"] for one in unknown.json()["violations"]] == ["$.updates"]


# Grants.


def test_a_grant_may_hold_for_callers_of_some_divisions_only(city: Nanning, police: Department, code: str) -> None:
    publish(police, code, 1, QUERY)
    for divisions, status in (["450100"], 200), (["450000"], 200), (["440100"], 403), (["450103", "440000"], 403):
        market = city.granted(code, divisions=divisions)
        assert look(city, market, code).status_code == status, divisions


def test_a_grant_names_only_what_the_service_gives_and_ends_after_it_begins(
    city: Nanning, police: Department, code: str
) -> None:
    publish(police, code, 1, QUERY)
    asked = {"service": code, "purpose": "check"}
    market = city.system(MARKET)
    wrong = market.ask("ApiBusGrantsAsk", {**asked, "fields": ["citizen_id", "wealth"]})
    assert [one["path"] for one in wrong.json()["violations"]] == ["$.fields[1]"]
    window = {"since": "2030-01-02T00:00:00Z", "until": "2030-01-01T00:00:00Z"}
    assert market.ask("ApiBusGrantsAsk", asked | window).status_code == 422
    window["until"] = "2030-02-01T00:00:00Z"
    kept = market.ask("ApiBusGrantsAsk", asked | window).json()
    assert (kept["since"][:10], kept["until"][:10], kept["fields"], kept["version"]) == (
        "2030-01-02",
        "2030-02-01",
        ["citizen_id"],
        1,
    )
