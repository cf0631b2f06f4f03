"""The demo city's configuration, every plugin it enables, and somebody in every role, for tests that walk over all of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from department import Department
from joserfc.jwk import OKPKey

from gdbos.bus.grant import bus_grant, decide
from gdbos.config import Database, Deployment, Identification, load
from gdbos.identity.account import open_account
from gdbos.identity.body import Body, register_body
from gdbos.identity.enterprise import Enterprise, register_enterprise
from gdbos.identity.mandate import give_mandate
from gdbos.identity.password import hashed
from gdbos.identity.person import Known, Person, register_person
from gdbos.identity.post import appoint
from gdbos.identity.system import PublicKey, System, register_system
from gdbos.shipped import shipped
from gdbos.testing import PASSWORD, Site, serving
from gdbos.text import Text
from gdbos.unit import Unit

BODIES = {
    "government-services": "11450100MADEM0011Y",
    "market-regulation": "11450100MADEM002XN",
    "public-security": "11450100MADEM0038N",
    "tax": "11450100MADEM0046H",
    "hr-social-security": "11450100MADEM0054C",
    "medical-security": "11450100MADEM00627",
    "housing-fund": "11450100MADEM00702",
    "bank": "11450100MADEM0089Y",
    "health": "11450100MADEM01265",
}
OPERATOR, MARKET, TAX, HEALTH = (BODIES[role] for role in ("government-services", "market-regulation", "tax", "health"))
ANNA, ANNA_NAME = "450103198503129995", "韦示例"
BEN, BEN_NAME = "450103199007219988", "黄样例"
AGENT, AGENT_NAME = "450103198805129931", "陈虚构"
OTHER = "teacher.qualification"
"""A matter in which nobody here has a case: what the limited posts and mandates are limited to."""
SEAL = "enterprise.seal"
"""The one matter of Anna's bundle that her agent's mandate covers."""
COMPANY = "91450103MADEM00112"
HASH = hashed(PASSWORD)
PASSWORD_ALONE = Identification()
"""Everybody logs in with a password, and nothing asks for more."""
ROLES = shipped("standards") / "national" / "roles"


def roles() -> dict[str, dict[str, Any]]:
    """The roles as the national pack writes them, read as plain TOML: a second opinion beside the registry's."""
    documents = [tomllib.loads(path.read_text("utf-8")) for path in sorted(ROLES.glob("*.toml"))]
    return {document["id"]: document for document in documents}


def enabled() -> dict[str, dict[str, Any]]:
    """The plugins of the city."""
    return load(shipped("config") / "city.toml", {}).settings.enabled()


def deployed(
    folder: Path,
    level: str = "city",
    *,
    plugins: Mapping[str, Mapping[str, Any]] | None = None,
    database: str = "",
    identity: Identification = PASSWORD_ALONE,
) -> Deployment:
    """The configuration of ``level`` with a home in ``folder``, and with ``plugins`` instead of its own where given."""
    found = load(shipped("config") / f"{level}.toml", {})
    chosen = found.settings.enabled() if plugins is None else plugins
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for name, table in chosen.items():
        family, _, feature = name.partition(".")
        tables.setdefault(family, {})[feature] = dict(table)
    settings = msgspec.structs.replace(
        found.settings,
        node=msgspec.structs.replace(found.settings.node, home=str(folder / "home")),
        database=Database(url=database) if database else found.settings.database,
        plugins=tables,
        identity=identity,
    )
    return Deployment(found.path, settings, found.origins)


def settle(unit: Unit, key: OKPKey, idle: OKPKey) -> None:
    """Bodies; an official in every role, and one elsewhere; two people, an enterprise; systems with and without rights."""
    for role, uscc in BODIES.items():
        name = Text(f"南宁{role}", role)
        register_body(unit, Body(uscc=uscc, name=name, division="450100", level="city", plays=(role,)))
    for role, document in roles().items():
        if document.get("given_to", "official") == "official":
            _official(unit, role, HEALTH if document["scope"] == "body" else OPERATOR, role)
    for role in ("approver", "window-clerk", "examiner", "body-manager"):
        _official(unit, f"{role}.elsewhere", TAX, role)
    _official(unit, "approver.limited", HEALTH, "approver", OTHER)
    _official(unit, "examiner.standin", HEALTH, "data-steward")
    anna, _, agent = (
        _person(unit, login, number, name)
        for login, number, name in (
            ("anna", ANNA, ANNA_NAME),
            ("ben", BEN, BEN_NAME),
            ("anna.agent", AGENT, AGENT_NAME),
        )
    )
    company = Enterprise(uscc=COMPANY, name="南宁示例商贸有限公司", division="450100", legal_representative=anna.id)
    register_enterprise(unit, company)
    give_mandate(unit, principal=anna.subject, agent=agent, by=anna.id, matters=(OTHER, SEAL))
    for client_id, body, one in (("health.desk", HEALTH, key), ("tax.desk", TAX, idle)):
        public = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(one.as_dict(private=False)["x"]))
        register_system(unit, System(client_id=client_id, body=body, name=client_id, keys=(public,)))


