"""The demo city's configuration, every plugin it enables, and somebody in every role, for tests that walk over all of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from gdbos.identity.password import hashed
from gdbos.identity.person import Person, register_person
from gdbos.identity.post import appoint
from gdbos.identity.system import PublicKey, System, register_system
from gdbos.shipped import shipped
from gdbos.testing import PASSWORD, Site, serving
from gdbos.text import Text
from gdbos.unit import Unit

OPERATOR, MARKET, TAX, HEALTH = (
    "11450100MADEM0011Y",
    "11450100MADEM002XN",
    "11450100MADEM0046H",
    "11450100MADEM01265",
)
ANNA, ANNA_NAME = "450103198503129995", "韦示例"
BEN, BEN_NAME = "450103199007219988", "黄样例"
COMPANY = "91450103MADEM00112"
HASH = hashed(PASSWORD)
ROLES = shipped("standards") / "national" / "roles"


def roles() -> dict[str, dict[str, Any]]:
    """The roles as the national pack writes them, read as plain TOML: a second opinion beside the registry's."""
    documents = [tomllib.loads(path.read_text("utf-8")) for path in sorted(ROLES.glob("*.toml"))]
    return {document["id"]: document for document in documents}


def enabled() -> dict[str, dict[str, Any]]:
    """The plugins of the city."""
    return load(shipped("config") / "city.toml", {}).settings.enabled()


def deployed(
    folder: Path, level: str = "city", *, plugins: Mapping[str, Mapping[str, Any]] | None = None, database: str = ""
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
        identity=Identification(),  # everybody here logs in with a password alone
    )
    return Deployment(found.path, settings, found.origins)


def settle(unit: Unit, key: OKPKey, idle: OKPKey) -> None:
    """Bodies; an official in every role, and one elsewhere; two people, an enterprise; systems with and without rights."""
    for uscc in (OPERATOR, MARKET, TAX, HEALTH):
        role = {MARKET: "market-regulation", TAX: "tax", HEALTH: "health", OPERATOR: "government-services"}[uscc]
        name = Text(f"南宁{role}", role)
        register_body(unit, Body(uscc=uscc, name=name, division="450100", level="city", plays=(role,)))
    for role, document in roles().items():
        if document.get("given_to", "official") == "official":
            _official(unit, role, HEALTH if document["scope"] == "body" else OPERATOR, role)
    for role in ("approver", "window-clerk", "examiner"):
        _official(unit, f"{role}.elsewhere", TAX, role)
    for login, number, name in (("anna", ANNA, ANNA_NAME), ("ben", BEN, BEN_NAME)):
        known = register_person(unit, Person(name=name, citizen_id=number, trust="L2"))
        open_account(unit, login=login, password_hash=HASH, name=name, kind="person", person=known.id)
        if login == "anna":
            company = Enterprise(
                uscc=COMPANY, name="南宁示例商贸有限公司", division="450100", legal_representative=known.id
            )
            register_enterprise(unit, company)
    for client_id, body, one in (("health.desk", HEALTH, key), ("tax.desk", TAX, idle)):
        public = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(one.as_dict(private=False)["x"]))
        register_system(unit, System(client_id=client_id, body=body, name=client_id, keys=(public,)))


def _official(unit: Unit, login: str, body: str, role: str) -> None:
    account = open_account(unit, login=login, password_hash=HASH, name=login, kind="official")
    appoint(unit, account, body=body, role_id=role)


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
        return {"accept-language": "en", **self._headers[who]}

    def _system(self, client_id: str) -> dict[str, str]:
        department = Department(self.client, client_id, self.keys[client_id])  # type: ignore[arg-type]
        return {"authorization": f"Bearer {department.token}"}

    def settle(self) -> None:
        """Wait for events, and let what new services made of drafts be approved."""
        self.site.settle()


@contextmanager
def demo_city(folder: Path, database: str = "") -> Iterator[City]:
    """The city, served, with the grants of its own pages approved."""
    keys = {name: OKPKey.generate_key("Ed25519", parameters={"kid": "k1"}) for name in ("health.desk", "tax.desk")}
    made = deployed(folder, plugins=enabled(), database=database)
    with serving(made, prepare=lambda unit: settle(unit, *keys.values())) as site:
        site.call(site.kernel.draft_consumption)
        site.unit(approve_everything)
        site.call(site.kernel.refresh)
        yield City(site, keys)
