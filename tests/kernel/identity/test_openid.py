"""Logging in by an OpenID provider: a real one over HTTP, and everything that must not let anybody in."""

from __future__ import annotations

import base64
import hmac
import io
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from oidc_provider_mock import User, run_server_in_thread
from oidc_provider_mock import app as provider_app
from oidc_provider_mock._storage import AuthorizationCode
from werkzeug.serving import make_server

from gdbos.config import Provider, load
from gdbos.errors import Forbidden, Misconfigured
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.id_token import keys_of, verified
from gdbos.identity.openid import Party, authenticated_at
from gdbos.identity.person import person
from gdbos.testing import deployment, serving
from gdbos.text import Text

from .conftest import ANNA, Served, pack_in

DORA = "450103198503129995"
NEW_COMPANY = "91450103MADEM00112"
LEVELS = """
levels = { one = "L1", real-name = "L2", face = "L3" }
"""
USERS = [
    User(sub="n-anna", claims={"name": "Anna", "user": {"idcard": ANNA, "level": "face"}}),
    User(sub="n-dora", claims={"name": "多拉", "user": {"idcard": DORA, "level": "real-name"}}),
    User(sub="n-self", claims={"name": "Ben", "user": {"idcard": "450102198507124562", "level": "one"}}),
    User(
        sub="n-boss",
        claims={
            "name": "多拉",
            "user": {"idcard": DORA, "level": "face", "uscc": NEW_COMPANY, "firm": "新企业", "boss": DORA},
        },
    ),
    User(
        sub="n-clerk",
        claims={
            "name": "Clara",
            "user": {"idcard": "450103200001017897", "level": "face", "uscc": "91450100MA5K0A1B2T", "boss": ANNA},
        },
    ),
    User(sub="o-1", claims={"name": "Examiner", "account": "examiner"}),
    User(sub="o-2", claims={"name": "Nobody", "account": "not-there"}),
    User(sub="n-none", claims={"name": "Nameless"}),
]


BY_SECRET = 'client_secret = { env = "TEST_OPENID_SECRET" }'
BY_KEY = 'private_key = { env = "TEST_OPENID_KEY" }'


def section(name: str, issuer: str, claims: str, more: str = "", client: str = BY_SECRET) -> str:
    """Configuration of a provider; the one of these tests has one key and does not name it."""
    return f"""
[identity.providers.{name}]
title = {{ zh = "国家政务服务平台", en = "National platform" }}
issuer = "{issuer}"
client_id = "gdbos"
{client}
networks = ["127.0.0.0/8", "::1/128"]
kid = "optional"
{more}
[identity.providers.{name}.claims]
{claims}
"""


