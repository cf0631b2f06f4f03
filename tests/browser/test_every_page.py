"""Every page of the city, opened by somebody who may, in both languages, wide and narrow, light and dark."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from babel.messages.pofile import read_po
from litestar.routes import HTTPRoute

from gdbos.config import load
from gdbos.http import application
from gdbos.kernel import Kernel
from gdbos.pages.render import Page
from gdbos.shipped import shipped
from gdbos.standards.parcel import files_of, zipped
from gdbos_scenarios.enterprise_opening.opening import begin, bring, fill_in, open_enterprise
from gdbos_scenarios.enterprise_opening.people import APPLICANT

from .city import CONFIG, City
from .conftest import ROOT, Visit
from .visitor import Visitor

AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
WHO = {
    "": APPLICANT,
    "/workbench": "scjg",
    "/workbench/cards": "zhuguan",
    "/cockpit": "lingdao",
    "/console": "xitong",
    "/console/services/register": "zhuguan",
    "/console/recalls": "zhuguan",
    "/console/seals": "zhuguan",
    "/console/erasures": "anquan",
    "/console/grants": "anquan",
    "/console/calls": "shenji",
    "/console/organisation": "anquan",
    "/console/roles": "anquan",
    "/console/import": "anquan",
    "/console/decisions": "anquan",
    "/console/audit": "shenji",
    "/console/matters": "scjg",
    "/console/catalogue": "bianmu",
    "/console/sharing": "bianmu",
    "/console/quality": "shuju",
    "/console/standards/editions": "biaozhun",
    "/console/standards/proposals": "shuju",
}
"""Who opens the pages below a path; the longest beginning counts."""
ASIDE = ("/login",)
"""For those who have not logged in."""
STEPS = ("/login/step", "/account/second-factor/codes")
"""Pages that one only reaches in the middle of something: `test_log_in.py` looks at them."""
ABOUT = {
    "/console/sharing/ask": "?resource={resource_id}",
    "/console/quality/check": "?resource={resource_id}",
    "/console/decisions": "?who=scjg&does=kernel.identity.read&to=division%3D450100",
    "/console/standards/search": "?q=信用代码",
}
"""What pages without an id in their path are about."""
RESOURCE: dict[str, Any] = {
    "code": "102/0001",
    "name": {"zh": "市场主体登记信息", "en": "Enterprises in the register"},
    "class": "1",
    "base": "102",
    "abstract": {"zh": "在本市登记的企业的基本登记事项。", "en": "What the register holds of each enterprise."},
    "format": "6",
    "items": [
        {"field": name.replace("-", "_"), "element": name} for name in ("uscc", "enterprise-name", "established-on")
    ],
    "sharing_attribute": "2",
    "sharing_condition": "办理本部门法定职责内的政务服务事项",
    "sharing_way": ["14"],
    "open_attribute": "2",
    "open_condition": "依申请",
    "update_cycle": "1",
    "grade": "general",
}
REQUEST = {
    "system": "governance.quality",
    "matters": ["enterprise.tax"],
    "purpose": "数据质量检查",
    "legal_basis": "政务数据共享条例",
    "fields": ["uscc", "enterprise_name"],
}
COMPANY = "91450103MADEM00112"
"""In the enterprise register of the departments' program."""
WRONG = {"values": [{"uscc": COMPANY, "established_on": "2099-01-01"}]}
LETTERS = 8
"""With fewer, a message around what it is about ("{part} of {whole}") would be found in anything English."""
VISIBLE = """() => {
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const at = walk.currentNode.parentElement;
        if (!at.closest("script, style, code, pre, [lang=en]")) found.push(walk.currentNode.textContent.trim());
    }
    for (const at of document.querySelectorAll("[aria-label], [placeholder], [title], [alt]"))
        for (const name of ["aria-label", "placeholder", "title", "alt"])
            if (at.getAttribute(name)) found.push(at.getAttribute(name));
    return [document.title.split(" · ")[0], ...found].filter((words) => /[A-Za-z]{2,}/.test(words));
}"""


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    """The city's plugins and standards, not served: for its routes and its ids."""
    return Kernel(load(CONFIG, {}), lambda: datetime.now(UTC))


@pytest.fixture(scope="module")
def templates(kernel: Kernel) -> list[str]:
    """The path of every page."""
    found = []
    for route in application(kernel).routes:
        if isinstance(route, HTTPRoute) and "GET" in route.route_handler_map:
            given = route.route_handler_map["GET"][0].parsed_fn_signature.return_type
            if Page in (given.annotation, *(one.annotation for one in given.inner_types)):
                found.append(route.path_format)
    return sorted(set(found) - set(STEPS))


@pytest.fixture(scope="module")
def pages(nanning: City, kernel: Kernel, templates: list[str]) -> list[tuple[str, str]]:
    """The address of every page, with who opens it."""
    ids = known(nanning, kernel)
    found = []
    for template in templates:
        where = next(where for where in sorted(ids, key=len, reverse=True) if template.startswith(where))
        path = template.format_map(ids[""] | ids[where])
        found.append((template, path + ABOUT.get(template, "").format(**ids[""])))
    return found


