"""Identity over HTTP: cookies, tokens, administration and pages of a node that serves."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jws

from gdbos.identity.assertion import ASSERTION, TYPE
from gdbos.identity.setup import bootstrap
from gdbos.testing import deployment, serving

from .conftest import ANNA, MARKET, PASSWORD, TAX, Clock, Served, body

BEN = "450102198507124562"
HERE = {"origin": "http://127.0.0.1:8000"}


def log_in(served: Served, login: str = "anna", password: str = PASSWORD, **headers: str) -> Any:
    return served.client.post("/api/identity/sessions", json={"login": login, "password": password}, headers=headers)


def test_logging_in_gives_a_token_and_a_cookie_no_script_can_read(served: Served):
    answer = log_in(served)
    assert answer.status_code == 201
    assert answer.json()["account"] == {**answer.json()["account"], "kind": "person", "name": "Anna"}
    cookie = answer.headers["set-cookie"]
    assert re.match(r"sid=[A-Za-z0-9_-]{43}; ", cookie)
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert answer.headers["cache-control"] == "no-store"
    assert served.client.get("/api/identity/me").json()["name"] == "Anna"


def test_behind_https_the_cookie_is_tied_to_this_host(tmp_path, packs, clock: Clock):
    extra = f'secure_cookies = true\nurl = "https://node.example"\n[standards]\npacks = ["test"]\nfolders = ["{packs}"]'
    extra = f'[standards]\npacks = ["test"]\nfolders = ["{packs}"]'
    settings = deployment(tmp_path, extra=extra)
    text = settings.path.read_text().replace("[http]", '[http]\nsecure_cookies = true\nurl = "https://node.example"')
    settings.path.write_text(text)
    from gdbos.config import load

    with serving(load(settings.path, {}), clock=clock) as site:
        served = Served(site)
        answer = log_in(served, **{"sec-fetch-site": "same-origin"})
        cookies = answer.headers.get_list("set-cookie")
        assert sorted(cookie.partition("=")[0] for cookie in cookies) == ["__Host-known", "__Host-sid"]
        for cookie in cookies:
            assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
            assert "Domain" not in cookie
        for path in ("/health/live", "/login", "/no/such/address"):
            told = served.client.get(path).headers["strict-transport-security"]
            assert told == "max-age=31536000; includeSubDomains", path


def test_without_https_no_browser_is_told_to_insist_on_it(served: Served):
    assert "strict-transport-security" not in served.client.get("/login").headers


def test_logging_out_ends_cookie_and_token(served: Served):
    token = log_in(served).json()["token"]
    assert served.client.delete("/api/identity/sessions/current", headers=HERE).status_code == 204
    assert served.client.get("/api/identity/me").status_code == 401
    bearer = {"authorization": f"Bearer {token}"}
    assert served.client.get("/api/identity/me", headers=bearer).status_code == 401


def test_the_cookie_changes_at_every_log_in(served: Served):
    log_in(served)
    planted = served.client.cookies["sid"]
    log_in(served, "ben", **HERE)
    assert served.client.cookies["sid"] != planted
    served.client.cookies.set("sid", planted)
    assert served.client.get("/api/identity/me").status_code == 401


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer x", "Basic YTpi", "bearer a.b.c", "Token x", "Bearer é", "x" * 9000]
)
def test_malformed_credentials_are_refused_even_where_anybody_may_look(served: Served, value: str):
    answer = served.client.get("/health/live", headers={"authorization": value.encode()})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_dead_cookie_leaves_the_log_in_page_open(served: Served):
    served.client.cookies.set("sid", "x" * 43)
    assert served.client.get("/login").status_code == 200
    assert served.client.get("/api/identity/me").status_code == 401


CROSS = [
    ({"sec-fetch-site": "cross-site"}, 403),
    ({"sec-fetch-site": "same-site"}, 403),
    ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"}, 403),
    ({"origin": "http://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": "https://127.0.0.1:8000"}, 403),
    ({"origin": "http://127.0.0.1:8001"}, 403),
    ({"origin": "http://127.0.0.1:8000.evil.example"}, 403),
    ({}, 403),
    ({"sec-fetch-site": "same-origin"}, 204),
    ({"sec-fetch-site": "none"}, 204),
    ({"origin": "http://127.0.0.1:8000"}, 204),
]


@pytest.mark.parametrize(("headers", "status"), CROSS)
def test_another_sites_page_changes_nothing_with_our_cookie(served: Served, headers: dict[str, str], status: int):
    log_in(served)
    answer = served.client.post("/api/identity/me/acts-for", json={"subject": ""}, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}])
def test_another_sites_page_logs_nobody_in(served: Served, headers: dict[str, str]):
    assert log_in(served, **headers).status_code == 403
    form = {"login": "anna", "password": PASSWORD}
    assert served.client.post("/login", data=form, headers=headers).status_code == 403


def test_programs_with_a_token_need_no_origin(served: Served):
    bearer = served.token("anna")
    answer = served.client.post("/api/identity/me/acts-for", json={"subject": ""}, headers=bearer)
    assert answer.status_code == 204


def test_an_official_switches_posts_and_gets_another_cookie(served: Served):
    guard = served.token("guard")
    entry = {"account": str(served.officials["examiner"]), "body": TAX, "role": "leader"}
    post_id = served.client.post("/api/identity/posts", json=entry, headers=guard).json()["id"]
    log_in(served, "examiner")
    before = served.client.cookies["sid"]
    assert len(served.client.get("/api/identity/me").json()["posts"]) == 2
    answer = served.client.post("/api/identity/me/post", json={"post_id": post_id}, headers=HERE)
    assert answer.status_code == 204
    assert served.client.cookies["sid"] != before
    me = served.client.get("/api/identity/me").json()
    assert (me["post"], me["body"], me["reach"]) == (post_id, TAX, "division")


def test_a_mandate_is_given_used_and_ended(served: Served):
    anna, ben = served.token("anna"), served.token("ben")
    firm = served.client.get("/api/identity/me", headers=anna).json()["principals"][0]["subject"]
    entry = {"agent_citizen_id": BEN, "principal": firm, "matters": ["enterprise.seal"]}
    given = served.client.post("/api/identity/mandates", json=entry, headers=anna).json()["id"]
    assert served.client.post("/api/identity/me/acts-for", json={"subject": firm}, headers=ben).status_code == 204
    me = served.client.get("/api/identity/me", headers=ben).json()
    assert (me["acts_for"], me["represents"]) == (firm, "南宁示例")
    assert served.client.delete(f"/api/identity/mandates/{given}", headers=anna).status_code == 204
    assert served.client.get("/api/identity/me", headers=ben).json()["acts_for"] == ""


def test_who_is_not_registered_is_not_named_in_the_refusal(served: Served):
    entry = {"agent_citizen_id": "450102199003079993"}
    answer = served.client.post("/api/identity/mandates", json=entry, headers=served.token("anna"))
    assert answer.status_code == 404
    assert entry["agent_citizen_id"] not in answer.text


def assertion(served: Served, **change: Any) -> str:
    now = int(served.site.kernel.clock().timestamp())
    claims = {
        "iss": "market.registry",
        "sub": "market.registry",
        "aud": "http://127.0.0.1:8000/api/identity/tokens",
        "iat": now,
        "exp": now + 60,
        "jti": uuid4().hex,
    }
    header = {"alg": "Ed25519", "kid": "k1", "typ": TYPE}
    return jws.serialize_compact(header, json.dumps({**claims, **change}), served.key, algorithms=["Ed25519"])


def ask(served: Served, compact: str, *, form: bool = True, **change: str) -> Any:
    fields = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": compact,
        **change,
    }
    address = "/api/identity/tokens"
    return served.client.post(address, data=fields) if form else served.client.post(address, json=fields)


@pytest.mark.parametrize("form", [True, False])
def test_a_system_gets_a_token_for_its_assertion(served: Served, form: bool):
    answer = ask(served, assertion(served), form=form)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 300)
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    me = served.client.get("/api/identity/me", headers=bearer).json()
    assert (me["kind"], me["id"], me["body"]) == ("system", "market.registry", MARKET)


def test_an_assertion_counts_once(served: Served):
    compact = assertion(served)
    assert ask(served, compact).status_code == 200
    assert [ask(served, compact).status_code for _ in range(3)] == [401] * 3


def test_a_token_request_that_is_none_is_refused(served: Served):
    assert ask(served, assertion(served), grant_type="password").status_code == 422
    assert ask(served, assertion(served), more="x").status_code == 422
    assert ask(served, "x").status_code == 401
    assert ask(served, assertion(served, aud="http://other.example")).status_code == 401
    assert served.client.post("/api/identity/tokens", content=b"x").status_code == 400


def test_an_administrator_registers_a_body_an_account_a_post_and_a_system(served: Served):
    guard = served.token("guard")
    new = {"uscc": "91450100MA5K0A1B3X", "name": {"zh": "新局", "en": "New"}, "division": "450100", "level": "city"}
    assert served.client.post("/api/identity/bodies", json=new, headers=guard).status_code == 201
    entry = {"login": "Newcomer", "name": "New Comer"}
    opened = served.client.post("/api/identity/accounts", json=entry, headers=guard).json()
    post = {"account": opened["id"], "body": new["uscc"], "role": "examiner"}
    assert served.client.post("/api/identity/posts", json=post, headers=guard).status_code == 201
    newcomer = served.token("newcomer", opened["password"], first=True)
    assert served.client.get("/api/identity/me", headers=newcomer).json()["body"] == new["uscc"]
    shut = f"/api/identity/accounts/{opened['id']}/disable"
    assert served.client.post(shut, headers=guard).status_code == 204
    assert served.client.get("/api/identity/me", headers=newcomer).status_code == 401
    listed = served.client.get("/api/identity/accounts?limit=200", headers=guard)
    assert "New Comer" not in listed.text
    assert {"newcomer", "anna"} <= {one["login"] for one in listed.json()["items"]}


ADMINISTRATION = [
    ("GET", "/api/identity/bodies"),
    ("POST", "/api/identity/bodies"),
    ("POST", "/api/identity/enterprises"),
    ("GET", "/api/identity/accounts"),
    ("POST", "/api/identity/accounts"),
    ("POST", f"/api/identity/accounts/{uuid4()}/disable"),
    ("POST", f"/api/identity/accounts/{uuid4()}/restore"),
    ("GET", "/api/identity/posts"),
    ("POST", "/api/identity/posts"),
    ("GET", "/api/identity/posts/waiting"),
    ("POST", f"/api/identity/posts/{uuid4()}/confirm"),
    ("DELETE", f"/api/identity/posts/{uuid4()}"),
    ("GET", "/api/identity/systems"),
    ("POST", "/api/identity/systems"),
    ("PUT", "/api/identity/systems/market.registry/keys"),
]


def test_administration_is_for_administrators(served: Served):
    held = {login: served.token(login) for login in ("anna", "examiner", "leader")}
    held["system"] = {"authorization": f"Bearer {ask(served, assertion(served)).json()['access_token']}"}
    for method, path in ADMINISTRATION:
        for login, headers in held.items():
            answer = served.client.request(method, path, headers=headers, json={})
            assert answer.status_code == 403, (login, method, path, answer.text)
        assert served.client.request(method, path, json={}).status_code == 401


def test_bad_input_is_refused_and_never_echoed(served: Served):
    guard = served.token("guard")
    person = {"login": "dora", "name": "Dora", "kind": "person", "citizen_id": ANNA[:-1] + "0"}
    for path, entry in (
        ("accounts", person),
        ("accounts", {**person, "citizen_id": ANNA, "admin": True}),
        ("accounts", {**person, "citizen_id": ANNA, "password": "short"}),
        ("bodies", {"uscc": "1"}),
        ("posts", {"account": "x", "body": MARKET, "role": "examiner"}),
        ("systems", {"client_id": "x.y.z", "body": MARKET, "name": "x", "keys": [{"kty": "OKP", "d": "secret-part"}]}),
    ):
        answer = served.client.post(f"/api/identity/{path}", json=entry, headers=guard)
        assert answer.status_code == 422, (path, answer.text)
        assert ANNA[:-1] not in answer.text
        assert "secret-part" not in answer.text


def test_too_many_tries_are_answered_with_when_to_come_back(served: Served):
    answers = [log_in(served, "anna", "wrong and long enough") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0


def test_a_new_node_is_set_up_once_with_its_code(tmp_path, packs, clock: Clock):
    extra = f'[standards]\npacks = ["test"]\nfolders = ["{packs}"]'
    with serving(deployment(tmp_path, extra=extra), clock=clock) as site:
        code = site.unit(bootstrap)
        entry = {
            "code": "wrong",
            "login": "first",
            "name": "First",
            "password": PASSWORD,
            "body": {"uscc": MARKET, "name": {"zh": "局"}, "division": "450100", "level": "city"},
        }
        send = lambda **change: site.client.post("/api/identity/setup", json={**entry, **change})  # noqa: E731
        assert send().status_code == 401
        assert send(code=code, password="short").status_code == 422
        assert send(code=code).status_code == 201
        assert send(code=code, login="second").status_code == 401
        assert site.unit(bootstrap) is None
        answer = site.client.post("/api/identity/sessions", json={"login": "first", "password": PASSWORD})
        bearer = {"authorization": f"Bearer {answer.json()['token']}"}
        assert site.client.get("/api/identity/accounts", headers=bearer).status_code == 200


def test_a_set_up_code_ages_and_a_new_one_replaces_it(tmp_path, packs, clock: Clock):
    extra = f'[standards]\npacks = ["test"]\nfolders = ["{packs}"]'
    with serving(deployment(tmp_path, extra=extra), clock=clock) as site:
        first, second = site.unit(bootstrap), site.unit(bootstrap)
        entry = {"login": "first", "name": "First", "password": PASSWORD}
        entry["body"] = {"uscc": MARKET, "name": {"zh": "局"}, "division": "450100", "level": "city"}
        assert site.client.post("/api/identity/setup", json={**entry, "code": first}).status_code == 401
        clock.forward(hours=25)
        assert site.client.post("/api/identity/setup", json={**entry, "code": second}).status_code == 401


# Pages.


def test_the_log_in_page_leads_where_one_wanted_to_go(served: Served):
    page = served.client.get("/login?next=/account")
    assert page.status_code == 200
    assert 'value="/account"' in page.text
    form = {"login": "anna", "password": PASSWORD, "next": "/account"}
    answer = served.client.post("/login", data=form, headers=HERE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert served.client.get("/login", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_the_log_in_page_leads_nowhere_else(served: Served, next: str):
    form = {"login": "anna", "password": PASSWORD, "next": next}
    answer = served.client.post("/login", data=form, headers=HERE, follow_redirects=False)
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(("language", "words"), [("zh", "登录名或密码不正确"), ("en", "is not right")])
def test_a_wrong_password_is_said_on_the_page(served: Served, language: str, words: str):
    form = {"login": "anna", "password": "wrong and long enough"}
    answer = served.client.post("/login", data=form, headers={**HERE, "accept-language": language})
    assert answer.status_code == 422
    assert words in answer.text
    assert "wrong and long" not in answer.text


@pytest.mark.parametrize(("language", "title"), [("zh", "登录未成功"), ("en", "The log-in was not accepted")])
def test_a_wrong_password_is_titled_as_one(served: Served, language: str, title: str):
    wrong = {"login": "anna", "password": "wrong and long enough"}
    answer = served.client.post("/api/identity/sessions", json=wrong, headers={"accept-language": language})
    assert (answer.status_code, answer.json()["title"]) == (401, title)
    assert answer.json()["type"] == "urn:gdbos:problem:wrong-password"


def test_the_account_page_shows_what_is_ones_own_and_does_what_it_offers(served: Served):
    log_in(served)
    page = served.client.get("/account", headers={"accept-language": "en"})
    assert page.status_code == 200
    assert "as legal representative" in page.text
    firm = re.search(r'value="(enterprise:[^"]*)"', page.text)[1]  # type: ignore[index]
    steps = [
        ("/account/acts-for", {"choice": firm}),
        ("/account/mandates", {"agent_citizen_id": BEN, "principal": firm, "matters": ["a", "b"]}),
        ("/account/sessions/end-others", {}),
        (
            "/account/password",
            {"old": PASSWORD, "new": "another sentence entirely", "again": "another sentence entirely"},
        ),
    ]
    for path, form in steps:
        answer = served.client.post(path, data=form, headers=HERE, follow_redirects=False)
        assert (answer.status_code, path) == (303, path), answer.text
    page = served.client.get("/account")
    given = re.search(r"/account/mandates/([0-9a-f-]+)/revoke", page.text)[1]  # type: ignore[index]
    assert "南宁示例" in page.text
    answer = served.client.post(f"/account/mandates/{given}/revoke", headers=HERE, follow_redirects=False)
    assert answer.headers["location"] == "/account?done=revoked"
    assert given not in served.client.get("/account").text


@pytest.mark.parametrize(
    ("path", "form", "words"),
    [
        (
            "/account/password",
            {"old": PASSWORD, "new": "one long sentence", "again": "another sentence"},
            "not the same",
        ),
        ("/account/password", {"old": "x", "new": "one long sentence", "again": "one long sentence"}, "not right"),
        ("/account/password", {"old": PASSWORD, "new": "short", "again": "short"}, "at least 15"),
        ("/account/mandates", {"agent_citizen_id": "1"}, "registered here"),
        ("/account/mandates", {"agent_citizen_id": BEN, "until": "never"}, "not a date"),
    ],
)
def test_what_goes_wrong_is_said_on_the_account_page(served: Served, path: str, form: dict[str, str], words: str):
    log_in(served)
    answer = served.client.post(path, data=form, headers={**HERE, "accept-language": "en"})
    assert answer.status_code == 422
    assert words in answer.text


def test_logging_out_by_page_forgets_the_browser_too(served: Served):
    log_in(served)
    answer = served.client.post("/logout", headers=HERE, follow_redirects=False)
    assert answer.status_code == 303
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert served.client.get("/api/identity/me").status_code == 401


def test_an_official_takes_up_a_post_by_page(served: Served):
    log_in(served, "examiner")
    page = served.client.get("/account")
    assert page.status_code == 200
    assert "审查人" in page.text
    form = {"choice": str(served.posts["examiner"])}
    answer = served.client.post("/account/post", data=form, headers=HERE, follow_redirects=False)
    assert answer.headers["location"] == "/account?done=post"
    assert served.client.post("/account/post", data={"choice": "x"}, headers=HERE).status_code == 404


def test_nothing_personal_is_written_to_the_audit_log(served: Served):
    log_in(served)
    leaves = served.site.unit(
        lambda unit: [row[0] for row in unit.connection.exec_driver_sql("SELECT leaf FROM ledger_pending").all()]
    ) + served.site.unit(
        lambda unit: [row[0] for row in unit.connection.exec_driver_sql("SELECT leaf FROM ledger_leaf").all()]
    )
    text = b"\n".join(bytes(leaf) for leaf in leaves)
    assert b"identity.session-opened" in text
    for secret in (ANNA, BEN, "Anna", "anna", PASSWORD):
        assert secret.encode() not in text
    assert body(MARKET, "x", "x").uscc.encode() in text
