"""A city whose bodies issue licences to two people and an enterprise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID

import httpx
import pytest

from gdbos.bus.basis import Basis
from gdbos.bus.grant import bus_grant, decide
from gdbos.config import Secret
from gdbos.identity.body import Body
from gdbos.identity.seed import Seed, SeedEnterprise, SeedOfficial, SeedPerson, SeedPost, plant
from gdbos.subjects import enterprise_key, person_key
from gdbos.testing import Site, deployment, serving
from gdbos.text import Text
from gdbos.unit import Unit
from gdbos_services.licences.licence import Licence, issue

OPERATOR, MARKET, TAX = "11450100MADEM0011Y", "11450100MADEM002XN", "11450100MADEM0046H"
ANNA, BEN = "450103198503129995", "450103199007219988"
COMPANY = "91450103MADEM00112"
PASSWORD = "a long enough password"
PLUGINS: dict[str, dict[str, Any]] = {
    f"services.{name}": {} for name in ("matters", "forms", "cases", "instant", "licences")
}
FACE = {
    "uscc": COMPANY,
    "enterprise-name": "南宁示例有限公司",
    "enterprise-type": "1130",
    "legal-representative-name": "韦示例",
    "registered-capital": 1000000,
    "established-on": "2026-11-23",
    "registered-address": "广西壮族自治区南宁市青秀区示范路1号",
    "business-scope": "软件开发；数据处理。",
    "staff-count": 6,
}
"""What a case knows; the last is on no licence."""


class Clock:
    """A clock that moves only when it is asked."""

    def __init__(self) -> None:
        self._one = Lock()
        self.now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        with self._one:  # threads ask too, and time never goes back
            self.now += timedelta(microseconds=1)
            return self.now


class City:
    """The served node, and everybody in it by log-in name."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self.site, self.clock = site, clock
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

    def done(self, who: str, method: str, path: str, json: Any = None) -> dict[str, Any]:
        """One request that must succeed."""
        answered = self.ask(who, method, path, json)
        assert answered.status_code in (200, 201), answered.text
        found: dict[str, Any] = answered.json()
        return found

    def act_for_company(self, who: str) -> None:
        """Let ``who`` act for the enterprise from now on."""
        answered = self.ask(who, "POST", "/api/identity/me/acts-for", {"subject": enterprise_key(COMPANY)})
        assert answered.status_code in (200, 201, 204), answered.text

    def issue(self, **changes: Any) -> Licence:
        """A business licence that Anna applied for, for the enterprise."""
        given: dict[str, Any] = {
            "licence_type": "business-licence",
            "holder": enterprise_key(COMPANY),
            "holder_name": "南宁示例有限公司",
            "issuer": MARKET,
            "division": "450100",
            "face": FACE,
            "subject": self.person(ANNA),
            "matter": "enterprise.registration",
            "case": "a-case",
        }
        made: Licence = self.site.unit(issue, **(given | changes))
        self.site.settle()
        return made

    def person(self, number: str) -> str:
        return person_key(self.site.kernel.vault, number)

    def open_basis(self, subject: str, body: str, case: str, matter: str) -> None:
        """A live case of ``body`` about ``subject``."""
        basis = Basis(subject=subject, body=body, matter=matter, case=case)
        self.site.unit(lambda unit: unit.open_basis(basis))

    def close_bases(self, case: str) -> None:
        self.site.unit(lambda unit: unit.close_bases(case))

    def verify(self, identifier: str) -> httpx.Response:
        return self.ask("", "POST", "/api/services/licences/verify", {"identifier": identifier})

    def path(self, licence: UUID) -> str:
        return f"/api/services/licences/{licence}"


def _official(login: str, body: str) -> SeedOfficial:
    post = SeedPost(body=body, role="approver")
    return SeedOfficial(name=login.title(), login=login, password=Secret(env="CITY_PASSWORD"), posts=(post,))


def _person(login: str, number: str, name: str) -> SeedPerson:
    return SeedPerson(
        name=name, citizen_id=number, login=login, phone="13800000001", password=Secret(env="CITY_PASSWORD")
    )


def seed() -> Seed:
    """Who is there: Anna represents the enterprise by law, Ben has nothing to do with it."""
    return Seed(
        bodies=tuple(
            Body(uscc=uscc, name=Text(name, name), division="450100", level="city")
            for uscc, name in ((OPERATOR, "南宁政务"), (MARKET, "南宁市市场监督管理局"), (TAX, "南宁市税务局"))
        ),
        officials=(_official("market", MARKET), _official("taxman", TAX)),
        persons=(_person("anna", ANNA, "韦示例"), _person("ben", BEN, "黄样例")),
        enterprises=(
            SeedEnterprise(uscc=COMPANY, name="南宁示例有限公司", division="450100", legal_representative=ANNA),
        ),
    )


def approve_grants(unit: Unit) -> None:
    """A named official would; here the node itself approves what pages consume."""
    for grant in unit.execute(unit.rows(bus_grant, bus_grant.c.id).where(bus_grant.c.state == "draft")).scalars().all():
        decide(unit, grant, approve=True, reason="for the test")


EXTRA = f"""
[standards]
packs = ["national", "guangxi", "nanning"]
[passwords]
min_length = 8
[bodies]
market-regulation = "{MARKET}"
tax = "{TAX}"
"""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def city(tmp_path: Path, database: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    monkeypatch.setenv("CITY_PASSWORD", PASSWORD)
    made = deployment(tmp_path, plugins=PLUGINS, database=database, extra=EXTRA)
    with serving(made, prepare=lambda unit: plant(unit, seed()), clock=clock) as site:
        site.call(site.kernel.draft_consumption)
        site.unit(approve_grants)
        site.call(site.kernel.refresh)
        yield City(site, clock)
