"""A city in which cases are handled: two bodies with officials, two people, an enterprise, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from gdbos.bus.grant import bus_grant, decide
from gdbos.bus.outbox import outbox
from gdbos.identity.body import Body
from gdbos.identity.seed import Seed, SeedEnterprise, SeedMandate, SeedOfficial, SeedPerson, SeedPost, plant
from gdbos.secret import Secret
from gdbos.testing import Site, deployment, serving
from gdbos.text import Text
from gdbos.unit import Unit

HEALTH, MARKET, OPERATOR = "11450100MADEM01265", "11450100MADEM002XN", "11450100MADEM0011Y"
ANNA, BEN = "450103198503129995", "450103199007219988"
COMPANY = "91450103MADEM00112"
PASSWORD = "a long enough password"
PLACE, REGISTRATION = "place.hygiene-licence", "enterprise.registration"
PLUGINS: dict[str, dict[str, Any]] = {f"services.{name}": {} for name in ("matters", "forms", "cases", "instant")}
BODIES = {
    "market-regulation": MARKET,
    "public-security": "11450100MADEM0038N",
    "tax": "11450100MADEM0046H",
    "hr-social-security": "11450100MADEM0054C",
    "medical-security": "11450100MADEM00627",
    "housing-fund": "11450100MADEM00702",
    "bank": "11450100MADEM0089Y",
    "health": HEALTH,
}
ANSWERS = {
    "uscc": COMPANY,
    "enterprise-name": "南宁示例有限公司",
    "registered-address": "广西南宁市青秀区示范路1号",
    "legal-representative-name": "韦示例",
    "enterprise-phone": "0771-0000001",
    "place-hygiene-kind": ["1"],
    "premises-area": 120,
    "staff-count": 6,
    "delivery-way": "1",
    "agent-citizen-id": ANNA,
    "agent-name": "韦示例",
    "agent-mobile": "13800000001",
}
"""A whole application for the hygiene licence of a public place."""


class Clock:
    """A clock that stands until told otherwise; it begins on a Monday before the Spring Festival of 2026."""

    def __init__(self) -> None:
        self._one = Lock()
        self.now = datetime(2026, 2, 9, 2, 0, tzinfo=UTC)
        self.moved = 0

    def __call__(self) -> datetime:
        with self._one:  # threads ask too, and time never goes back
            self.now += timedelta(microseconds=1)
            return self.now

    def set(self, year: int, month: int, day: int, hour: int = 10) -> None:
        """Let it be that hour in Nanning."""
        self.now = datetime(year, month, day, hour, tzinfo=UTC) - timedelta(hours=8)
        self.moved += 1


class City:
    """The served node, and everybody in it by log-in name."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self.site, self.clock = site, clock
        self._known: dict[tuple[str, int], dict[str, str]] = {}

    def headers(self, who: str) -> dict[str, str]:
        """What makes a request speak for ``who``; they log in anew where time has passed."""
        if not who:
            return {}
        key = (who, self.clock.moved)
        if key not in self._known:
            self._known[key] = self.site.sign_in(who, PASSWORD)
        return self._known[key]

    def __call__(self, who: str, method: str, path: str, json: Any = None, **more: Any) -> Any:
        """One request by ``who``."""
        headers = self.headers(who)
        return self.site.client.request(
            method, f"/api/services/cases{path}", json=json, headers=headers | more.pop("headers", {}), **more
        )

    def done(self, who: str, method: str, path: str, json: Any = None) -> dict[str, Any]:
        """One request that must succeed."""
        answered = self(who, method, path, json)
        assert answered.status_code in (200, 201), answered.text
        found: dict[str, Any] = answered.json()
        return found

    def draft(self, who: str = "anna", matter: str = PLACE) -> str:
        return str(self.done(who, "POST", "", {"matter": matter})["id"])

    def submitted(self, who: str = "anna", answers: dict[str, Any] | None = None) -> str:
        made = self.draft(who)
        self.done(who, "POST", f"/{made}/submit", {"answers": answers or ANSWERS})
        return made

    def accepted(self, who: str = "anna") -> str:
        made = self.submitted(who)
        self.done("clerk", "POST", f"/{made}/accept")
        return made

    def state(self, case: str, who: str = "anna") -> str:
        return str(self.done(who, "GET", f"/{case}")["state"])

    def settle(self) -> None:
        self.site.settle()


def _official(login: str, body: str, role: str) -> SeedOfficial:
    return SeedOfficial(
        name=login.title(), login=login, password=Secret(env="CASES_PASSWORD"), posts=(SeedPost(body=body, role=role),)
    )


def _person(login: str, number: str, name: str) -> SeedPerson:
    return SeedPerson(
        name=name, citizen_id=number, login=login, phone="13800000001", password=Secret(env="CASES_PASSWORD")
    )


def city_seed() -> Seed:
    """Who is there."""
    bodies = (
        Body(uscc=OPERATOR, name=Text("南宁政务", "Operator"), division="450100", level="city"),
        *(
            Body(uscc=uscc, name=Text(f"南宁{role}", role), division="450100", level="city", plays=(role,))
            for role, uscc in BODIES.items()
        ),
    )
    officials = (
        _official("clerk", HEALTH, "window-clerk"),
        _official("examiner", HEALTH, "examiner"),
        _official("head", HEALTH, "approver"),
        _official("deputy", HEALTH, "approver"),
        _official("stranger", MARKET, "approver"),
    )
    people = (_person("anna", ANNA, "韦示例"), _person("ben", BEN, "黄样例"))
    company = SeedEnterprise(uscc=COMPANY, name="南宁示例有限公司", division="450100", legal_representative=ANNA)
    mandate = SeedMandate(agent=BEN, enterprise=COMPANY, matters=("enterprise.seal",))
    return Seed(bodies=bodies, officials=officials, persons=people, enterprises=(company,), mandates=(mandate,))


def approve_grants(unit: Unit) -> None:
    """A named official would; here the node itself approves what pages consume."""
    for grant in unit.execute(unit.rows(bus_grant, bus_grant.c.id).where(bus_grant.c.state == "draft")).scalars().all():
        decide(unit, grant, approve=True, reason="for the test")


EXTRA = "\n".join(
    [
        "[standards]",
        'packs = ["national", "guangxi", "nanning"]',
        "[passwords]",
        "min_length = 8",
        "[bodies]",
        *(f'{role} = "{uscc}"' for role, uscc in BODIES.items()),
    ]
)


@contextmanager
def city_of(folder: Path, database: str, clock: Clock, *, extra: str = "", plugins: Any = None) -> Iterator[City]:
    """A served city, its grants approved."""
    made = deployment(folder, plugins=plugins or PLUGINS, database=database, extra=f"{EXTRA}\n{extra}")
    with serving(made, prepare=lambda unit: plant(unit, city_seed()), clock=clock) as site:
        site.call(site.kernel.draft_consumption)
        site.unit(approve_grants)
        site.call(site.kernel.refresh)
        yield City(site, clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def city(tmp_path: Path, database: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    monkeypatch.setenv("CASES_PASSWORD", PASSWORD)
    with city_of(tmp_path, database, clock) as made:
        yield made


def emitted(city: City, kind: str) -> list[dict[str, Any]]:
    """The events of a kind (``case-accepted``) in the order they were emitted."""

    def read(unit: Unit) -> list[bytes]:
        query = select(outbox.c.body).where(outbox.c.type == f"services.cases.{kind}/1").order_by(outbox.c.id)
        return list(unit.execute(query).scalars())

    return [msgspec.json.decode(body) for body in city.site.unit(read)]
