"""Signed messages: what the libraries of two languages sign is accepted, and every tampering is refused."""

from __future__ import annotations

import json
import random
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

from gdbos.identity.system import PublicKey
from gdbos.signatures import Message, Refused, Signed, base, digest, sign, verify_request, verify_response

NOW = datetime(2026, 11, 23, 8, 0, 30, tzinfo=UTC)
URL = "https://node.example/api/bus/calls/people?trial=1"
BODY = b'{"value":{},"purpose":"check"}'
COVERED = ('"@method"', '"@target-uri"', '"content-digest"', '"content-type"')
SEED = bytes(range(32))
KEY = Ed25519PrivateKey.from_private_bytes(SEED)


def plain(body: bytes = BODY) -> Message:
    return Message(
        method="POST",
        url=URL,
        headers=[("content-type", "application/json"), ("content-digest", digest(body))],
        body=body,
    )


def signed(message: Message | None = None, covered: tuple[str, ...] = COVERED, at: datetime = NOW) -> Message:
    message = message or plain()
    return msgspec.structs.replace(message, headers=[*message.headers, *sign(message, SEED, "desk#k1", at, covered)])


def accepted(message: Message, key: Any = None, now: datetime = NOW) -> bytes:
    return verify_request(Signed.read(message), message, key or KEY.public_key(), now)


def changed(message: Message, **fields: str) -> Message:
    """``message`` with header fields of other values; an empty one is taken away."""
    names = {name.replace("_", "-"): value for name, value in fields.items()}
    kept = [(name, names.pop(name, value)) for name, value in message.headers]
    return msgspec.structs.replace(message, headers=[one for one in [*kept, *names.items()] if one[1]])


# The standard's own vector, and what others sign.


def test_the_vector_of_the_standard() -> None:
    """RFC 9421 appendix B.2.6: test-key-ed25519 over the request of B.2. Its request covers no digest, so the profile refuses it."""
    public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs="))
    message = Message(
        method="POST",
        url="https://example.com/foo?param=Value&Pet=dog",
        headers=[
            ("host", "example.com"),
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("content-type", "application/json"),
            ("content-length", "18"),
            (
                "signature-input",
                'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
                ';created=1618884473;keyid="test-key-ed25519"',
            ),
            (
                "signature",
                "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
            ),
        ],
        body=b'{"hello": "world"}',
    )
    found = Signed.read(message)
    public.verify(found.value, base(found, message))
    with pytest.raises(Refused, match="content-digest"):
        verify_request(found, message, public, datetime.fromtimestamp(1618884480, UTC))


def test_what_the_npm_library_signs() -> None:
    kept = json.loads((Path(__file__).parent / "vectors" / "npm_signatures.json").read_text())
    at = datetime.fromisoformat(kept["at"])
    for one in kept["requests"]:
        message = Message(
            method=one["method"],
            url=one["url"],
            headers=[(name.lower(), value) for name, value in one["headers"].items()],
            body=one["body"].encode(),
        )
        key = PublicKey(kid="k1", **one["jwk"]).loaded().public_key
        assert accepted(message, key, at + timedelta(minutes=2))
        with pytest.raises(Refused):
            accepted(message, key, at + timedelta(minutes=6))
    assert len(kept["requests"]) == 8


class Resolver(HTTPSignatureKeyResolver):
    """One key for everybody."""

    def __init__(self, private: Any) -> None:
        self.private = private

    def resolve_private_key(self, key_id: str) -> Any:
        return self.private

    def resolve_public_key(self, key_id: str) -> Any:
        return self.private.public_key()


@pytest.mark.parametrize("curve", ["ed25519", "p256"])
@pytest.mark.parametrize("nonce", [None, "n2fJ0mE3bTqLkzv9Qx5c7A=="])
def test_what_the_python_library_signs(curve: str, nonce: str | None) -> None:
    private = KEY if curve == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    algorithm = algorithms.ED25519 if curve == "ed25519" else algorithms.ECDSA_P256_SHA256
    request = SimpleNamespace(method="POST", url=URL, headers={"Content-Type": "application/json"})
    HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=Resolver(private)).sign(
        request, key_id="desk#k1", created=NOW, expires=NOW + timedelta(minutes=1), nonce=nonce, body=BODY
    )
    headers = [(name.lower(), str(value)) for name, value in request.headers.items()]
    message = Message(method="POST", url=URL, headers=headers, body=BODY)
    assert accepted(message, private.public_key())
    with pytest.raises(Refused):
        accepted(msgspec.structs.replace(message, body=BODY + b" "), private.public_key())


