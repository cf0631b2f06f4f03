"""The raw entrance of the bus behaves as any other address does, and one bad call never spoils another."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from department import Department
from nanning import ANNA, MATTER, POPULATION, Nanning, nanning, neighbour

from gdbos.testing import postgres_database
from gdbos_scenarios.departments.program import running

PATH = f"/api/bus/calls/{POPULATION}"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nanning]:
    folder = tmp_path_factory.mktemp("entrance")
    with ExitStack() as stack:
        departments, scripted = stack.enter_context(running(folder / "departments")), stack.enter_context(neighbour())
        postgres = request.param == "postgres"
        url = stack.enter_context(postgres_database()) if postgres else f"sqlite:///{folder}/home/gdbos.db"
        yield stack.enter_context(nanning(folder, url, departments, scripted))


def sent(city: Nanning, system: Department | None, body: bytes, method: str = "POST", **headers: str) -> Any:
    known = {"authorization": f"Bearer {system.token}"} if system else {}
    kind = {"content-type": "application/json"}
    return city.site.client.request(method, PATH, content=body, headers=known | kind | headers)


def code(answered: Any) -> tuple[int, str]:
    return answered.status_code, answered.json()["type"].removeprefix("urn:gdbos:problem:")


def test_it_says_which_methods_it_takes(city: Nanning) -> None:
    system = city.system()
    asked = sent(city, system, b"", "OPTIONS")
    assert (asked.status_code, asked.headers["allow"]) == (204, "OPTIONS, POST")
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        refused = sent(city, system, b"", method)
        assert (*code(refused), refused.headers["allow"]) == (405, "method-not-allowed", "OPTIONS, POST")


def test_nobody_known_is_refused_whatever_they_send(city: Nanning) -> None:
    assert code(sent(city, None, b"{}")) == (401, "unauthenticated")
    assert code(sent(city, None, b"not json")) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"", {}, (400, "bad-request")),
        (b"{", {}, (400, "bad-request")),
        (b'{"value": {"citizen_id": "\\u0000"}}', {}, (400, "bad-request")),
        (b'{"value": "\xff"}', {}, (400, "bad-request")),
        (b'{"value": ' + b"[" * 100_000, {}, (400, "bad-request")),
        (b"{}", {"content-type": "text/plain"}, (415, "unsupported-media-type")),
        (b" " * 1_100_000, {}, (413, "too-large")),
        (b"{}", {}, (422, "invalid")),
        (b'{"value": {}, "matter": 1}', {}, (422, "invalid")),
        (b'{"value": {}, "extra": 1}', {}, (422, "invalid")),
    ],
    ids=["empty", "cut", "nul", "no utf-8", "deep", "text", "huge", "no value", "wrong type", "unknown"],
)
def test_what_cannot_be_read_is_refused_in_words(
    city: Nanning, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    answered = sent(city, city.granted(), body, **headers)
    assert code(answered) == expected
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["x-content-type-options"] == "nosniff"


def test_a_violation_names_its_field(city: Nanning) -> None:
    answered = sent(city, city.system(), b'{"value": {}, "matter": 1}').json()
    assert [one["path"] for one in answered["violations"]] == ["$.matter"]


def test_a_value_that_is_no_record_is_a_violation_of_it(city: Nanning) -> None:
    system = city.granted()
    for value in (b"1", b"[]", b"null", b'"x"'):
        assert code(sent(city, system, b'{"value": ' + value + b"}")) == (422, "invalid")


def test_the_document_describes_it(city: Nanning) -> None:
    document = city.site.client.get("/schema/openapi.json").json()
    operation = document["paths"]["/api/bus/calls/{service}"]["post"]
    assert operation["x-permission"] == "kernel.bus.call"
    assert {"200", "400", "401", "403", "404", "410", "413", "415", "422", "429", "502", "503", "504"} <= set(
        operation["responses"]
    )
    assert {"CallRequest", "Reply"} <= set(document["components"]["schemas"])


def test_a_call_that_cannot_be_written_down_does_not_spoil_those_it_shares_a_transaction_with(city: Nanning) -> None:
    system, case = city.granted(), city.case(citizen=ANNA)
    question = {"value": {"citizen_id": ANNA}, "matter": MATTER, "case": case, "purpose": "check"}

    def ask(turn: int) -> int:
        service = POPULATION if turn % 2 else "x" * 400  # no column is that wide
        return system.ask("ApiBusCallsServiceCall", question, service=service).status_code

    with ThreadPoolExecutor(8) as crowd:
        statuses = list(crowd.map(ask, range(24)))
    assert statuses[1::2] == [200] * 12
    assert set(statuses[::2]) <= {400, 404}


def test_the_callers_deadline_bounds_the_whole_call(city: Nanning) -> None:
    system, case = city.granted(), city.case(citizen=ANNA)
    asked = json.dumps({"value": {"citizen_id": ANNA}, "matter": MATTER, "case": case}).encode()
    city.switch(slow={"population": 2.5})
    try:
        begin = time.monotonic()
        refused = sent(city, system, asked, **{"x-gov-deadline": "300"})
        assert (code(refused), time.monotonic() - begin < 1.5) == ((504, "provider-timeout"), True)
    finally:
        city.switch(slow={"population": 0})
    assert sent(city, system, asked, **{"x-gov-deadline": "3000"}).status_code == 200
    for deadline in ("soon", "-1", "1.5", "9" * 10):
        assert code(sent(city, system, asked, **{"x-gov-deadline": deadline})) == (400, "bad-request")
