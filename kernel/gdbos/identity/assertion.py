"""How a system proves who it is: a short-lived assertion signed with its own key (private_key_jwt, RFC 7523)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from sqlalchemy import Column, String, Table, delete, insert
from sqlalchemy.exc import IntegrityError

from gdbos.identity.jose import Signed, refused, strictly, take_apart, verify
from gdbos.identity.system import CLIENT_ID, System
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.unit import Unit

TYPE: Final = "client-authentication+jwt"
GRANT: Final = "client_credentials"
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST: Final = 8192
_LIFETIME: Final = 300
_SKEW: Final = timedelta(seconds=30)

jti = Table(
    "identity_jti",
    kernel_metadata,
    Column("client_id", String(80), primary_key=True),
    Column("jti", String(128), primary_key=True),
    Column("until", Instant, nullable=False),
    # No scope: it holds nobody's data, only which assertions were used.
)


class Claims(msgspec.Struct, frozen=True):
    """What an assertion says; ``aud`` is one string, so that it is meant for us and nobody else."""

    iss: str
    sub: str
    aud: str
    iat: int
    exp: int
    jti: Annotated[str, msgspec.Meta(min_length=8, max_length=128, pattern=r"\A[\x21-\x7e]*\Z")]


class _Issuer(msgspec.Struct):
    iss: str


class Assertion(msgspec.Struct, frozen=True):
    """An assertion taken apart, and the client it claims to come from."""

    signed: Signed
    client_id: str


def read_assertion(compact: str) -> Assertion:
    """Take an assertion apart, to see whose keys must verify it. :raises Unauthenticated: its shape or header is wrong."""
    signed = take_apart(compact, typ=TYPE, longest=_LONGEST)
    client_id = strictly(signed.payload, _Issuer).iss
    if not CLIENT_ID.match(client_id):
        raise refused()
    return Assertion(signed, client_id)


def verify_assertion(assertion: Assertion, known: System | None, *, audience: str, now: datetime) -> Claims:
    """What the assertion says, once it is proven. :raises Unauthenticated: key, signature, names, audience or time are wrong."""
    keys = known.keys if known is not None and known.active else ()
    key = next((key for key in keys if key.kid == assertion.signed.kid), None)
    if key is None:
        raise refused()
    verify(assertion.signed, key.loaded(), key.algorithms)
    claims = strictly(assertion.signed.payload, Claims)
    named = claims.iss == claims.sub == assertion.client_id and claims.aud == audience
    short = 0 < claims.exp - claims.iat <= _LIFETIME
    in_time = claims.iat <= (now + _SKEW).timestamp() and now.timestamp() < claims.exp
    if not (named and short and in_time):
        raise refused()
    return claims


def use_up(unit: Unit, claims: Claims) -> None:
    """Let an assertion count once. :raises Unauthenticated: it was used before."""
    spend(unit, claims.iss, claims.jti, datetime.fromtimestamp(claims.exp, UTC))


def spend(unit: Unit, client_id: str, mark: str, until: datetime) -> None:
    """Let what a system sent under ``mark`` count once. :raises Unauthenticated: it came before."""
    try:
        unit.execute(insert(jti).values(client_id=client_id, jti=mark, until=until))
    except IntegrityError:
        raise refused() from None


def forget_old(unit: Unit) -> None:
    """Drop assertions that have expired: they are refused for their time alone."""
    unit.execute(delete(jti).where(jti.c.until <= unit.now))
