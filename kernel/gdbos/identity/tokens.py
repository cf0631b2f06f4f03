"""Access tokens (RFC 9068 over Ed25519): short-lived, and worth nothing once the session they name has ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import OKPKey

from gdbos.identity.jose import refused, strictly, take_apart, verify
from gdbos.ids import new_id
from gdbos.vault import Key, KeyRing

TYPE: Final = "at+jwt"
ALGORITHM: Final = "Ed25519"
LIFETIME: Final = {
    "system": timedelta(minutes=5),
    "person": timedelta(minutes=30),
    "official": timedelta(minutes=30),
}
_LONGEST_LIFE: Final = max(LIFETIME.values()).total_seconds()
_SKEW: Final = timedelta(seconds=60)
"""How far the clocks of two workers may lie apart."""
_LONGEST: Final = 4096


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an access token says."""

    iss: str
    aud: str
    sub: str
    client_id: str
    sid: UUID
    jti: UUID
    iat: int
    exp: int


class Issued(msgspec.Struct, frozen=True):
    """A fresh token and when it ends."""

    token: str
    expires_at: datetime


class Tokens:
    """Issues tokens with the ring's current key and verifies them with any key the ring still holds."""

    def __init__(self, keys: KeyRing, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer

    def issue(self, *, subject: str, session: UUID, client: str, lifetime: timedelta, now: datetime) -> Issued:
        """A token for ``session``."""
        iat = int(now.timestamp())
        exp = iat + int(lifetime.total_seconds())
        claims = Claims(self._issuer, self._issuer, subject, client, session, new_id(), iat, exp)
        key = self._keys.current("token")
        header = {"alg": ALGORITHM, "kid": _kid(key), "typ": TYPE}
        token = jws.serialize_compact(header, msgspec.json.encode(claims), _signing(key), algorithms=[ALGORITHM])
        return Issued(token, datetime.fromtimestamp(exp, now.tzinfo))

    def verify(self, token: str, now: datetime) -> Claims:
        """What a token of ours says. :raises Unauthenticated: it is not ours, not signed by a key we hold, or not in time."""
        signed = take_apart(token, typ=TYPE, longest=_LONGEST)
        key = next((key for key in self._keys.all("token") if _kid(key) == signed.kid), None)
        if key is None:
            raise refused()
        verify(signed, _signing(key), (ALGORITHM,))
        claims = strictly(signed.payload, Claims)
        in_time = claims.iat <= (now + _SKEW).timestamp() and now.timestamp() < claims.exp
        short = 0 < claims.exp - claims.iat <= _LONGEST_LIFE
        if claims.iss != self._issuer or claims.aud != self._issuer or not (in_time and short):
            raise refused()
        return claims


def _kid(key: Key) -> str:
    return f"token-{key.id}"


@lru_cache(32)
def _signing(key: Key) -> OKPKey:
    return OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(key.secret))
