"""The main job (企业开办), by clicking: an applicant, two officials, a leader; seven departments answer."""

from __future__ import annotations

import secrets
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import gdbos_scenarios.enterprise_opening
from gdbos_scenarios.enterprise_opening.document import sample
from gdbos_scenarios.enterprise_opening.people import APPLICANT

from .city import City
from .conftest import Visit
from .visitor import Visitor

ANSWERS = tomllib.loads((Path(gdbos_scenarios.enterprise_opening.__file__).parent / "answers.toml").read_text("utf-8"))
OPENING = {"zh": "企业开办", "en": "Opening an enterprise"}
REGISTER = {"zh": "人口基本信息查询", "en": "Look up a person in the population register"}
ARTICLES = "公司章程"
REGISTRATION, BANK = "scjg", "yh"
"""The officials of the matters that no rule decides."""
PATIENCE = 60.0


def arrive(who: Visitor, password: str) -> None:
    """Log in with the keyboard alone, and come to the home page."""
    who.open("/portal")
    who.tab_to(who.page.locator("a.log-in"))
    who.page.keyboard.press("Enter")
    who.tab_to(who.page.locator("input[name=login]"))
    who.page.keyboard.type(APPLICANT)
    who.page.keyboard.press("Tab")
    who.page.keyboard.type(password)
    who.page.keyboard.press("Enter")
    who.page.wait_for_url("**/portal")


def choose(who: Visitor) -> None:
    """From the home page to the form, with the keyboard alone."""
    who.tab_to(who.page.locator("main .card a", has_text=OPENING[who.locale]))
    who.page.keyboard.press("Enter")
    who.page.wait_for_url("**/bundles/enterprise-opening")
    groups = who.page.locator("#begin fieldset")
    for each in range(groups.count()):
        choices = groups.nth(each).locator("input[type=radio]")
        who.tab_to(choices.first)
        who.page.keyboard.press("Space")
        assert choices.first.is_checked()
    who.tab_to(who.page.locator("#begin button[type=submit]"))
    who.page.keyboard.press("Enter")
    who.page.wait_for_url("**/form")


def enter(who: Visitor, element: str, value: Any) -> None:
    """Answer one question the way its control wants it; what is not asked, locked or filled in already is left."""
    for row, one in enumerate(value if isinstance(value, list) else [value]):
        places = who.page.locator(f"main form [name='{element}'], main form [name='{element}.{row}']")
        if not places.count() or not places.first.is_visible():
            continue
        control = places.first.evaluate("(it) => it.type")
        if control in ("radio", "checkbox"):
            who.page.locator(f"main form [name='{element}'][value='{one}']").check()
        elif control == "select-one":
            places.first.select_option(str(one))
        elif not places.first.input_value():
            places.first.fill(str(one))


def fill_in(who: Visitor) -> None:
    """Type the numbers; let the registers answer; type the rest."""
    first: Mapping[str, Any] = ANSWERS["first"]
    name = "".join(secrets.choice("安邦昌达恒宏嘉锦康利隆铭荣瑞盛泰祥欣信旭裕悦") for _ in range(4))
    for element, value in first.items():
        enter(who, element, value.format(name=name) if element == "enterprise-name" else value)
    who.press("Save for later")
    who.page.get_by_text(who.said("Saved. You can go on later; a draft is kept for 30 days.")).wait_for()
    sources = who.page.locator("main .sourced .source")
    assert sources.count() >= 6
    assert any(REGISTER[who.locale] in words for words in sources.all_inner_texts())
    assert who.page.locator("[name='legal-representative-name']").input_value() == "韦示例"
    for element, value in ANSWERS["rest"].items():
        enter(who, element, value)
    who.press("Go on to the last look")
    who.page.locator(".error-summary, input[type=file]").first.wait_for()
    assert who.page.locator(".error-summary li").all_inner_texts() == []


def hand_in(who: Visitor) -> None:
    """Upload what only the applicant has, look once more, and send everything off."""
    papers = who.page.locator("input[type=file]")
    assert papers.count() == 1
    papers.set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": sample(ARTICLES)})
    who.press("Hand everything in")
    who.page.locator("#progress").wait_for()


def number(who: Visitor, at: int) -> str:
    """The number of one of the seven cases, as the progress page shows it once there is one."""
    return str(who.page.locator(".parts > li").nth(at).locator(".meta").inner_text()).split()[-1].strip("·：")


