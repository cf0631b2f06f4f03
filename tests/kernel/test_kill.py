"""kill -9 while people and systems are at work: what was acknowledged is there after the restart, exactly once, ledger and all."""

from __future__ import annotations

import importlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from department import Department
from joserfc.jwk import OKPKey
from nanning import MARKET, Neighbour, configuration, settle
from served import Served, command, served
from sqlalchemy import Connection, Engine, create_engine, func, inspect, select, text

from gdbos.bus.grant import bus_grant
from gdbos.bus.outbox import delivery
from gdbos.bus.record import bus_call
from gdbos.bus.service import bus_service
from gdbos.config import Deployment
from gdbos.identity.body import Body, find_body, register_body
from gdbos.identity.system import PublicKey, System, register_system
from gdbos.ledger.leaf import AUDIT, CALLS
from gdbos.ledger.tables import leaf, pending
from gdbos.testing import PASSWORD, deployment, free_port, postgres_database, serving
from gdbos.text import Text
from gdbos.unit import Unit
from gdbos_scenarios.departments.program import running

ROUNDS = 30 if os.environ.get("GDBOS_PROVE") else 5
HEALTH = "11450100MADEM01265"
PLACE = "place.hygiene-licence"
NAMES = "gx.enterprise.name-check"
PEOPLE = {"anna": "450103198503129995", "ben": "450103199007219988"}
ANSWERS = {
    "enterprise-name": "南宁示例有限公司",
    "registered-address": "广西南宁市青秀区示范路1号",
    "legal-representative-name": "韦示例",
    "enterprise-phone": "0771-0000001",
    "place-hygiene-kind": ["1"],
    "premises-area": 120,
    "staff-count": 6,
    "delivery-way": "1",
    "agent-name": "韦示例",
    "agent-mobile": "13800000001",
    "uscc": "91450103MADEM00112",
}
WANTED = ("services.matters", "services.forms", "services.cases", "enablement.oversight")


class Acknowledged:
    """What clients were told is done; what they were not told may or may not be."""

    def __init__(self) -> None:
        self.grants: list[str] = []
        self.services: list[str] = []
        self.calls: list[str] = []
        self.drafts: list[str] = []
        self.submitted: dict[str, str] = {}
        """Case id → its number."""


class Town:
    """The node under attack and its clients."""

    def __init__(self, made: Deployment, keys: dict[str, OKPKey], node: Served) -> None:
        self.made, self.keys, self.node = made, keys, node
        self.told = Acknowledged()
        self.tokens: dict[str, str] = {}

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.node.url, trust_env=False, timeout=10)

    def bearer(self, http: httpx.Client, login: str) -> dict[str, str]:
        """The headers of a person, whose session outlives the node's process."""
        if login not in self.tokens:
            opened = http.post("/api/identity/sessions", json={"login": login, "password": PASSWORD})
            assert opened.status_code == 201, opened.text
            self.tokens[login] = opened.json()["token"]
            http.cookies.clear()
        return {"authorization": f"Bearer {self.tokens[login]}"}

    def engine(self) -> Engine:
        return create_engine(self.made.settings.database_url())


def importable(name: str) -> bool:
    family, _, feature = name.partition(".")
    try:
        return hasattr(importlib.import_module(f"gdbos_{family}.{feature}"), "describe")
    except ImportError:
        return False


PLUGINS = {name: {} for name in WANTED if importable(name)}
CASES = "services.cases" in PLUGINS


def people(unit: Unit, keys: dict[str, OKPKey]) -> None:
    """Everybody of Nanning, the health commission that handles the cases, and the systems."""
    settle(unit)
    if find_body(unit, HEALTH) is None:
        name = Text("南宁市卫生健康委员会", "Health")
        register_body(unit, Body(uscc=HEALTH, name=name, division="450100", level="city", plays=("health",)))
    for client_id, key in keys.items():
        public = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(key.as_dict(private=False)["x"]))
        register_system(unit, System(client_id=client_id, body=MARKET, name=client_id, keys=(public,)))


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    keys = {name: OKPKey.generate_key("Ed25519", parameters={"kid": "k1"}) for name in ("first.desk", "second.desk")}
    with ExitStack() as stack:
        postgres = request.param == "postgres"
        url = stack.enter_context(postgres_database()) if postgres else ""
        departments = stack.enter_context(running(tmp_path / "departments"))
        nobody = Neighbour()
        nobody.url = departments.url
        extra = configuration(departments, nobody).replace("[bus.places]", f'health = "{HEALTH}"\n[bus.places]')
        made = deployment(tmp_path, plugins=PLUGINS, extra=extra, database=url)
        with serving(made, prepare=lambda unit: people(unit, keys)):
            pass
        node = stack.enter_context(served(made.path, free_port()))
        yield Town(made, keys, node)


