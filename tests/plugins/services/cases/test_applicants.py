"""Who applies: how surely a matter wants them known, what the page says, and for which matters they have a mandate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import update

from gdbos.identity.generation import advance
from gdbos.identity.session import session
from gdbos.unit import Unit

from .conftest import ANSWERS, BEN, PASSWORD, PLACE, REGISTRATION, City, Clock, city_of

FACTOR = "/api/identity/me/second-factor"


@pytest.fixture(scope="module")
def doubting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city in which a password alone shows nothing; the hygiene licence wants L2."""
    folder = tmp_path_factory.mktemp("trust")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CASES_PASSWORD", PASSWORD)
        extra = '[identity]\npassword_trust = "L1"'
        with city_of(folder, f"sqlite:///{folder}/gdbos.db", Clock(), extra=extra) as made:
            yield made


def page(city: City, headers: dict[str, str], method: str, path: str, data: Any = None) -> Any:
    headers = headers | {
        "accept": "text/html",
        "accept-language": "en",
        "referer": f"{city.site.client.base_url}{path}",
    }
    return city.site.client.request(method, path, data=data, headers=headers, follow_redirects=False)


def surer(city: City, who: str) -> dict[str, str]:
    """Set a second factor up and show it; the headers of the surer session."""
    bearer, client = city.headers(who), city.site.client
    secret = client.post(FACTOR, json={"password": PASSWORD}, headers=bearer).json()["secret"]
    app = pyotp.TOTP(secret)
    assert client.post(f"{FACTOR}/confirm", json={"code": app.at(city.clock.now)}, headers=bearer).status_code == 201
    city.clock.now += timedelta(seconds=31)
    client.cookies.clear()
    shown = {"login": who, "password": PASSWORD, "code": app.at(city.clock.now)}
    token = client.post("/api/identity/sessions", json=shown).json()["token"]
    client.cookies.clear()
    return {"authorization": f"Bearer {token}"}


def test_who_is_not_known_surely_enough_learns_what_to_do_and_then_applies(doubting: City) -> None:
    city, apply = doubting, f"/portal/apply/{PLACE}"
    refused = city("anna", "POST", "", {"matter": PLACE})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:gdbos:problem:trust-too-low")
    assert city("anna", "POST", "", {"matter": REGISTRATION}).status_code == 201, "another matter wants nothing"
    before = page(city, city.headers("anna"), "GET", apply)
    assert "/account/trust?needed=L2" in before.text
    assert f'action="{apply}"' not in before.text
    sent = page(city, city.headers("anna"), "POST", apply)
    where = urlsplit(sent.headers["location"])
    assert (sent.status_code, where.path) == (303, "/account/trust")
    assert parse_qs(where.query) == {"needed": ["L2"], "next": [apply]}
    told = page(city, city.headers("anna"), "GET", sent.headers["location"])
    assert "Level L2 is needed" in told.text
    assert f"/login/confirm?next={apply}" in told.text
    bearer = surer(city, "anna")
    assert "This log-in is sure enough" in page(city, bearer, "GET", sent.headers["location"]).text
    assert f'action="{apply}"' in page(city, bearer, "GET", apply).text
    begun = page(city, bearer, "POST", apply)
    assert (begun.status_code, begun.headers["location"].startswith("/portal/cases/")) == (303, True)


def test_a_draft_begun_surely_is_not_handed_in_by_a_less_sure_log_in(doubting: City) -> None:
    city = doubting
    bearer = surer(city, "ben")
    made = city.site.client.post("/api/services/cases", json={"matter": PLACE}, headers=bearer).json()["id"]
    levelled(city, "L1")
    hand_in = {"json": {"answers": ANSWERS | {"agent-citizen-id": "450103199007219988"}}, "headers": bearer}
    refused = city.site.client.post(f"/api/services/cases/{made}/submit", **hand_in)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:gdbos:problem:trust-too-low")
    levelled(city, "L2")
    handed_in = city.site.client.post(f"/api/services/cases/{made}/submit", **hand_in)
    assert handed_in.status_code == 200, handed_in.text


def levelled(city: City, trust: str) -> None:
    """Every session is of one level: a stand-in for logging in again another way."""
    city.site.unit(lambda unit: _level(unit, trust))


def _level(unit: Unit, trust: str) -> None:
    unit.execute(update(session).values(trust=trust))
    advance(unit)


def test_the_guide_says_it_and_offers_officials_no_application(doubting: City) -> None:
    guide = f"/portal/matters/{PLACE}"
    for who in ("", "anna"):
        shown = page(doubting, doubting.headers(who), "GET", guide)
        assert "known at trust level L2" in shown.text
        assert f'href="/portal/apply/{PLACE}"' in shown.text
    shown = page(doubting, doubting.headers("clerk"), "GET", guide)
    assert f'href="/portal/apply/{PLACE}"' not in shown.text
    assert "Only a person applies" in shown.text
    assert "trust level" not in page(doubting, {}, "GET", f"/portal/matters/{REGISTRATION}").text


def test_a_mandate_is_given_for_matters_chosen_by_name(doubting: City) -> None:
    """Without script: the words are sent, what fits is ticked, and nothing typed is lost on the way."""
    anna = doubting.headers("anna")
    assert 'href="/account/mandates/new"' in page(doubting, anna, "GET", "/account").text
    offered = page(doubting, anna, "GET", "/account/mandates/new").text
    assert "Hygiene licence of a public place" in offered
    assert "公共场所卫生许可" in offered
    form = {"agent_citizen_id": BEN, "principal": "", "until": "2026-06-01", "matters": [PLACE], "words": "SEAL"}
    found = page(doubting, anna, "POST", "/account/mandates", form | {"do": "find"}).text
    assert f'value="{BEN}"' in found
    ticked = re.findall(r'name="matters" value="([^"]+)"( checked)?', found)
    assert dict(ticked)[PLACE] == " checked"
    assert dict(ticked)["enterprise.seal"] == ""
    assert "enterprise.tax" not in dict(ticked)
    wrong = page(doubting, anna, "POST", "/account/mandates", form | {"matters": ["no.such.matter"], "do": "give"})
    assert wrong.status_code == 422
    given = page(doubting, anna, "POST", "/account/mandates", form | {"matters": [PLACE, "enterprise.seal"]})
    assert (given.status_code, given.headers["location"]) == (303, "/account?done=mandate")
    assert "Hygiene licence of a public place" in page(doubting, anna, "GET", "/account").text
    headers = anna | {"accept": "application/json"}
    held = doubting.site.client.get("/api/identity/mandates", headers=headers).json()
    assert sorted(held[0]["matters"]) == ["enterprise.seal", PLACE]
