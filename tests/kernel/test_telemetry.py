"""One trace from the browser's request through bus call and adapter to the department's system, as a collector receives it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from collector import Collector, collecting
from department import Department
from joserfc.jwk import OKPKey
from nanning import (
    ANNA,
    ANNA_NAME,
    COMPANY,
    MARKET,
    MATTER,
    POPULATION,
    SEALS,
    Nanning,
    configuration,
    neighbour,
    settle,
)
from served import served

from gdbos.identity.system import PublicKey, System, register_system
from gdbos.testing import PASSWORD, deployment, free_port, serving
from gdbos_scenarios.departments.program import running

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BROWSER = "00f067aa0ba902b7"
HEADERS = {"traceparent": f"00-{TRACE}-{BROWSER}-01"}


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Collector, httpx.Client, Department, str, str]]:
    """A node in a process of its own that sends its traces, a system with grants, the departments' address and a live case."""
    folder = tmp_path_factory.mktemp("traced")
    with running(folder / "departments") as departments, collecting() as collector, neighbour() as scripted:
        extra = configuration(departments, scripted, f'[telemetry]\notlp = "{collector.url}"\nsample = 0.0')
        port = free_port()
        made = deployment(folder, extra=extra)
        key = OKPKey.generate_key("Ed25519", parameters={"kid": "k1"})
        with serving(made, prepare=settle) as site:
            case = Nanning(site, departments, scripted).case(citizen=ANNA)
            public = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(key.as_dict(private=False)["x"]))
            site.unit(register_system, System(client_id="desk.test", body=MARKET, name="Desk", keys=(public,)))
        with served(made.path, port) as node, httpx.Client(base_url=node.url, trust_env=False, timeout=20) as http:
            system = Department(http, "desk.test", key)
            grant(http, system, POPULATION)
            grant(http, system, SEALS)
            yield collector, http, system, departments.url, case


def grant(http: httpx.Client, system: Department, service: str) -> None:
    asked = system.ask("ApiBusGrantsAsk", {"service": service, "purpose": "to check"}).json()["id"]
    opened = http.post("/api/identity/sessions", json={"login": "guard", "password": PASSWORD})
    bearer = {"authorization": f"Bearer {opened.json()['token']}"}
    http.cookies.clear()
    decision = {"approve": True, "reason": "as the law has it"}
    assert http.post(f"/api/bus/grants/{asked}/decision", json=decision, headers=bearer).status_code == 200


def test_one_trace_reaches_from_the_browser_to_the_departments_system(traced: tuple) -> None:
    collector, http, system, departments, case = traced
    question = {"value": {"citizen_id": ANNA}, "matter": MATTER, "case": case, "purpose": "check"}
    bearer = {"authorization": f"Bearer {system.token}"}
    answered = http.post(f"/api/bus/calls/{POPULATION}", json=question, headers=bearer | HEADERS)
    assert answered.status_code == 200, answered.text
    spans = collector.wait_for("POST /api/bus/calls/{service}")
    ours = {span.name: span for span in spans if span.trace_id.hex() == TRACE}
    edge, call = ours["POST /api/bus/calls/{service}"], ours[f"bus.call {POPULATION}"]
    adapter = ours[f"adapter http {POPULATION}"]
    assert edge.parent_span_id.hex() == BROWSER
    assert (call.parent_span_id, adapter.parent_span_id) == (edge.span_id, call.span_id)
    assert edge.start_time_unix_nano <= call.start_time_unix_nano <= adapter.start_time_unix_nano
    received = httpx.get(f"{departments}/_state", trust_env=False).json()["traces"]["population"]
    assert received == f"00-{TRACE}-{adapter.span_id.hex()}-01"


def test_the_log_of_the_call_names_the_same_trace(traced: tuple) -> None:
    _, http, system, _, _ = traced
    bearer = {"authorization": f"Bearer {system.token}"}
    answered = http.post(f"/api/bus/calls/{POPULATION}", json={"value": {}}, headers=bearer | HEADERS)
    assert answered.json()["trace"] == TRACE


def test_nobody_is_traced_who_did_not_ask_for_it(traced: tuple) -> None:
    """With sample = 0 only a caller's own sampled trace is followed."""
    collector, http, _, _, _ = traced
    http.get("/health/live")
    http.get("/health/ready", headers=HEADERS)
    spans = collector.wait_for("GET /health/ready")
    assert "GET /health/live" not in {span.name for span in spans}


def test_spans_hold_no_personal_data_whatever_goes_wrong(traced: tuple) -> None:
    collector, http, system, _, case = traced
    bearer = {"authorization": f"Bearer {system.token}"} | HEADERS
    nobody = "450103199001019981"
    questions = [
        {"value": {"citizen_id": ANNA[:-1] + "4"}, "case": case},
        {"value": {"citizen_id": ANNA, "name": ANNA_NAME}, "case": case},
        {"value": {"citizen_id": ANNA}, "case": "none"},
        {"value": {"citizen_id": nobody}, "case": case},
    ]
    for question in questions:
        body = {"matter": MATTER, "purpose": "check", **question}
        assert 400 <= http.post(f"/api/bus/calls/{POPULATION}", json=body, headers=bearer).status_code < 500
    http.post(f"/api/bus/calls/{SEALS}", json={"value": {"uscc": COMPANY}, "matter": "enterprise.seal"}, headers=bearer)
    http.get(f"/api/files/{ANNA}", headers=bearer)
    http.get(f"/no/such/{ANNA}?name={ANNA_NAME}", headers=bearer)
    http.get("/health/ready", headers=HEADERS | {"tracestate": f"x={ANNA}"})
    http.get("/api/standards/packs", headers=HEADERS)
    collector.wait_for("GET /api/standards/packs")
    received = b"".join(collector.raw)
    for word in (ANNA, ANNA[:-1], nobody, ANNA_NAME, case):
        assert word.encode() not in received
    assert [span.name for span in collector.spans() if span.events or span.status.message] == []