# Clients.


def work(town: Town, act: Callable[[httpx.Client], None], stop: threading.Event) -> None:
    """Do ``act`` again and again until told to stop; a dead node is no news to its clients."""
    with town.client() as http:
        while not stop.is_set():
            try:
                act(http)
            except (httpx.TransportError, KeyError):
                time.sleep(0.02)


def registering(town: Town, client_id: str) -> Callable[[httpx.Client], None]:
    """A system that registers services, asks for grants and calls."""
    numbers = iter(range(10_000_000))
    system: list[Department] = []

    def act(http: httpx.Client) -> None:
        if not system or system[0].http is not http:
            system[:] = [Department(http, client_id, town.keys[client_id])]
        code = f"{client_id}.n{next(numbers)}-{random.randrange(10**9)}"
        service = {
            "code": code,
            "title": {"zh": "人员查询", "en": "People"},
            "takes": "nanning.population.query",
            "gives": "nanning.population.person",
            "settings": {"base": "{departments}", "path": "/people"},
        }
        answered = system[0].ask("ApiBusServicesRegister", service)
        if answered.status_code == 201:
            town.told.services.append(code)
        asked = system[0].ask("ApiBusGrantsAsk", {"service": NAMES, "purpose": "to check names"})
        if asked.status_code == 201:
            town.told.grants.append(asked.json()["id"])
        question = {"value": {"enterprise_name": "南宁示例"}, "matter": "enterprise.registration", "purpose": "check"}
        called = system[0].ask("ApiBusCallsServiceCall", question, service=NAMES)
        if called.status_code == 200:
            town.told.calls.append(called.headers["gdbos-call"])

    return act


def applying(town: Town, login: str) -> Callable[[httpx.Client], None]:
    """A person who begins applications and hands them in."""

    def act(http: httpx.Client) -> None:
        bearer = town.bearer(http, login)
        begun = http.post("/api/services/cases", json={"matter": PLACE}, headers=bearer)
        if begun.status_code != 201:
            return
        case = begun.json()["id"]
        town.told.drafts.append(case)
        answers = ANSWERS | {"agent-citizen-id": PEOPLE[login]}
        handed = http.post(f"/api/services/cases/{case}/submit", json={"answers": answers}, headers=bearer)
        if handed.status_code == 200:
            town.told.submitted[case] = handed.json()["number"]

    return act


def under_way(told: Acknowledged) -> None:
    """Wait until clients of every kind have been acknowledged something in this round, however slow the machine is."""

    def heard() -> list[int]:
        return [len(told.services), len(told.grants), len(told.calls)] + ([len(told.submitted)] if CASES else [])

    before, until = heard(), time.monotonic() + 60
    while any(now <= then + 1 for now, then in zip(heard(), before, strict=True)):
        assert time.monotonic() < until, f"the clients get nowhere: {before} → {heard()}"
        time.sleep(0.02)


def one_round(town: Town, chance: random.Random) -> None:
    """Work, a kill in the middle of it, a restart."""
    stop = threading.Event()
    acts = [registering(town, client_id) for client_id in town.keys]
    acts += [applying(town, login) for login in PEOPLE] if CASES else []
    threads = [threading.Thread(target=work, args=(town, act, stop)) for act in acts]
    for thread in threads:
        thread.start()
    under_way(town.told)
    time.sleep(chance.random() / 2)  # somewhere in the middle of what they are at now
    town.node.kill()
    stop.set()
    for thread in threads:
        thread.join(15)
    town.node.start()


def approve_one_grant_each(town: Town) -> None:
    """So that calls are allowed."""
    with town.client() as http:
        guard = town.bearer(http, "guard")
        for client_id, key in town.keys.items():
            asked = Department(http, client_id, key).ask("ApiBusGrantsAsk", {"service": NAMES, "purpose": "to check"})
            grant = asked.json()["id"]
            town.told.grants.append(grant)
            answer = {"approve": True, "reason": "as the law has it"}
            assert http.post(f"/api/bus/grants/{grant}/decision", json=answer, headers=guard).status_code == 200


