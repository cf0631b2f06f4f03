"""A browser, the demo city, and visitors to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from gdbos.pages.translation import Catalogues
from gdbos.testing import CHROMIUM, require

from .city import City, city
from .visitor import Visitor

ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: while Playwright is open, nothing else in this thread can have an event loop."""
    require("chromium", Path(CHROMIUM).exists(), "apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def nanning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city, served as long as the browser tests run."""
    require("chromium", Path(CHROMIUM).exists(), "apt-get install chromium fonts-noto-cjk")
    with city(tmp_path_factory.mktemp("city")) as served:
        yield served


@pytest.fixture(scope="session")
def catalogues() -> Catalogues:
    """The words of every page of the city."""
    return Catalogues(sorted(path.parent for path in ROOT.glob("plugins/*/*/locale/zh.po")))


@pytest.fixture
def visit(browser: Browser, nanning: City, catalogues: Catalogues) -> Iterator[Visit]:
    """``visit("zh", width=…)``: somebody new at the city's door. What browsers complained of fails the test."""
    came: list[Visitor] = []
    with ExitStack() as stack:

        def somebody(locale: str, **window: Any) -> Visitor:
            found = Visitor(browser, nanning.url, catalogues.gettext(locale), locale, **window)
            stack.callback(found.close)
            came.append(found)
            return found

        yield somebody
    assert [complaint for one in came for complaint in one.complaints] == []
