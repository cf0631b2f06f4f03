"""Administrators are made by two: no one official makes, names and becomes those who check them (三员分立, 四眼原则)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from gdbos.errors import Conflict
from gdbos.identity.account import open_account
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.delegation import delegate
from gdbos.identity.post import appoint, post

from .conftest import MARKET, OWN, PASSWORD, PASSWORD_HASH, Served

ACCOUNTS, POSTS, SESSIONS = (f"/api/identity/{name}" for name in ("accounts", "posts", "sessions"))
HERE = {"origin": "http://testserver.local", "sec-fetch-site": "same-origin"}


def opened(served: Served, login: str) -> dict[str, Any]:
    """An account that the security administrator opened."""
    answer = served.client.post(ACCOUNTS, json={"login": login, "name": login.title()}, headers=served.token("guard"))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def asked(served: Served, account: str, role: str = "audit-administrator") -> str:
    entry = {"account": account, "body": MARKET, "role": role}
    answer = served.client.post(POSTS, json=entry, headers=served.token("guard"))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def entered(served: Served, account: dict[str, Any]) -> dict[str, str]:
    """The holder of a new account at their first log-in, who chooses a password there."""
    return served.token(account["login"], account["password"], first=True)


def confirmed(served: Served, post_id: str, headers: dict[str, str]) -> int:
    return served.client.post(f"{POSTS}/{post_id}/confirm", headers=headers).status_code


def may(served: Served, headers: dict[str, str]) -> list[str]:
    permissions: list[str] = served.client.get("/api/identity/me", headers=headers).json()["permissions"]
    return permissions


@pytest.fixture
def system(served: Served) -> dict[str, str]:
    """A system administrator, made on the node's own machine."""

    def make(unit: Any) -> None:
        account = open_account(unit, login="keeper", password_hash=PASSWORD_HASH, name="Keeper", kind="official")
        appoint(unit, account, body=MARKET, role_id="system-administrator")

    served.site.unit(make, actor=IDENTITY)
    return served.token("keeper")


def test_one_security_administrator_makes_no_puppet_of_another(served: Served) -> None:
    guard = served.token("guard")
    chosen = {"login": "puppet", "name": "Puppet", "password": PASSWORD}
    assert served.client.post(ACCOUNTS, json=chosen, headers=guard).status_code == 422, (
        "nobody chooses another's password"
    )
    puppet = opened(served, "puppet")
    wanted = asked(served, puppet["id"])
    headers = entered(served, puppet)
    assert may(served, headers) == []
    assert served.client.get("/console/audit", headers=headers).status_code == 403
    assert confirmed(served, wanted, guard) == 403, "who asked does not confirm"
    assert confirmed(served, wanted, headers) == 403, "nor who would hold it"
    other = opened(served, "other")
    asked(served, other["id"], "body-manager")  # counts at once, and has every permission of identity at its body
    assert confirmed(served, wanted, entered(served, other)) == 403, "nor an official whom the first one made"
    assert may(served, headers) == []


def test_an_appointment_counts_once_another_administrator_confirms_it(served: Served, system: dict[str, str]) -> None:
    auditor = opened(served, "auditor")
    wanted, headers = asked(served, auditor["id"]), entered(served, auditor)
    listed = served.client.get(f"{POSTS}/waiting", headers=system).json()
    assert [(one["id"], one["login"], one["asked_by"], one["own"]) for one in listed] == [
        (wanted, "auditor", "guard", False)
    ]
    assert wanted not in served.client.get(f"{POSTS}?limit=200", headers=served.token("guard")).text
    assert confirmed(served, wanted, system) == 204
    assert confirmed(served, wanted, system) == 404, "once"
    assert "kernel.audit.read" in may(served, served.token("auditor", OWN))
    assert may(served, headers) == [], "a post is taken up at log-in"
    said = served.site.unit(lambda unit: unit.execute(select(post).where(post.c.id == UUID(wanted))).one())
    assert said.asked_by == str(served.officials["guard"]) and said.confirmed_by != said.asked_by