NATIONAL = """
citizen_id = "user.idcard"
trust = "user.level"
uscc = "user.uscc"
enterprise = "user.firm"
legal_representative = "user.boss"
"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with run_server_in_thread(user_claims=USERS, require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


class Demanding:
    """Before a provider: its token endpoint takes no client that does not sign an assertion (RFC 7523) for it, once."""

    def __init__(self, provider: Callable[..., Iterable[bytes]], client: OKPKey) -> None:
        self.provider, self.client, self.issuer = provider, client, ""
        self.used: list[str] = []
        """The ids of the assertions that were believed."""

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/oauth2/token":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            if "HTTP_AUTHORIZATION" in environ or not self.believes(parse_qs(body.decode())):
                start("401 Unauthorized", [("content-type", "application/json")])
                return [b'{"error": "invalid_client"}']
            # Behind it stands a provider that takes any secret, and no assertion.
            environ |= {"wsgi.input": io.BytesIO(body), "HTTP_AUTHORIZATION": "Basic Z2Rib3M6eA=="}
        return self.provider(environ, start)

    def believes(self, form: dict[str, list[str]]) -> bool:
        demanded = {"iss": "gdbos", "sub": "gdbos", "aud": f"{self.issuer}/oauth2/token"}
        registry = jwt.JWTClaimsRegistry(
            **{name: {"essential": True, "value": value} for name, value in demanded.items()},  # type: ignore[arg-type]
            exp={"essential": True},
            jti={"essential": True},
        )
        try:
            [kind], [assertion] = form["client_assertion_type"], form["client_assertion"]
            token = jwt.decode(assertion, self.client, algorithms=["EdDSA"])
            registry.validate(token.claims)
        except (JoseError, KeyError, ValueError):
            return False
        lasting, jti = token.claims["exp"] - time.time(), str(token.claims["jti"])
        if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" or lasting > 300 or jti in self.used:
            return False
        self.used.append(jti)
        return True


CLIENT = OKPKey.generate_key("Ed25519", {"kid": "gdbos-1"})


@pytest.fixture(scope="module")
def demanding() -> Iterator[Demanding]:
    found = Demanding(provider_app(user_claims=USERS, require_nonce=True), CLIENT)
    server = make_server("localhost", 0, found, threaded=True)
    found.issuer = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.1,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, issuer: str, demanding: Demanding) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("openid")
    sections = section("national", issuer, NATIONAL, LEVELS)
    sections += section("keyed", demanding.issuer, NATIONAL, LEVELS, client=BY_KEY)
    sections += section("staff", issuer, 'login = "account"', 'kind = "official"\ntrust = "L4"\nsecond_factor = true')
    extra = f'{sections}[standards]\npacks = ["test"]\nfolders = ["{pack_in(folder)}"]'
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_OPENID_SECRET", "not a real secret")
        patch.setenv("TEST_OPENID_KEY", msgspec.json.encode(CLIENT.as_dict(private=True)).decode())
        with serving(deployment(folder, extra=extra)) as site:
            yield Served(site)


@pytest.fixture
def served(node: Served) -> Served:
    node.client.cookies.clear()
    return node


def leave(served: Served, name: str = "national", next: str = "/account") -> str:
    answer = served.client.get(f"/login/openid/{name}?next={next}", follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def at_provider(url: str, sub: str) -> str:
    """Log in there as ``sub``; the address it sends the browser back to, without our host."""
    back = httpx.post(url, data={"sub": sub}).headers["location"]
    parts = urlsplit(back)
    assert f"{parts.scheme}://{parts.netloc}" == "http://127.0.0.1:8000"
    return f"{parts.path}?{parts.query}"


def come_back(served: Served, path: str) -> Any:
    return served.client.get(path, follow_redirects=False)


def log_in(served: Served, sub: str, name: str = "national") -> Any:
    return come_back(served, at_provider(leave(served, name), sub))


def me(served: Served) -> Any:
    return served.client.get("/api/identity/me").json()


def test_the_log_in_page_offers_the_platforms(served: Served) -> None:
    page = served.client.get("/login?next=/account").text
    assert 'href="/login/openid/national?next=/account"' in page
    assert "国家政务服务平台" in page


def test_the_browser_is_sent_with_all_that_binds_the_answer_to_it(served: Served) -> None:
    asked = {key: value[0] for key, value in parse_qs(urlsplit(leave(served)).query).items()}
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/login/openid/national/return"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) == 43


def test_who_is_known_by_their_number_comes_into_their_own_account(served: Served) -> None:
    answer = log_in(served, "n-anna")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    found = me(served)
    assert (found["id"], found["trust"]) == (str(served.people["anna"].id), "L3")
    assert served.client.get("/api/identity/sessions").json()[0]["method"] == "national"


def test_who_is_new_is_entered_once_and_known_again(served: Served) -> None:
    log_in(served, "n-dora")
    first = me(served)
    assert (first["name"], first["kind"], first["trust"]) == ("多拉", "person", "L2")
    served.client.cookies.clear()
    log_in(served, "n-dora")
    assert me(served)["id"] == first["id"]


def test_a_higher_word_of_the_platform_raises_what_is_known(served: Served) -> None:
    log_in(served, "n-dora")
    served.client.cookies.clear()
    log_in(served, "n-boss")
    levels = served.site.unit(
        lambda unit: unit.execute(unit.rows(person, person.c.trust)).scalars().all(), actor=IDENTITY
    )
    assert "L3" in levels
    assert me(served)["trust"] == "L3"


def test_a_legal_representative_brings_an_enterprise_that_is_not_known_yet(served: Served) -> None:
    log_in(served, "n-boss")
    found = me(served)
    assert (found["acts_for"], found["represents"]) == (f"enterprise:{NEW_COMPANY}", "新企业")


def test_an_enterprises_name_alone_gives_nobody_its_rights(served: Served) -> None:
    log_in(served, "n-clerk")
    assert me(served)["acts_for"] == ""


def test_a_number_nobody_checked_opens_no_account(served: Served) -> None:
    answer = log_in(served, "n-self")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:gdbos:problem:trust-too-low")
    assert served.client.get("/api/identity/me").status_code == 401


def test_who_is_named_by_nothing_is_refused(served: Served) -> None:
    assert log_in(served, "n-none").status_code == 403


def test_an_official_comes_into_the_account_they_were_given_and_no_other(served: Served) -> None:
    log_in(served, "o-1", "staff")
    found = me(served)
    assert (found["kind"], found["id"]) == ("official", str(served.officials["examiner"]))
    assert found["proven_at"], "the platform asks for a second factor itself"
    served.client.cookies.clear()
    assert log_in(served, "o-2", "staff").status_code == 403
    assert served.client.get("/api/identity/me").status_code == 401


# What must not let anybody in.


def test_an_answer_counts_once(served: Served) -> None:
    back = at_provider(leave(served), "n-anna")
    cookie = served.client.cookies["login"]
    assert come_back(served, back).status_code == 303
    served.client.cookies.clear()
    served.client.cookies.set("login", cookie)
    assert come_back(served, back).status_code == 403
    assert served.client.get("/api/identity/me").status_code == 401


def test_nobody_is_logged_in_by_anothers_answer(served: Served) -> None:
    """Log-in CSRF: an attacker's answer, led into a victim's browser, with and without a log-in begun there."""
    attackers = at_provider(leave(served), "n-anna")
    served.client.cookies.clear()
    assert come_back(served, attackers).status_code == 403
    leave(served)
    assert come_back(served, attackers).status_code == 403
    assert served.client.get("/api/identity/me").status_code == 401


@pytest.mark.parametrize("change", ["state", "code", "no code", "provider", "iss", "error"])
def test_a_changed_answer_is_refused(served: Served, change: str) -> None:
    back = at_provider(leave(served), "n-anna")
    asked = parse_qs(urlsplit(back).query)
    changed = {
        "state": back.replace(asked["state"][0], "x" * 43),
        "code": back.replace(asked["code"][0], "x" * 48),
        "no code": f"/login/openid/national/return?state={asked['state'][0]}",
        "provider": back.replace("/national/", "/staff/"),
        "iss": f"{back}&iss=http%3A%2F%2Fevil.example",
        "error": f"/login/openid/national/return?error=access_denied&state={asked['state'][0]}",
    }[change]
    answer = come_back(served, changed)
    assert answer.status_code == (502 if change == "code" else 403), answer.text
    assert served.client.get("/api/identity/me").status_code == 401
    assert come_back(served, back).status_code == 403, "and the log-in it answered is over"


def test_a_session_planted_before_does_not_survive(served: Served) -> None:
    served.client.post("/api/identity/sessions", json={"login": "ben", "password": "a long sentence nobody guesses"})
    planted = served.client.cookies["sid"]
    log_in(served, "n-anna")
    assert served.client.cookies["sid"] != planted
    served.client.cookies.clear()
    served.client.cookies.set("sid", planted)
    assert served.client.get("/api/identity/me").status_code == 401


def test_the_platform_knows_the_node_by_its_key_and_no_secret_is_shared(served: Served, demanding: Demanding) -> None:
    for count in (1, 2):
        served.client.cookies.clear()
        assert log_in(served, "n-anna", "keyed").headers["location"] == "/account"
        assert len(demanding.used) == count, "each assertion counts once"
    assert me(served)["id"] == str(served.people["anna"].id)


def test_a_platform_that_knows_another_key_lets_nobody_in(
    served: Served, demanding: Demanding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demanding, "client", OKPKey.generate_key("Ed25519"))
    assert log_in(served, "n-anna", "keyed").status_code == 502
    assert served.client.get("/api/identity/me").status_code == 401


# A second factor for who has no password.

HERE = {"origin": "http://127.0.0.1:8000"}
FACTOR = "/api/identity/me/second-factor"
ANEW = "/login/openid/national?fresh=true&next=/account/second-factor"


def shown(monkeypatch: pytest.MonkeyPatch, ago: int) -> None:
    """Whoever logs in by the platform showed it so many seconds ago who they are."""
    monkeypatch.setattr(AuthorizationCode, "get_auth_time", lambda _: int(time.time()) - ago)


def test_an_answer_that_does_not_say_when_counts_as_never() -> None:
    assert [authenticated_at(said) for said in ({}, {"auth_time": "now"}, {"auth_time": -1})] == [None] * 3


def test_who_has_no_password_shows_the_platform_anew_who_they_are_before_a_second_factor_is_set_up(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(monkeypatch, ago=3600)
    log_in(served, "n-dora")
    refused = served.client.post(FACTOR, json={}, headers=HERE)
    assert (refused.status_code, ANEW in refused.json()["detail"]) == (403, True)
    page = served.client.get("/account/second-factor").text
    assert ANEW.replace("&", "&amp;") in page
    assert 'action="/account/second-factor/begin"' not in page
    url = str(served.client.get(ANEW, follow_redirects=False).headers["location"])
    asked = parse_qs(urlsplit(url).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    shown(monkeypatch, ago=0)
    back = come_back(served, at_provider(url, "n-dora"))
    assert (back.status_code, back.headers["location"]) == (303, "/account/second-factor")
    assert 'action="/account/second-factor/begin"' in served.client.get("/account/second-factor").text
    assert served.client.post(FACTOR, json={}, headers=HERE).status_code == 201


@pytest.mark.parametrize("ago", [360, 3600])
def test_a_platform_that_does_not_ask_anew_does_not_count(
    served: Served, monkeypatch: pytest.MonkeyPatch, ago: int
) -> None:
    shown(monkeypatch, ago)
    url = str(served.client.get(ANEW, follow_redirects=False).headers["location"])
    assert come_back(served, at_provider(url, "n-dora")).status_code == 403
    assert log_in(served, "n-dora").status_code == 303, "for logging in it does"


def test_what_was_shown_a_while_ago_is_shown_again(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    shown(monkeypatch, ago=660)
    log_in(served, "n-boss")
    refused = served.client.post(FACTOR, json={}, headers=HERE)
    assert (refused.status_code, ANEW in refused.json()["detail"]) == (403, True)


def test_a_platform_that_is_not_there_is_none(served: Served) -> None:
    assert served.client.get("/login/openid/unknown").status_code == 404
    assert served.client.get("/login/openid/unknown/return?code=1&state=2").status_code == 404


def test_nothing_personal_is_in_the_log_of_the_node(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log_in(served, "n-anna")
    assert ANNA not in caplog.text
    stored = served.site.unit(
        lambda unit: [bytes(r[0]) for r in unit.connection.exec_driver_sql("SELECT content FROM identity_pending")]
    )
    assert all(b"verifier" not in one for one in stored)


# The ID token.

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
KEY = RSAKey.generate_key(2048, {"kid": "r1"})
OTHER = RSAKey.generate_key(2048, {"kid": "r2"})
CURVE = ECKey.generate_key("P-256", {"kid": "e1"})
EDWARDS = OKPKey.generate_key("Ed25519", {"kid": "d1"})
KEYS = keys_of(msgspec.json.encode({"keys": [key.as_dict(private=False) for key in (KEY, CURVE, EDWARDS)]}))
GOOD = {
    "iss": "https://id.example",
    "sub": "1",
    "aud": "gdbos",
    "nonce": "n",
    "iat": int(NOW.timestamp()),
    "exp": int((NOW + timedelta(minutes=5)).timestamp()),
}


def token(claims: dict[str, Any], key: Any = KEY, alg: str = "RS256", **header: Any) -> str:
    head = {"alg": alg, "kid": key.kid, **header}
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    payload = msgspec.json.encode({name: value for name, value in claims.items() if value is not None})
    return jws.serialize_compact({k: v for k, v in head.items() if v is not None}, payload, key, registry=registry)


def accepted(compact: str, keys: Any = KEYS, **how: Any) -> bool:
    try:
        verified(compact, keys, issuer="https://id.example", client_id="gdbos", nonce="n", now=NOW, **how)
    except Forbidden:
        return False
    return True


def test_a_right_token_of_each_kind_is_believed() -> None:
    assert accepted(token(GOOD))
    assert accepted(token(GOOD, alg="PS256"))
    assert accepted(token(GOOD, CURVE, "ES256"))
    assert accepted(token(GOOD, EDWARDS, "EdDSA"))
    assert accepted(token({**GOOD, "aud": ["gdbos"], "azp": "gdbos"}))
    assert accepted(token({**GOOD, "iat": GOOD["iat"] + 50}), KEYS), "clocks may differ"


def test_a_token_that_names_no_key_is_refused_unless_the_configuration_says_otherwise() -> None:
    one = {"r1": KEYS["r1"]}
    nameless = keys_of(msgspec.json.encode({"keys": [{**KEY.as_dict(private=False), "kid": ""}]}))
    for head in ({"kid": None}, {"kid": ""}):
        for keys in (one, nameless, KEYS, {}):
            assert not accepted(token(GOOD, **head), keys)
        assert accepted(token(GOOD, **head), one, named=False)
        assert not accepted(token(GOOD, **head), KEYS, named=False), "which of several keys is not guessed"
    assert not accepted(token(GOOD, kid="r2"), one, named=False), "a wrong name is worse than none"


def by_secret() -> str:
    """A token whose shared secret is the provider's public key (RFC 8725 §2.1)."""
    parts = (msgspec.json.encode({"alg": "HS256", "kid": "r1"}), msgspec.json.encode(GOOD))
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = hmac.digest(KEY.as_pem(private=False), signed, "sha256")
    return f"{signed.decode()}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def by_hand(header: dict[str, Any]) -> str:
    parts = (msgspec.json.encode(header), msgspec.json.encode(GOOD))
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return f"{signed.decode()}.{base64.urlsafe_b64encode(EDWARDS.private_key.sign(signed)).rstrip(b'=').decode()}"


