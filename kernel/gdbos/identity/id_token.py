"""The ID token of an OpenID provider (OpenID Connect Core §3.1.3.7): believed only when every check has passed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from gdbos.errors import Forbidden, Unauthenticated
from gdbos.identity.jose import Signed, parts, strictly, verify

log = logging.getLogger("gdbos.identity")

SKEW: Final = timedelta(seconds=60)
"""How far the provider's clock may lie from ours."""
OLDEST: Final = timedelta(minutes=10)
"""A token issued before the log-in can have begun answers another one."""
_LONGEST: Final = 16_384
_ALGORITHMS: Final = {
    RSAKey: ("RS256", "PS256"),
    ECKey: ("ES256",),
    OKPKey: ("EdDSA", "Ed25519"),
}
"""By kind of key, so that a public key is never taken for a shared secret; ``none`` and HMAC are not among them."""

Key = RSAKey | ECKey | OKPKey


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str = ""
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: int
    iat: int
    nonce: str
    azp: str = ""


def verified(
    compact: str,
    keys: Mapping[str, Key],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    now: datetime,
    named: bool = True,
) -> dict[str, Any]:
    """What the token says. :raises Forbidden: any of it does not fit; which, is in the node's log and nowhere else.

    :param named: whether the token must name its key, though the provider has only one.
    """
    try:
        head, payload = parts(compact, _LONGEST)
        header, claims = strictly(head, _Header), strictly(payload, _Claims)
    except Unauthenticated:
        raise refused("shape") from None
    key = _named(keys, header.kid) if named or header.kid else _only(keys)
    if header.crit is not msgspec.UNSET or key is None:
        raise refused("key")
    try:
        verify(Signed(compact, header.alg, header.kid, payload), key, _algorithms(key))
    except Unauthenticated:
        raise refused("signature") from None
    wrong = _wrong(claims, issuer, client_id, nonce, now)
    if wrong:
        raise refused(wrong)
    said: dict[str, Any] = msgspec.json.decode(payload)
    return said


def _named(keys: Mapping[str, Key], kid: str) -> Key | None:
    return keys.get(kid) if kid else None  # a key without a name is kept under the empty one


def _only(keys: Mapping[str, Key]) -> Key | None:
    return next(iter(keys.values())) if len(keys) == 1 else None


def kid_of(compact: str) -> str:
    """The key a token names, before anything is verified, to see whether it must be fetched; empty where it names none."""
    try:
        return strictly(parts(compact, _LONGEST)[0], _Header).kid
    except Unauthenticated:
        raise refused("shape") from None


def keys_of(document: bytes) -> dict[str, Key]:
    """The signing keys of a JWK set by ``kid``; those of other kinds and those for encryption are left out."""
    found: dict[str, Key] = {}
    for one in msgspec.json.decode(document, type=dict[str, Any]).get("keys", []):
        if one.get("use", "sig") != "sig":
            continue
        try:
            key = import_key(one)
        except (JoseError, ValueError, TypeError):
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey):
            found[str(one.get("kid", ""))] = key
    return found


def refused(why: str) -> Forbidden:
    """One answer to everything that does not fit."""
    log.warning("an OpenID log-in was refused: %s", why)
    return Forbidden("The platform's answer does not fit the log-in that began in this browser; begin again.")


def _algorithms(key: Key) -> tuple[str, ...]:
    suited = _ALGORITHMS[type(key)]
    named = key.alg
    return tuple(one for one in suited if named in (None, one))


def _wrong(claims: _Claims, issuer: str, client_id: str, nonce: str, now: datetime) -> str:
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    checks = {
        "issuer": claims.iss == issuer,
        "audience": audience == [client_id],
        "party": claims.azp in ("", client_id),
        "nonce": claims.nonce == nonce,
        "expired": now.timestamp() < claims.exp + SKEW.total_seconds(),
        "issued": (now - OLDEST - SKEW).timestamp() < claims.iat < (now + SKEW).timestamp(),
        "subject": 0 < len(claims.sub) <= 255,
    }
    return next((name for name, right in checks.items() if not right), "")
