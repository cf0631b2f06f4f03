"""A browser, and a web application that it can look at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from litestar import Litestar
from playwright.sync_api import Browser, Page, sync_playwright

from gdbos.testing import CHROMIUM, free_port, require

AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
}
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WATCH = """
    window.refused = [];
    document.addEventListener("securitypolicyviolation", (event) => refused.push(event.violatedDirective));
"""
Listening = Callable[[Litestar], str]
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: while Playwright is open, nothing else in this thread can have an event loop."""
    from pathlib import Path

    require("chromium", Path(CHROMIUM).exists(), "install Debian's chromium package")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def listening() -> Iterator[Listening]:
    """``listening(app)``: the address at which the application answers until the module's tests are over."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(_listening(app))


@contextmanager
def _listening(app: Litestar) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the application did not start")
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """``opened(address, width=…, locale=…)``: the page in a window of its own, what its policy refuses in ``refused``."""
    with ExitStack() as stack:

        def show(address: str, *, width: int = 1280, locale: str = "zh-CN", **context: object) -> Page:
            window = stack.enter_context(
                browser.new_context(viewport={"width": width, "height": 900}, locale=locale, **context)
            )
            window.add_init_script(WATCH)
            page = window.new_page()
            page.goto(address)
            return page

        yield show


@pytest.fixture
def flawless() -> Callable[[Page], None]:
    """``flawless(page)``: axe finds nothing, the policy refused nothing, nothing scrolls sideways."""

    def look(page: Page) -> None:
        page.evaluate("document.querySelectorAll('main details').forEach((each) => (each.open = true))")
        found = Axe().run(page, options=AXE)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("refused") == []
        width = page.viewport_size["width"] if page.viewport_size else 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    return look
