"""The wizard by its pages alone, as a browser without script walks through it."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from collector import collecting

from gdbos_scenarios.departments.program import Running

from .conftest import ANSWERS, GUIDANCE, PASSWORD, Clock, city_of, paper

PLAN = "/portal/bundles/enterprise-opening"


def form_of(answers: dict[str, Any]) -> dict[str, Any]:
    """Answers as the fields of the page's form."""
    rows = {"investor-citizen-id", "investor-name", "investor-contribution", "investor-contribution-way"}
    sent: dict[str, Any] = {}
    for element, value in answers.items():
        if element in rows:
            sent |= {f"{element}.{at}": str(one) for at, one in enumerate(value)}
        else:
            sent[element] = value if isinstance(value, list) else str(value)
    return sent


def typed(html: str) -> dict[str, str]:
    """What the page's text fields hold already."""
    found = re.findall(r'<input type="(?:text|tel|date|hidden|email)"[^>]*>', html)
    named = [(re.search(r'name="([^"]+)"', one), re.search(r'value="([^"]*)"', one)) for one in found]
    return {name[1]: unescape(value[1]) for name, value in named if name and value}


def begun(city: Any) -> str:
    started = city.page("anna", PLAN, GUIDANCE)
    assert started.status_code == 303
    return str(started.headers["location"])


def test_the_plan_is_open_to_anybody_and_beginning_it_is_not(city: Any) -> None:
    shown = city.page("", PLAN)
    assert shown.status_code == 200
    for words in ("企业开办", "现在就招用员工吗", "减材料", "企业设立登记"):
        assert words in shown.text
    assert city.page("", PLAN, GUIDANCE).status_code == 401
    assert city.page("", "/portal/bundles/nothing").status_code == 404
    left_out = city.page("anna", PLAN, {"seal": "1"})
    assert left_out.status_code == 422
    assert "还没有回答" in left_out.text


def test_the_whole_way_from_guidance_to_progress(city: Any) -> None:
    where = begun(city)
    bundle = where.split("/")[-2]
    shown = city.page("anna", where)
    assert shown.status_code == 200
    assert "韦示例" in shown.text  # filled in from the population register
    assert 'name="uscc"' not in shown.text
    assert 'name="bank-code"' not in shown.text

    answers = form_of({**ANSWERS, "enterprise-name": city.name()})
    more = city.page("anna", where, {**typed(shown.text), **answers, "more": "investors"})
    assert more.status_code == 200
    assert 'name="investor-name.1"' in more.text

    saved = city.page("anna", where, {**typed(shown.text), **answers, "save": "true"})
    assert saved.headers["location"].endswith("saved=true")

    filled = typed(city.page("anna", where).text)
    wrong = city.page("anna", where, {**filled, **answers, "hr-contact-mobile": "1", "go": "review"})
    assert wrong.status_code == 422
    assert "#field-hr-contact-mobile" in wrong.text

    right = city.page("anna", where, {**filled, **answers, "go": "review"})
    assert right.headers.get("location", "").endswith("/review"), re.findall(r"#field-[^<]*<", right.text)

    review = city.page("anna", right.headers["location"])
    assert "公司章程" in review.text
    missing = city.page("anna", right.headers["location"], {})
    assert missing.status_code == 422
    assert "公司章程" in missing.text

    file = {"material.enterprise.registration/articles": ("章程.pdf", paper(), "application/pdf")}
    handed_in = city.page("anna", right.headers["location"], files=file)
    assert handed_in.headers["location"] == f"/portal/bundles/runs/{bundle}"
    city.settle()
    progress = city.page("anna", handed_in.headers["location"])
    assert 'hx-trigger="every' in progress.text
    for words in ("企业设立登记", "等待", "办理中"):
        assert words in progress.text

    city.registered(bundle)
    city.decide("teller", city.children(bundle)["bank-account"]["case"])
    finished = city.page("anna", f"/portal/bundles/runs/{bundle}")
    assert "hx-trigger" not in finished.text
    assert "/portal/licences/" in finished.text
    assert "办成所用" in finished.text

    receipts = city.page("anna", "/portal/receipts")
    assert receipts.status_code == 200
    assert "公安" in receipts.text or "public-security" in receipts.text
    assert "公民身份号码" in receipts.text
    assert "企业设立登记" in receipts.text


