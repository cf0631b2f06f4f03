"""Doors that a review found open, tried from outside: each is shut, and what stands behind it is not even asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from department import Department
from nanning import (
    ANNA,
    ANNA_NAME,
    COMPANY,
    MATTER,
    POLICE,
    POPULATION,
    TAX,
    Nanning,
    Neighbour,
    configuration,
    nanning,
    neighbour,
    settle,
)

from gdbos.bus.grant import Used, ended
from gdbos.testing import deployment, serving
from gdbos.unit import Unit
from gdbos_scenarios.departments.program import Running, running

PERSON = {"citizen_id": ANNA, "name": ANNA_NAME, "sex": "1", "birth_date": "1985-03-12"}
QUERY, FULL = "nanning.population.query", "nanning.population.person"
SETTINGS = {
    "base": "{neighbour}",
    "path": "/people",
    "request": {"citizen_id": "citizen_id"},
    "response": {name: name for name in PERSON},
}


@pytest.fixture(scope="module")
def scripted() -> Iterator[Neighbour]:
    with neighbour() as found:
        found.answer = lambda body: PERSON
        yield found


@pytest.fixture(scope="module")
def departments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("departments")) as found:
        yield found


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, departments: Running, scripted: Neighbour) -> Iterator[Nanning]:
    folder = tmp_path_factory.mktemp("doors")
    keys = f'keys = {{ url = "{folder}/keys", bodies = ["{POLICE}"] }}'
    with nanning(folder, f"sqlite:///{folder}/home/gdbos.db", departments, scripted, keys) as found:
        yield found


def register(system: Department, code: str = "", version: int = 1, **more: Any) -> Any:
    wanted = {
        "code": code or system.client_id.replace("-", "") + ".people",
        "version": version,
        "title": {"zh": "人员查询", "en": "People"},
        "takes": QUERY,
        "gives": FULL,
        "subject": {"kind": "person", "field": "citizen_id"},
        "settings": SETTINGS,
    }
    return system.ask("ApiBusServicesRegister", wanted | more)


def call(city: Nanning, system: Department, code: str, value: Any = None, case: str = "") -> Any:
    question = {"value": value or {"citizen_id": ANNA}, "matter": MATTER, "purpose": "check"}
    about = {"case": case or city.case(citizen=ANNA)}
    return system.ask("ApiBusCallsServiceCall", question | about, service=code)


# Whose a service is.


def test_a_code_given_up_is_answered_by_nobody_and_taken_over_by_nobody(city: Nanning) -> None:
    police = city.system(POLICE)
    code = register(police).json()["code"]
    consumer = city.granted(code)
    assert call(city, consumer, code).status_code == 200
    today = {"on": city.site.kernel.units.around.today().isoformat(), "reason": "given up"}
    assert police.ask("ApiBusServicesCodeVersionsWithdrawWithdraw", today, code=code, version="1").status_code == 200
    asked = len(city.scripted.asked)
    for version in (1, 2):
        taken = register(city.system(TAX), code, version)
        assert (taken.status_code, taken.json()["type"]) == (403, "urn:gdbos:problem:forbidden")
    assert call(city, consumer, code).status_code == 410
    assert len(city.scripted.asked) == asked


def test_a_service_that_another_body_provides_now_is_not_reached_by_an_old_grant(
    tmp_path: Path, database: str, departments: Running, scripted: Neighbour
) -> None:
    """The deployment gives the population register to another body; who was granted it by the old one asks anew."""
    before = configuration(departments, scripted)
    after = before.replace(f'public-security = "{POLICE}"', f'public-security = "{TAX}"')
    with serving(deployment(tmp_path, extra=before, database=database), prepare=settle) as site:
        old = Nanning(site, departments, scripted)
        system, case = old.system(), old.case(citizen=ANNA)
        grant = old.grant(system)
        assert call(old, system, POPULATION, case=case).status_code == 200

        def over(unit: Unit) -> list[bool]:
            used = [Used(UUID(grant), provider) for provider in (POLICE, TAX)]
            return [bool(ended(unit.connection, [one], unit.now)) for one in used]

        assert site.unit(over) == [False, True], "nor does the statement that records calls let it through"
    with serving(deployment(tmp_path, extra=after, database=database)) as site:
        new = Nanning(site, departments, scripted)
        asked = new.tally()
        moved = Department(site.client, system.client_id, system.key)  # type: ignore[arg-type]
        refused = call(new, moved, POPULATION, case=case)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:gdbos:problem:no-grant")
        assert new.tally() == asked
        new.grant(moved)
        assert call(new, moved, POPULATION, case=case).status_code == 200


# What is registered online.


@pytest.mark.parametrize(
    "changes",
    [
        {"base": "{neighbour}2"},
        {"base": "{neighbour}:8080/x"},
        {"base": "{neighbour}@elsewhere.example"},
        {"base": "{neighbour}/../other"},
        {"base": "{departments_keys}"},
        {"base": "http://127.0.0.1:22"},
        {"auth": {"kind": "header", "name": "X-Key", "secret": {"file": "{keys}/../ring.json"}}},
        {"auth": {"kind": "header", "name": "X-Key", "secret": {"file": "{keys}2/key"}}},
        {"auth": {"kind": "header", "name": "X-Key", "secret": {"file": "/etc/passwd"}}},
        {"auth": {"kind": "header", "name": "X-Key", "secret": {"file": "{departments_keys}/key"}}},
        {"auth": {"kind": "header", "name": "X-Key", "secret": {"env": "HOME"}}},
    ],
)
def test_places_and_secrets_named_online_cannot_be_widened(city: Nanning, changes: dict[str, Any]) -> None:
    refused = register(city.system(POLICE), settings=SETTINGS | changes)
    assert refused.status_code == 422 and refused.json()["violations"], refused.text


def test_a_secret_of_ones_own_place_is_taken(city: Nanning) -> None:
    own = {"auth": {"kind": "header", "name": "X-Key", "secret": {"file": "{keys}/key"}}}
    assert register(city.system(POLICE), settings=SETTINGS | own).status_code == 201
    assert register(city.system(TAX), settings=SETTINGS | own).status_code == 422


# Whom a call is about.

SUBJECT = "legal_representative_citizen_id"
NAMELESS = {
    "uscc": COMPANY,
    "name": "南宁示例商贸有限公司",
    "address": "广西南宁市青秀区示范路1号",
    "legal_representative_name": ANNA_NAME,
}
"""A request in which the standard lets the subject be left out."""


def test_a_call_that_does_not_say_whose_data_it_asks_for_is_refused(city: Nanning) -> None:
    service = register(
        city.system(POLICE),
        takes="legal-person",
        subject={"kind": "person", "field": SUBJECT},
        settings=SETTINGS | {"request": {"name": "legal_representative_name"}},
    )
    assert service.status_code == 201, service.text
    consumer, asked = city.granted(service.json()["code"]), len(city.scripted.asked)
    refused = call(city, consumer, service.json()["code"], NAMELESS)
    assert refused.status_code == 422, refused.text
    assert [one["path"] for one in refused.json()["violations"]] == [f"$.{SUBJECT}"]
    assert len(city.scripted.asked) == asked
    named = call(city, consumer, service.json()["code"], NAMELESS | {SUBJECT: ANNA})
    assert named.status_code == 200, named.text


# A node that can write nothing down.


def test_a_node_that_only_reads_calls_nobody(tmp_path: Path, departments: Running, scripted: Neighbour) -> None:
    """Its database is an older copy than its ledger: nothing could be recorded, so nobody is asked."""
    made = deployment(tmp_path, extra=configuration(departments, scripted))
    home = made.settings.home
    with serving(made, prepare=settle) as site:
        city = Nanning(site, departments, scripted)
        code = register(city.system(POLICE)).json()["code"]
        consumer, case = city.granted(code), city.case(citizen=ANNA)
        assert call(city, consumer, code, case=case).status_code == 200
        site.call(site.kernel.book.catch_up)
    shutil.copy(home / "gdbos.db", tmp_path / "older.db")
    with serving(made) as site:
        site.unit(lambda unit: unit.record("test.done"))
        site.call(site.kernel.book.catch_up)
    shutil.copy(tmp_path / "older.db", home / "gdbos.db")
    with serving(made) as site:
        asked = len(scripted.asked)
        consumer.http = site.client  # type: ignore[assignment]
        refused = consumer.ask(
            "ApiBusCallsServiceCall",
            {"value": {"citizen_id": ANNA}, "matter": MATTER, "purpose": "check", "case": case},
            service=code,
        )
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:gdbos:problem:read-only"), refused.text
        assert len(scripted.asked) == asked
