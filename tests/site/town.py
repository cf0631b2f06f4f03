"""A town at work on a node: systems that register, ask and call, people who apply; and what each of them was told is done."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from department import Department
from joserfc.jwk import OKPKey
from nanning import MARKET, Neighbour, configuration, settle
from served import Served
from sqlalchemy import Connection, create_engine

from gdbos.config import Deployment
from gdbos.identity.body import Body, find_body, register_body
from gdbos.identity.system import PublicKey, System, register_system
from gdbos.storage.wall import wall_of
from gdbos.testing import PASSWORD, deployment, free_port, serving
from gdbos.text import Text
from gdbos.unit import Unit
from gdbos.vault import KeyRing
from gdbos_scenarios.departments.program import running

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
PLUGINS: dict[str, dict[str, Any]] = {
    name: {} for name in ("services.matters", "services.forms", "services.cases", "enablement.oversight")
}


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

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """A connection to its database that sees every row, also behind the second wall."""
        engine = create_engine(self.made.settings.database_url())
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                wall_of(KeyRing.open(self.made.settings.home / "keys")).enter_all(connection)
            yield connection
        engine.dispose()


def people(unit: Unit, keys: dict[str, OKPKey]) -> None:
    """Everybody of Nanning, the health commission that handles the cases, and the systems."""
    settle(unit)
    if find_body(unit, HEALTH) is None:
        name = Text("南宁市卫生健康委员会", "Health")
        register_body(unit, Body(uscc=HEALTH, name=name, division="450100", level="city", plays=("health",)))
    for client_id, key in keys.items():
        public = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(key.as_dict(private=False)["x"]))
        register_system(unit, System(client_id=client_id, body=MARKET, name=client_id, keys=(public,)))


MakeNode = Callable[[Deployment, int], Served]
"""How a node is served: its deployment and port."""


@contextmanager
def town(folder: Path, url: str, make: MakeNode) -> Iterator[Town]:
    """The town on the database at ``url`` (empty: SQLite), its node served as ``make`` has it."""
    keys = {name: OKPKey.generate_key("Ed25519", parameters={"kid": "k1"}) for name in ("first.desk", "second.desk")}
    with ExitStack() as stack:
        departments = stack.enter_context(running(folder / "departments"))
        nobody = Neighbour()
        nobody.url = departments.url
        extra = configuration(departments, nobody).replace("[bus.places]", f'health = "{HEALTH}"\n[bus.places]')
        made = deployment(folder, plugins=PLUGINS, extra=extra, database=url)
        with serving(made, prepare=lambda unit: people(unit, keys), watched=False):
            pass
        node = make(made, free_port())
        stack.callback(node.end)
        node.start()
        found = Town(made, keys, node)
        approve_one_grant_each(found)
        yield found


# Clients.


def work(town: Town, act: Callable[[httpx.Client], None], stop: threading.Event) -> None:
    """Do ``act`` again and again until told to stop; a dead node is no news to its clients."""
    with town.client() as http:
        while not stop.is_set():
            try:
                act(http)
            except (httpx.HTTPError, KeyError):
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
        if begun.status_code == 401:  # an hour of kills outlives a session
            town.tokens.pop(login)
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
        return [len(told.services), len(told.grants), len(told.calls), len(told.submitted)]

    before, until = heard(), time.monotonic() + 60
    while any(now <= then + 1 for now, then in zip(heard(), before, strict=True)):
        assert time.monotonic() < until, f"the clients get nowhere: {before} → {heard()}"
        time.sleep(0.02)


@contextmanager
def at_work(town: Town) -> Iterator[None]:
    """Everybody works; when the block is entered, clients of every kind have been told that something is done."""
    stop = threading.Event()
    acts = [registering(town, client_id) for client_id in town.keys]
    acts += [applying(town, login) for login in PEOPLE]
    threads = [threading.Thread(target=work, args=(town, act, stop)) for act in acts]
    for thread in threads:
        thread.start()
    try:
        under_way(town.told)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


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
