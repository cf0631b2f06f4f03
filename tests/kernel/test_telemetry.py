"""One trace from the browser's request through bus call and adapter to the department's system, as a collector receives it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
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
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from served import served

from gdbos.identity.system import PublicKey, System, register_system
from gdbos.testing import PASSWORD, deployment, free_port, serving
from gdbos_scenarios.departments.program import running

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BROWSER = "00f067aa0ba902b7"
HEADERS = {"traceparent": f"00-{TRACE}-{BROWSER}-01"}


class Collector:
    """An OTLP/HTTP collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.url = ""
        self.raw: list[bytes] = []

    def spans(self) -> list[Span]:
        """Every span received, the earliest first."""
        found = []
        for body in list(self.raw):
            request = ExportTraceServiceRequest.FromString(body)
            found += [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def wait_for(self, name: str) -> list[Span]:
        """The spans, once one called ``name`` is among them."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if any(span.name == name for span in self.spans()):
                return self.spans()
            time.sleep(0.05)
        raise AssertionError(f"no span {name} came; there are {[span.name for span in self.spans()]}")


@contextmanager
def collecting() -> Iterator[Collector]:
    found = Collector()

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            found.raw.append(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


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
