"""Guessing is bounded by name, by network and by browser, and keeps nobody out who knows their password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gdbos.identity.attempt import network_of
from gdbos.testing import Site, deployment, serving

from .conftest import PASSWORD, Clock, Served

SESSIONS = "/api/identity/sessions"
WRONG = "wrong and long enough"
HERE = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
PROXY = "10.9.9.9"


def connected(site: Site) -> None:
    """Let requests come from the address that ``x-peer`` names, and by the one trusted proxy as the node's server lets them."""
    inner = site.client.app.asgi_handler
    within = ProxyHeadersMiddleware(inner, trusted_hosts=[PROXY])

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        peer = dict(scope.get("headers", ())).get(b"x-peer")
        if peer:
            scope["client"] = (peer.decode(), 40_000)
        await within(scope, receive, send)

    site.client.app.asgi_handler = handler  # type: ignore[method-assign]


@pytest.fixture
def guessed(tmp_path: Path, packs: Path, clock: Clock) -> Iterator[Served]:
    """A city behind one trusted proxy; a name may be tried five times, a network twenty."""
    extra = f'[standards]\npacks = ["test"]\nfolders = ["{packs}"]\n'
    with serving(
        deployment(tmp_path, extra=f"{extra}[passwords]\nattempts = 5\nnetwork_attempts = 20"), clock=clock
    ) as site:
        connected(site)
        yield Served(site)


def tried(served: Served, login: str, password: str = WRONG, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = served.client.post(SESSIONS, json={"login": login, "password": password}, headers=HERE | named)
    return answer.status_code


FROM: dict[str, Callable[[int], dict[str, str]]] = {
    "one address": lambda n: {"x_peer": "203.0.113.7"},
    "one /24": lambda n: {"x_peer": f"203.0.113.{n}"},
    "one /56": lambda n: {"x_peer": f"2001:db8:0:4{n:02x}::{n:x}"},
    "made-up hops of a proxy that is none": lambda n: {"x_peer": "203.0.113.7", "x_forwarded_for": f"198.51.{n}.1"},
    "made-up hops before the proxy's own": lambda n: {
        "x_peer": PROXY,
        "x_forwarded_for": f"198.51.{n}.1, 203.0.113.7",
    },
}


@pytest.mark.parametrize("way", FROM)
def test_one_password_is_not_tried_on_all_names(guessed: Served, way: str) -> None:
    answers = [tried(guessed, f"name.{n}", **FROM[way](n)) for n in range(60)]
    assert answers == [401] * 20 + [429] * 40
    assert tried(guessed, "anna", PASSWORD, x_peer="192.0.2.1") == 201, "others do not wait for them"


def test_the_proxy_says_from_where_people_come(guessed: Served) -> None:
    answers = [tried(guessed, f"name.{n}", x_peer=PROXY, x_forwarded_for=f"198.51.{n}.1") for n in range(30)]
    assert answers == [401] * 30, "thirty networks behind one proxy are not one"


def test_an_office_that_logs_in_together_is_not_taken_for_an_attack(guessed: Served) -> None:
    for _ in range(15):
        for login in ("anna", "ben", "examiner"):
            assert tried(guessed, login, PASSWORD, x_peer="203.0.113.7") == 201
            guessed.client.cookies.clear()


def test_nobody_spends_anothers_budget_by_a_name_that_is_written_like_it(guessed: Served) -> None:
    for n in range(20):
        tried(guessed, "network 203.0.113.0/24", x_peer=f"198.51.{n}.1")
    assert tried(guessed, "anna", PASSWORD, x_peer="203.0.113.7") == 201


def test_a_networks_wait_ends(guessed: Served, clock: Clock) -> None:
    for n in range(25):
        last = tried(guessed, f"name.{n}", x_peer="203.0.113.7")
    assert last == 429
    clock.forward(minutes=1)
    assert tried(guessed, "anna", PASSWORD, x_peer="203.0.113.7") == 201


def test_a_clock_that_is_set_back_locks_nobody_out(guessed: Served, clock: Clock) -> None:
    for n in range(25):
        tried(guessed, f"name.{n}", x_peer="203.0.113.7")
    clock.forward(days=-1)
    assert tried(guessed, "anna", PASSWORD, x_peer="203.0.113.7") == 201
    assert [tried(guessed, f"name.{n}", x_peer="203.0.113.7") for n in range(25)][-1] == 429, "and it counts on"


def test_the_owner_gets_in_while_the_attack_goes_on(guessed: Served, clock: Clock) -> None:
    assert tried(guessed, "anna", PASSWORD, x_peer="192.0.2.1") == 201
    known = {name: value for name, value in guessed.client.cookies.items() if "known" in name}
    assert len(known) == 1

    def attacked() -> None:
        guessed.client.cookies.clear()
        for n in range(12):
            tried(guessed, "anna", x_peer=f"198.51.{n}.1")
        assert tried(guessed, "anna", PASSWORD, x_peer="192.0.2.2") == 429, "the name itself is under attack"
        guessed.client.cookies.update(known)

    for _ in range(3):
        attacked()
        clock.forward(minutes=1)
        assert tried(guessed, "anna", PASSWORD, x_peer="192.0.2.2") == 201
    attacked()
    assert [tried(guessed, "anna", x_peer="192.0.2.2") for _ in range(8)] == [401] * 5 + [429] * 3, (
        "nor is it a way to guess"
    )


def test_a_browser_is_known_for_the_name_it_logged_in_under_and_for_no_other(guessed: Served) -> None:
    assert tried(guessed, "anna", PASSWORD, x_peer="192.0.2.1") == 201
    name, value = next((name, value) for name, value in guessed.client.cookies.items() if "known" in name)
    for login, forged in (("ben", value), ("anna", "0" * 32 + value[32:]), ("anna", value[:-1] + "x"), ("anna", "é.x")):
        guessed.client.cookies.clear()
        headers = {"cookie": f"{name}={forged}".encode()}
        answers = [
            guessed.client.post(
                SESSIONS,
                json={"login": login, "password": WRONG},
                headers=[*HERE.items(), ("x-peer", f"198.51.{n}.1"), *headers.items()],  # type: ignore[list-item]
            ).status_code
            for n in range(6)
        ]
        assert answers[-1] == 429, (login, forged)


def test_a_changed_password_makes_every_browser_a_stranger(guessed: Served) -> None:
    assert tried(guessed, "anna", PASSWORD, x_peer="192.0.2.1") == 201
    new = {"old": PASSWORD, "new": "another sentence entirely"}
    assert guessed.client.post("/api/identity/me/password", json=new, headers=HERE).status_code == 204
    for n in range(6):
        last = tried(guessed, "anna", x_peer=f"198.51.{n}.1")
    assert last == 429


def test_who_is_in_changes_the_password_while_others_guess_at_it(guessed: Served) -> None:
    headers = guessed.token("anna")
    for n in range(8):
        tried(guessed, "anna", x_peer=f"198.51.{n}.1")
    path = "/api/identity/me/password"
    wrong = {"old": WRONG, "new": "another sentence entirely"}
    assert [guessed.client.post(path, json=wrong, headers=headers).status_code for _ in range(4)] == [403] * 4
    assert guessed.client.post(path, json={**wrong, "old": PASSWORD}, headers=headers).status_code == 204


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:0:12ff::1", "2001:db8:0:1200::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        ("a name", "a name"),
    ],
)
def test_networks_are_what_one_household_or_office_is_given(host: str, network: str) -> None:
    assert network_of(host) == network