def known(city: City, kernel: Kernel) -> dict[str, dict[str, str]]:
    """An id for every place of a path, made by doing what makes it; below some paths another one."""
    opened = open_enterprise(city.http, city.passwords, lambda line: None)
    applicant = city.person(APPLICANT)
    draft = begin(applicant, lambda line: None)
    live = handed_in(city)
    standards, licence = kernel.standards, opened.licences[0]["id"]
    ids = {
        "matter_id": "enterprise.registration",
        "code": "gx.enterprise.register",
        "plan_id": "enterprise-opening",
        "list_id": "supervision.card",
        "of": "gx.material-necessity",
        "into": "matter.material-necessity",
        "element_id": "uscc",
        "uscc": "11450100MADEM002XN",
        "item_id": "enterprise.registration",
        "record_id": sorted(standards.ids("records"))[0],
        "kind": "codes",
        "bundle_id": draft,
        "case_id": opened.bundle["children"][0]["case"],
        "licence_id": licence,
        "token": str(applicant.get(f"/api/services/licences/{licence}")["verify"]).rpartition("/")[2],
        "card_id": carded(city, live),
        "proposal_id": proposed(city),
        "edition_id": drafted(city),
        **governed(city),
        **parked(city),
    }
    alone = applicant.post("/api/services/cases", {"matter": "social-card.replacement"})["id"]
    return {
        "": ids,
        "/console/standards/items": {"kind": "matters"},
        "/portal/cases/{case_id}/form": {"case_id": alone},
        "/portal/bundles/runs/{bundle_id}/": {"bundle_id": draft},
        "/portal/bundles/runs/{bundle_id}": {"bundle_id": opened.bundle["bundle"]},
        "/workbench/cases": {"case_id": live},
    }


def handed_in(city: City) -> str:
    """A second opening, whose first case an official has accepted and not decided; the case."""
    applicant = city.person(APPLICANT)
    bundle = begin(applicant, lambda line: None)
    form = fill_in(applicant, bundle, lambda line: None)
    applicant.post(f"/api/services/bundles/{bundle}/submit", {"materials": bring(applicant, form, lambda line: None)})
    case = str(applicant.get(f"/api/services/bundles/{bundle}")["children"][0]["case"])
    city.person("scjg").post(f"/api/services/cases/{case}/accept", {})
    return case


def carded(city: City, case: str) -> str:
    """A card of that case, once the day of its timer has come."""

    def timers() -> list[tuple[str, ...]]:
        event, facts = "enablement.oversight.card-due/1", f'%"case":"{case}"%"limit":"legal"%'
        return city.rows("SELECT id FROM bus_outbox WHERE type = ? AND CAST(body AS TEXT) LIKE ?", event, facts)

    first = waited(timers)[0][0]
    long_ago = "2020-01-01 00:00:00.000000"
    city.rows("UPDATE bus_delivery SET due_at = ?, next_at = ? WHERE event = ?", long_ago, long_ago, first)
    found = waited(lambda: city.person("lingdao").get("/api/enablement/oversight/cards")["cards"])
    return str(found[0]["card"]["id"])


def governed(city: City) -> dict[str, str]:
    """A published resource, a request for it, and a ticket about it."""
    keeper, other = city.person("bianmu"), city.person("mulu")
    resource = keeper.post("/api/governance/catalogue/resources", RESOURCE)["id"]
    manager, mounts = city.person("zhuguan"), "/api/governance/catalogue/mounts"
    manager.post(f"/api/governance/catalogue/resources/{resource}/sign-off", {})
    wanted = {"service": "gx.enterprise.register", "samples": [{"uscc": COMPANY}]}
    mount = keeper.post(f"/api/governance/catalogue/resources/{resource}/mounts", wanted)["id"]
    manager.post(f"{mounts}/{mount}/confirm", {})
    keeper.post(f"{mounts}/{mount}/probe", {})
    request = other.post("/api/governance/sharing/requests", {"resource": resource, **REQUEST})["id"]
    tickets = city.person("shuju").post(f"/api/governance/quality/resources/{resource}/values", WRONG)["tickets"]
    return {"resource_id": resource, "request_id": request, "ticket_id": tickets[0]}


def proposed(city: City) -> str:
    """An element that a department brought and that resembles one in force."""
    steward, brought = city.person("shuju"), {"id": "tax-number", "title": {"zh": "纳税人识别号"}, "form": "an18"}
    steward.post("/api/standards/proposals", {"source": "old system", "elements": [brought]})
    return str(steward.get("/api/standards/proposals")["items"][0]["id"])


