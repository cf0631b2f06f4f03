"""Seeds: a city planted from one strictly read document, once."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from gdbos.errors import Invalid, Misconfigured, NotFound
from gdbos.identity.enterprise import represents
from gdbos.identity.identity import Identity
from gdbos.identity.login import log_in
from gdbos.identity.mandate import received
from gdbos.identity.person import get_person
from gdbos.identity.seed import Seed, plant
from gdbos.shipped import shipped
from gdbos.strict import Fault, decode
from gdbos.subjects import enterprise_key
from gdbos.unit import Units

from .conftest import ANNA, BEN, COMPANY, MARKET, PASSWORD, PASSWORD_HASH, City

SEED = f"""
[[bodies]]
uscc = "{MARKET}"
name = {{ zh = "南宁市市场监督管理局", en = "Nanning Market Regulation Bureau" }}
division = "450100"
level = "city"
plays = ["market-regulation"]

[[officials]]
login = "examiner"
name = "Examiner"
posts = [{{ body = "{MARKET}", role = "examiner" }}, {{ body = "{MARKET}", role = "leader" }}]

[[persons]]
name = "Anna"
citizen_id = "{ANNA}"
login = "anna"
password_hash = "{PASSWORD_HASH}"

[[persons]]
name = "Ben"
citizen_id = "{BEN}"
login = "ben"
password = {{ file = "PASSWORD_FILE" }}

[[enterprises]]
uscc = "{COMPANY}"
name = "南宁示例"
division = "450100"
legal_representative = "{ANNA}"

[[systems]]
client_id = "market.registry"
body = "{MARKET}"
name = "Registry"
keys = [{{ kty = "OKP", crv = "Ed25519", kid = "k1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }}]

[[mandates]]
enterprise = "{COMPANY}"
agent = "{BEN}"
matters = ["enterprise.seal"]

[[mandates]]
person = "{ANNA}"
agent = "{BEN}"
"""


def read(text: str) -> Seed:
    seed = decode(Seed, tomllib.loads(text))
    assert isinstance(seed, Seed), seed
    return seed


@pytest.fixture
def seed(tmp_path: Path) -> Seed:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    return read(SEED.replace("PASSWORD_FILE", str(secret)))


def test_everybody_planted_can_log_in_and_act(units: Units, identity: Identity, seed: Seed):
    city = City(units, identity)
    generated = city.do(plant, seed)
    assert set(generated) == {"examiner"}
    assert city.actor(city.log_in("examiner", generated["examiner"])).permissions  # type: ignore[union-attr]
    assert city.as_("anna").kind == city.as_("ben").kind == "person"
    ben = city.do(get_person, BEN)
    assert len(city.do(received, ben.id)) == 2
    assert city.do(represents, city.do(get_person, ANNA).id, enterprise_key(COMPANY))


def test_planting_twice_changes_nothing(units: Units, identity: Identity, seed: Seed):
    city = City(units, identity)
    first = city.do(plant, seed)
    assert city.do(plant, seed) == {}
    assert city.log_in("examiner", first["examiner"]).kind == "official"
    assert len(city.do(received, city.do(get_person, BEN).id)) == 2


def test_an_unknown_key_of_a_seed_is_named():
    fault = decode(Seed, tomllib.loads(SEED.replace('login = "anna"', 'logn = "anna"')))
    assert isinstance(fault, Fault)
    assert 'did you mean "login"' in fault.detail


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (f'legal_representative = "{ANNA}"', "", Misconfigured),
        (f'agent = "{BEN}"', 'agent = "450103200001017897"', NotFound),
        ('role = "examiner"', 'role = "nobody"', Invalid),
        (f'citizen_id = "{ANNA}"', 'citizen_id = "450102199003071239"', Invalid),
    ],
)
def test_a_seed_that_does_not_hold_together_is_refused_whole(
    units: Units, identity: Identity, seed: Seed, tmp_path: Path, old: str, new: str, problem: type[Exception]
):
    city = City(units, identity)
    text = SEED.replace("PASSWORD_FILE", str(tmp_path / "password")).replace(old, new)
    with pytest.raises(problem):
        city.do(plant, read(text))
    assert city.do(plant, seed).keys() == {"examiner"}, "nothing of the refused seed is there"


def test_the_demonstration_citys_seed_is_well_formed():
    seed = read((shipped("config") / "demo" / "seed.toml").read_text("utf-8"))
    assert len(seed.bodies) > 5
    assert len({account.login for account in (*seed.officials, *seed.persons)}) == len(seed.officials) + len(
        seed.persons
    )


def test_a_planted_hash_is_of_the_kind_we_make():
    assert PasswordHasher().verify(PASSWORD_HASH, PASSWORD)
    assert PASSWORD_HASH.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_who_is_not_in_the_seed_cannot_log_in(units: Units, identity: Identity, seed: Seed):
    city = City(units, identity)
    city.do(plant, seed)
    with pytest.raises(Exception, match="not right"):
        asyncio.run(log_in(identity, "clara", PASSWORD))