def decide(who: Visitor, password: str, login: str, case: str) -> None:
    """An official's part: find the case among the tasks, accept it, approve it."""
    who.log_in(login, password)
    who.open("/workbench")
    who.page.get_by_role("link", name=case).click()
    who.press("Accept")
    who.page.locator("[name=reason_approve]").fill("材料齐全，符合法定形式")
    who.press("Approve")
    who.page.wait_for_url("**/workbench")


def wait_for_results(who: Visitor, count: int) -> None:
    """The page follows by itself; nobody reloads it."""
    results = who.page.locator(".part-end a[href^='/portal/licences/']")
    until = time.monotonic() + PATIENCE
    while results.count() < count and time.monotonic() < until:
        time.sleep(0.3)
    assert results.count() == count


def take_a_copy(who: Visitor) -> bytes:
    """Open the first result and download it."""
    who.page.locator(".part-end a").first.click()
    who.page.wait_for_url("**/portal/licences/*")
    with who.page.expect_download() as coming:
        who.press("Download the copy (PDF)")
    return coming.value.path().read_bytes()


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_an_enterprise_is_opened_by_clicking(nanning: City, visit: Visit, locale: str) -> None:
    applicant = visit(locale)
    arrive(applicant, nanning.passwords[APPLICANT])
    choose(applicant)
    fill_in(applicant)
    hand_in(applicant)
    decide(visit(locale), nanning.passwords[REGISTRATION], REGISTRATION, number(applicant, 0))
    wait_for_results(applicant, 6)
    decide(visit(locale), nanning.passwords[BANK], BANK, number(applicant, 6))
    wait_for_results(applicant, 7)
    assert applicant.page.locator(".parts .badge.good").count() == 7
    assert applicant.page.locator(".comparison").count() == 4

    copy = take_a_copy(applicant)
    assert (copy[:5], copy.rstrip()[-5:]) == (b"%PDF-", b"%%EOF")

    applicant.follow("Who looked at my data", ".entries")
    looks = applicant.page.locator(".receipts > li")
    assert looks.count() > 0
    assert applicant.said("Fill in what government holds already") in applicant.page.locator("main").inner_text()

    leader = visit(locale)
    leader.log_in("lingdao", nanning.passwords["lingdao"])
    leader.follow("Cockpit", ".areas")
    assert leader.page.get_by_role("heading", name=leader.said("The four reductions")).is_visible()
    assert leader.page.locator(".comparison").count() == 4
    leader.follow("Ended cases", ".figures")
    assert leader.page.locator(".table tbody tr").count() >= 7
    leader.open("/cockpit/cards")
    assert leader.heading() == leader.said("Yellow and red cards")


def test_without_script_the_applicant_comes_as_far(nanning: City, visit: Visit) -> None:
    applicant = visit("zh", java_script_enabled=False)
    applicant.log_in(APPLICANT, nanning.passwords[APPLICANT])
    applicant.open("/portal")
    applicant.page.locator("main .card a", has_text=OPENING["zh"]).click()
    for group in applicant.page.locator("#begin fieldset").all():
        group.locator("input[type=radio]").first.check()
    applicant.page.locator("#begin button[type=submit]").click()
    fill_in(applicant)
    hand_in(applicant)
    assert applicant.page.locator(".parts > li").count() == 7
    applicant.page.get_by_role("link", name=applicant.said("Look again")).click()
    assert number(applicant, 0).isdigit()


def test_nonsense_comes_back_with_what_was_typed_and_what_is_wrong_beside_it(nanning: City, visit: Visit) -> None:
    applicant = visit("zh")
    applicant.log_in(APPLICANT, nanning.passwords[APPLICANT])
    applicant.open("/portal/bundles/enterprise-opening")
    applicant.page.locator("#begin button[type=submit]").click()
    assert applicant.page.locator(".error-summary li").count() == 4
    for group in applicant.page.locator("#begin fieldset").all():
        group.locator("input[type=radio]").first.check()
    applicant.page.locator("#begin button[type=submit]").click()
    nonsense = {
        "legal-representative-citizen-id": "450103198503129990",
        "enterprise-phone": "abc",
        "staff-count": "几个",
    }
    for element, value in nonsense.items():
        applicant.page.locator(f"[name='{element}']").fill(value)
    applicant.press("Go on to the last look")
    applicant.page.locator(".error-summary").wait_for()
    assert applicant.page.evaluate("document.activeElement.className").endswith("error-summary")
    for element, value in nonsense.items():
        place = applicant.page.locator(f"[name='{element}']")
        assert place.input_value() == value
        assert place.get_attribute("aria-invalid") == "true"
        assert applicant.page.locator(f"#field-{element}-error").is_visible()
        assert applicant.page.locator(f".error-summary a[href='#field-{element}']").count() == 1
