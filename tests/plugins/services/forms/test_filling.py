"""A sheet on a page, looked at with a browser, filled in with and without script, and read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import FormMultiDict
from playwright.sync_api import Page as Window

from gdbos import Standards, Text, Violation
from gdbos.pages.frame import Frame, Site
from gdbos.pages.language import locale_of
from gdbos.pages.render import Pages
from gdbos.pages.routes import page_routes
from gdbos.plugin import PUBLIC
from gdbos.testing import PluginContract
from gdbos_services.forms import FOLDER
from gdbos_services.forms.filling import Filling, Source, answers_from, placed, present
from gdbos_services.forms.form import Sheet, sheet
from gdbos_services.forms.prefill import plan

from .conftest import DAY, OPENING, ROOT, valid_answers

POLICE = Source(name=Text("公安部门人口库", "the police's population register"), on=DAY, locked=True)
LOOK = """{% extends "kernel/layout.html" %}
{% from "kernel/components.html" import button, page_header %}
{% from "services.forms/sheet.html" import mending, said, sheet with context %}
{% block title %}{{ _("Form") }}{% endblock %}
{% block main %}{{ mending(filling) }}{{ page_header(_("Form")) }}
<form class="form" method="post" novalidate>{{ sheet(filling) }}<p class="buttons">{{ button("OK") }}</p></form>
<section id="said">{{ said(filling) }}</section>{% endblock %}"""
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'"


class TestForms(PluginContract):
    name = "services.forms"
    extends = ROOT / "config" / "base.toml"


@pytest.fixture(scope="module")
def opening(standards: Standards) -> Sheet:
    return sheet(standards, OPENING, DAY, supplied=("uscc", "established-on"))


def application(standards: Standards, asked: Sheet, folder: Path, received: list[dict[str, Any]]) -> Litestar:
    (folder / "look.html").write_text(LOOK)
    pages = Pages(
        catalogues=[FOLDER.parent / "locale"], templates={"services.forms": FOLDER / "templates", "look": folder}
    )
    site = Site(title=Text("测试", "Test"), division=Text("南宁", "Nanning"), version="0")
    sources = {"legal-representative-name": POLICE}

    def shown(request: Request, filling: Filling) -> Response[str]:
        frame = Frame(site=site, path=request.url.path, may=lambda permission: True)
        html = pages.html("look/look.html", locale_of(request), {"frame": frame, "filling": filling})
        return Response(html, media_type="text/html", headers={"content-security-policy": POLICY})

    @get("/", permission=PUBLIC)
    async def begin(request: Request) -> Response[str]:
        answers = {"legal-representative-name": "韦小宁", "investor-name": ["甲"]}
        return shown(request, present(asked, standards, DAY, answers=answers, sources=sources, division="450100"))

    @post("/", permission=PUBLIC)
    async def back(request: Request) -> Response[str]:
        form = await request.form()
        answers = answers_from(form, asked)
        received.append(answers)
        more = form.get("more", "")
        wrong = [] if more else asked.check(answers, standards, DAY)
        return shown(request, present(asked, standards, DAY, answers=answers, violations=wrong, more=more))

    return Litestar([begin, back, *page_routes(pages.assets)], openapi_config=None)


@pytest.fixture(scope="module")
def received() -> list[dict[str, Any]]:
    return []


@pytest.fixture(scope="module")
def address(
    standards: Standards,
    opening: Sheet,
    received: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
    listening: Callable[[Litestar], str],
) -> str:
    return listening(application(standards, opening, tmp_path_factory.mktemp("look"), received))


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_the_form_is_flawless_fresh_and_mended(
    address: str, opened: Callable[..., Window], flawless: Callable[[Window], None], locale: str, width: int
) -> None:
    page = opened(address, locale=locale, width=width)
    flawless(page)
    page.get_by_role("button", name="OK").click()
    page.locator(".error-summary").wait_for()
    flawless(page)


def test_a_question_hides_until_it_is_asked_and_what_is_hidden_is_not_sent(
    address: str, opened: Callable[..., Window], received: list[dict[str, Any]]
) -> None:
    page = opened(address)
    kind = page.locator("#field-seal-kind")
    assert not kind.is_visible()
    page.locator("input[name=seal-now][value='1']").check()
    assert kind.is_visible()
    page.locator("input[name=seal-kind][value='01']").check()
    page.locator("input[name=seal-now][value='0']").check()
    assert not kind.is_visible()
    page.get_by_role("button", name="OK").click()
    page.locator(".error-summary").wait_for()
    assert received[-1]["seal-now"] == "0"
    assert "seal-kind" not in received[-1]


def test_without_script_everything_is_there_with_its_condition_and_rows_can_be_added(
    address: str, opened: Callable[..., Window], received: list[dict[str, Any]]
) -> None:
    page = opened(address, java_script_enabled=False)
    assert page.locator("#field-seal-kind").is_visible()
    assert "为是时必填" in page.locator("#field-seal-kind").inner_text()
    page.locator("#field-enterprise-name").fill("南宁聚通")
    page.get_by_role("button", name="再加一行").click()
    assert page.locator("fieldset.form-row").count() == 2
    assert page.locator(".error-summary").count() == 0
    assert page.locator("#field-enterprise-name").input_value() == "南宁聚通"
    page.locator("[name='investor-name.1']").fill("乙")
    page.get_by_role("button", name="OK").click()
    assert received[-1]["investor-name"] == ["甲", "乙"]
    assert (
        page.get_by_role("link", name="第 2 行：请填写“认缴出资额”。").get_attribute("href")
        == "#field-investor-contribution.1"
    )


def test_what_the_authority_said_is_shown_with_its_source_and_locked(
    address: str, opened: Callable[..., Window]
) -> None:
    page = opened(address)
    name = page.locator("#field-legal-representative-name")
    assert name.input_value() == "韦小宁"
    assert name.get_attribute("readonly") is not None
    assert "公安部门人口库" in page.locator("#field-legal-representative-name-source").inner_text()


def test_answers_are_read_out_with_the_words_of_their_codes(address: str, opened: Callable[..., Window]) -> None:
    page = opened(address)
    page.locator("input[name=seal-now][value='1']").check()
    page.locator("input[name=seal-kind][value='01']").check()
    page.get_by_role("button", name="OK").click()
    page.locator(".error-summary").wait_for()
    said = page.locator("#said").inner_text()
    assert "单位专用公章" in said
    assert "股东姓名（1）" in said


def blanks(filling: Filling) -> dict[str, Any]:
    found = {one.name: one for block in filling.blocks for one in block.blanks}
    return found | {one.name: one for block in filling.blocks for row in block.rows for one in row}


def test_each_kind_of_question_has_its_control(standards: Standards, opening: Sheet) -> None:
    shown = blanks(present(opening, standards, DAY, division="450100"))
    controls = {
        "enterprise-name": "text",
        "enterprise-type": "select",
        "registered-division": "select",
        "premises-right": "radio",
        "seal-kind": "checkboxes",
        "business-scope": "textarea",
        "capital-due-date": "date",
        "agent-mobile": "tel",
        "enterprise-email": "email",
        "investor-contribution-way.0": "select",
    }
    assert {name: shown[name].control for name in controls} == controls
    assert {code[:4] for code, _ in shown["registered-division"].options} == {"4501"}
    nowhere = blanks(present(opening, standards, DAY))
    assert (nowhere["registered-division"].control, nowhere["registered-division"].options) == ("text", ())
    kept = blanks(present(opening, standards, DAY, answers={"registered-division": "110105"}, division="450100"))
    assert "110105" in dict(kept["registered-division"].options)


def test_a_violation_stands_at_its_place_in_the_order_of_the_page(standards: Standards, opening: Sheet) -> None:
    wrong = [
        Violation("$.seal-kind[1]", "code", "x"),
        Violation("$.investor-name[1]", "required", "x"),
        Violation("$.investor-citizen-id", "required", "x"),
        Violation("$.enterprise-name", "required", "x"),
        Violation("$.no-such", "unknown", "x"),
    ]
    assert [name for name, _ in placed(opening, wrong)] == [
        "enterprise-name",
        "investor-citizen-id.0",
        "investor-name.1",
        "seal-kind",
        "no-such",
    ]
    answers = {"investor-name": ["甲", ""]}
    shown = blanks(present(opening, standards, DAY, answers=answers, violations=wrong))
    assert {name for name, one in shown.items() if one.violation} == {
        "enterprise-name",
        "investor-citizen-id.0",
        "investor-name.1",
        "seal-kind",
    }


def posted(filling: Filling) -> FormMultiDict:
    """What a browser would send of the filled page."""
    pairs = []
    for name, one in blanks(filling).items():
        values = one.value if isinstance(one.value, list) else [one.value] if one.value or "." in name else []
        pairs += [(name, value) for value in values]
    return FormMultiDict(pairs)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_answers_shown_and_sent_back_are_the_same_answers(
    standards: Standards, opening: Sheet, data: st.DataObject
) -> None:
    answers = data.draw(valid_answers(opening, standards))
    filling = present(opening, standards, DAY, answers=answers, division="450100")
    assert answers_from(posted(filling), opening) == answers


def test_rows_beyond_reason_and_places_that_are_none_are_passed_over(opening: Sheet) -> None:
    form = FormMultiDict([("investor-name.0", "甲"), ("investor-name.999", "乙"), ("no-such", "x"), ("no.such.1", "y")])
    assert answers_from(form, opening)["investor-name"] == ["甲"]


def test_the_plan_says_which_look_up_fills_what_with_whose_number(standards: Standards, opening: Sheet) -> None:
    found = {(one.service, one.key): one for one in plan(opening, standards, DAY)}
    legal = found["gx.population.person", "legal-representative-citizen-id"]
    assert (legal.whom, legal.field, legal.rows) == ("person", "citizen_id", False)
    takes = {take.element: (take.field, take.authoritative) for take in legal.takes}
    assert takes["legal-representative-name"] == ("name", True)
    assert found["gx.population.person", "investor-citizen-id"].rows
    own = found["gx.population.person", ""]
    assert {take.element for take in own.takes} == {"agent-name"}
    applicant = {take.element: take.authoritative for take in found["applicant", ""].takes}
    assert applicant == {"agent-citizen-id": True, "agent-mobile": False}


def test_an_enterprise_is_looked_up_with_the_code_asked_or_else_its_own(standards: Standards) -> None:
    alone = plan(sheet(standards, ["enterprise.tax"], DAY), standards, DAY)
    register = next(one for one in alone if one.service == "gx.enterprise.register")
    assert (register.whom, register.field) == ("enterprise", "uscc")
    hygiene = plan(sheet(standards, ["place.hygiene-licence"], DAY), standards, DAY)
    assert next(one for one in hygiene if one.service == "gx.enterprise.register").key == ""


def test_every_shipped_prefill_is_part_of_a_plan(standards: Standards) -> None:
    for document in standards.documents("matters", DAY):
        asked = sheet(standards, [document.id], DAY)
        filled = {take.element for one in plan(asked, standards, DAY) for take in one.takes}
        assert filled == {element for element, question in asked.questions.items() if question.prefill}


@pytest.mark.parametrize(("answer", "there"), [("1", True), ("0", False)])
def test_what_hangs_on_an_answer_the_page_does_not_ask_is_decided_before(
    standards: Standards, answer: str, there: bool
) -> None:
    settled = sheet(standards, ["enterprise.seal"], DAY, dropped={"seal-now"})
    blanks = {
        one.name: one
        for block in present(settled, standards, DAY, answers={"seal-now": answer}).blocks
        for one in block.blanks
    }
    assert ("seal-kind" in blanks) is there
    if there:
        assert (blanks["seal-kind"].condition, blanks["seal-kind"].depends) == ("", ())
        assert blanks["seal-kind"].required