def _official(unit: Unit, login: str, body: str, role: str, *matters: str) -> None:
    account = open_account(unit, login=login, password_hash=HASH, name=login, kind="official")
    appoint(unit, account, body=body, role_id=role, matters=matters)


def _person(unit: Unit, login: str, citizen_id: str, name: str) -> Known:
    known = register_person(unit, Person(name=name, citizen_id=citizen_id, trust="L2"))
    open_account(unit, login=login, password_hash=HASH, name=name, kind="person", person=known.id)
    return known


def approve_everything(unit: Unit) -> None:
    """What pages consume is granted, as a named official would; what systems ask for is not."""
    drafts = unit.rows(bus_grant, bus_grant.c.id).where(bus_grant.c.state == "draft")
    for grant in unit.execute(drafts).scalars().all():
        decide(unit, grant, approve=True, reason="for the tests")


class City:
    """The served demo city; ``as_(login)`` speaks for somebody."""

    def __init__(self, site: Site, keys: dict[str, OKPKey]) -> None:
        self.site, self.client, self.keys = site, site.client, keys
        self._headers: dict[str, dict[str, str]] = {"": {}}

    @property
    def officials(self) -> list[str]:
        """Log-ins of officials at the health commission or with reach over the node: one per role."""
        return [role for role, document in roles().items() if document.get("given_to", "official") == "official"]

    def as_(self, who: str, *, anew: bool = False) -> dict[str, str]:
        """The headers of somebody: a person, an official or a system; nobody for the empty name."""
        if anew or who not in self._headers:
            self._headers[who] = self._system(who) if who in self.keys else self.site.sign_in(who)
            self._take_up(who)
        return {"accept-language": "en", **self._headers[who]}

    def _take_up(self, who: str) -> None:
        """An agent acts for Anna; an official who stands in takes up the post they stand in at."""
        if who == "anna.agent":
            self._me(who, "POST", "/acts-for", {"subject": self._me(who, "GET", "")["principals"][0]["subject"]})
        elif who == "examiner.standin":
            held = self._me("examiner", "GET", "")["posts"][0]["id"]
            until = str(self.site.unit(lambda unit: unit.today) + timedelta(days=30))
            stand_in = {"post": held, "to": who, "until": until, "matters": [OTHER]}
            given = self.client.post("/api/identity/delegations", json=stand_in, headers=self.as_("examiner"))
            assert given.status_code in (201, 409), given.text  # they stand in already who log in anew
            self._me(who, "POST", "/post", {"post_id": held})

    def _me(self, who: str, method: str, path: str, json: Any = None) -> Any:
        answered = self.client.request(method, f"/api/identity/me{path}", json=json, headers=self.as_(who))
        assert answered.status_code in (200, 204), answered.text
        self.client.cookies.clear()
        return answered.json() if answered.content else None

    def _system(self, client_id: str) -> dict[str, str]:
        department = Department(self.client, client_id, self.keys[client_id])  # type: ignore[arg-type]
        return {"authorization": f"Bearer {department.token}"}

    def settle(self) -> None:
        """Wait for events, and let what new services made of drafts be approved."""
        self.site.settle()


@contextmanager
def demo_city(folder: Path, database: str = "", identity: Identification = PASSWORD_ALONE) -> Iterator[City]:
    """The city, served, with the grants of its own pages approved."""
    keys = {name: OKPKey.generate_key("Ed25519", parameters={"kid": "k1"}) for name in ("health.desk", "tax.desk")}
    made = deployed(folder, plugins=enabled(), database=database, identity=identity)
    with serving(made, prepare=lambda unit: settle(unit, *keys.values())) as site:
        site.call(site.kernel.draft_consumption)
        site.unit(approve_everything)
        site.call(site.kernel.refresh)
        yield City(site, keys)
