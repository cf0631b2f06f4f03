"""A small city on a real database: bodies, officials, people, an enterprise and a system."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from joserfc.jwk import OKPKey
from litestar.testing import TestClient

import gdbos.testing
from gdbos.actor import Actor
from gdbos.config import Database, Http, Node, Passwords, Settings
from gdbos.files.store import FileStore
from gdbos.identity.account import open_account
from gdbos.identity.body import Body, register_body
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.enterprise import Enterprise, register_enterprise
from gdbos.identity.identity import Identity
from gdbos.identity.login import LoggedIn, log_in
from gdbos.identity.password import hashed
from gdbos.identity.person import Known, Person, register_person
from gdbos.identity.post import appoint
from gdbos.identity.role import KINDS
from gdbos.identity.system import PublicKey, System, register_system
from gdbos.ledger.subjects import SubjectKeys
from gdbos.standards import load
from gdbos.storage.lane import lane_for
from gdbos.storage.metadata import kernel_metadata
from gdbos.storage.wall import raise_wall, wall_of
from gdbos.testing import Site, deployment, serving
from gdbos.text import Text
from gdbos.unit import Surroundings, Unit, Units
from gdbos.vault import KeyRing, Vault

PASSWORD = "a long sentence nobody guesses"
OWN = "a sentence of their very own"
MARKET = "114501003217890125"
COMPANY = "91450100MA5K0A1B2T"
ANNA = "450102199003071238"
BEN = "450102198507124562"
CLARA = "450103200001017897"
TAX = "114501003217890138"
PASSWORD_HASH = hashed(PASSWORD)

ROLES = """
[[document]]
id = "examiner"
title = { zh = "审查人", en = "Examiner" }
permissions = ["services.cases.read", "services.cases.decide"]
scope = "body"

[[document]]
id = "body-manager"
title = { zh = "机构管理员", en = "Body manager" }
permissions = ["kernel.identity.*"]
scope = "body"

[[document]]
id = "system-administrator"
title = { zh = "系统管理员", en = "System administrator" }
permissions = ["kernel.settings.manage", "kernel.identity.confirm"]
scope = "node"
administration = "system"

[[document]]
id = "security-administrator"
title = { zh = "安全管理员", en = "Security administrator" }
permissions = ["kernel.identity.*"]
scope = "node"
administration = "security"

[[document]]
id = "audit-administrator"
title = { zh = "审计管理员", en = "Audit administrator" }
permissions = ["kernel.ledger.read", "kernel.audit.read", "kernel.identity.confirm"]
scope = "node"
administration = "audit"
excludes = ["body-manager"]

[[document]]
id = "importer"
title = { zh = "导入员", en = "Importer" }
permissions = ["kernel.identity.import"]
scope = "node"

[[document]]
id = "leader"
title = { zh = "领导", en = "Leader" }
permissions = ["enablement.oversight.read"]
scope = "division"

[[document]]
id = "resident"
title = { zh = "办事群众", en = "Resident" }
permissions = ["services.cases.apply"]
given_to = "person"

[[document]]
id = "client"
title = { zh = "接入系统", en = "Client system" }
permissions = ["kernel.bus.call"]
given_to = "system"
"""

PACK = """
id = "test"
version = "1"
title = { zh = "测试", en = "Test" }
publisher = { zh = "测试", en = "Test" }
level = "national"
division = "000000"
from = 2000-01-01
"""


class Clock:
    """A clock that stands until told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


database = gdbos.testing.database


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.create(tmp_path / "keys")


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return pack_in(tmp_path)


def pack_in(where: Path) -> Path:
    """A folder with one standards pack, which has roles and nothing else."""
    folder = where / "packs"
    (folder / "test" / "roles").mkdir(parents=True)
    (folder / "test" / "pack.toml").write_text(PACK, "utf-8")
    (folder / "test" / "roles" / "roles.toml").write_text(ROLES, "utf-8")
    return folder


def made(database: str, ring: KeyRing, clock: Clock, home: Path, packs: Path, settings: Settings) -> Units:
    """The units of one worker."""
    standards = load([packs], {kind.name: kind.struct for kind in KINDS}, ["test"])
    vault = Vault(ring, clock=clock)
    around = Surroundings(
        node="nanning",
        division="450100",
        level="city",
        zone=ZoneInfo("Asia/Shanghai"),
        standards=lambda: standards,
        vault=vault,
        files=FileStore(home / "files", vault),
        subject_keys=SubjectKeys.open(home / "subjects"),
        settings=MappingProxyType({Settings: settings}),
        roles=MappingProxyType({}),
        subscribers=MappingProxyType({}),
        wall=None if database.startswith("sqlite") else wall_of(ring),
        clock=clock,
    )
    return Units(lane_for(database, 4), around)


