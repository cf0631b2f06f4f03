"""Tokens and assertions: what is forged, altered, stale or meant for others is refused."""

from __future__ import annotations

import base64
import json
import os
import string
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gdbos.errors import Invalid, Unauthenticated
from gdbos.identity.assertion import TYPE, read_assertion, verify_assertion
from gdbos.identity.system import PublicKey, System
from gdbos.identity.tokens import Tokens
from gdbos.vault import KeyRing

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
AUDIENCE = "http://node.example/api/identity/tokens"
ALPHABET = string.ascii_letters + string.digits + "-_=. é"
PROVE = bool(os.environ.get("GDBOS_PROVE"))
ANY = sorted(jws.JWSRegistry.algorithms)


def b64(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: dict[str, Any], payload: dict[str, Any] | bytes, key: Ed25519PrivateKey) -> str:
    """A compact token over whatever header and payload, as an attacker's own program would make it."""
    head = f"{b64(header)}.{b64(payload)}"
    return f"{head}.{b64(key.sign(head.encode()))}"


def mutations(token: str) -> Iterator[str]:
    """Every other character at each place, every character put in before it, and its loss; a sample unless ``GDBOS_PROVE``."""

    def every() -> Iterator[str]:
        for at, letter in enumerate(token):
            yield token[:at] + token[at + 1 :]
            for other in ALPHABET:
                yield token[:at] + other + token[at:]
                if other != letter:
                    yield token[:at] + other + token[at + 1 :]
        yield from (token + other for other in ALPHABET)

    # The stride shares no factor with what there is at a place: from place to place other characters are tried.
    return every() if PROVE else islice(every(), 0, None, 7)


@pytest.fixture
def tokens(ring: KeyRing) -> Tokens:
    return Tokens(ring, issuer="nanning")


def issue(tokens: Tokens, **about: Any) -> str:
    given = {"subject": "x", "session": uuid4(), "client": "nanning", "lifetime": timedelta(minutes=5), "now": NOW}
    return tokens.issue(**{**given, **about}).token


def test_what_was_issued_verifies(tokens: Tokens):
    session = uuid4()
    claims = tokens.verify(issue(tokens, session=session), NOW)
    assert (claims.sid, claims.iss, claims.aud, claims.exp) == (session, "nanning", "nanning", AT + 300)
    head = json.loads(base64.urlsafe_b64decode(issue(tokens).split(".")[0] + "=="))
    assert set(head) == {"alg", "kid", "typ"}
    assert (head["alg"], head["typ"]) == ("Ed25519", "at+jwt")


def test_no_mutation_of_a_token_verifies(tokens: Tokens):
    token = issue(tokens)
    tried = 0
    for bad in mutations(token):
        tried += 1
        with pytest.raises(Unauthenticated):
            tokens.verify(bad, NOW)
    assert tried > (30_000 if PROVE else 4_000)


def test_tokens_survive_two_rotations_of_their_key_and_end_when_it_is_dropped(tokens: Tokens, ring: KeyRing):
    token, kid = issue(tokens), ring.current("token").id
    ring.rotate("token")
    assert issue(tokens).split(".")[0] != token.split(".")[0]
    ring.rotate("token")
    assert tokens.verify(token, NOW).iss == "nanning"
    ring.drop("token", kid)
    with pytest.raises(Unauthenticated):
        tokens.verify(token, NOW)


@pytest.mark.parametrize("minutes", [-2, 5, 600])
def test_a_token_is_good_in_its_time_only(tokens: Tokens, minutes: int):
    with pytest.raises(Unauthenticated):
        tokens.verify(issue(tokens), NOW + timedelta(minutes=minutes))


def test_another_nodes_token_is_refused(tokens: Tokens, ring: KeyRing):
    with pytest.raises(Unauthenticated):
        tokens.verify(issue(Tokens(ring, issuer="guilin")), NOW)


