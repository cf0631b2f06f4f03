"""The second factor: set up, asked for, shown once only, lost, and shown again for what is weighty."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import select
from stdnum.cn import ric

from gdbos.actor import Actor
from gdbos.config import Identification
from gdbos.errors import TrustTooLow
from gdbos.identity.account import account, find_account, open_account
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.factor import factor, recovery
from gdbos.identity.person import Person, register_person
from gdbos.identity.post import appoint
from gdbos.identity.proof import raise_trust, refuse_unproven
from gdbos.plugin import Permission
from gdbos.testing import deployment, serving
from gdbos.unit import Unit

from .conftest import MARKET, PASSWORD, PASSWORD_HASH, Clock, Served, pack_in

HERE = {"origin": "http://127.0.0.1:8000"}
SETTINGS = """
[identity]
second_factor = ["security-administrator"]
step_up_minutes = 10
step_up = ["kernel.identity.read"]
trust = { L3 = ["services.cases.apply"] }
"""
SESSIONS = "/api/identity/sessions"
FACTOR = "/api/identity/me/second-factor"


NUMBERS = iter(range(1000))


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("factor")
    packs = pack_in(folder)
    extra = f'{SETTINGS}[standards]\npacks = ["test"]\nfolders = ["{packs}"]\n[passwords]\nattempts = 5'
    with serving(deployment(folder, extra=extra), clock=clock) as site:
        yield Served(site)


@pytest.fixture
def served(node: Served) -> Served:
    node.client.cookies.clear()
    return node


def newcomer(served: Served, role: str = "") -> str:
    """The log-in name of a person, or of an official in ``role``, whom no other test knows."""
    login = f"newcomer{next(NUMBERS)}"

    def enter(unit: Unit) -> None:
        if not role:
            entered = served.people[login] = register_person(unit, Person(name=login, citizen_id=citizen_id(login)))
            open_account(unit, login=login, password_hash=PASSWORD_HASH, name=login, kind="person", person=entered.id)
            return
        made = open_account(unit, login=login, password_hash=PASSWORD_HASH, name=login, kind="official")
        appoint(unit, made, body=MARKET, role_id=role)

    served.site.unit(enter, actor=IDENTITY)
    return login


def citizen_id(login: str) -> str:
    """A citizen id of its own for a newcomer."""
    first17 = f"45010219900307{int(login.removeprefix('newcomer')):03}"
    return first17 + ric.calc_check_digit(f"{first17}0")


class App:
    """An authenticator app on a telephone."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._totp, self._clock = pyotp.TOTP(secret), clock

    def code(self, **later: float) -> str:
        self._clock.forward(**(later or {"seconds": 31}))
        return self._totp.at(self._clock.now)


def enrolled(served: Served, clock: Clock, login: str) -> tuple[App, list[str]]:
    """Set a second factor up over HTTP; the app and the recovery codes."""
    bearer = served.token(login)
    found = served.client.post(FACTOR, json={"password": PASSWORD}, headers=bearer).json()
    assert parse_qs(urlsplit(found["uri"]).query)["secret"] == [found["secret"]]
    app = App(found["secret"], clock)
    answer = served.client.post(f"{FACTOR}/confirm", json={"code": app.code()}, headers=bearer)
    assert answer.status_code == 201, answer.text
    return app, answer.json()["codes"]


def log_in(served: Served, login: str, **more: str) -> Any:
    answer = served.client.post(SESSIONS, json={"login": login, "password": PASSWORD, **more})
    served.client.cookies.clear()
    return answer


def test_a_password_alone_no_longer_lets_in_who_has_a_second_factor(served: Served, clock: Clock) -> None:
    me = newcomer(served)
    app, _ = enrolled(served, clock, me)
    refused = log_in(served, me)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:gdbos:problem:second-factor-needed")
    wrong = log_in(served, me, code="000000")
    assert wrong.status_code == 403
    assert log_in(served, me, code=app.code()).status_code == 201
    assert log_in(served, "ben").status_code == 201, "nobody else is asked"


def test_a_code_counts_once_and_only_near_its_moment(served: Served, clock: Clock) -> None:
    me = newcomer(served)
    app, _ = enrolled(served, clock, me)
    code = app.code()
    assert log_in(served, me, code=code).status_code == 201
    assert log_in(served, me, code=code).status_code == 403, "replayed"
    code = app.code()
    clock.forward(seconds=30)
    assert log_in(served, me, code=code).status_code == 201, "one step of drift"
    code = app.code()
    clock.forward(seconds=65)
    assert log_in(served, me, code=code).status_code == 403, "too late"


