"""What a browser, a keyboard and axe-core find on the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
}
WATCH = """
    window.refused = [];
    document.addEventListener("securitypolicyviolation", (event) => refused.push(event.violatedDirective));
"""
WIDTHS = [360, 1280]


@contextmanager
def page_of(browser: Browser, address: str, path: str, *, width: int = 1280, **context: object) -> Iterator[Page]:
    """``path``, opened in a window of its own, with whatever the policy refuses kept in ``window.refused``."""
    locale = context.pop("locale", "zh-CN")
    with browser.new_context(viewport={"width": width, "height": 900}, locale=locale, **context) as window:
        window.add_init_script(WATCH)
        page = window.new_page()
        page.goto(address + path)
        yield page


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach((each) => (each.open = true))")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
@pytest.mark.parametrize("path", ["/gallery", "/problem", "/schema"])
def test_axe_finds_nothing_and_the_policy_refuses_nothing(
    browser: Browser, served, path: str, locale: str, scheme: str, width: int
) -> None:
    with page_of(browser, served.address, path, width=width, locale=locale, color_scheme=scheme) as page:
        unfold(page)
        found = Axe().run(page, options=AXE)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("refused") == []
        assert page.evaluate("document.documentElement.lang") == {"zh-CN": "zh-Hans", "en-GB": "en"}[locale]


def test_axe_finds_what_is_planted(browser: Browser, served) -> None:
    with page_of(browser, served.address, "/gallery") as page:
        page.evaluate("""
            document.querySelector("label[for=field-phone]").remove();
            document.querySelector(".lead").style.color = "#bbb";
            document.querySelectorAll(".languages a").forEach((it) => (it.style.cssText = "min-height: 0; font-size: 6px; padding: 0"));
        """)
        found = {violation["id"] for violation in Axe().run(page, options=AXE).response["violations"]}
        assert found == {"label", "color-contrast", "target-size"}


def test_the_watch_sees_what_the_policy_refuses(browser: Browser, served) -> None:
    with page_of(browser, served.address, "/inline") as page:
        assert page.evaluate("refused") == ["style-src-attr"]


@pytest.mark.parametrize("path", ["/gallery", "/problem", "/schema"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_nothing_scrolls_sideways_on_the_narrowest_screen(browser: Browser, served, path: str, locale: str) -> None:
    with page_of(browser, served.address, path, width=320, locale=locale) as page:
        unfold(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_first_tab_offers_to_skip_to_the_content(browser: Browser, served) -> None:
    with page_of(browser, served.address, "/schema") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_a_form_that_came_back_has_the_focus_on_its_errors_which_lead_to_their_fields(browser: Browser, served) -> None:
    with page_of(browser, served.address, "/gallery") as page:
        assert page.evaluate("document.activeElement.className").endswith("error-summary")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "field-name"
        page.locator(".error-summary a").nth(1).press("Enter")
        assert page.evaluate("document.activeElement.id") == "field-stamp"


def test_the_account_menu_opens_by_keyboard_and_closes_on_escape(browser: Browser, served) -> None:
    with page_of(browser, served.address, "/problem") as page:
        summary = page.locator("details.menu > summary")
        summary.press("Enter")
        assert page.locator(".menu-body").is_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        assert not page.locator(".menu-body").is_visible()
        assert summary.evaluate("(it) => it === document.activeElement")


@pytest.mark.parametrize("scripts", [True, False])
def test_the_language_switch_comes_back_to_the_same_place(browser: Browser, served, scripts: bool) -> None:
    with page_of(browser, served.address, "/schema?q=accept", java_script_enabled=scripts) as page:
        page.get_by_role("link", name="English").click()
        assert page.url == served.address + "/schema?q=accept"
        assert page.get_by_role("heading", level=1).inner_text() == "API reference"
        page.get_by_role("link", name="中文").click()
        assert page.get_by_role("heading", level=1).inner_text() == "接口参考"


def test_htmx_runs_under_the_policy_and_a_failed_request_is_said(browser: Browser, served) -> None:
    with page_of(browser, served.address, "/gallery") as page:
        assert page.evaluate("[htmx.config.allowEval, htmx.config.includeIndicatorStyles]") == [False, False]
        page.evaluate("void htmx.ajax('GET', '/nothing-here', '#main')")
        page.wait_for_selector("#announcement:not([hidden])")
        assert "操作没有成功" in page.locator("#announcement").inner_text()
        assert page.evaluate("refused") == []


def test_a_link_to_a_folded_shape_opens_it(browser: Browser, served) -> None:
    with page_of(browser, served.address, "/schema#schema-Address") as page:
        assert page.locator("#schema-Address").evaluate("(it) => it.open")


def test_print_is_black_on_white_without_navigation(browser: Browser, served) -> None:
    with page_of(browser, served.address, "/gallery", color_scheme="dark") as page:
        page.emulate_media(media="print")
        assert page.locator("body").evaluate("(it) => getComputedStyle(it).color") == "rgb(0, 0, 0)"
        assert not page.locator(".areas").is_visible()
        assert page.get_by_role("heading", level=1).is_visible()