def forged_headers(kid: str) -> dict[str, dict[str, Any]]:
    """Headers around a right signature of the right key; the header alone is why they are refused."""
    right = {"alg": "Ed25519", "kid": kid, "typ": "at+jwt"}
    other = {
        f"alg {alg}": {**right, "alg": alg} for alg in [*ANY, "", "ED25519", "ed25519", "Ed25519 ", "nOnE", "Ed448"]
    }
    del other["alg Ed25519"]
    return other | {
        "no kid": {"alg": "Ed25519", "typ": "at+jwt"},
        "empty kid": {**right, "kid": ""},
        "kid of another use": {**right, "kid": "kek-1"},
        "unknown kid": {**right, "kid": "token-999"},
        "kid is a path": {**right, "kid": "../../keys/ring.json"},
        "kid is a number": {**right, "kid": 4},
        "kid is a list": {**right, "kid": [kid]},
        "no typ": {"alg": "Ed25519", "kid": kid},
        "typ of an assertion": {**right, "typ": TYPE},
        "typ JWT": {**right, "typ": "JWT"},
        "typ in capitals": {**right, "typ": "AT+JWT"},
        "no alg": {"kid": kid, "typ": "at+jwt"},
        "alg is null": {**right, "alg": None},
        "brings its key": {**right, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}},
        "links its key": {**right, "jku": "http://evil.example/jwks"},
        "links a certificate": {**right, "x5u": "http://evil.example/c"},
        "brings a certificate": {**right, "x5c": ["AAAA"]},
        "crit": {**right, "crit": ["exp"]},
        "b64 false": {**right, "b64": False, "crit": ["b64"]},
        "cty": {**right, "cty": "JWT"},
        "zip": {**right, "zip": "DEF"},
    }


def test_forged_headers_are_refused_even_with_a_right_signature(tokens: Tokens, ring: KeyRing):
    key = ring.current("token")
    private = Ed25519PrivateKey.from_private_bytes(key.secret)
    payload = json.loads(base64.urlsafe_b64decode(issue(tokens).split(".")[1] + "=="))
    kid = f"token-{key.id}"
    assert tokens.verify(signed({"alg": "Ed25519", "kid": kid, "typ": "at+jwt"}, payload, private), NOW)
    forged = forged_headers(kid)
    assert len(forged) >= 30
    for name, header in forged.items():
        with pytest.raises(Unauthenticated):
            pytest.fail(f"{name} was accepted: {tokens.verify(signed(header, payload, private), NOW)}")


def forged_tokens(tokens: Tokens, ring: KeyRing) -> dict[str, str]:
    """Tokens whose shape, signature or claims are not ours."""
    key = ring.current("token")
    private, stranger = Ed25519PrivateKey.from_private_bytes(key.secret), Ed25519PrivateKey.generate()
    header = {"alg": "Ed25519", "kid": f"token-{key.id}", "typ": "at+jwt"}
    good = issue(tokens)
    head, body, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))

    def with_claims(**change: Any) -> str:
        return signed(header, {k: v for k, v in {**claims, **change}.items() if v is not None}, private)

    rsa, secret = RSAKey.generate_key(2048), OctKey.import_key(private.public_key().public_bytes_raw())
    return {
        "empty": "",
        "dots": "..",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.",
        "no signature": f"{head}.{body}.",
        "signature of nothing": f"{head}.{body}.{b64(b'')}",
        "signature of zeros": f"{head}.{body}.{b64(bytes(64))}",
        "signed by a stranger": signed(header, claims, stranger),
        "signed by the log's key": signed(
            header, claims, Ed25519PrivateKey.from_private_bytes(ring.current("log").secret)
        ),
        "public key as an HMAC secret": jws.serialize_compact(
            {**header, "alg": "HS256"}, json.dumps(claims), secret, algorithms=["HS256"]
        ),
        "RSA": jws.serialize_compact({**header, "alg": "RS256"}, json.dumps(claims), rsa, algorithms=["RS256"]),
        "none": f"{b64({**header, 'alg': 'none'})}.{body}.",
        "padded": f"{head}=.{body}.{signature}",
        "JSON serialization": json.dumps({"payload": body, "protected": head, "signature": signature}),
        "spaces around": f" {good}",
        "newline after": f"{good}\n",
        "too long": with_claims(sub="x" * 5000),
        "payload is no JSON": signed(header, b"{", private),
        "payload is a list": signed(header, b"[]", private),
        "payload is not UTF-8": signed(header, b'{"iss":"\xff"}', private),
        "payload is deep": signed(header, b"[" * 1500, private),
        "unknown claim": with_claims(admin=True),
        **{f"no {name}": with_claims(**{name: None}) for name in claims},
        "aud is a list": with_claims(aud=["nanning"]),
        "aud is another": with_claims(aud="guilin"),
        "iss is another": with_claims(iss="guilin"),
        "exp is text": with_claims(exp=str(AT + 300)),
        "exp is a fraction": with_claims(exp=AT + 300.5),
        "exp is huge": with_claims(exp=10**400),
        "exp has passed": with_claims(exp=AT - 1),
        "iat lies ahead": with_claims(iat=AT + 3600, exp=AT + 3900),
        "sid is no id": with_claims(sid="1"),
    }


