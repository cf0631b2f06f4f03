"""Old clients of the national exchange gateway (国家共享交换平台), who sign with a secret they share with us (DOMAIN §4.6).

The profile is weaker than a key pair and is kept apart: it counts at one address only, each signature counts once and for five
minutes, and the secret lies sealed. The signature does not cover the body, so such clients must come over TLS.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from sqlalchemy import Column, LargeBinary, String, Table, delete, insert

from gdbos.bus.adapters.auth import exchange_signature
from gdbos.errors import Conflict, NotFound
from gdbos.identity.assertion import spend
from gdbos.identity.body import get_body, refuse_beyond_reach
from gdbos.identity.deciding import deciding
from gdbos.identity.jose import refused
from gdbos.identity.system import find_system
from gdbos.storage.metadata import kernel_metadata
from gdbos.storage.scope import Guarded
from gdbos.unit import Unit
from gdbos.vault import Sealed

PATH: Final = "/api/bus/exchange"
"""The only address at which such a signature says who is calling."""
WINDOW: Final = timedelta(minutes=5)
"""How far the client's clock and ours may lie apart, and how long a signature is remembered."""
RID: Final = re.compile(r"\A[0-9A-Za-z@._-]{3,80}\Z")
SID: Final = re.compile(r"\A[0-9A-Za-z._-]{1,120}\Z")
MILLISECONDS: Final = re.compile(r"\A[0-9]{13}\Z")
SIGNATURE: Final = re.compile(r"\A[A-Za-z0-9+/]{43}=\Z")
_SEALED: Final = {"table": "identity_exchange", "column": "secret"}

exchange = Table(
    "identity_exchange",
    kernel_metadata,
    Column("rid", String(80), primary_key=True),
    Column("client_id", String(80), nullable=False, unique=True),
    Column("secret", LargeBinary, nullable=False, info={"sealed": Sealed()}),
    info={"guarded": Guarded("it holds nobody's data, only by which secret a system is known")},
)


class ExchangeClient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what an old client is known: its requester number and the app secret it signs with."""

    rid: Annotated[str, msgspec.Meta(pattern=RID.pattern)]
    secret: Annotated[str, msgspec.Meta(min_length=12, max_length=200, pattern=r"\A[\x21-\x7e]+\Z")]


class ExchangeKnown(msgspec.Struct, frozen=True, kw_only=True):
    """An old client as others may see it."""

    client_id: str
    rid: str


class Signed(msgspec.Struct, frozen=True):
    """The four headers of a request."""

    rid: str
    sid: str
    milliseconds: int
    signature: str


def admit_exchange_client(unit: Unit, client_id: str, known_by: ExchangeClient) -> ExchangeKnown:
    """Let a registered system sign as an old client; another secret takes the place of the one it had.

    :raises NotFound: there is no such system. :raises Conflict: another system has this requester number.
    """
    _refuse_beyond_reach(unit, client_id)
    owner = unit.execute(deciding(exchange, exchange.c.client_id).where(exchange.c.rid == known_by.rid)).scalar()
    if owner not in (None, client_id):
        raise Conflict("The requester number {rid} belongs to another system.", rid=known_by.rid)
    unit.execute(delete(exchange).where(exchange.c.client_id == client_id))
    sealed = unit.vault.seal(known_by.secret, row=known_by.rid, **_SEALED)
    unit.execute(insert(exchange).values(rid=known_by.rid, client_id=client_id, secret=sealed))
    unit.record("identity.exchange-client-admitted", system=client_id, rid=known_by.rid)
    return ExchangeKnown(client_id=client_id, rid=known_by.rid)


def dismiss_exchange_client(unit: Unit, client_id: str) -> None:
    """Let a system no longer sign as an old client. :raises NotFound: it is none."""
    _refuse_beyond_reach(unit, client_id)
    if not unit.execute(delete(exchange).where(exchange.c.client_id == client_id)).rowcount:
        raise NotFound("The system {client_id} is no client of the exchange profile.", client_id=client_id)
    unit.record("identity.exchange-client-dismissed", system=client_id)


def read_signed(headers: Mapping[str, str]) -> Signed:
    """The headers taken apart. :raises Unauthenticated: one is missing or not what it should be."""
    values = [headers.get(f"gjgxjhpt_{name}", "") for name in ("rid", "sid", "rtime", "sign")]
    shapes = (RID, SID, MILLISECONDS, SIGNATURE)
    if not all(shape.match(value) for shape, value in zip(shapes, values, strict=True)):
        raise refused()
    return Signed(values[0], values[1], int(values[2]), values[3])


def verify_signed(unit: Unit, signed: Signed) -> str:
    """The client id of the system that signed. It reads only: whoever cannot sign makes nobody write.

    :raises Unauthenticated: nobody known, not their signature, or not in time.
    """
    row = unit.execute(deciding(exchange, exchange).where(exchange.c.rid == signed.rid)).first()
    # A client nobody knows costs as much as a known one, and is told no more.
    secret = unit.vault.open(row.secret, row=signed.rid, **_SEALED).decode() if row else "nobody knows"
    right = exchange_signature(secret, signed.sid, signed.rid, signed.milliseconds)
    stated = datetime.fromtimestamp(signed.milliseconds / 1000, UTC)
    if not hmac.compare_digest(right, signed.signature) or row is None or abs(unit.now - stated) > WINDOW:
        raise refused()
    client_id: str = row.client_id
    return client_id


def use_up_signed(unit: Unit, client_id: str, signed: Signed) -> None:
    """Let a signature that was verified count once. :raises Unauthenticated: it came before."""
    stated = datetime.fromtimestamp(signed.milliseconds / 1000, UTC)
    spend(unit, client_id, f"exchange:{signed.signature}", stated + 2 * WINDOW)


def _refuse_beyond_reach(unit: Unit, client_id: str) -> None:
    known = find_system(unit, client_id)
    if known is None:
        raise NotFound("There is no system {client_id}.", client_id=client_id)
    owner = get_body(unit, known.body)
    refuse_beyond_reach(unit, owner.uscc, owner.division)