def test_recovery_codes_each_open_the_account_once_and_renewed_ones_replace_them(served: Served, clock: Clock) -> None:
    me = newcomer(served)
    app, codes = enrolled(served, clock, me)
    assert len(set(codes)) == 10
    assert log_in(served, me, code=codes[0].upper()).status_code == 201
    assert log_in(served, me, code=codes[0]).status_code == 403
    bearer = {"authorization": f"Bearer {log_in(served, me, code=app.code()).json()['token']}"}
    assert served.client.get(FACTOR, headers=bearer).json()["recovery_codes"] == 9
    stored = served.site.unit(lambda unit: unit.execute(select(recovery.c.code)).scalars().all())
    assert not any(code.encode() in b"".join(stored) for code in codes)


def test_guesses_are_bounded_and_bound_nobody_else(served: Served, clock: Clock) -> None:
    me = newcomer(served)
    app, _ = enrolled(served, clock, me)
    answers = [log_in(served, me, code=f"{n:06}").status_code for n in range(8)]
    assert answers == [403] * 5 + [429] * 3
    assert log_in(served, me, code=app.code(seconds=1)).status_code == 429, (
        "a right guess is no use once too many were wrong"
    )
    assert log_in(served, "ben").status_code == 201
    assert log_in(served, me, code=app.code(minutes=16)).status_code == 201, "and its owner waits for minutes only"


def test_the_secret_is_sealed_shown_until_confirmed_and_never_again(served: Served, clock: Clock) -> None:
    me = newcomer(served)
    bearer = served.token(me)
    assert served.client.post(FACTOR, json={"password": "wrong"}, headers=bearer).status_code == 403
    secret = served.client.post(FACTOR, json={"password": PASSWORD}, headers=bearer).json()["secret"]
    stored = served.site.unit(lambda unit: unit.execute(select(factor.c.secret)).scalars().all())
    assert secret.encode() not in b"".join(stored)
    assert served.client.post(f"{FACTOR}/confirm", json={"code": "123"}, headers=bearer).status_code == 403
    assert log_in(served, me).status_code == 201, "a factor that was never confirmed locks nobody out"
    served.client.post(f"{FACTOR}/confirm", json={"code": App(secret, clock).code()}, headers=bearer)
    assert served.client.post(FACTOR, json={"password": PASSWORD}, headers=bearer).status_code == 409


def test_it_is_taken_away_against_a_code_and_not_by_who_must_have_one(served: Served, clock: Clock) -> None:
    me = newcomer(served)
    app, codes = enrolled(served, clock, me)
    bearer = {"authorization": f"Bearer {log_in(served, me, code=app.code()).json()['token']}"}
    refused = served.client.request("DELETE", FACTOR, json={"code": "000000"}, headers=bearer)
    assert refused.status_code == 403
    assert served.client.request("DELETE", FACTOR, json={"code": codes[3]}, headers=bearer).status_code == 204
    assert log_in(served, me).status_code == 201


# Demanded by a role, over the pages.


def form(served: Served, path: str, **values: str) -> Any:
    return served.client.post(path, data=values, headers={**HERE, "accept-language": "en"}, follow_redirects=False)


def page(served: Served, path: str) -> str:
    answer = served.client.get(path, headers={"accept-language": "en"})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_who_must_have_one_sets_it_up_before_getting_in(served: Served, clock: Clock) -> None:
    me = newcomer(served, "security-administrator")
    answer = form(served, "/login", login=me, password=PASSWORD, next="/account")
    assert answer.headers["location"] == "/login/step"
    assert "sid" not in served.client.cookies
    assert served.client.get("/api/identity/me").status_code == 401
    shown = page(served, "/login/step")
    assert 'src="data:image/svg+xml' in shown
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", shown)[1]  # type: ignore[index]
    assert "not right" in form(served, "/login/step", code="000000").text
    app = App(secret, clock)
    answer = form(served, "/login/step", code=app.code())
    assert answer.headers["location"] == "/account/second-factor/codes"
    codes = page(served, "/account/second-factor/codes")
    assert len(re.findall(r"<code>([0-9a-f]{4}(?:-[0-9a-f]{4}){4})</code>", codes)) == 10
    assert 'href="/account"' in codes
    me = served.client.get("/api/identity/me").json()
    assert "kernel.identity.*" in me["permissions"]
    removal = form(served, "/account/second-factor/remove", code=app.code())
    assert "must have a second factor" in removal.text


