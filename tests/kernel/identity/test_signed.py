"""A system that signs each request with a library off the shelf, and checks the node's signature under each answer."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms
from joserfc.jwk import OKPKey
from nanning import MARKET, settle
from sqlalchemy import select

from gdbos.identity.system import PublicKey, System, register_system, replace_keys
from gdbos.ledger.leaf import CALLS
from gdbos.ledger.tables import leaf
from gdbos.signatures import Message, Refused, Signed, base, verify_response
from gdbos.testing import Site, deployment, postgres_database, serving
from gdbos.unit import Unit

HOST = "http://127.0.0.1:8000"
ASK = "/api/bus/grants"
CALL = "/api/bus/calls/gx.enterprise.name-check"
WANTED = {"service": "gx.enterprise.name-check", "purpose": "to check"}
PACKS = '[standards]\npacks = ["national", "guangxi", "nanning"]\n'


class Desk(HTTPSignatureKeyResolver):
    """A department's system; it knows its key, the library's manual and the node's address."""

    def __init__(self, site: Site, name: str) -> None:
        self.site, self.name = site, name
        self.private = Ed25519PrivateKey.generate()
        x = OKPKey.import_key(self.private).as_dict(private=False)["x"]
        self.key = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(x))

    def resolve_private_key(self, key_id: str) -> Any:
        return self.private

    def resolve_public_key(self, key_id: str) -> Any:
        return self.private.public_key()

    def signed(self, path: str, body: Any, keyid: str = "", **more: Any) -> Message:
        content = msgspec.json.encode(body)
        request = SimpleNamespace(method="POST", url=HOST + path, headers={"Content-Type": "application/json"})
        HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=self).sign(
            request, key_id=keyid or f"{self.name}#k1", created=datetime.now(UTC), body=content, **more
        )
        headers = [(name.lower(), str(value)) for name, value in request.headers.items()]
        return Message(method="POST", url=request.url, headers=headers, body=content)

    def send(self, message: Message) -> httpx.Response:
        self.site.client.cookies.clear()
        headers = {**dict(message.headers), "accept-language": "en"}
        return self.site.client.post(message.url, content=message.body, headers=headers)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("signed")
    if request.param == "sqlite":
        with serving(deployment(folder, extra=PACKS), prepare=settle) as found:
            yield found
        return
    with postgres_database() as url, serving(deployment(folder, extra=PACKS, database=url), prepare=settle) as found:
        yield found


@pytest.fixture
def desk(site: Site, request: pytest.FixtureRequest) -> Desk:
    made = Desk(site, f"desk-{abs(hash(request.node.name)) % 10**9}.test")

    def enter(unit: Unit) -> None:
        register_system(unit, System(client_id=made.name, body=MARKET, name="desk", keys=(made.key,)))

    site.unit(enter)
    return made


def node_key(site: Site) -> Ed25519PublicKey:
    key = site.client.get("/api/identity/keys").json()["keys"][0]
    return Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "=="))


def answer_of(response: httpx.Response) -> Message:
    headers = [(name.lower(), value) for name, value in response.headers.multi_items()]
    return Message(status=response.status_code, headers=headers, body=response.content)


def test_a_signed_request_is_its_systems_and_the_answer_is_signed(desk: Desk, site: Site) -> None:
    asked = desk.signed(ASK, WANTED)
    answered = desk.send(asked)
    assert answered.status_code == 201, answered.text
    assert answered.json()["system"] == desk.name
    answer = answer_of(answered)
    signed = Signed.read(answer)
    assert signed.keyid.startswith("test#message-")
    assert verify_response(signed, answer, node_key(site), datetime.now(UTC), asked)
    with pytest.raises(Refused):
        verify_response(signed, answer, node_key(site), datetime.now(UTC), desk.signed(ASK, WANTED, nonce="other"))


def test_calls_of_the_bus_too(desk: Desk, site: Site) -> None:
    """Who signs is known; that nobody granted the call is another matter, and the refusal is signed."""
    asked = desk.signed(
        CALL, {"value": {"enterprise_name": "x"}, "matter": "enterprise.registration", "purpose": "check"}
    )
    answered = desk.send(asked)
    assert (answered.status_code, answered.json()["type"]) == (403, "urn:gdbos:problem:no-grant"), answered.text
    answer = answer_of(answered)
    assert verify_response(Signed.read(answer), answer, node_key(site), datetime.now(UTC), asked)


def test_the_ledger_keeps_what_proves_who_signed_a_call_and_under_which_standards(desk: Desk, site: Site) -> None:
    value = {"value": {"enterprise_name": "x"}, "matter": "enterprise.registration", "purpose": "check"}
    asked = desk.signed(CALL, value, nonce="evidence")
    assert desk.send(asked).status_code == 403
    site.call(site.kernel.book.settle)
    newest = select(leaf.c.leaf).where(leaf.c.log == CALLS).order_by(leaf.c.position.desc()).limit(1)
    said = msgspec.json.decode(site.unit(lambda unit: unit.execute(newest).scalar_one()))
    signed = Signed.read(asked)
    evidence = sha256(base(signed, asked, None) + signed.value).digest()
    assert (b64decode(said["signature_hash"]), said["assurance"]) == (evidence, "signature")
    packs = "".join(f"{one.id} {one.version} {one.digest}\n" for one in site.kernel.standards.packs)
    assert said["decision"]["config"] == sha256(packs.encode()).hexdigest()[:16]


def test_a_request_counts_once(desk: Desk) -> None:
    asked = desk.signed(ASK, WANTED)
    with ThreadPoolExecutor(4) as threads:
        found = sorted(one.status_code for one in threads.map(desk.send, [asked] * 12))
    assert found == [201] + [401] * 11
    assert desk.send(desk.signed(ASK, WANTED, nonce="another")).status_code == 201


def test_what_was_tampered_with_is_nobodys(desk: Desk, site: Site) -> None:
    asked = desk.signed(ASK, WANTED)
    other = Desk(site, desk.name)
    for tampered in (
        msgspec.structs.replace(asked, body=asked.body.replace(b"check", b"other")),
        msgspec.structs.replace(asked, url=HOST + "/api/bus/services"),
        desk.signed(ASK, WANTED, keyid=f"{desk.name}#k2"),
        desk.signed(ASK, WANTED, keyid=desk.name),
        desk.signed(ASK, WANTED, keyid="nobody.test#k1"),
        other.signed(ASK, WANTED),
        msgspec.structs.replace(asked, headers=[*asked.headers, ("authorization", "Bearer x")]),
        msgspec.structs.replace(asked, headers=[one for one in asked.headers if one[0] != "signature"]),
    ):
        answered = desk.send(tampered)
        assert answered.status_code == 401, answered.text
        assert "signature" not in answered.headers, "the node signs nothing for somebody it does not know"
    assert desk.send(asked).status_code == 201, "what was tampered with did not use the request up"


def test_a_system_switched_off_is_nobody_at_once(desk: Desk, site: Site) -> None:
    assert desk.send(desk.signed(ASK, WANTED)).status_code == 201
    site.unit(lambda unit: replace_keys(unit, desk.name, (desk.key,), active=False))
    assert desk.send(desk.signed(ASK, WANTED, nonce="later")).status_code == 401
