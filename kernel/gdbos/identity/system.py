"""Systems (系统): client applications of bodies, known by their public keys and by nothing secret."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from sqlalchemy import JSON, Boolean, Column, Row, String, Table, insert, update
from sqlalchemy.exc import IntegrityError

from gdbos.errors import Conflict, Invalid, NotFound, Violation
from gdbos.identity.body import get_body, refuse_beyond_reach
from gdbos.identity.deciding import deciding
from gdbos.identity.generation import advance
from gdbos.storage.metadata import kernel_metadata
from gdbos.storage.scope import Scope
from gdbos.text import N_
from gdbos.unit import Unit

CLIENT_ID = re.compile(r"\A[a-z0-9][a-z0-9.-]{2,79}\Z")
MOST_KEYS = 3
"""The one in use, the next one, and one being retired."""

system = Table(
    "identity_system",
    kernel_metadata,
    Column("client_id", String(80), primary_key=True),
    Column("body", String(18), nullable=False),
    Column("name", String(200), nullable=False),
    Column("keys", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    info={"scope": Scope(body=("body",))},
)


class PublicKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A public key as a JWK (RFC 7517): Ed25519, or P-256. A private part is not even read."""

    kty: Literal["OKP", "EC"]
    crv: Literal["Ed25519", "P-256"]
    kid: str
    x: str
    y: str = ""
    use: Literal["sig"] = "sig"
    alg: Literal["", "Ed25519", "EdDSA", "ES256"] = ""

    def loaded(self) -> OKPKey | ECKey:
        """The key as joserfc uses it. :raises Invalid: it is no point on its curve, or its parts do not fit together."""
        detail = N_("This is not a public key we can use: give a JWK with kid, of type OKP on Ed25519 or EC on P-256.")
        parts: dict[str, str | list[str]] = {"kty": self.kty, "crv": self.crv, "x": self.x}
        if self.y:
            parts["y"] = self.y
        try:
            if (self.kty, self.crv, bool(self.y)) == ("OKP", "Ed25519", False) and self.kid:
                key: OKPKey | ECKey = OKPKey.import_key(parts)
            elif (self.kty, self.crv, bool(self.y)) == ("EC", "P-256", True) and self.kid:
                key = ECKey.import_key(parts)
            else:
                raise ValueError(self.kty)
            _ = key.public_key
        except (JoseError, ValueError, TypeError):
            raise Invalid(detail, violations=[Violation("$.keys", "key", detail)]) from None
        return key

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The signature algorithms this key is for."""
        return ("Ed25519", "EdDSA") if self.kty == "OKP" else ("ES256",)


class System(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body's client application."""

    client_id: str
    body: str
    name: str
    keys: tuple[PublicKey, ...]
    active: bool = True


def register_system(unit: Unit, new: System) -> System:
    """Enter a system. :raises Conflict: the client id is taken. :raises Invalid: client id or a key will not do."""
    if not CLIENT_ID.match(new.client_id):
        detail = N_("A client id has 3 to 80 characters of a-z, 0-9, dot and hyphen.")
        raise Invalid(detail, violations=[Violation("$.client_id", "pattern", detail)])
    _refuse_bad_keys(new.keys)
    owner = get_body(unit, new.body)
    refuse_beyond_reach(unit, owner.uscc, owner.division)
    if find_system(unit, new.client_id):
        raise Conflict("The client id {client_id} is taken; choose another.", client_id=new.client_id)
    try:
        unit.execute(insert(system).values(**_values(new)))
    except IntegrityError:
        raise Conflict("The client id {client_id} is taken; choose another.", client_id=new.client_id) from None
    unit.record("identity.system-registered", system=new.client_id, body=new.body)
    return new


def replace_keys(unit: Unit, client_id: str, keys: tuple[PublicKey, ...], *, active: bool = True) -> System:
    """Give a system other keys, the old one beside the new while they change; or switch the system off."""
    _refuse_bad_keys(keys)
    known = find_system(unit, client_id)
    if known is None:
        raise NotFound("There is no system {client_id}.", client_id=client_id)
    owner = get_body(unit, known.body)
    refuse_beyond_reach(unit, owner.uscc, owner.division)
    changed = msgspec.structs.replace(known, keys=keys, active=active)
    unit.execute(update(system).where(system.c.client_id == client_id).values(**_values(changed)))
    advance(unit)
    unit.record("identity.system-changed", system=client_id, keys=[key.kid for key in keys], active=int(active))
    return changed


def find_system(unit: Unit, client_id: str) -> System | None:
    """The system with this client id."""
    row = unit.execute(deciding(system, system).where(system.c.client_id == client_id)).first()
    return _system(row) if row else None


def systems(unit: Unit, *, after: str = "", limit: int = 50) -> list[System]:
    """Systems within the actor's reach in the order of their client ids."""
    chosen = unit.rows(system, system).where(system.c.client_id > after).order_by(system.c.client_id)
    return [_system(row) for row in unit.execute(chosen.limit(limit))]


def _refuse_bad_keys(keys: Sequence[PublicKey]) -> None:
    if len(keys) > MOST_KEYS or len({key.kid for key in keys}) < len(keys):
        detail = N_("A system has at most {most} keys, each with a kid of its own.")
        facts = {"most": MOST_KEYS}
        raise Invalid(detail, violations=[Violation("$.keys", "keys", detail, facts=facts)], **facts)
    for key in keys:
        key.loaded()


def _values(entry: System) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(entry)
    return values


def _system(row: Row[Any]) -> System:
    return msgspec.convert({str(name): value for name, value in row._mapping.items()}, System)
