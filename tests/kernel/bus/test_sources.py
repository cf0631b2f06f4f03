"""Departments connect what they have – a view, a drop folder, a WSDL – and others call it through the one door, over HTTP."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from nanning import ANNA, COMPANY, MATTER, TAX, Nanning, nanning, neighbour

from gdbos_scenarios.departments.program import running

from .adapters.soap_system import Hukou
from .adapters.worst import WorstServer

FUND = {"takes": "nanning.enterprise.query", "gives": "nanning.housing-fund.account"}
ENTERPRISE = {"subject": {"kind": "enterprise", "field": "uscc"}}
WHERE = {"column": "tyxydm", "equals": "uscc"}
RESPONSE = {
    "fund_number": "dwzh",
    "fund_monthly_sum": {"path": "yjce", "format": "fen"},
    "handled_on": {"path": "khrq", "format": "yyyyMMdd"},
}
ROW = (COMPANY, "770000000001", "20240301", 360006)


def database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE dw (tyxydm TEXT, dwzh TEXT, khrq TEXT, yjce INTEGER)")
        made.execute("INSERT INTO dw VALUES (?, ?, ?, ?)", ROW)
        made.execute("CREATE VIEW v_dwzh AS SELECT * FROM dw")
        made.commit()


def drop(folder: Path) -> None:
    folder.mkdir()
    content = "tyxydm,dwzh,khrq,yjce\n" + ",".join(map(str, ROW)) + "\n"
    (folder / "dw.csv").write_bytes(content.encode("gb18030"))
    digest = hashlib.sha256((folder / "dw.csv").read_bytes()).hexdigest()
    listed = {"as_of": "2026-11-28T14:00:00Z", "files": [{"name": "dw.csv", "sha256": digest, "rows": 1}]}
    (folder / "manifest.json").write_text(json.dumps(listed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sources")
    database(made / "fund.sqlite")
    drop(made / "drop")
    return made


@pytest.fixture(scope="module")
def city(folder: Path) -> Iterator[Nanning]:
    with ExitStack() as stack:
        departments, scripted = stack.enter_context(running(folder / "departments")), stack.enter_context(neighbour())
        hukou = WorstServer(Hukou)
        threading.Thread(target=hukou.serve_forever, args=(0.02,), daemon=True).start()
        stack.callback(hukou.server_close)
        stack.callback(hukou.shutdown)
        places = f"""
        fund = {{ url = "sqlite:///{folder}/fund.sqlite", bodies = ["{TAX}"] }}
        drop = {{ url = "{folder}/drop", bodies = ["{TAX}"] }}
        hukou = {{ url = "{hukou.url}", bodies = ["{TAX}"] }}
        """
        yield stack.enter_context(nanning(folder, f"sqlite:///{folder}/home/gdbos.db", departments, scripted, places))


def connected(city: Nanning, adapter: str, settings: dict[str, Any], body: str = TAX, **more: Any) -> Any:
    """A department registers a service at what it has."""
    system = city.system(body)
    service = {"title": {"zh": "查询", "en": "Look up"}, "adapter": adapter, "settings": settings, **more}
    code = system.client_id.replace("-", "") + f".{adapter}"
    return code, system.ask("ApiBusServicesRegister", service | {"code": code})


def called(city: Nanning, code: str, value: dict[str, str], **about: str) -> Any:
    asker, case = city.granted(code), city.case(**about)
    question = {"value": value, "matter": MATTER, "case": case, "purpose": "check"}
    return asker.ask("ApiBusCallsServiceCall", question, service=code)


def test_a_view_answers_and_while_it_is_away_its_last_answer_does_marked_as_such(city: Nanning, folder: Path) -> None:
    settings = {"database": "{fund}", "table": "v_dwzh", "where": WHERE, "response": RESPONSE, "stale": 60}
    code, registered = connected(city, "sql", settings, **FUND, **ENTERPRISE)
    assert registered.status_code == 201, registered.text
    fresh = called(city, code, {"uscc": COMPANY}, enterprise=COMPANY).json()
    assert fresh["value"] == {"fund_number": ROW[1], "fund_monthly_sum": "3600.06", "handled_on": "2024-03-01"}
    assert "stale" not in fresh
    with contextlib.closing(sqlite3.connect(folder / "fund.sqlite")) as made:
        made.execute("DROP VIEW v_dwzh")
        made.commit()
    old = called(city, code, {"uscc": COMPANY}, enterprise=COMPANY).json()
    assert (old["value"], old["stale"]) == (fresh["value"], True) and old["as_of"] < old["at"]
    assert called(city, code, {"uscc": "91450103MADEM002XR"}, enterprise="91450103MADEM002XR").status_code == 502


def test_a_drop_folder_answers_as_of_its_delivery(city: Nanning) -> None:
    columns = {"tyxydm": "text", "dwzh": "text", "khrq": "text", "yjce": "number"}
    settings = {"folder": "{drop}", "charset": "gb18030", "columns": columns, "where": WHERE, "response": RESPONSE}
    code, registered = connected(city, "file", settings, **FUND, **ENTERPRISE)
    assert registered.status_code == 201, registered.text
    answered = called(city, code, {"uscc": COMPANY}, enterprise=COMPANY).json()
    assert answered["value"]["fund_number"] == ROW[1] and answered["as_of"] == "2026-11-28T14:00:00Z"
    missing = called(city, code, {"uscc": "91450103MADEM002XR"}, enterprise="91450103MADEM002XR")
    assert missing.status_code == 404


def test_a_soap_service_answers_masked_and_its_subject_reads_who_looked(city: Nanning) -> None:
    settings = {
        "base": "{hukou}",
        "path": "/hukou",
        "operation": "query",
        "request": {"idNo": "citizen_id", "head.reason": {"constant": "x"}},
        "response": {
            "citizen_id": {"constant": ANNA},
            "name": "person.0.name",
            "sex": {"constant": "1"},
            "birth_date": "person.0.born",
        },
    }
    about = {"takes": "nanning.population.query", "gives": "nanning.population.person"}
    code, registered = connected(
        city, "soap", settings, **about, subject={"kind": "person", "field": "citizen_id"}, vertical=True
    )
    assert registered.status_code == 201 and registered.json()["vertical"], registered.text
    assert called(city, code, {"citizen_id": ANNA}, citizen=ANNA).json()["value"]["name"] == "韦*例"
    assert code in {receipt["service"] for receipt in city.receipts("anna")}


@pytest.mark.parametrize(
    ("adapter", "settings"),
    [
        ("sql", {"database": "{fund}", "table": "dw; DROP TABLE dw", "where": WHERE, "response": RESPONSE}),
        ("sql", {"database": "sqlite:////etc/passwd", "table": "dw", "where": WHERE, "response": RESPONSE}),
        ("sql", {"database": "{fund}", "table": "dw", "where": {"sql": "1=1"}, "response": RESPONSE}),
        ("file", {"folder": "/etc", "columns": {}, "where": WHERE, "response": RESPONSE}),
        ("soap", {"base": "http://169.254.169.254", "path": "/x", "operation": "x"}),
        ("carrier-pigeon", {}),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_registered(city: Nanning, adapter: str, settings: Any) -> None:
    _, refused = connected(city, adapter, settings, **FUND)
    assert refused.status_code == 422 and refused.json()["violations"], refused.text


def test_another_department_cannot_register_at_these_places(city: Nanning) -> None:
    settings = {"database": "{fund}", "table": "dw", "where": WHERE, "response": RESPONSE}
    _, refused = connected(city, "sql", settings, body="11450100MADEM002XN", **FUND)
    assert refused.status_code == 422 and "fund" in refused.text
