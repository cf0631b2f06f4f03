"""The main job (企业开办), through the command an integrator would run: seven departments, one form, one submission."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from collector import Collector, collecting

MATTERS = {
    "enterprise": "enterprise.registration",
    "seal": "enterprise.seal",
    "tax": "enterprise.tax",
    "social-insurance": "enterprise.social-insurance",
    "medical-insurance": "enterprise.medical-insurance",
    "housing-fund": "enterprise.housing-fund",
    "bank": "enterprise.bank-account",
}


def demonstrate(*options: str, **environment: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "gdbos", "demo", "enterprise-opening", "--json", *options]
    surroundings = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, timeout=600, check=False, env=surroundings)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def states(found: dict[str, Any]) -> dict[str, str]:
    return {case["matter"]: case["state"] for case in found["child_cases"]}


@pytest.fixture(scope="module")
def traced() -> Iterator[tuple[dict[str, Any], Collector]]:
    """The whole job, and what a collector of traces received of it."""
    with collecting() as collector:
        settings = {"GDBOS__TELEMETRY__OTLP": collector.url, "GDBOS__TELEMETRY__SAMPLE": "1"}
        yield demonstrate(**settings), collector


def test_seven_departments_one_form_no_trip_one_day(traced: tuple[dict[str, Any], Collector]) -> None:
    found, _ = traced
    assert (found["departments"], found["matters"]) == (7, 7)
    assert states(found) == dict.fromkeys(MATTERS.values(), "granted")
    assert len({case["number"] for case in found["child_cases"]}) == 7
    assert all(case["result"].startswith("1.2.156.3005.2.") for case in found["child_cases"])
    assert found["fields_asked_more_than_once"] == 0
    assert 0 < found["fields_prefilled"] < found["fields_asked"]
    assert (found["trips"], found["materials_uploaded"]) == (0, 1)
    assert found["working_days"] <= 1
    assert {one["measure"]: one["before"] > one["after"] for one in found["reductions"]} == dict.fromkeys(
        ("steps", "materials", "trips", "days"), True
    )
    assert all(one["formula"] and one["source"] for one in found["reductions"])
    assert len(found["represents"]) == 1, "the new enterprise is known, and its legal representative acts for it"
    assert found["receipts"] > 0
    assert found["bus_calls"] > found["receipts"]
    assert found["ledger"]["verified"]
    assert found["ledger"]["size"] > found["bus_calls"]
    assert found["problems"] == []


def test_traces_reach_the_departments_systems_though_the_city_was_seeded_in_the_same_process(
    traced: tuple[dict[str, Any], Collector],
) -> None:
    spans = {span.span_id: span for span in traced[1].spans()}
    asked = [span for span in spans.values() if span.name.startswith("adapter http ")]
    calls = [spans[span.parent_span_id] for span in asked]
    edges = {spans[call.parent_span_id].name for call in calls if call.parent_span_id}
    assert {call.name.partition(" ")[0] for call in calls} == {"bus.call"}
    assert any(edge.startswith("POST ") for edge in edges), edges


@pytest.mark.parametrize("system", list(MATTERS))
def test_one_department_that_refuses_does_not_block_the_others(system: str) -> None:
    found = demonstrate("--refuse", system)
    expected = dict.fromkeys(MATTERS.values(), "granted") | {MATTERS[system]: "refused"}
    if system == "enterprise":  # without a licence there is nothing to seal, tax or insure
        expected = dict.fromkeys(MATTERS.values(), "void") | {MATTERS[system]: "refused"}
    assert states(found) == expected
    assert all(case["result"] for case in found["child_cases"])
    assert found["ledger"]["verified"]


def test_with_the_population_register_down_people_type_and_it_is_marked() -> None:
    found = demonstrate("--down", "population")
    assert states(found) == dict.fromkeys(MATTERS.values(), "granted")
    assert "legal-representative-name" in found["unverified"]
    assert found["ledger"]["verified"]
