"""The portal and the console as a browser and a client see them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from gdbos import Event, Unit
from gdbos.http import application
from gdbos.kernel import Kernel
from gdbos.testing import PluginContract, Site, deployment, serving
from gdbos_services.matters.use import CaseSubmitted

from .conftest import CHAINS, ROOT

PAGE = {"accept": "text/html"}
PACKS = f"[standards]\npacks = {CHAINS['city']}\n".replace("'", '"')


class TestMatters(PluginContract):
    name = "services.matters"
    extends = ROOT / "config" / "base.toml"

    def test_the_console_shows_who_says_what(self, client: Any) -> None:
        found = client.get("/console/matters", headers=PAGE)
        assert found.status_code == 200
        assert "/console/matters/enterprise.registration" in found.text
        one = client.get("/console/matters/enterprise.registration", headers=PAGE)
        assert one.status_code == 200
        assert "锁定" in one.text


class TestMattersWithoutPacks(PluginContract):
    name = "services.matters"

    def test_the_portal_is_empty_and_well(self, client: Any) -> None:
        for path in ("/portal", "/portal/matters", "/console/matters"):
            assert client.get(path, headers=PAGE).status_code == 200
        assert client.get("/api/services/matters").json() == {"items": [], "after": ""}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("node")
    plugins = {"services.matters": {}, "services.forms": {}}
    with serving(deployment(home, plugins=plugins, extra=PACKS)) as site:
        yield site


def test_the_site_begins_with_the_portal(node: Site) -> None:
    answer = node.client.get("/", headers=PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal")
    shown = node.client.get("/portal", headers=PAGE | {"accept-language": "zh-CN"})
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    home = shown.text
    assert "您想办什么事？" in home
    assert "企业开办" in home


def test_a_list_names_what_its_items_are_and_pages_by_key(node: Site) -> None:
    read: list[str] = []
    after = ""
    while True:
        answer = node.client.get("/api/services/matters", params={"after": after, "limit": 7}).json()
        read += [item["id"] for item in answer["items"]]
        if not (after := answer["after"]):
            break
    assert read == sorted(node.kernel.standards.ids("matters"))
    found = node.client.get("/api/services/matters", params={"q": "营业执照", "limit": 1}).json()
    assert found["items"][0]["id"] == "enterprise.registration"
    narrowed = node.client.get("/api/services/matters", params={"role": "tax"}).json()["items"]
    assert [item["id"] for item in narrowed] == ["enterprise.tax"]


def test_a_matter_says_what_each_level_changed_and_whose_the_locks_are(node: Site) -> None:
    answer = node.client.get("/api/services/matters/enterprise.registration").json()
    assert answer["matter"]["title"]["zh"] == "企业设立登记"
    assert answer["matter"]["legal_days"] == 3
    assert {"element": "promise_days", "pack": "guangxi", "level": "province", "before": 3, "now": 1}.items() <= next(
        one for one in answer["levels"]["changes"] if (one["element"], one["pack"]) == ("promise_days", "guangxi")
    ).items()
    assert {one["element"]: one["pack"] for one in answer["levels"]["locks"]}["materials"] == "guangxi"


def test_what_has_not_changed_is_not_sent_again(node: Site) -> None:
    for path in ("/api/services/matters", "/api/services/matters/enterprise.registration"):
        first = node.client.get(path)
        again = node.client.get(path, headers={"if-none-match": f'"other", {first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert node.client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/services/matters/no.such", 404),
        ("/api/services/matters?limit=0", 422),
        ("/api/services/matters?limit=x", 422),
        (f"/api/services/matters?q={'x' * 101}", 422),
        ("/portal/matters/no.such", 404),
    ],
)
def test_what_is_not_there_or_not_right_is_a_problem_and_never_a_failure(node: Site, path: str, status: int) -> None:
    assert node.client.get(path).status_code == status


def test_the_console_is_for_those_who_may(node: Site) -> None:
    assert node.client.get("/console/matters").status_code == 401
    assert node.client.get("/console/matters/enterprise.registration").status_code == 401


def test_the_guide_asks_only_for_what_government_cannot_fetch(node: Site) -> None:
    page = node.client.get("/portal/matters/enterprise.registration", headers=PAGE).text
    asked, fetched = page.split("政府部门自行获取，不用提交")
    assert "公司章程" in asked
    assert "身份证件" not in asked
    assert "身份证件" in fetched
    assert 'href="/portal/apply/enterprise.registration"' in page
    assert "没有法定时限" in node.client.get("/portal/matters/elderly.card", headers=PAGE).text
    assert "三楼监督投诉室" in page
    assert "监督投诉地址" not in node.client.get("/portal/matters/elderly.card", headers=PAGE).text
    assert "补贴种类、每月金额、起发月份" in node.client.get("/portal/matters/disability.allowance", headers=PAGE).text


class Submitted(Event, tag="services.cases.case-submitted/1"):
    """An application was handed in."""

    case: str
    matter: str
    number: str = ""


def test_what_most_people_come_for_comes_first(node: Site) -> None:
    def submit(unit: Unit) -> None:
        for case in range(3):
            unit.emit(Submitted(case=str(case), matter="transport.goods-licence"))
        unit.emit(Submitted(case="9", matter="teacher.qualification", number="4501"))

    node.unit(submit)
    node.settle()
    page = node.client.get("/portal", headers=PAGE).text
    hrefs = re.findall(r'href="/portal/matters/([a-z.-]+)"', page)
    assert hrefs[:2] == ["transport.goods-licence", "teacher.qualification"]
    assert CaseSubmitted.__doc__


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, listening: Callable[..., str]) -> str:
    plugins = {"services.matters": {}, "services.forms": {}}
    kernel = Kernel(deployment(tmp_path_factory.mktemp("node"), plugins=plugins, extra=PACKS))
    kernel.migrate()
    return listening(application(kernel))


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
@pytest.mark.parametrize(
    "path", ["/portal", "/portal/matters?q=企业", "/portal/matters?q=zzzz", "/portal/matters/real-estate.mortgage"]
)
def test_pages_are_flawless(
    address: str, opened: Callable[..., Page], flawless: Callable[[Page], None], path: str, locale: str, width: int
) -> None:
    flawless(opened(address + path, locale=locale, width=width))


@pytest.mark.parametrize("scripts", [True, False])
def test_one_finds_a_matter_by_saying_it_and_comes_to_its_guide(
    address: str, opened: Callable[..., Page], scripts: bool
) -> None:
    page = opened(f"{address}/portal", java_script_enabled=scripts)
    page.get_by_role("searchbox").fill("我想开公司")
    page.get_by_role("button", name="搜索").click()
    page.get_by_role("link", name="企业设立登记").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("企业设立登记")
    assert (
        page.get_by_role("link", name="在线办理").first.get_attribute("href") == "/portal/apply/enterprise.registration"
    )


@pytest.mark.parametrize("scripts", [True, False])
def test_filters_narrow_with_and_without_script(address: str, opened: Callable[..., Page], scripts: bool) -> None:
    page = opened(f"{address}/portal/matters", java_script_enabled=scripts)
    before = page.locator(".link-list li").count()
    page.get_by_label("部门").select_option("tax")
    if not scripts:
        page.get_by_role("button", name="应用筛选").click()
    page.wait_for_url(re.compile("role=tax"))
    page.get_by_role("heading", name="找到 1 个事项").wait_for()
    assert before > page.locator(".link-list li").count() == 1
