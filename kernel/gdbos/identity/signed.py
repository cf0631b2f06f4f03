"""Systems that sign each message (RFC 9421) instead of asking for a token, and the node's signature under what it answers them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey
from litestar import Request, get
from litestar.connection import ASGIConnection
from litestar.types import Message as Sent
from litestar.types import Scope, Send

from gdbos.actor import Actor
from gdbos.config import Settings
from gdbos.errors import Unauthenticated
from gdbos.identity.assertion import spend
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.identity import Identity, system_actor
from gdbos.identity.system import System, find_system
from gdbos.plugin import PUBLIC
from gdbos.reading import body_of
from gdbos.signatures import SKEW, Message, Refused, Signed, digest, refuse_untimely, sign, verify_request
from gdbos.unit import Unit
from gdbos.vault import Key, KeyRing

ANSWERED: Final = ('"@status"', '"content-digest"', '"content-type"', '"signature";req')
"""What the node's own signature covers."""


class NodeKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key of this node as a JWK (RFC 7517)."""

    kid: str
    x: str
    kty: str = "OKP"
    crv: str = "Ed25519"
    use: str = "sig"


class NodeKeys(msgspec.Struct, frozen=True):
    """The keys whose signatures under this node's answers count: the current one, the next, and those being retired."""

    keys: list[NodeKey]


def is_signed(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    return "signature-input" in connection.headers or "signature" in connection.headers


async def by_signature(connection: ASGIConnection[Any, Any, Any, Any], identity: Identity, locale: str) -> Actor:
    """The system that signed this request. :raises Unauthenticated: the signature is not accepted, or was used before."""
    if "authorization" in connection.headers:
        raise Unauthenticated("Send a token or a signature, not both: they might name two.")
    scope, units = connection.scope, identity.units
    head = _message(scope, identity.settings)
    signed = Signed.read(head)
    refuse_untimely(signed, units.around.clock())
    client_id, _, kid = signed.keyid.partition("#")
    key = _key(await units.read(IDENTITY, find_system, client_id), kid)
    # Only now the body: whoever has no key here, or an old signature, is refused before any of it is read.
    message = msgspec.structs.replace(head, body=await _body(connection, identity.settings))
    made_over = verify_request(signed, message, key, units.around.clock())
    mark = digest(made_over).removeprefix("sha-256=")
    until = datetime.fromtimestamp(signed.ends, UTC) + SKEW
    actor = await units.write(IDENTITY, _admit, client_id, mark, until, locale)
    scope["state"]["signed"] = message
    evidence = digest(made_over + signed.value).removeprefix("sha-256=").strip(":")
    return msgspec.structs.replace(actor, signature=evidence)


class Answering:
    """Signs the answer to a signed request; any other goes out as it is."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope, self.sending = scope, send
        self.start: Any = None
        self.body = b""

    async def send(self, sent: Sent) -> None:
        request = self.scope.get("state", {}).get("signed")
        if request is None:
            await self.sending(sent)
        elif sent["type"] == "http.response.start":
            self.start = sent
        elif sent["type"] == "http.response.body":
            self.body += sent["body"]
            if not sent.get("more_body"):
                await self.sending(self._signed(request))
                await self.sending({"type": "http.response.body", "body": self.body, "more_body": False})

    def _signed(self, request: Message) -> Any:
        identity: Identity = self.scope["app"].state.kernel.identity
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self.start["headers"]]
        headers.append(("content-digest", digest(self.body)))
        answer = Message(status=self.start["status"], headers=headers, body=self.body)
        covered = [name for name in ANSWERED if name != '"content-type"' or answer.has("content-type")]
        key = identity.keys.current("message")
        name = f"{identity.settings.node.id}#{_kid(key)}"
        headers += sign(answer, key.secret, name, identity.units.around.clock(), covered, request)
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return {**self.start, "headers": encoded}


@get("/api/identity/keys", permission=PUBLIC, tags=["identity"], sync_to_thread=False)
def node_keys(request: Request[Any, Any, Any]) -> NodeKeys:
    """The public keys that this node signs its answers with."""
    ring: KeyRing = request.app.state.kernel.identity.keys
    return NodeKeys([NodeKey(kid=_kid(key), x=_x(key)) for key in ring.all("message")])


def _admit(unit: Unit, client_id: str, mark: str, until: datetime, locale: str) -> Actor:
    spend(unit, client_id, mark, until)
    actor = system_actor(unit, client_id, locale)
    if actor is None:
        raise _unknown()
    return actor


def _key(known: System | None, kid: str) -> Any:
    for key in known.keys if known is not None and known.active else ():
        if key.kid == kid:
            return key.loaded().public_key
    raise _unknown()


def _unknown() -> Refused:
    return Refused('No active system here has that key; keyid is "CLIENT_ID#KID".')


async def _body(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> bytes:
    """The body, which the handler will read again."""
    if isinstance(connection, Request):
        return await connection.body()
    body = await body_of(connection.scope, connection.receive, settings.http.max_body)
    connection.scope["state"]["body"] = body
    return body


def _message(scope: Any, settings: Settings) -> Message:
    """The request as far as its head goes."""
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    host = next((value for name, value in headers if name == "host"), "")
    public = urlsplit(settings.http.url)
    origin = f"{public.scheme}://{public.netloc}" if public.netloc else f"{scope['scheme']}://{host}"
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    path = scope["raw_path"].decode("latin-1").partition("?")[0]
    return Message(method=scope["method"], url=f"{origin}{path}{query}", headers=headers)


def _kid(key: Key) -> str:
    return f"message-{key.id}"


def _x(key: Key) -> str:
    found = OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(key.secret)).as_dict(private=False)
    return str(found["x"])


ROUTES = [node_keys]
