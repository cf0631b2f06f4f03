"""Signed tokens as bytes: strict where the standards leave room (RFC 7515, RFC 8725), before anything in them is believed."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gdbos.errors import Unauthenticated

T = TypeVar("T")


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly these three; a header that brings its own key, a link to one, or ``crit`` is refused."""

    alg: str
    kid: str
    typ: str


class Signed(msgspec.Struct, frozen=True):
    """A token taken apart; nothing in it is verified yet."""

    compact: str
    alg: str
    kid: str
    payload: bytes


class _Algorithms(jws.JWSRegistry):
    """Those asked for. joserfc warns of ``EdDSA``, the older name of Ed25519 (RFC 9864), at each use: we accept both."""

    def get_alg(self, name: str) -> Any:
        if not self.allowed or name not in self.allowed:
            raise refused()
        return self.algorithms[name]


def refused() -> Unauthenticated:
    """One answer to every bad token: which check it failed is nobody's business."""
    return Unauthenticated("The token is not valid here; ask for a new one.")


def take_apart(compact: str, *, typ: str, longest: int) -> Signed:
    """The parts of a compact token of ours. :raises Unauthenticated: size, shape or header are not exactly as they must be."""
    head, payload = parts(compact, longest)
    header = strictly(head, Header)
    if header.typ != typ or not header.kid:
        raise refused()
    return Signed(compact, header.alg, header.kid, payload)


def parts(compact: str, longest: int) -> tuple[bytes, bytes]:
    """Header and payload of a compact token as they were signed. :raises Unauthenticated: size or shape are wrong."""
    found = compact.split(".") if len(compact) <= longest and compact.isascii() else []
    if len(found) != 3:
        raise refused()
    head, payload, _ = (_decoded(part) for part in found)
    return head, payload


def verify(token: Signed, key: OKPKey | ECKey | RSAKey, algorithms: tuple[str, ...]) -> None:
    """:raises Unauthenticated: the algorithm is none of ``algorithms``, does not suit the key, or the signature is wrong."""
    if token.alg not in algorithms:
        raise refused()
    try:
        jws.deserialize_compact(token.compact, key, registry=_Algorithms(algorithms=algorithms))
    except (JoseError, ValueError, TypeError):
        raise refused() from None


def strictly(content: bytes, kind: type[T]) -> T:
    """``content`` as ``kind``. :raises Unauthenticated: it is not."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise refused() from None


def _decoded(part: str) -> bytes:
    """base64url in its one canonical spelling: another last character could carry the same bytes (RFC 4648 §3.5)."""
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise refused() from None
    if base64.urlsafe_b64encode(content).rstrip(b"=").decode() != part:
        raise refused()
    return content
