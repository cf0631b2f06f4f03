"""The console pages: the whole way by forms, in two languages, seen by a browser and by axe-core."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, sync_playwright

from gdbos.pages.catalogue import misfitting, missing

from .city import COMPANY, REGISTER, RESOURCE, City

FAMILY = Path(__file__).parents[3] / "plugins" / "governance" / "gdbos_governance"
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PICTURES = os.environ.get("GDBOS_PICTURES", "")
"""A folder to keep pictures of the pages in, for whoever wants to look at them."""
ITEMS = "\n".join(f"{item['field']} {item['element']}" for item in RESOURCE["items"])


def form(**changes: Any) -> dict[str, Any]:
    """What the form for a resource sends."""
    flat = {name: value for name, value in RESOURCE.items() if not isinstance(value, dict | list)}
    named = {f"{name}.{key}": RESOURCE[name][key] for name in ("name", "abstract") for key in ("zh", "en")}
    return {**flat, **named, "items": ITEMS, "sharing_way": ["14"], **changes}


def arrived(city: City, login: str, path: str, values: dict[str, Any] | None = None) -> str:
    """Send a form that is in order; where it leads."""
    answer = city.submit(login, path, values or {})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_every_message_has_chinese_words() -> None:
    po = FAMILY / "locale" / "zh.po"
    assert missing(FAMILY, po) == set()
    assert misfitting(po) == set()


def test_the_whole_way_by_forms(city: City) -> None:
    entered = arrived(city, "lin", "/console/catalogue/enter", form())
    here = entered.partition("?")[0]
    assert "由本部门另一名人员签发" in city.page("lin", entered)
    assert "签发并发布" not in city.page("lin", here)
    assert "已发布" in city.page("zhu", arrived(city, "zhu", f"{here}/sign-off"))
    sample = {"service": REGISTER, "samples": f'{{"uscc": "{COMPANY}"}}'}
    assert "待确认" in city.page("lin", arrived(city, "lin", f"{here}/mount", sample))
    mount = city.get(
        "lin", here.replace("/console/catalogue/", "/api/governance/catalogue/resources/") + "/mounts"
    ).json()["mounts"][0]["id"]
    assert "探测成功" in city.page("zhu", arrived(city, "zhu", f"{here}/mounts/{mount}/confirm"))
    assert COMPANY not in city.page("lin", here)
    resource = here.rpartition("/")[2]
    assert "提交申请" in city.page("wu", f"/console/sharing/ask?resource={resource}")
    wanted = {
        "fields": ["uscc", "established_on"],
        "matters": "enterprise.tax",
        "purpose": "核对",
        "legal_basis": "征管法",
        "system": "tax.core",
    }
    request = arrived(city, "wu", f"/console/sharing/ask?resource={resource}", wanted).partition("?")[0]
    assert "审批" not in city.page("wu", request).split("<main")[1].split("</main")[0].replace("待审批", "")
    assert "部分同意" not in city.page("zhu", request)
    arrived(city, "zhu", f"{request}/decide", {"act": "approve", "fields": ["uscc"], "reason": "可以"})
    city.site.settle()
    assert "部分同意" in city.page("wu", request)
    assert "已撤销" in city.page("zhu", arrived(city, "zhu", f"{request}/decide", {"act": "revoke", "reason": "到期"}))


def test_a_form_that_is_wrong_comes_back_with_what_was_typed_and_what_is_wrong(city: City) -> None:
    answer = city.submit("lin", "/console/catalogue/enter", form(sharing_condition="", items="a no-such-element"))
    assert answer.status_code == 422
    assert "请填写共享条件" in answer.text
    assert "没有数据元 no-such-element" in answer.text
    assert "市场主体登记信息" in answer.text
    resource = city.published()
    answer = city.submit("lin", f"/console/catalogue/{resource}/mount", {"service": REGISTER, "samples": "{"})
    assert (answer.status_code, "请按 JSON 填写样本" in answer.text) == (422, True)
    answer = city.submit("wu", f"/console/sharing/ask?resource={resource}", {"fields": "uscc"})
    assert (answer.status_code, "请填写此项。" in answer.text) == (422, True)


def test_the_form_takes_the_items_over_from_a_service(city: City) -> None:
    page = city.page("lin", f"/console/catalogue/enter?service={REGISTER}")
    assert "legal_representative_name legal-representative-name" in page
    assert "gx.population.person" not in page


@pytest.fixture(scope="module")
def browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    from gdbos.testing import CHROMIUM, require

    require("chromium", Path(CHROMIUM).exists(), "install Debian's chromium package")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


@contextmanager
def opened(browser: Browser, city: City, login: str, language: str, width: int) -> Iterator[Page]:
    """A window in which the node's own answers appear, as ``login`` sees them."""

    def answer(route: Route) -> None:
        asked = route.request
        headers = {"accept": asked.headers.get("accept", "*/*"), "accept-language": language, **city.as_(login)}
        found = city.site.client.get(asked.url.partition("127.0.0.1:8000")[2], headers=headers)
        route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.content)

    with browser.new_context(viewport={"width": width, "height": 900}, locale=language) as window:
        window.add_init_script("""window.refused = [];
            document.addEventListener("securitypolicyviolation", (event) => refused.push(event.violatedDirective));""")
        window.route("**/*", answer)
        yield window.new_page()


