"""A department from outside: with the OpenAPI document and its own key it registers, asks, calls and reads its own log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from department import Department
from joserfc.jwk import OKPKey

from gdbos.identity.account import open_account
from gdbos.identity.body import Body, register_body
from gdbos.identity.password import hashed
from gdbos.identity.post import appoint
from gdbos.identity.system import PublicKey, System, register_system
from gdbos.testing import PASSWORD, Site, deployment, serving
from gdbos.text import Text
from gdbos.unit import Unit
from gdbos_scenarios.departments.program import Running, running

MARKET, SEALS, OTHERS = "11450100MADEM002XN", "11450100MADEM0038N", "11450100MADEM0046H"


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("systems")) as found:
        yield found


@pytest.fixture
def keys() -> dict[str, OKPKey]:
    return {name: OKPKey.generate_key("Ed25519", parameters={"kid": "k1"}) for name in ("seals.desk", "others.desk")}


@pytest.fixture
def site(tmp_path: Path, systems: Running, keys: dict[str, OKPKey], database: str) -> Iterator[Site]:
    extra = f"""
        [standards]
        packs = ["national", "guangxi", "nanning"]
        [bodies]
        market-regulation = "{MARKET}"
        public-security = "{SEALS}"
        [bus.places]
        departments = {{ url = "{systems.url}", bodies = ["*"] }}
        departments_keys = "{systems.keys}"
    """

    def settle(unit: Unit) -> None:
        for uscc, name in ((MARKET, "Market"), (SEALS, "Seals"), (OTHERS, "Others")):
            register_body(unit, Body(uscc=uscc, name=Text(name, name), division="450100", level="city"))
        account = open_account(unit, login="guard", password_hash=hashed(PASSWORD), name="Guard", kind="official")
        appoint(unit, account, body=MARKET, role_id="security-administrator")
        for (client_id, key), body in zip(keys.items(), (SEALS, OTHERS), strict=True):
            public = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(key.as_dict(private=False)["x"]))
            register_system(unit, System(client_id=client_id, body=body, name=client_id, keys=(public,)))

    with serving(deployment(tmp_path, extra=extra, database=database), prepare=settle) as found:
        yield found


def client(site: Site, client_id: str, keys: dict[str, OKPKey]) -> Department:
    return Department(site.client, client_id, keys[client_id])


def decide(site: Site, grant: str, path: str = "decision", **body: object) -> httpx.Response:
    headers = site.sign_in("guard")
    return site.client.post(
        f"/api/bus/grants/{grant}/{path}", json={"reason": "as the law has it", **body}, headers=headers
    )


OWN = {
    "code": "seals.desk.codes",
    "title": {"zh": "印章编码查询", "en": "Seal codes"},
    "takes": "nanning.population.query",
    "gives": "nanning.population.person",
    "subject": {"kind": "person", "field": "citizen_id"},
    "settings": {"base": "{departments}", "path": "/codes", "request": {"id": "citizen_id"}},
}
ASKED = {"service": "gx.enterprise.name-check", "purpose": "Check names before seals are made"}
QUESTION = {
    "value": {"enterprise_name": "南宁示例商贸有限公司"},
    "matter": "enterprise.registration",
    "purpose": "Check a name",
}


def test_a_department_registers_is_granted_calls_and_reads_its_own_log(site: Site, keys: dict[str, OKPKey]) -> None:
    seals, others = client(site, "seals.desk", keys), client(site, "others.desk", keys)
    registered = seals.ask("ApiBusServicesRegister", OWN)
    assert (registered.status_code, registered.json()["provider"]) == (201, SEALS)
    assert seals.ask("ApiBusServicesRegister", OWN).status_code == 409

    def call() -> httpx.Response:
        return seals.ask("ApiBusCallsServiceCall", QUESTION, service=ASKED["service"])

    assert call().json()["type"] == "urn:gdbos:problem:no-grant"
    grant = seals.ask("ApiBusGrantsAsk", ASKED).json()["id"]
    assert call().status_code == 403
    assert decide(site, grant, approve=True).json()["state"] == "live"
    answered = call()
    assert answered.status_code == 200
    assert answered.headers["gdbos-call"] == answered.json()["call"]
    assert answered.json()["value"]["usable"] in ("0", "1")
    assert decide(site, grant, path="revoke").json()["state"] == "revoked"
    assert call().json()["type"] == "urn:gdbos:problem:no-grant"

    log = [entry["outcome"] for entry in seals.ask("ApiBusCallsCalls").json()["calls"]]
    assert log == ["no-grant", "done", "no-grant", "no-grant"]
    assert others.ask("ApiBusCallsCalls").json()["calls"] == []
    assert others.ask("ApiBusGrantsGrants").json()["grants"] == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"takes": "no.such.record"}, "$.takes"),
        ({"adapter": "telepathy"}, "$.adapter"),
        ({"settings": {"base": "{nowhere}", "path": "/"}}, "$.settings"),
        ({"settings": {"base": "http://169.254.169.254", "path": "/x"}}, "$.settings"),
        ({"code": "Not A Code"}, "$.code"),
        ({"title": {"zh": 1}}, "$.title.zh"),
    ],
)
def test_a_wrong_registration_names_the_field(
    site: Site, keys: dict[str, OKPKey], change: dict[str, object], path: str
) -> None:
    answered = client(site, "seals.desk", keys).ask("ApiBusServicesRegister", OWN | change)
    assert answered.status_code == 422
    assert [violation["path"] for violation in answered.json()["violations"]] == [path]
