"""Applying, following and deciding by pages, as a browser without script does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import ANSWERS, PLACE, City

Visit = Callable[..., Any]


@pytest.fixture
def visit(city: City) -> Visit:
    """``visit(who, method, path, data)``: one page, not following redirects."""

    def fetch(
        who: str, method: str, path: str, data: dict[str, Any] | None = None, locale: str = "en", **more: Any
    ) -> Any:
        headers = city.headers(who) | {"accept": "text/html", "accept-language": locale}
        return city.site.client.request(method, path, data=data, headers=headers, follow_redirects=False, **more)

    return fetch


def form_of(answers: dict[str, Any]) -> dict[str, Any]:
    return {
        key: [str(one) for one in value] if isinstance(value, list) else str(value) for key, value in answers.items()
    }


def test_a_person_applies_by_page_and_an_official_decides_by_page(city: City, visit: Visit) -> None:
    before = visit("anna", "GET", f"/portal/apply/{PLACE}")
    assert before.status_code == 200, before.text
    begun = visit("anna", "POST", f"/portal/apply/{PLACE}")
    assert begun.status_code == 303
    form = begun.headers["location"]
    shown = visit("anna", "GET", form)
    assert shown.status_code == 200, shown.text
    assert "450103198503129995" in shown.text, "the applicant's own number is filled in"
    saved = visit("anna", "POST", form, {**form_of({"premises-area": 88}), "do": "save"})
    assert saved.status_code == 303
    assert 'value="88"' in visit("anna", "GET", form).text
    wrong = visit("anna", "POST", form, {**form_of(ANSWERS | {"staff-count": "many"}), "do": "submit"})
    assert wrong.status_code == 422
    assert "error-summary" in wrong.text
    done = visit("anna", "POST", form, {**form_of(ANSWERS), "do": "submit"})
    assert done.status_code == 303, done.text
    own = done.headers["location"]
    page = visit("anna", "GET", own)
    assert page.status_code == 200, page.text
    assert re.search("4501002026020923[0-9]{5}", page.text)
    case = own.rpartition("/")[2]
    tasks = visit("clerk", "GET", "/workbench")
    assert case in tasks.text, tasks.text
    assert "韦*例" in tasks.text
    task = f"/workbench/cases/{case}"
    assert ANSWERS["enterprise-name"] in visit("clerk", "GET", task).text
    assert visit("clerk", "POST", task, {"act": "accept"}).headers["location"] == task
    reasonless = visit("head", "POST", task, {"act": "reject"})
    assert reasonless.status_code == 422
    assert "Say why" in reasonless.text
    assert visit("examiner", "POST", task, {"act": "approve"}).status_code == 403
    assert visit("head", "POST", task, {"act": "approve", "reason_approve": "Good"}).headers["location"] == "/workbench"
    city.settle()
    assert "Granted" in visit("anna", "GET", own).text


def test_what_is_missing_is_asked_and_supplied_by_page(city: City, visit: Visit) -> None:
    case = city.submitted()
    task = f"/workbench/cases/{case}"
    assert visit("examiner", "POST", task, {"act": "ask-correction"}).status_code == 422
    asked = {"act": "ask-correction", "items": ["premises-area", "test"], "reason_ask-correction": "Please add"}
    assert visit("examiner", "POST", task, asked).status_code == 303
    assert "Hand in what is missing" in visit("anna", "GET", f"/portal/cases/{case}").text
    form = f"/portal/cases/{case}/form"
    assert "Please add" in visit("anna", "GET", form).text
    paper = ("report.pdf", b"not a pdf", "application/pdf")
    refused = visit("anna", "POST", form, {**form_of(ANSWERS), "do": "submit"}, files={"material.test": paper})
    assert refused.status_code in (415, 422), refused.text
    done = visit("anna", "POST", form, {**form_of(ANSWERS | {"premises-area": 99}), "do": "submit"})
    assert done.status_code == 303, done.text
    assert city.done("anna", "GET", f"/{case}")["answers"]["premises-area"] == 99


def test_the_other_acts_of_the_workbench(city: City, visit: Visit) -> None:
    case = city.accepted()
    task = f"/workbench/cases/{case}"
    stop = {"act": "suspend", "procedure": "hearing", "reason_suspend": "Two weeks"}
    assert visit("examiner", "POST", task, stop).status_code == 303
    assert "suspended" in visit("examiner", "GET", task).text
    assert visit("examiner", "POST", task, {"act": "resume"}).status_code == 303
    assert (
        visit("head", "POST", task, {"act": "extend", "days": "ten", "reason_extend": "Hard case"}).status_code == 422
    )
    assert visit("head", "POST", task, {"act": "extend", "days": "10", "reason_extend": "Hard case"}).status_code == 303
    assert visit("head", "POST", task, {"act": "dance"}).status_code == 422
    assert visit("head", "POST", task, {"act": "reject", "reason_reject": "Not fulfilled"}).status_code == 303
    assert "Not fulfilled" in visit("anna", "GET", f"/portal/cases/{case}").text
    assert visit("anna", "GET", "/workbench").status_code == 403


def test_pages_of_somebody_else_are_not_there(city: City, visit: Visit) -> None:
    case = city.draft()
    for path in (f"/portal/cases/{case}", f"/portal/cases/{case}/form"):
        assert visit("ben", "GET", path).status_code == 404
    assert visit("ben", "POST", f"/portal/cases/{case}/form", {"do": "save"}).status_code == 404
    assert visit("stranger", "GET", f"/workbench/cases/{case}").status_code == 404


def test_every_page_speaks_chinese(city: City, visit: Visit) -> None:
    case = city.accepted()
    for who, path in (
        ("anna", "/portal/cases"),
        ("anna", f"/portal/cases/{case}"),
        ("anna", f"/portal/apply/{PLACE}"),
        ("head", "/workbench"),
        ("head", f"/workbench/cases/{case}"),
    ):
        text = visit(who, "GET", path, locale="zh").text
        main = re.sub("<[^>]+>", " ", text[text.index("<main") : text.index("</main>")])
        assert not re.findall(r"\b[A-Z][a-z]+ [a-z]+ [a-z]+", main), (path, main)