def test_the_unfinished_log_in_belongs_to_one_browser_and_some_minutes(served: Served, clock: Clock) -> None:
    me = newcomer(served)
    app, _ = enrolled(served, clock, me)
    form(served, "/login", login=me, password=PASSWORD, next="/account")
    stolen = served.client.cookies["login"]
    served.client.cookies.clear()
    assert form(served, "/login/step", code=app.code()).headers["location"] == "/login", "without the cookie"
    served.client.cookies.set("login", stolen)
    clock.forward(minutes=11)
    assert form(served, "/login/step", code=app.code()).headers["location"] == "/login", "too late"
    served.client.cookies.clear()
    form(served, "/login", login=me, password=PASSWORD, next="/account")
    kept = served.client.cookies["login"]
    assert form(served, "/login/step", code=app.code()).headers["location"] == "/account"
    served.client.cookies.clear()
    served.client.cookies.set("login", kept)
    assert form(served, "/login/step", code=app.code()).headers["location"] == "/login", "it counts once"


def test_a_role_that_demands_it_gives_no_rights_to_a_session_without_it(served: Served, clock: Clock) -> None:
    me = newcomer(served, "leader")
    bearer = served.token(me)
    given = served.site.unit(
        lambda unit: appoint(
            unit,
            find_account(unit, me).id,  # type: ignore[union-attr]
            body=MARKET,
            role_id="security-administrator",
        )
    )
    who = served.client.post("/api/identity/me/post", json={"post_id": str(given)}, headers=bearer)
    assert who.status_code == 204
    assert served.client.get("/api/identity/me", headers=bearer).json()["permissions"] == []
    served.client.cookies.clear()
    assert log_in(served, me).json()["type"] == "urn:gdbos:problem:second-factor-needed"


# Shown again.


def test_what_is_weighty_wants_the_second_factor_lately(served: Served, clock: Clock) -> None:
    me = newcomer(served, "body-manager")
    app, _ = enrolled(served, clock, me)
    bearer = {"authorization": f"Bearer {log_in(served, me, code=app.code()).json()['token']}"}
    read: Callable[[], Any] = lambda: served.client.get("/api/identity/bodies", headers=bearer)  # noqa: E731
    assert read().status_code == 200
    clock.forward(minutes=11)
    refused = read()
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:gdbos:problem:second-factor-needed")
    assert "/api/identity/me/proof" in refused.json()["detail"]
    assert served.client.post("/api/identity/me/proof", json={"code": "1"}, headers=bearer).status_code == 403
    assert served.client.post("/api/identity/me/proof", json={"code": app.code()}, headers=bearer).status_code == 204
    assert read().status_code == 200


def test_a_permission_that_says_so_itself_is_weighty(served: Served, clock: Clock) -> None:
    me = newcomer(served, "body-manager")
    bearer = served.token(me)
    entry = {"account": str(served.officials["taxman"]), "body": MARKET, "role": "examiner"}
    refused = served.client.post("/api/identity/posts", json=entry, headers=bearer)
    assert refused.json()["type"] == "urn:gdbos:problem:second-factor-needed"


def test_a_page_asks_for_it_and_returns(served: Served, clock: Clock) -> None:
    me = newcomer(served, "body-manager")
    app, _ = enrolled(served, clock, me)
    form(served, "/login", login=me, password=PASSWORD, next="/account")
    form(served, "/login/step", code=app.code())
    before = served.client.cookies["sid"]
    clock.forward(minutes=11)
    asked = served.client.get("/api/identity/bodies", headers={"accept": "text/html"}, follow_redirects=False)
    assert asked.status_code == 401, "a program gets a problem, whatever it accepts"
    shown = page(served, "/login/confirm?next=/account")
    assert 'name="next" value="/account"' in shown
    assert form(served, "/login/confirm", code="000000", next="/account").status_code == 422
    answer = form(served, "/login/confirm", code=app.code(), next="//evil.example")
    assert answer.headers["location"] == "/"
    assert served.client.cookies["sid"] != before, "under another secret"
    assert served.client.get("/api/identity/bodies").status_code == 200