def test_a_system_that_is_down_is_named_on_the_form(city: Any) -> None:
    city.switch(down=["population"])
    assert "暂时无法响应" in city.page("anna", begun(city)).text


def test_pages_of_a_bundle_that_was_handed_in_lead_to_its_progress(city: Any) -> None:
    bundle = city.submitted()
    for step in ("form", "review"):
        led = city.ask(
            "anna",
            "GET",
            f"/portal/bundles/runs/{bundle}/{step}",
            headers={"accept": "text/html"},
            follow_redirects=False,
        )
        assert led.headers["location"] == f"/portal/bundles/runs/{bundle}"
    assert "企业开办" in city.page("anna", "/portal/bundles").text


def test_a_file_that_is_none_of_the_kinds_taken_is_refused_on_the_page(city: Any) -> None:
    where = begun(city).replace("/form", "/review")
    sent = {"material.enterprise.registration/articles": ("a.exe", b"MZ nothing", "application/x-msdownload")}
    refused = city.page("anna", where, files=sent)
    assert refused.status_code == 415
    assert "核对提交" in refused.text


def test_a_correction_asked_of_one_case_is_supplied_on_its_own_page_and_counts_as_a_step(city: Any) -> None:
    bundle = city.submitted({"employees": "0", "seal": "0", "invoices": "0", "bank": ""})
    city.settle()
    case = city.children(bundle)["registration"]["case"]
    asked = {"items": ["business-scope"], "explanation": "请使用规范表述"}
    city.done("examiner", "POST", f"/api/services/cases/{case}/corrections", asked)
    assert f"/portal/cases/{case}/form" in city.page("anna", f"/portal/bundles/runs/{bundle}").text
    assert "经营范围" in city.page("anna", f"/portal/cases/{case}/form").text
    mended = {"answers": {"business-scope": "日用百货销售。"}}
    city.done("anna", "POST", f"/api/services/cases/{case}/corrections/supply", mended)
    city.registered(bundle)
    run = city.run(bundle)
    assert run["state"] == "finished"
    assert run["counts"]["steps"] == 2


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BROWSER = "00f067aa0ba902b7"


def test_one_trace_reaches_from_a_persons_page_to_the_departments_system(
    tmp_path: Path, database: str, departments: Running, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beginning the job fills the form in from the registers: browser, page, bus call, adapter, in one trace."""
    monkeypatch.setenv("CITY_PASSWORD", PASSWORD)
    with collecting() as collector:
        extra = f'\n[telemetry]\notlp = "{collector.url}"\nsample = 0.0\n'
        with city_of(tmp_path, database, departments, clock, extra=extra) as city:
            headers = {"accept": "text/html", "traceparent": f"00-{TRACE}-{BROWSER}-01"}
            begun = city.ask("anna", "POST", PLAN, headers=headers, data=GUIDANCE, follow_redirects=False)
            assert begun.status_code == 303, begun.text
        spans = {span.span_id: span for span in collector.spans() if span.trace_id.hex() == TRACE}
        received = httpx.get(f"{departments.url}/_state", trust_env=False).json()["traces"]["population"]
    adapter = spans[bytes.fromhex(received.split("-")[2])]
    call = spans[adapter.parent_span_id]
    edge = spans[call.parent_span_id]
    assert (adapter.name.split()[:2], call.name.split()[0]) == (["adapter", "http"], "bus.call")
    assert (edge.name, edge.parent_span_id.hex()) == ("POST /portal/bundles/{plan_id}", BROWSER)