@pytest.fixture
def units(
    database: str, ring: KeyRing, clock: Clock, tmp_path: Path, packs: Path, settings: Settings
) -> Iterator[Units]:
    found = made(database, ring, clock, tmp_path, packs, settings)
    with found.lane.engine.begin() as connection:
        kernel_metadata.create_all(connection)
        if found.around.wall is not None:
            raise_wall(connection, kernel_metadata.sorted_tables, found.around.wall.secret)
    yield found
    found.lane.close()


@pytest.fixture
def settings(database: str) -> Settings:
    return Settings(
        node=Node(id="nanning", title=Text("南宁市", "Nanning"), division="450100", level="city"),
        http=Http(url="http://testserver.local"),
        database=Database(url=database),
        passwords=Passwords(attempts=5),
    )


@pytest.fixture
def identity(units: Units, ring: KeyRing, settings: Settings) -> Iterator[Identity]:
    made = Identity(units, ring, settings)
    yield made
    made.close()


class Registered:
    """Who is registered, by the names the tests use."""

    def __init__(self) -> None:
        self.officials: dict[str, UUID] = {}
        self.posts: dict[str, UUID] = {}
        self.people: dict[str, Known] = {}
        self.key = OKPKey.generate_key("Ed25519")


class City(Registered):
    """The city at work: units, log-ins and actors."""

    def __init__(self, units: Units, identity: Identity) -> None:
        super().__init__()
        self.units = units
        self.identity = identity

    def do(self, act: Callable[..., Any], *args: Any, by: Actor = IDENTITY, **kwargs: Any) -> Any:
        """Run ``act(unit, …)`` in one committed unit."""
        return asyncio.run(self.units.write(by, act, *args, **kwargs))

    def log_in(self, login: str, password: str = PASSWORD, **about: str) -> LoggedIn:
        return asyncio.run(log_in(self.identity, login, password, **about))

    def actor(self, logged_in: LoggedIn | str) -> Actor | None:
        """Whom the session's cookie makes its holder."""
        secret = logged_in if isinstance(logged_in, str) else logged_in.session.secret
        return asyncio.run(self.identity.by_cookie(secret))

    def as_(self, login: str) -> Actor:
        """Someone just logged in."""
        found = self.actor(self.log_in(login))
        assert found is not None
        return found


def body(uscc: str, zh: str, en: str, division: str = "450100") -> Body:
    return Body(uscc=uscc, name=Text(zh, en), division=division, level="city")


def settle(unit: Unit, city: Registered) -> None:
    """Register everybody."""
    register_body(unit, body(MARKET, "南宁市市场监督管理局", "Nanning Market Regulation Bureau"))
    register_body(unit, body(TAX, "青秀区税务局", "Qingxiu Tax Bureau", "450103"))
    for login, at, role in (
        ("examiner", MARKET, "examiner"),
        ("taxman", TAX, "examiner"),
        ("leader", MARKET, "leader"),
        ("manager", MARKET, "body-manager"),
        ("guard", MARKET, "security-administrator"),
    ):
        account = open_account(unit, login=login, password_hash=PASSWORD_HASH, name=login.title(), kind="official")
        city.officials[login] = account
        city.posts[login] = appoint(unit, account, body=at, role_id=role)
    for login, number in (("anna", ANNA), ("ben", BEN), ("clara", CLARA)):
        known = register_person(unit, Person(name=login.title(), citizen_id=number))
        city.people[login] = known
        open_account(unit, login=login, password_hash=PASSWORD_HASH, name=login.title(), kind="person", person=known.id)
    register_enterprise(
        unit, Enterprise(uscc=COMPANY, name="南宁示例", division="450100", legal_representative=city.people["anna"].id)
    )
    public = city.key.as_dict(private=False)
    key = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(public["x"]))
    register_system(unit, System(client_id="market.registry", body=MARKET, name="Registry", keys=(key,)))


@pytest.fixture
def city(units: Units, identity: Identity) -> City:
    made = City(units, identity)
    made.do(settle, made)
    return made


class Served(Registered):
    """The city as HTTP shows it."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site
        site.unit(settle, self, actor=IDENTITY)

    @property
    def client(self) -> TestClient[Any]:
        return self.site.client

    def token(self, login: str, password: str = PASSWORD, *, first: bool = False) -> dict[str, str]:
        """The headers of somebody who has logged in; ``first``: with a password that was told them, which ``OWN`` replaces."""
        entry = {"login": login, "password": password} | ({"new_password": OWN} if first else {})
        answer = self.client.post("/api/identity/sessions", json=entry)
        assert answer.status_code == 201, answer.text
        self.client.cookies.clear()
        return {"authorization": f"Bearer {answer.json()['token']}"}


@pytest.fixture
def served(tmp_path: Path, packs: Path, clock: Clock) -> Iterator[Served]:
    extra = f'[standards]\npacks = ["test"]\nfolders = ["{packs}"]\n[passwords]\nattempts = 5'
    with serving(deployment(tmp_path, extra=extra), clock=clock) as site:
        yield Served(site)