def test_a_page_shows_what_waits_and_who_must_not_confirm_it(served: Served, system: dict[str, str]) -> None:
    form = {"login": opened(served, "auditor")["login"], "role": "audit-administrator"}
    english = {"accept-language": "en"}
    guard = served.token("guard") | english
    there = f"/console/organisation/{MARKET}"
    answer = served.client.post(f"{there}/posts", data=form, headers=guard, follow_redirects=False)
    assert answer.headers["location"] == f"{there}?done=asked"
    assert (
        "another administrator has to confirm it" in served.client.get(answer.headers["location"], headers=guard).text
    )
    own = served.client.get("/console/appointments", headers=guard).text
    assert "Another administrator has to confirm it." in own and "/confirm" not in own
    page = served.client.get("/console/appointments", headers=system | english).text
    assert "Audit administrator" in page and "guard" in page
    path = next(one.split('"')[0] for one in page.split('action="') if one.startswith("/console/appointments/"))
    answer = served.client.post(path, headers=system, follow_redirects=False)
    assert answer.headers["location"] == "/console/appointments?done=confirmed"
    assert "No appointment waits" in served.client.get("/console/appointments", headers=system | english).text


def test_who_asked_withdraws_and_nothing_is_left_to_confirm(served: Served, system: dict[str, str]) -> None:
    auditor = opened(served, "auditor")
    wanted = asked(served, auditor["id"])
    assert served.client.delete(f"{POSTS}/{wanted}", headers=served.token("guard")).status_code == 204
    assert confirmed(served, wanted, system) == 404
    asked(served, auditor["id"], "system-administrator")  # the duty was given back too


def test_an_appointment_that_waits_keeps_the_three_apart_already(served: Served) -> None:
    account = opened(served, "three")["id"]
    asked(served, account)
    entry = {"account": account, "body": MARKET, "role": "system-administrator"}
    assert served.client.post(POSTS, json=entry, headers=served.token("guard")).status_code == 409
    with pytest.raises(Conflict):
        served.site.unit(appoint, UUID(account), body=MARKET, role_id="security-administrator", actor=IDENTITY)


def test_who_stands_in_for_an_administrator_does_not_confirm_what_they_asked(served: Served) -> None:
    wanted = asked(served, opened(served, "puppet")["id"])

    def stand_in(unit: Any) -> UUID:
        return delegate(unit, served.posts["guard"], "examiner", until=unit.today.replace(day=unit.today.day + 1))

    token = served.token("guard")["authorization"].removeprefix("Bearer ")
    guard = served.site.call(lambda: served.site.kernel.identity.by_token(token))
    served.site.unit(stand_in, actor=guard)
    headers = served.token("examiner")
    offered = served.client.get("/api/identity/me", headers=headers).json()["posts"]
    other = next(one["id"] for one in offered if one["role"] == "security-administrator")
    served.client.post("/api/identity/me/post", json={"post_id": other}, headers=headers)
    assert "kernel.identity.*" in may(served, headers)
    assert confirmed(served, wanted, headers) == 403


def test_a_generated_password_opens_nothing_until_its_holder_has_chosen_one(served: Served) -> None:
    account = opened(served, "newcomer")
    told = {"login": "newcomer", "password": account["password"]}
    refused = served.client.post(SESSIONS, json=told)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:gdbos:problem:password-expired")
    first = served.client.post("/login", data=told, headers=HERE, follow_redirects=False)
    assert first.headers["location"] == "/login/step"
    step = {"new": OWN, "again": OWN}
    assert served.client.post("/login/step", data=step, headers=HERE, follow_redirects=False).headers["location"] == "/"
    served.client.cookies.clear()
    assert served.client.post(SESSIONS, json=told).status_code == 401
    served.token("newcomer", OWN)


def test_nobody_disables_their_own_account(served: Served) -> None:
    own = served.officials["guard"]
    answer = served.client.post(f"{ACCOUNTS}/{own}/disable", headers=served.token("guard"))
    assert answer.status_code == 403
    served.token("guard")