def test_who_has_none_is_told_where_to_get_one(served: Served) -> None:
    me = newcomer(served, "body-manager")
    served.client.post(SESSIONS, json={"login": me, "password": PASSWORD})
    assert 'href="/account/second-factor"' in page(served, "/login/confirm")


def test_on_ones_own_account_page(served: Served, clock: Clock) -> None:
    me = newcomer(served)
    served.client.post(SESSIONS, json={"login": me, "password": PASSWORD})
    assert "Present password" in page(served, "/account/second-factor")
    assert form(served, "/account/second-factor/begin", password="x").status_code == 422
    assert form(served, "/account/second-factor/begin", password=PASSWORD).status_code == 303
    shown = page(served, "/account/second-factor")
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", html.unescape(shown))[1]  # type: ignore[index]
    app = App(secret, clock)
    assert form(served, "/account/second-factor/confirm", code="1").status_code == 422
    assert form(served, "/account/second-factor/confirm", code=app.code()).status_code == 303
    first = page(served, "/account/second-factor/codes")
    assert "10 recovery codes are left" in page(served, "/account/second-factor")
    assert form(served, "/account/second-factor/codes", code=app.code()).status_code == 303
    assert page(served, "/account/second-factor/codes") != first
    clock.forward(minutes=11)
    gone = served.client.get("/account/second-factor/codes", follow_redirects=False)
    assert gone.headers["location"] == "/account/second-factor", "shown for minutes only"
    assert form(served, "/account/second-factor/remove", code=app.code()).status_code == 303
    assert "Present password" in page(served, "/account/second-factor")


# How surely somebody is known.


def test_a_level_of_trust_is_reached_with_the_second_factor_and_never_beyond_what_is_known(
    served: Served, clock: Clock
) -> None:
    me = newcomer(served)
    app, _ = enrolled(served, clock, me)
    assert trust(served, log_in(served, me, code=app.code())) == "L1", "nobody has checked who this is"
    met(served, me, "L4")
    assert trust(served, log_in(served, me, code=app.code())) == "L3"
    other = newcomer(served)
    met(served, other, "L4")
    assert trust(served, log_in(served, other)) == "L2", "a password alone"
    met(served, me, "L2")
    assert trust(served, log_in(served, me, code=app.code())) == "L3", "nothing lowers it again"


def met(served: Served, login: str, level: str) -> None:
    """A window has seen whose account it is."""
    served.site.unit(lambda unit: raise_trust(unit, served.people[login].id, level), actor=IDENTITY)


def trust(served: Served, answer: Any) -> str:
    bearer = {"authorization": f"Bearer {answer.json()['token']}"}
    return str(served.client.get("/api/identity/me", headers=bearer).json()["trust"])


@pytest.mark.parametrize(
    ("kind", "shown", "problem"),
    [
        ("person", "L1", TrustTooLow),
        ("person", "L2", TrustTooLow),
        ("person", "L3", None),
        ("person", "L4", None),
        ("official", "L1", None),
        ("system", "L1", None),
    ],
)
def test_a_permission_may_want_a_level_of_persons(kind: Any, shown: Any, problem: Any) -> None:
    wanted = Identification(trust={"L2": ("services.*",), "L3": ("services.cases.apply",)})
    actor, apply = Actor(kind=kind, trust=shown), Permission("services.cases.apply", "Apply")
    with pytest.raises(problem) if problem else nullcontext():
        refuse_unproven(actor, apply, wanted, datetime.now(UTC))
    refuse_unproven(actor, Permission("kernel.bus.call", "Call"), wanted, datetime.now(UTC))


def test_no_secret_of_it_reaches_the_ledger(served: Served, clock: Clock) -> None:
    me = newcomer(served)
    app, codes = enrolled(served, clock, me)
    log_in(served, me, code=app.code())
    log_in(served, me, code=codes[1])
    rows = served.site.unit(
        lambda unit: [
            bytes(row[0])
            for table in ("ledger_pending", "ledger_leaf")
            for row in unit.connection.exec_driver_sql(f"SELECT leaf FROM {table}").all()
        ]
    )
    text = b"\n".join(rows)
    assert b"identity.recovery-code-used" in text
    assert not any(code.encode() in text for code in codes)
    assert served.site.unit(lambda unit: unit.execute(select(account.c.id)).first()) is not None
