"""HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530): one strict profile, as pure functions of bytes and keys.

The standards leave much open; here a message carries exactly one signature, written the one canonical way, over what matters of
it. The key alone says which algorithm was used: what a message claims of that is compared and never followed.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256, sha512
from typing import Any, Final, Self
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from gdbos.errors import Unauthenticated

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey
Headers = Sequence[tuple[str, str]]
"""Names in lower case, in the order in which they came; a name may come more than once."""

LIFE: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=30)
"""How far two clocks may lie apart."""
LONGEST: Final = 4096
LABEL: Final = "gdbos"
MEANINGFUL: Final = ("idempotency-key",)
"""Fields that change what a request does: where one is sent, it is covered."""

_STRING: Final = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
_NAME: Final = r'"@?[a-z0-9!#$%&\'*+.^_`|~-]+"(?:;req)?'
_INPUT: Final = re.compile(
    rf"(?P<label>[a-z*][a-z0-9_.*-]*)=(?P<params>\((?P<covered>{_NAME}(?: {_NAME})*)?\)"
    rf"(?P<rest>(?:;(?:created|expires)=[0-9]{{1,15}}|;(?:keyid|alg|nonce|tag)={_STRING})*))\Z"
)
_PARAM: Final = re.compile(rf";([a-z]+)=([0-9]+|{_STRING})")
_SIGNATURE: Final = re.compile(r"(?P<label>[a-z*][a-z0-9_.*-]*)=:(?P<value>[A-Za-z0-9+/]+={0,2}):\Z")
_DIGEST: Final = re.compile(r"(sha-256|sha-512)=:([A-Za-z0-9+/]+={0,2}):\Z")
_HASHES: Final = {"sha-256": sha256, "sha-512": sha512}


class Refused(Unauthenticated):
    """A signature that proves nothing. The caller is told which rule it broke: all of them are public."""

    code, title = "signature-refused", "The signature of this message is not accepted"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A request (method and URL) or a response (status), as far as signatures go."""

    method: str = ""
    url: str = ""
    status: int = 0
    headers: Headers = ()
    body: bytes = b""

    def field(self, name: str) -> str:
        """The combined value of a header field (RFC 9421 §2.1). :raises Refused: the message has none."""
        values = [value.strip() for known, value in self.headers if known == name]
        if not values:
            raise Refused("The signature covers {name}, which the message does not have.", name=name)
        return ", ".join(values)

    def has(self, name: str) -> bool:
        return any(known == name for known, _ in self.headers)


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """One signature as a message carries it; nothing of it is verified yet."""

    label: str
    covered: tuple[str, ...]
    params: str
    """The inner list and its parameters, exactly as signed."""
    value: bytes
    created: int
    keyid: str
    expires: int = 0
    alg: str = ""
    nonce: str = ""
    tag: str = ""

    @classmethod
    def read(cls, message: Message) -> Self:
        """The one signature of ``message``. :raises Refused: it has none, more, or one that is not written canonically."""
        head, value = _only(message, "signature-input"), _only(message, "signature")
        taken, made = _INPUT.match(head), _SIGNATURE.match(value)
        if taken is None or made is None or taken["label"] != made["label"]:
            raise Refused("Send one signature: Signature-Input and Signature of one label, in canonical form.")
        found = _PARAM.findall(taken["rest"])
        params: dict[str, Any] = {name: _bare(text) for name, text in found}
        covered = tuple(taken["covered"].split(" ")) if taken["covered"] else ()
        if len(params) < len(found) or len(set(covered)) < len(covered):
            raise Refused("The signature names a parameter or a component twice.")
        if not {"created", "keyid"} <= params.keys():
            raise Refused("The signature must say created and keyid.")
        return cls(
            label=taken["label"], covered=covered, params=taken["params"], value=_base64(made["value"]), **params
        )

    @property
    def ends(self) -> int:
        """When it stops counting, in POSIX seconds."""
        return self.expires or self.created + int(LIFE.total_seconds())


def base(signed: Signed, message: Message, request: Message | None = None) -> bytes:
    """The bytes that were signed (RFC 9421 §2.5). :raises Refused: a covered component is not there or not known here."""
    lines = [f"{name}: {_value(name, message, request)}" for name in signed.covered]
    return "\n".join([*lines, f'"@signature-params": {signed.params}']).encode("latin-1")


def verify_request(signed: Signed, message: Message, key: PublicKey, now: datetime) -> bytes:
    """What a request's signature was made over, once everything about it is right; unique per request, to refuse replays by.

    :raises Refused: coverage, time, digest, algorithm or signature are not as they must be.
    """
    _refuse_uncovered(signed, message)
    return _verified(signed, message, key, now, None)


def verify_response(signed: Signed, message: Message, key: PublicKey, now: datetime, request: Message) -> bytes:
    """The same for the response to ``request``, whose own signature it must cover."""
    for name in ('"@status"', '"content-digest"', '"signature";req'):
        if name not in signed.covered:
            raise Refused("A response's signature must cover {name}.", name=name)
    return _verified(signed, message, key, now, request)


