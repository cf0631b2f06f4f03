"""Somebody at a browser: what they click, and what the browser complains of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
WATCH = """
    window.refused = [];
    document.addEventListener("securitypolicyviolation", (event) => refused.push(event.violatedDirective));
"""
MOST_TABS = 150


class Visitor:
    """A window of its own, in a language; ``said(message)`` are the words the pages say in it."""

    def __init__(
        self, browser: Browser, url: str, said: Callable[[str], str], locale: str, *, width: int = 1280, **window: Any
    ) -> None:
        self.url, self.said, self.locale = url, said, locale
        self.window = browser.new_context(
            viewport={"width": width, "height": 900}, locale=LANGUAGES[locale], base_url=url, **window
        )
        self.window.add_init_script(WATCH)
        self.page: Page = self.window.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        """Errors, of which a form that came back (422) is none."""
        if message.type == "error" and "status of 422" not in message.text:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def open(self, path: str) -> None:
        self.page.goto(path)

    def log_in(self, login: str, password: str) -> None:
        """By the log-in page, as anybody would."""
        self.open("/login")
        self.page.get_by_label(self.said("Log-in name")).fill(login)
        self.page.locator("input[name=password]").fill(password)
        self.press("Log in")

    def press(self, message: str) -> None:
        """The button of the main part that says so."""
        self.page.locator("main").get_by_role("button", name=self.said(message), exact=True).click()

    def follow(self, message: str, within: str = "body") -> None:
        """The link that says so."""
        self.page.locator(within).get_by_role("link", name=self.said(message), exact=True).first.click()

    def heading(self) -> str:
        return str(self.page.get_by_role("heading", level=1).inner_text())

    def tab_to(self, place: Locator) -> None:
        """Press the tabulator until ``place`` has the focus, as somebody without a mouse would."""
        for _ in range(MOST_TABS):
            if place.evaluate("(it) => it === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the tabulator does not reach {place}")

    def close(self) -> None:
        self.window.close()