def walked(city: City) -> list[tuple[str, str, str]]:
    """A city in which something of everything has happened; who looks at which page."""
    resource = city.published()
    city.mounted(resource)
    city.published(code="102/0002", name={"zh": "企业年度报告信息", "en": "Annual reports"})
    draft = city.entered(code="102/0003", name={"zh": "股权出质登记信息", "en": "Pledges of equity"})
    waiting = city.asked(resource)
    done = city.asked(resource, system="tax.other")
    city.approved(done, fields=["uscc"])
    values = {"values": [{"uscc": COMPANY, "established_on": "2099-01-01", "enterprise_name": ""}]}
    ticket = city.done("shui", f"/api/governance/quality/resources/{resource}/values", values)["tickets"][0]
    return [
        ("catalogue", "zhu", "/console/catalogue"),
        ("catalogue-own", "zhu", "/console/catalogue?own=true"),
        ("catalogue-rates", "zhu", "/console/catalogue/rates"),
        ("catalogue-enter", "lin", f"/console/catalogue/enter?service={REGISTER}"),
        ("catalogue-resource", "lin", f"/console/catalogue/{resource}"),
        ("catalogue-draft", "zhu", f"/console/catalogue/{draft}"),
        ("sharing", "wu", "/console/sharing"),
        ("sharing-owned", "zhu", "/console/sharing?side=owned"),
        ("sharing-ask", "wu", f"/console/sharing/ask?resource={resource}"),
        ("sharing-decide", "zhu", f"/console/sharing/{waiting}"),
        ("sharing-agreed", "wu", f"/console/sharing/{done}"),
        ("quality", "yang", "/console/quality"),
        ("quality-rules", "yang", "/console/quality/rules"),
        ("quality-ticket", "yang", f"/console/quality/{ticket}"),
        ("quality-check", "yang", f"/console/quality/check?resource={resource}"),
    ]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # what a browser sees depends on no database
@pytest.mark.parametrize(("language", "width"), [("zh-CN", 1280), ("en-GB", 1280), ("zh-CN", 360)])
def test_axe_finds_nothing_on_any_page(browser: Browser, city: City, language: str, width: int) -> None:
    found: dict[str, str] = {}
    for name, login, path in walked(city):
        with opened(browser, city, login, language, width) as page:
            assert page.goto(f"http://127.0.0.1:8000{path}").status == 200, name
            page.evaluate("document.querySelectorAll('main details').forEach((each) => (each.open = true))")
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/{name}-{language}-{width}.png", full_page=True)
            seen = Axe().run(page, options=AXE)
            if seen.violations_count:
                found[name] = seen.generate_report()
            assert page.evaluate("refused") == [], name
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert found == {}