def digest(body: bytes) -> str:
    """The Content-Digest of ``body`` (RFC 9530)."""
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


def sign(
    message: Message, private: bytes, keyid: str, now: datetime, covered: Sequence[str], request: Message | None = None
) -> list[tuple[str, str]]:
    """The header fields that sign ``message`` with the Ed25519 seed ``private`` over ``covered`` components."""
    params = f'({" ".join(covered)});created={int(now.timestamp())};keyid="{keyid}";alg="ed25519"'
    draft = Signed(label=LABEL, covered=tuple(covered), params=params, value=b"", created=0, keyid=keyid)
    made = Ed25519PrivateKey.from_private_bytes(private).sign(base(draft, message, request))
    return [("signature-input", f"{LABEL}={params}"), ("signature", f"{LABEL}=:{b64encode(made).decode()}:")]


def _refuse_uncovered(signed: Signed, message: Message) -> None:
    covered = {name.strip('"') for name in signed.covered if not name.endswith(";req")}
    needed = {"@method"}
    if "@target-uri" not in covered:
        needed |= {"@authority", "@path"} | ({"@query"} if urlsplit(message.url).query else set())
    if message.body or message.has("content-digest"):
        needed.add("content-digest")
    needed |= {name for name in MEANINGFUL if message.has(name)}
    if missing := sorted(needed - covered):
        raise Refused("The signature must cover {names} as well.", names=", ".join(missing))


def refuse_untimely(signed: Signed, now: datetime) -> None:
    """:raises Refused: the signature does not count at ``now``, whatever it was made over and by whom."""
    moment, skew, life = now.timestamp(), SKEW.total_seconds(), LIFE.total_seconds()
    if signed.created > moment + skew:
        raise Refused("The signature was created in the future: set the clock.")
    if moment >= signed.ends + skew or not 0 < signed.ends - signed.created <= life:
        raise Refused("The signature is too old, or lives longer than five minutes: sign again.")


def _verified(signed: Signed, message: Message, key: PublicKey, now: datetime, request: Message | None) -> bytes:
    refuse_untimely(signed, now)
    if '"content-digest"' in signed.covered:
        _check_digest(message)
    algorithm = "ed25519" if isinstance(key, Ed25519PublicKey) else "ecdsa-p256-sha256"
    if signed.alg not in ("", algorithm):
        raise Refused("The key signs with {algorithm}, and the signature says otherwise.", algorithm=algorithm)
    signed_bytes = base(signed, message, request)
    if not _good(key, signed.value, signed_bytes):
        raise Refused("The signature does not verify: the message was changed, or another key signed it.")
    return signed_bytes


def _good(key: PublicKey, value: bytes, content: bytes) -> bool:
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(value, content)
        elif len(value) == 64:
            r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
            key.verify(encode_dss_signature(r, s), content, ECDSA(SHA256()))
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def _check_digest(message: Message) -> None:
    members = [one.strip() for one in message.field("content-digest").split(",")]
    for member in members:
        stated = _DIGEST.match(member)
        if stated is None:
            raise Refused("Content-Digest holds sha-256 or sha-512 in base64 and nothing else.")
        if _base64(stated[2]) != _HASHES[stated[1]](message.body).digest():
            raise Refused("The body is not the one whose digest was signed.")


def _value(name: str, message: Message, request: Message | None) -> str:
    if name.endswith(";req"):
        if request is None:
            raise Refused("Only a response's signature may cover its request.")
        message = request
    bare = name.removesuffix(";req").strip('"')
    return _derived(bare, message) if bare.startswith("@") else message.field(bare)


def _derived(name: str, message: Message) -> str:
    if message.status:
        if name == "@status":
            return str(message.status)
        raise Refused("A response has no {name}.", name=name)
    url = urlsplit(message.url)
    port = "" if url.port in (None, {"http": 80, "https": 443}.get(url.scheme)) else f":{url.port}"
    known = {
        "@method": message.method,
        "@target-uri": message.url,
        "@authority": f"{url.hostname or ''}{port}",
        "@scheme": url.scheme,
        "@path": url.path or "/",
        "@query": f"?{url.query}",
        "@request-target": (url.path or "/") + (f"?{url.query}" if url.query else ""),
    }
    if name not in known:
        raise Refused("The component {name} is not known here.", name=name)
    return known[name]


def _only(message: Message, name: str) -> str:
    values = [value for known, value in message.headers if known == name]
    if len(values) != 1 or len(values[0]) > LONGEST or not values[0].isascii():
        raise Refused("Send one signature: Signature-Input and Signature of one label, in canonical form.")
    return values[0].strip()


def _bare(text: str) -> int | str:
    return int(text) if text.isdigit() else re.sub(r"\\(.)", r"\1", text[1:-1])


def _base64(text: str) -> bytes:
    """In its one canonical spelling (RFC 4648 §3.5)."""
    try:
        value = b64decode(text, validate=True)
    except ValueError:
        value = b""
    if b64encode(value).decode() != text:
        raise Refused("This base64 is not written the one standard way.")
    return value
