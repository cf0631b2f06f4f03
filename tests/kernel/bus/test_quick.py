"""The quick way in and the ordinary one end in the same steps: same answers, same refusals, same evidence, same moment of ending."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from department import Department
from nanning import ANNA, MARKET, MATTER, POPULATION, Nanning, nanning, neighbour

from gdbos.bus.quick import Quick
from gdbos.identity.system import find_system, replace_keys
from gdbos.unit import Unit
from gdbos_scenarios.departments.program import running

LONG_WAY = {"accept-language": "zh"}
"""A header that makes a request take the ordinary way."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nanning]:
    folder: Path = tmp_path_factory.mktemp("quick")
    with (
        running(folder / "departments") as departments,
        neighbour() as scripted,
        nanning(folder, f"sqlite:///{folder}/home/gdbos.db", departments, scripted) as found,
    ):
        yield found


@pytest.fixture
def taken(city: Nanning, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the requests took the quick way, by their paths."""
    paths: list[str] = []
    enter = Quick.__call__

    async def entering(self: Quick, scope: Any, *rest: Any) -> None:
        paths.append(scope["path"])
        await enter(self, scope, *rest)

    monkeypatch.setattr(Quick, "__call__", entering)
    return paths


def sent(city: Nanning, system: Department, body: Any, service: str = POPULATION, **more: str) -> Any:
    headers = {"authorization": f"Bearer {system.token}", **more}
    return city.site.client.post(f"/api/bus/calls/{service}", json=body, headers=headers)


def question(case: str, **other: Any) -> dict[str, Any]:
    return {"value": {"citizen_id": ANNA}, "matter": MATTER, "case": case, "purpose": "check"} | other


def test_a_system_met_before_takes_the_quick_way_and_leaves_the_same(city: Nanning, taken: list[str]) -> None:
    system, case = city.granted(), city.case(citizen=ANNA)
    first = sent(city, system, question(case))
    assert taken == []
    second = sent(city, system, question(case))
    assert len(taken) == 1
    third = sent(city, system, question(case), **LONG_WAY)
    assert len(taken) == 1
    varying = {"call", "at"}
    answers = [{k: v for k, v in one.json().items() if k not in varying} for one in (first, second, third)]
    assert answers[0] == answers[1] == answers[2]
    assert {k: v for k, v in second.headers.items() if k != "gdbos-call"} == {
        k: v for k, v in third.headers.items() if k != "gdbos-call"
    }
    assert [entry["outcome"] for entry in city.log(system)] == ["done"] * 3
    seen = [receipt["call"] for receipt in city.receipts("anna")]
    assert all(one.json()["call"] in seen for one in (first, second, third))


@pytest.mark.parametrize(
    ("body", "service", "headers"),
    [
        (question("CASE-NONE"), POPULATION, {}),
        (question("", value={"citizen_id": "1"}), POPULATION, {}),
        (question(""), "no.such.service", {}),
        ({"value": 1}, POPULATION, {}),
        ({"extra": 1}, POPULATION, {}),
        (question("\x00"), POPULATION, {}),
        (question(""), POPULATION, {"content-type": "text/plain"}),
        (question(""), POPULATION, {"x-gov-deadline": "soon"}),
        (question(""), POPULATION, {"idempotency-key": "?"}),
    ],
)
def test_what_is_refused_is_refused_in_the_same_words(
    city: Nanning, taken: list[str], body: Any, service: str, headers: dict[str, str]
) -> None:
    system = city.granted()
    sent(city, system, question(""))
    quick = sent(city, system, body, service, **headers)
    assert len(taken) == 1
    slow = sent(city, system, body, service, **headers, **LONG_WAY)
    assert (quick.status_code, quick.json()) == (slow.status_code, slow.json())
    assert quick.status_code >= 400
    assert dict(quick.headers) == dict(slow.headers)


def test_what_is_no_ordinary_call_takes_the_ordinary_way(city: Nanning, taken: list[str]) -> None:
    system = city.granted()
    sent(city, system, question(""))
    path, known = f"/api/bus/calls/{POPULATION}", {"authorization": f"Bearer {system.token}"}
    assert city.site.client.get(path, headers=known).status_code == 405
    assert city.site.client.post(path, json={}).status_code == 401
    assert city.site.client.post(path, json={}, headers={"authorization": "Bearer x"}).status_code == 401
    assert city.site.client.post(f"{path}/more", json={}, headers=known).status_code == 404
    assert city.site.client.post(path, json={}, headers=known | {"sec-fetch-site": "cross-site"}).status_code == 422
    assert taken == []


def test_a_system_switched_off_is_refused_at_its_next_call(city: Nanning, taken: list[str]) -> None:
    system, case = city.granted(body=MARKET), city.case(citizen=ANNA)
    assert [sent(city, system, question(case)).status_code for _ in range(2)] == [200, 200]
    assert len(taken) == 1

    def switch_off(unit: Unit) -> None:
        known = find_system(unit, system.client_id)
        assert known is not None
        replace_keys(unit, system.client_id, known.keys, active=False)

    city.site.unit(switch_off)
    assert sent(city, system, question(case)).status_code == 401
    assert len(taken) == 1