def drafted(city: City) -> str:
    """A version of a pack that narrows an element others use, and holds a fault."""
    files = files_of(shipped("standards") / "nanning")
    files["pack.toml"] = files["pack.toml"].replace(b'version = "', b'version = "next-')
    files["elements/next.toml"] = '[[element]]\nid = "next"\ntitle = { zh = "下一个" }\nform = "none"\n'.encode()
    who = {"login": "shuju", "password": city.passwords["shuju"]}
    token = httpx.post(f"{city.url}/api/identity/sessions", json=who).json()["token"]
    sent = {"file": ("nanning.zip", zipped(files), "application/zip")}
    headers = {"authorization": f"Bearer {token}"}
    answered = httpx.post(f"{city.url}/api/standards/editions", files=sent, headers=headers, timeout=60)
    assert answered.status_code == 201, answered.text
    return str(answered.json()["id"])


def parked(city: City) -> dict[str, str]:
    """An event that a handler could not take."""
    event, handler = city.rows("SELECT event, handler FROM bus_delivery WHERE state = 'done' LIMIT 1")[0]
    why = "ProviderFailed: the department's system answered with an error"
    city.rows("UPDATE bus_delivery SET state = 'dead', error = ? WHERE event = ? AND handler = ?", why, event, handler)
    return {"event_id": event, "handler": handler}


def waited(look: Callable[[], Any], seconds: float = 20) -> Any:
    until = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.2)
    assert found
    return found


def who(template: str) -> str:
    return WHO[max((path for path in WHO if template.startswith(path)), key=len)]


def untranslated() -> Callable[[str], bool]:
    """Whether words are an English message that has Chinese words of its own."""
    exact, patterns = set(), []
    for path in [ROOT / "kernel/gdbos/locale/zh.po", *ROOT.glob("plugins/*/*/locale/zh.po")]:
        for entry in read_po(path.open("rb"), locale="zh"):
            for message in entry.id if isinstance(entry.id, list | tuple) else [entry.id]:
                if message and message != entry.string and re.search("[A-Za-z]{2,}", re.sub(r"{\w+}", "", message)):
                    exact.add(message)
                    if "{" in message and len(re.sub(r"{\w+}|[^A-Za-z]", "", message)) >= LETTERS:
                        patterns.append(re.sub(r"\\{\w+\\}", ".+", re.escape(message)))
    among = re.compile("|".join(rf"(?:{pattern})" for pattern in patterns))
    return lambda words: words in exact or among.fullmatch(words) is not None


def complaints(
    one: Visitor, template: str, path: str, other_width: int, english: Callable[[str], bool]
) -> Iterator[str]:
    """Everything that is wrong with one page."""
    answer = one.page.goto(path)
    page, before = one.page, len(one.complaints)
    if answer is None or answer.status != 200:
        yield f"answers {answer and answer.status}"
        return
    if not page.url.partition("?")[0].endswith(path.partition("?")[0]):
        yield f"leads to {page.url}"
    if page.locator("h1").count() != 1 or not page.title().partition(" · ")[0].strip():
        yield f"has {page.locator('h1').count()} h1, title {page.title()!r}"
    page.evaluate("document.querySelectorAll('main details').forEach((each) => (each.open = true))")
    if one.locale == "zh" or not template.startswith("/console"):  # axe takes most of the time; once is enough there
        for violation in Axe().run(page, options=AXE).response["violations"]:
            yield f"axe: {violation['id']} at {[node['target'] for node in violation['nodes']][:3]}"
    if one.locale == "zh":
        yield from (f"says {words!r} in English" for words in page.evaluate(VISIBLE) if english(words))
    for width in (page.viewport_size["width"] if page.viewport_size else 0, other_width):
        page.set_viewport_size({"width": width, "height": 900})
        if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
            yield f"needs {needed} px of {width}"
    yield from page.evaluate("refused")
    yield from one.complaints[before:]


@pytest.mark.parametrize(
    ("locale", "scheme", "width", "other"), [("zh", "light", 1280, 360), ("en", "dark", 360, 1280)]
)
def test_every_page_is_there_readable_and_in_its_language(
    nanning: City, visit: Visit, pages: list[tuple[str, str]], locale: str, scheme: str, width: int, other: int
) -> None:
    came: dict[str, Visitor] = {}
    found: dict[str, list[str]] = {}
    english = untranslated()
    for template, path in pages:
        login = "" if template in ASIDE else who(template)
        if login not in came:
            came[login] = visit(locale, width=width, color_scheme=scheme)
            if login:
                came[login].log_in(login, nanning.passwords[login])
        one = came[login]
        one.page.set_viewport_size({"width": width, "height": 900})
        if wrong := list(complaints(one, template, path, other, english)):
            found[template] = wrong
    assert not found, "\n".join(f"{template} {one}" for template, wrong in found.items() for one in wrong)


def test_every_part_of_the_city_has_pages(templates: list[str]) -> None:
    areas: Mapping[str, int] = {
        area: sum(1 for one in templates if one.startswith(f"/{area}"))
        for area in ("portal", "workbench", "console", "cockpit")
    }
    assert min(areas.values()) >= 4, areas