def test_forged_tokens_are_refused(tokens: Tokens, ring: KeyRing):
    forged = forged_tokens(tokens, ring)
    assert len(forged) >= 30
    for name, token in forged.items():
        with pytest.raises(Unauthenticated):
            pytest.fail(f"{name} was accepted: {tokens.verify(token, NOW)}")


# Assertions of systems.


class Client:
    """A system with a key of each kind, and what it says when it asks for a token."""

    def __init__(self) -> None:
        self.ed25519 = OKPKey.generate_key("Ed25519")
        self.p256 = ECKey.generate_key("P-256")
        self.known = System(
            client_id="market.registry",
            body="114501003217890125",
            name="Registry",
            keys=(
                PublicKey(kty="OKP", crv="Ed25519", kid="ed", x=str(self.ed25519.as_dict(private=False)["x"])),
                PublicKey(
                    kty="EC",
                    crv="P-256",
                    kid="ec",
                    x=str(self.p256.as_dict(private=False)["x"]),
                    y=str(self.p256.as_dict(private=False)["y"]),
                ),
            ),
        )

    def assertion(self, header: dict[str, Any] | None = None, key: Any = None, **change: Any) -> str:
        claims: dict[str, Any] = {
            "iss": "market.registry",
            "sub": "market.registry",
            "aud": AUDIENCE,
            "iat": AT,
            "exp": AT + 60,
            "jti": uuid4().hex,
        }
        chosen = {
            k: v for k, v in {"alg": "Ed25519", "kid": "ed", "typ": TYPE, **(header or {})}.items() if v is not None
        }
        said = {k: v for k, v in {**claims, **change}.items() if v is not None}
        registry = jws.JWSRegistry(algorithms=ANY, strict_check_header=False)
        return jws.serialize_compact(chosen, json.dumps(said), key or self.ed25519, registry=registry)

    def accepts(self, compact: str, **about: Any) -> bool:
        try:
            found = read_assertion(compact)
            verify_assertion(found, about.get("known", self.known), audience=AUDIENCE, now=about.get("now", NOW))
        except Unauthenticated:
            return False
        return True


@pytest.fixture(scope="module")
def client() -> Client:
    return Client()


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_assertions_of_each_allowed_kind_are_accepted(client: Client):
    assert client.accepts(client.assertion())
    assert client.accepts(client.assertion({"alg": "EdDSA"}))
    assert client.accepts(client.assertion({"alg": "ES256", "kid": "ec"}, client.p256))


