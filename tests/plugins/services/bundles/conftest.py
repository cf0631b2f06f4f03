"""A city with its seven departments' existing systems, two applicants, and officials where no rule decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

import httpx
import pytest
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import select, update

from gdbos.bus.grant import bus_grant, decide
from gdbos.bus.outbox import delivery
from gdbos.identity.body import Body
from gdbos.identity.seed import Seed, SeedOfficial, SeedPerson, SeedPost, plant
from gdbos.secret import Secret
from gdbos.testing import Site, deployment, serving
from gdbos.text import Text
from gdbos.unit import Unit
from gdbos_scenarios.departments.program import Running, running

OPERATOR = "11450100MADEM0011Y"
BODIES = {
    "market-regulation": "11450100MADEM002XN",
    "public-security": "11450100MADEM0038N",
    "tax": "11450100MADEM0046H",
    "hr-social-security": "11450100MADEM0054C",
    "medical-security": "11450100MADEM00627",
    "housing-fund": "11450100MADEM00702",
    "bank": "11450100MADEM0089Y",
}
ANNA, BEN = "450103198503129995", "450103199007219988"
PASSWORD = "a long enough password"
PLUGINS: dict[str, dict[str, Any]] = {
    f"services.{name}": {} for name in ("matters", "forms", "cases", "instant", "licences", "bundles")
}
GUIDANCE = {"employees": "1", "seal": "1", "invoices": "1", "bank": "901"}
ANSWERS: dict[str, Any] = {
    "enterprise-type": "1130",
    "registered-division": "450103",
    "registered-address": "广西壮族自治区南宁市青秀区示范路1号A座808室",
    "premises-right": "2",
    "premises-owner-name": "覃虚构",
    "registered-capital": 1000000,
    "capital-due-date": "2031-12-31",
    "business-term-kind": "1",
    "industry-code": "F5299",
    "business-scope": "日用百货销售；办公用品销售；信息咨询服务。",
    "staff-count": 6,
    "enterprise-phone": "13800000001",
    "production-address-same": "1",
    "legal-representative-citizen-id": ANNA,
    "legal-representative-mobile": "13800000001",
    "legal-representative-post": "1",
    "investor-citizen-id": [ANNA],
    "investor-name": ["韦示例"],
    "investor-contribution": [1000000],
    "investor-contribution-way": ["1"],
    "finance-officer-citizen-id": BEN,
    "finance-officer-name": "黄样例",
    "finance-officer-mobile": "13800000002",
    "seal-kind": ["01", "02"],
    "seal-material": "1",
    "electronic-seal": "1",
    "tax-clerk-citizen-id": BEN,
    "tax-clerk-name": "黄样例",
    "tax-clerk-mobile": "13800000002",
    "taxpayer-kind": "2",
    "accounting-standard": "2",
    "accounting-method": "1",
    "invoice-kind": ["81"],
    "invoice-monthly-count": 25,
    "invoice-limit": 100000,
    "insurance-kind": ["10", "20", "40"],
    "insurance-start-month": "202612",
    "insured-staff-count": 6,
    "payroll-monthly-total": 36000,
    "payroll-day": 15,
    "work-injury-class": "1",
    "medical-insurance-kind": ["1"],
    "hr-contact-name": "黄样例",
    "hr-contact-mobile": "13800000002",
    "fund-unit-rate": 5,
    "fund-person-rate": 5,
    "fund-start-month": "202612",
    "fund-staff-count": 6,
    "beneficial-owner-citizen-id": ANNA,
    "beneficial-owner-name": "韦示例",
    "bank-branch": "青秀支行",
    "account-kind": "1",
    "account-appointment": "2026-12-01",
    "online-banking": "1",
}
"""All that Anna types; what the registers know of her is filled in."""


class Clock:
    """A clock that moves only when it is asked, and on a working day."""

    def __init__(self) -> None:
        self._one = Lock()
        self.now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        with self._one:  # threads ask too, and time never goes back
            self.now += timedelta(microseconds=1)
            return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class City:
    """The served node, everybody in it by log-in name, and the switches of the departments' systems."""

    def __init__(self, site: Site, departments: Running, clock: Clock) -> None:
        self.site, self.departments, self.clock = site, departments, clock
        self.names = 0
        self.tokens: dict[str, dict[str, str]] = {}

    def ask(self, who: str, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        """One request by ``who``; logged in anew once their session has ended."""
        answered = self._ask(who, method, path, json, more)
        if answered.status_code == 401 and self.tokens.pop(who, None):
            return self._ask(who, method, path, json, more)
        return answered

    def _ask(self, who: str, method: str, path: str, json: Any, more: dict[str, Any]) -> httpx.Response:
        if who and who not in self.tokens:
            self.tokens[who] = self.site.sign_in(who, PASSWORD)
        headers = self.tokens.get(who, {}) | more.get("headers", {})
        answered: httpx.Response = self.site.client.request(method, path, json=json, **(more | {"headers": headers}))
        return answered

    def page(self, who: str, path: str, form: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """A page as a browser asks for it, or a form of it sent."""
        accepts = {"accept": "text/html", "accept-language": "zh-CN"}
        if form is None and "files" not in more:
            return self.ask(who, "GET", path, headers=accepts)
        return self.ask(who, "POST", path, headers=accepts, data=form, follow_redirects=False, **more)

    def done(self, who: str, method: str, path: str, json: Any = None) -> dict[str, Any]:
        """One request that must succeed."""
        answered = self.ask(who, method, path, json)
        assert answered.status_code in (200, 201), answered.text
        found: dict[str, Any] = answered.json()
        return found

    def switch(self, **switches: Any) -> None:
        """Put departments' systems out of order, or in order again."""
        told = httpx.post(f"{self.departments.url}/_control", json=switches, trust_env=False)
        assert told.status_code == 200, told.text

    def name(self) -> str:
        """A name no enterprise has."""
        self.names += 1
        return f"南宁{'甲乙丙丁戊己庚辛壬癸'[self.names]}测商贸有限公司"

    def begin(self, who: str = "anna", guidance: dict[str, str] | None = None) -> str:
        wanted = {"bundle": "enterprise-opening", "guidance": guidance or GUIDANCE}
        return str(self.done(who, "POST", "/api/services/bundles", wanted)["id"])

    def form(self, bundle: str, who: str = "anna") -> dict[str, Any]:
        return self.done(who, "GET", f"/api/services/bundles/{bundle}/form")

    def fill(self, bundle: str, **changes: Any) -> None:
        """Type everything that is asked."""
        asked = {q["element"] for s in self.form(bundle)["sections"] for q in s["questions"]}
        typed = {"enterprise-name": self.name(), **ANSWERS, **changes}
        answers = {element: value for element, value in typed.items() if element in asked}
        self.done("anna", "PUT", f"/api/services/bundles/{bundle}/answers", {"answers": answers})

    def materials(self, bundle: str) -> list[dict[str, Any]]:
        """Upload what only the applicant has."""
        brought = []
        for wanted in self.form(bundle)["materials"]:
            sent = {"file": ("articles.pdf", paper(), "application/pdf")}
            kept = self.ask("anna", "POST", "/api/files", files=sent)
            assert kept.status_code == 201, kept.text
            brought.append({"matter": wanted["matter"], "material": wanted["material"], "file": kept.json()["id"]})
        return brought

    def submitted(self, guidance: dict[str, str] | None = None, **changes: Any) -> str:
        bundle = self.begin(guidance=guidance)
        self.fill(bundle, **changes)
        materials = self.materials(bundle)
        self.done("anna", "POST", f"/api/services/bundles/{bundle}/submit", {"materials": materials})
        return bundle

    def run(self, bundle: str, who: str = "anna") -> dict[str, Any]:
        return self.done(who, "GET", f"/api/services/bundles/{bundle}")

    def children(self, bundle: str) -> dict[str, dict[str, Any]]:
        """Its cases by the last part of their matter."""
        return {one["matter"].removeprefix("enterprise."): one for one in self.run(bundle)["children"]}

    def states(self, bundle: str) -> dict[str, str]:
        return {matter: child["state"] for matter, child in self.children(bundle).items()}

    def decide(self, official: str, case: str, act: str = "approve", **more: str) -> None:
        self.done(official, "POST", f"/api/services/cases/{case}/accept")
        self.done(official, "POST", f"/api/services/cases/{case}/{act}", more or {"reason": ""})
        self.settle()

    def decide_accepted(self, official: str, case: str) -> None:
        """Approve a case that silence has accepted already."""
        self.done(official, "POST", f"/api/services/cases/{case}/approve", {"reason": ""})
        self.settle()

    def settle(self) -> None:
        self.site.settle()

    def registered(self, bundle: str) -> None:
        """Let market regulation decide, and everything that follows by rule happen."""
        self.settle()
        self.decide("market", self.children(bundle)["registration"]["case"])

    def deliver_again(self) -> None:
        """Every end of a case is told once more, as after a crash before its delivery was entered."""

        def again(unit: Unit) -> None:
            ours = delivery.c.handler.in_(("services.bundles.advance", "services.licences.issue_result"))
            done = update(delivery).where(ours, delivery.c.state == "done")
            assert unit.execute(done.values(state="pending", next_at=unit.now)).rowcount >= 2

        self.site.unit(again)
        self.settle()

    def dead_letters(self) -> list[Any]:
        """What could not be handled."""

        def read(unit: Unit) -> list[Any]:
            query = select(delivery.c.handler, delivery.c.error).where(delivery.c.state == "dead")
            return list(unit.execute(query).all())

        return list(self.site.unit(read))


def paper() -> bytes:
    """Any paper, as PDF."""
    kept = BytesIO()
    page = Canvas(kept, invariant=1)
    page.drawString(72, 760, "Articles of association")
    page.save()
    return kept.getvalue()


def _official(login: str, role: str, post_role: str = "approver") -> SeedOfficial:
    post = SeedPost(body=BODIES[role], role=post_role)
    return SeedOfficial(name=login.title(), login=login, password=Secret(env="CITY_PASSWORD"), posts=(post,))


def _person(login: str, number: str, name: str, phone: str) -> SeedPerson:
    return SeedPerson(name=name, citizen_id=number, login=login, phone=phone, password=Secret(env="CITY_PASSWORD"))


def seed() -> Seed:
    """Who is there."""
    bodies = (
        Body(uscc=OPERATOR, name=Text("南宁政务", "Operator"), division="450100", level="city"),
        *(
            Body(uscc=uscc, name=Text(f"南宁{role}", role), division="450100", level="city", plays=(role,))
            for role, uscc in BODIES.items()
        ),
    )
    officials = (
        _official("market", "market-regulation"),
        _official("examiner", "market-regulation", "examiner"),
        _official("police", "public-security"),
        _official("taxman", "tax"),
        _official("teller", "bank"),
    )
    people = (_person("anna", ANNA, "韦示例", "13800000001"), _person("ben", BEN, "黄样例", "13800000002"))
    return Seed(bodies=bodies, officials=officials, persons=people)


def approve_grants(unit: Unit) -> None:
    """A named official would; here the node itself approves what pages and handlers consume."""
    for grant in unit.execute(unit.rows(bus_grant, bus_grant.c.id).where(bus_grant.c.state == "draft")).scalars().all():
        decide(unit, grant, approve=True, reason="for the test")


def settings(departments: Running) -> str:
    """The rest of the deployment file."""
    return "\n".join(
        [
            "[standards]",
            'packs = ["national", "guangxi", "nanning"]',
            "[passwords]",
            "min_length = 8",
            "[bodies]",
            *(f'{role} = "{uscc}"' for role, uscc in BODIES.items()),
            "[bus.places]",
            f'departments = "{departments.url}"',
            f'departments_keys = "{departments.keys}"',
        ]
    )


@contextmanager
def city_of(
    folder: Path, database: str, departments: Running, clock: Clock, *, plugins: Any = None, extra: str = ""
) -> Iterator[City]:
    """A served city, its grants approved; opened again on the same folder and database it is the same city."""
    made = deployment(folder, plugins=plugins or PLUGINS, database=database, extra=settings(departments) + extra)
    with serving(made, prepare=lambda unit: plant(unit, seed()), clock=clock) as site:
        site.call(site.kernel.draft_consumption)
        site.unit(approve_grants)
        site.call(site.kernel.refresh)
        yield City(site, departments, clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def departments(tmp_path: Path) -> Iterator[Running]:
    """The program that plays the departments' existing systems."""
    with running(tmp_path / "departments") as program:
        yield program


@pytest.fixture
def city(
    tmp_path: Path, database: str, departments: Running, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[City]:
    monkeypatch.setenv("CITY_PASSWORD", PASSWORD)
    with city_of(tmp_path, database, departments, clock) as made:
        yield made
