"""A second factor as a person meets it: set up, asked for, shown again, taken away; every step looked at with axe-core."""

from __future__ import annotations

import re

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe

from .city import City
from .conftest import Visit
from .test_every_page import AXE
from .visitor import Visitor

WHO = "qin"


def looked_at(one: Visitor) -> None:
    found = Axe().run(one.page, options=AXE).response["violations"]
    assert [(violation["id"], [node["target"] for node in violation["nodes"]]) for violation in found] == []
    width = one.page.evaluate("document.documentElement.scrollWidth")
    assert width <= (one.page.viewport_size or {"width": 0})["width"], one.page.url


@pytest.mark.parametrize(("locale", "width"), [("zh", 360), ("en", 1280)])
def test_somebody_sets_up_uses_and_takes_away_a_second_factor(
    nanning: City, visit: Visit, locale: str, width: int
) -> None:
    password = nanning.passwords[WHO]
    one = visit(locale, width=width)
    one.log_in(WHO, password)
    one.open("/account/second-factor")
    looked_at(one)
    one.page.locator("input[name=password]").fill(password)
    one.press("Set up a second factor")
    looked_at(one)
    secret = one.page.locator("main code").inner_text()
    # The node's clock runs: the steps around now are as good as this one, and each counts once.
    app, codes = pyotp.TOTP(secret), iter((-30, 0, 30))

    def code() -> str:
        return app.at(one.page.evaluate("Date.now() / 1000") + next(codes))

    one.page.locator("input[name=code]").fill(code())
    one.press("Set up")
    looked_at(one)
    recovery = one.page.locator("main code").all_inner_texts()
    assert len(recovery) == 10
    one.follow("I have kept them", "main")
    assert one.page.url.endswith("/account")

    again = visit(locale, width=width)
    again.log_in(WHO, password)
    assert again.page.url.endswith("/login/step")
    looked_at(again)
    again.page.locator("input[name=code]").fill("000000")
    again.press("Log in")
    assert again.page.locator("[aria-invalid=true]").count() == 1
    again.page.locator("input[name=code]").fill(code())
    again.press("Log in")
    assert not re.search("/login", again.page.url)

    again.open("/login/confirm?next=/account/second-factor")
    looked_at(again)
    again.page.locator("input[name=code]").fill(recovery[0])
    again.press("Go on")
    assert again.page.url.endswith("/account/second-factor")
    looked_at(again)
    again.page.locator("input[name=code]").fill(recovery[1])
    again.press("Take the second factor away")
    assert again.page.get_by_text(again.said("The second factor is taken away.")).is_visible()