BAD: dict[str, Callable[[Client], str]] = {
    "no kid, though there is one key to guess": lambda c: c.assertion({"kid": None}),
    "kid of the other key": lambda c: c.assertion({"kid": "ec"}),
    "alg of the other key": lambda c: c.assertion({"alg": "ES256", "kid": "ed"}, c.p256),
    "typ JWT": lambda c: c.assertion({"typ": "JWT"}),
    "no typ": lambda c: c.assertion({"typ": None}),
    "typ of an access token": lambda c: c.assertion({"typ": "at+jwt"}),
    "cty": lambda c: c.assertion({"cty": "JWT"}),
    "HMAC with the public key": lambda c: c.assertion(
        {"alg": "HS256"}, OctKey.import_key(c.ed25519.as_dict(private=False)["x"])
    ),
    "RSA": lambda c: c.assertion({"alg": "RS256"}, RSAKey.generate_key(2048)),
    "a stranger's key": lambda c: c.assertion(key=OKPKey.generate_key("Ed25519")),
    "Ed448": lambda c: c.assertion({"alg": "Ed448"}, OKPKey.generate_key("Ed448")),
    "sub is another": lambda c: c.assertion(sub="tax.registry"),
    "iss is another": lambda c: c.assertion(iss="tax.registry"),
    "iss is no client id": lambda c: c.assertion(iss="a\x00b", sub="a\x00b"),
    "aud is a list": lambda c: c.assertion(aud=[AUDIENCE]),
    "aud is another": lambda c: c.assertion(aud="http://other.example/token"),
    "aud is a prefix": lambda c: c.assertion(aud=AUDIENCE[:-1]),
    "aud is missing": lambda c: c.assertion(aud=None),
    "lives too long": lambda c: c.assertion(exp=AT + 301),
    "lives not at all": lambda c: c.assertion(exp=AT),
    "lives backwards": lambda c: c.assertion(exp=AT - 60),
    "has expired": lambda c: c.assertion(iat=AT - 200, exp=AT - 1),
    "lies ahead": lambda c: c.assertion(iat=AT + 120, exp=AT + 180),
    "no iat": lambda c: c.assertion(iat=None),
    "no exp": lambda c: c.assertion(exp=None),
    "exp is text": lambda c: c.assertion(exp=str(AT + 60)),
    "no jti": lambda c: c.assertion(jti=None),
    "short jti": lambda c: c.assertion(jti="1"),
    "long jti": lambda c: c.assertion(jti="x" * 129),
    "jti with blanks": lambda c: c.assertion(jti="a b c d e f"),
    "too long": lambda c: c.assertion(note="x" * 9000),
    "no signature": lambda c: c.assertion().rpartition(".")[0] + ".",
    "none": lambda c: f"{b64({'alg': 'none', 'kid': 'ed', 'typ': TYPE})}.{c.assertion().split('.')[1]}.",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_assertions_are_refused(client: Client, name: str):
    assert not client.accepts(BAD[name](client))


def test_no_mutation_of_an_assertion_is_accepted(client: Client):
    assertion = client.assertion()
    assert client.accepts(assertion)
    assert [bad for bad in mutations(assertion) if client.accepts(bad)] == []


def test_unknown_and_inactive_clients_are_refused_alike(client: Client):
    off = System(client_id="market.registry", body="x", name="x", keys=client.known.keys, active=False)
    assert not client.accepts(client.assertion(), known=None)
    assert not client.accepts(client.assertion(), known=off)


@pytest.mark.parametrize(
    "parts",
    [
        {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "", "x": "A" * 43},
        {"kty": "OKP", "crv": "P-256", "kid": "a", "x": "A" * 43},
        {"kty": "EC", "crv": "P-256", "kid": "a", "x": "A" * 43, "y": "A" * 43},
        {"kty": "EC", "crv": "P-256", "kid": "a", "x": "A" * 43},
        {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "é"},
    ],
)
def test_what_is_no_public_key_is_refused(parts: dict[str, str]):
    with pytest.raises(Invalid):
        PublicKey(**parts).loaded()  # type: ignore[arg-type]