def test_the_python_library_accepts_what_we_sign() -> None:
    message = signed(at=datetime.now(UTC))
    request = SimpleNamespace(method="POST", url=URL, headers=dict(message.headers))
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=Resolver(KEY))
    assert verifier.verify(request, body=BODY)


# What is refused.


def test_what_is_well_signed_is_accepted() -> None:
    assert accepted(signed())
    whole = ('"@method"', '"@authority"', '"@path"', '"@query"', '"content-digest"')
    assert accepted(signed(covered=whole))
    assert accepted(signed(Message(method="GET", url=URL), covered=('"@method"', '"@target-uri"')))


TAMPERED: dict[str, Callable[[Message], Message]] = {
    "another body": lambda m: msgspec.structs.replace(m, body=m.body.replace(b"check", b"other")),
    "another body with its digest": lambda m: changed(
        msgspec.structs.replace(m, body=b"{}"), content_digest=digest(b"{}")
    ),
    "no body": lambda m: msgspec.structs.replace(m, body=b""),
    "another method": lambda m: msgspec.structs.replace(m, method="PUT"),
    "another address": lambda m: msgspec.structs.replace(m, url=URL.replace("people", "persons")),
    "another query": lambda m: msgspec.structs.replace(m, url=URL + "&more=1"),
    "another scheme": lambda m: msgspec.structs.replace(m, url=URL.replace("https", "http")),
    "another media type": lambda m: changed(m, content_type="text/plain"),
    "no digest": lambda m: changed(m, content_digest=""),
    "a digest of another algorithm": lambda m: changed(m, content_digest="md5=:YWJj:"),
    "a second digest that is wrong": lambda m: changed(
        m, content_digest=f"{digest(BODY)}, sha-512=:{b64encode(bytes(64)).decode()}:"
    ),
    "an idempotency key nobody signed": lambda m: changed(m, idempotency_key="12345678"),
    "no signature": lambda m: changed(m, signature=""),
    "no input": lambda m: changed(m, signature_input=""),
    "two signatures": lambda m: msgspec.structs.replace(m, headers=[*m.headers, *m.headers[-2:]]),
    "two in one field": lambda m: changed(
        m,
        signature_input=f"{m.field('signature-input')}, b={m.field('signature-input').partition('=')[2]}",
        signature=f"{m.field('signature')}, b={m.field('signature').partition('=')[2]}",
    ),
    "another label": lambda m: changed(m, signature=m.field("signature").replace("gdbos=", "other=")),
    "a signature of zeros": lambda m: changed(m, signature=f"gdbos=:{b64encode(bytes(64)).decode()}:"),
    "a signature cut short": lambda m: changed(m, signature=f"gdbos=:{b64encode(bytes(63)).decode()}:"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_every_tampering_is_refused(how: str) -> None:
    with pytest.raises(Refused):
        accepted(TAMPERED[how](signed()))


PARAMS = {
    "another key id": ('keyid="desk#k1"', 'keyid="desk#k2"'),
    "another moment": ("created=1795420830", "created=1795420831"),
    "another algorithm": ('alg="ed25519"', 'alg="ecdsa-p256-sha256"'),
    "the algorithm none": ('alg="ed25519"', 'alg="none"'),
    "a shared secret": ('alg="ed25519"', 'alg="hmac-sha256"'),
    "no algorithm": (';alg="ed25519"', ""),
    "a later end": (';alg="ed25519"', ';alg="ed25519";expires=1795421000'),
    "a nonce put in": (';alg="ed25519"', ';alg="ed25519";nonce="x"'),
    "a parameter twice": (';alg="ed25519"', ';alg="ed25519";alg="ed25519"'),
    "a parameter nobody knows": (';alg="ed25519"', ';alg="ed25519";colour="red"'),
    "no moment": (";created=1795420830", ""),
    "no key": (';keyid="desk#k1"', ""),
    "less covered": (' "content-type"', ""),
    "no digest covered": (' "content-digest"', ""),
    "a component twice": ('"@method"', '"@method" "@method"'),
    "components in another order": ('"@method" "@target-uri"', '"@target-uri" "@method"'),
    "a component nobody knows": ('"@method"', '"@method" "@colour"'),
    "a request in a request": ('"@method"', '"@method";req'),
    "two spaces": ('"@method" ', '"@method"  '),
    "nothing covered": (" ".join(COVERED), ""),
    "no list": ("(", ""),
}


@pytest.mark.parametrize("how", PARAMS)
def test_every_change_of_what_was_signed_is_refused(how: str) -> None:
    message = signed()
    old, new = PARAMS[how]
    before = message.field("signature-input")
    assert old in before
    with pytest.raises(Refused):
        accepted(changed(message, signature_input=before.replace(old, new)))


@pytest.mark.parametrize(
    ("covered", "missing"),
    [
        (('"@target-uri"', '"content-digest"'), "@method"),
        (('"@method"', '"content-digest"'), "@authority, @path, @query"),
        (('"@method"', '"@authority"', '"@path"', '"content-digest"'), "@query"),
        (('"@method"', '"@target-uri"'), "content-digest"),
        ((), "@authority, @method, @path, @query, content-digest"),
    ],
)
def test_a_good_signature_over_too_little_is_refused(covered: tuple[str, ...], missing: str) -> None:
    with pytest.raises(Refused, match=missing):
        accepted(signed(covered=covered))


def test_stale_and_future_messages_are_refused() -> None:
    for late in (timedelta(minutes=5, seconds=31), timedelta(days=1), timedelta(seconds=-31), timedelta(days=-400)):
        with pytest.raises(Refused):
            accepted(signed(), now=NOW + late)
    for fair in (timedelta(seconds=-29), timedelta(minutes=5)):
        assert accepted(signed(), now=NOW + fair)


def test_the_key_alone_says_the_algorithm() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(Refused, match="ecdsa"):
        accepted(signed(), other)
    with pytest.raises(Refused, match="verify"):
        accepted(signed(), Ed25519PrivateKey.generate().public_key())


def test_no_message_with_one_character_changed_is_accepted() -> None:
    message, tried = signed(), 0
    dice = random.Random(1)
    for place in ("signature-input", "signature", "content-digest"):
        before = message.field(place)
        for at in range(len(before)):
            letter = chr(dice.choice([c for c in range(33, 127) if chr(c) != before[at]]))
            after = before[:at] + letter + before[at + 1 :]
            tried += 1
            with pytest.raises(Refused):
                accepted(changed(message, **{place.replace("-", "_"): after}))
    assert tried > 250


@pytest.mark.parametrize(
    "content", ["", "=", "()", "a=()", 'a=("@method"', "a=(" + '"x" ' * 2000, "é", 'a=("@method");created=1e3']
)
def test_nonsense_is_refused(content: str) -> None:
    with pytest.raises(Refused):
        accepted(changed(signed(), signature_input=content))


def test_a_response_is_bound_to_its_request() -> None:
    request = signed()
    plain_answer = Message(status=200, headers=[("content-digest", digest(b"{}"))], body=b"{}")
    covered = ('"@status"', '"content-digest"', '"signature";req')
    answer = msgspec.structs.replace(
        plain_answer, headers=[*plain_answer.headers, *sign(plain_answer, SEED, "node", NOW, covered, request)]
    )
    good, key = Signed.read(answer), KEY.public_key()
    assert verify_response(good, answer, key, NOW, request)
    for other in (signed(at=NOW + timedelta(seconds=1)), signed(plain(b"{1}"))):
        with pytest.raises(Refused):
            verify_response(good, answer, key, NOW, other)
    with pytest.raises(Refused):
        verify_response(good, msgspec.structs.replace(answer, status=201), key, NOW, request)
    with pytest.raises(Refused):
        verify_response(good, msgspec.structs.replace(answer, body=b"[]"), key, NOW, request)
    assert b64decode(answer.field("signature").split(":")[1])