WRONG: dict[str, Any] = {
    "issuer": {**GOOD, "iss": "https://evil.example"},
    "issuer with a slash": {**GOOD, "iss": "https://id.example/"},
    "audience": {**GOOD, "aud": "another"},
    "audiences": {**GOOD, "aud": ["gdbos", "another"]},
    "no audience": {**GOOD, "aud": []},
    "party": {**GOOD, "azp": "another"},
    "nonce": {**GOOD, "nonce": "m"},
    "no nonce": {**GOOD, "nonce": None},
    "no issuer": {**GOOD, "iss": None},
    "no subject": {**GOOD, "sub": ""},
    "long subject": {**GOOD, "sub": "x" * 256},
    "expired": {**GOOD, "exp": GOOD["iat"] - 61},
    "no expiry": {**GOOD, "exp": None},
    "issued later": {**GOOD, "iat": GOOD["iat"] + 61},
    "issued long ago": {**GOOD, "iat": GOOD["iat"] - 700},
    "no time": {**GOOD, "iat": None},
    "expiry as text": {**GOOD, "exp": "9999999999"},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_token_that_says_something_else_is_refused(name: str) -> None:
    assert not accepted(token(WRONG[name]))


def test_a_token_signed_otherwise_is_refused() -> None:
    assert not accepted(token(GOOD, OTHER)), "a key that is not the provider's"
    assert not accepted(token(GOOD, OTHER, kid="r1")), "under a name that is"
    assert not accepted(by_secret()), "the public key as a shared secret"
    assert not accepted(by_hand({"alg": "EdDSA", "kid": "d1", "crit": ["x"], "x": 1})), "an extension we do not know"
    assert accepted(by_hand({"alg": "EdDSA", "kid": "d1"}))
    assert not accepted(token(GOOD, jwk=OTHER.as_dict(private=False), kid="r2")), "a key it brings along"
    head, payload, _ = token(GOOD).split(".")
    assert not accepted(f"{head}.{payload}.")
    assert not accepted("eyJhbGciOiJub25lIiwia2lkIjoicjEifQ." + payload + ".")


def test_no_mutation_of_a_token_is_believed() -> None:
    compact = token(GOOD, EDWARDS, "EdDSA")
    for at, old in enumerate(compact):
        new = "A" if old != "A" else "B"
        assert not accepted(compact[:at] + new + compact[at + 1 :]), at


# What an integrator may write.


def test_an_address_without_https_or_a_client_without_a_secret_is_refused() -> None:
    def party(issuer: str, **more: Any) -> Party:
        provider = Provider(title=Text("平台"), issuer=issuer, client_id="x", **more)
        return Party("national", provider, "https://node.example/return", lambda: NOW)

    with pytest.raises(Misconfigured, match="not https"):
        party("http://id.example")
    with pytest.raises(Misconfigured, match="client_secret or private_key"):
        party("https://id.example")


def test_an_unknown_claim_is_named_at_the_start(tmp_path: Any) -> None:
    path = tmp_path / "node.toml"
    head = '[node]\nid = "x"\ntitle = { zh = "试" }\ndivision = "450100"\nlevel = "city"\n'
    path.write_text(head + section("national", "https://id.example", 'idcard = "x"'), "utf-8")
    with pytest.raises(Misconfigured, match="citizen_id, enterprise"):
        load(path, {})