def settled(town: Town) -> None:
    """Wait until the restarted node has delivered every event that is due."""
    engine = town.engine()
    late = select(func.count()).select_from(delivery).where(delivery.c.state == "pending")
    until = time.monotonic() + 30
    waiting = -1
    while waiting and time.monotonic() < until:
        time.sleep(0.1)
        with engine.connect() as connection:
            waiting = connection.execute(late.where(delivery.c.due_at <= datetime.now(UTC))).scalar_one()
    engine.dispose()
    assert waiting == 0


def test_what_was_acknowledged_survives_kill_9_exactly_once(town: Town) -> None:
    chance = random.Random(7)
    approve_one_grant_each(town)
    for _ in range(ROUNDS):
        one_round(town, chance)
    seen_over_http(town)
    settled(town)
    assert town.node.stop() in (0, -signal.SIGTERM), "it ends by the signal, after it has finished what was in flight"
    in_the_database(town)
    in_the_ledger(town)


def seen_over_http(town: Town) -> None:
    """Every applicant finds what they handed in, in the state they were told."""
    with town.client() as http:
        services = {
            one["code"] for one in http.get("/api/bus/services", headers=town.bearer(http, "guard")).json()["services"]
        }
        assert set(town.told.services) <= services
        for case, number in list(town.told.submitted.items())[-5:]:
            found = [http.get(f"/api/services/cases/{case}", headers=town.bearer(http, who)) for who in PEOPLE]
            mine = [answer.json() for answer in found if answer.status_code == 200]
            assert [one["number"] for one in mine] == [number]


def in_the_database(town: Town) -> None:
    engine = town.engine()
    with engine.connect() as connection:
        grants = Counter(str(one) for one in connection.execute(select(bus_grant.c.id)).scalars())
        codes = Counter(connection.execute(select(bus_service.c.code)).scalars())
        calls = Counter(str(one) for one in connection.execute(select(bus_call.c.id)).scalars())
        assert {grants[one] for one in town.told.grants} == {1}
        assert {codes[one] for one in town.told.services} == {1}
        assert {calls[one] for one in town.told.calls} == {1}
        states = dict(connection.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state)).all())
        assert set(states) <= {"done", "pending"}, states
        if CASES:
            cases_once(town, connection)
    engine.dispose()


def cases_once(town: Town, connection: Connection) -> None:
    rows = connection.execute(text('SELECT id, number FROM "case"')).all()
    numbers = Counter(row.number for row in rows if row.number)
    assert set(numbers.values()) == {1}
    assert set(town.told.submitted.values()) <= set(numbers)
    assert {one.replace("-", "") for one in town.told.drafts} <= {str(row.id).replace("-", "") for row in rows}
    if "oversight_case" in inspect(connection).get_table_names():
        watched = connection.execute(text("SELECT number FROM oversight_case")).scalars().all()
        assert sorted(watched) == sorted(set(watched))


def in_the_ledger(town: Town) -> None:
    """Verified from files alone, and a record for every effect, no more and no less."""
    ran = command(town.made.path, "ledger", "verify", str(town.made.settings.home), "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    engine = town.engine()
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(pending)).scalar_one() == 0
        audit = records(connection, AUDIT)
        asked = Counter(one["facts"]["grant"] for one in audit if one["act"] == "grant.ask")
        granted = Counter(str(one) for one in connection.execute(select(bus_grant.c.id)).scalars())
        assert asked == granted
        registered = Counter(one["facts"]["service"] for one in audit if one["act"] == "service.register")
        assert registered == Counter(connection.execute(select(bus_service.c.code)).scalars())
        logged = Counter(one["call_id"] for one in records(connection, CALLS))
        assert logged == Counter(str(one) for one in connection.execute(select(bus_call.c.id)).scalars())
    engine.dispose()


def records(connection: Connection, log: str) -> list[dict[str, Any]]:
    found = connection.execute(select(leaf.c.leaf).where(leaf.c.log == log)).scalars()
    return [msgspec.json.decode(one) for one in found]
