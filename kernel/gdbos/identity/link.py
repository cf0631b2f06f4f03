"""Whose account a provider's user has here (账户关联): found by the link of an earlier log-in, else by their number's blind index."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Column, Index, LargeBinary, String, Table, Uuid, insert, select

from gdbos.actor import Trust
from gdbos.config import Provider
from gdbos.errors import Forbidden, TrustTooLow
from gdbos.identity.account import account, find_account, open_account, person_of
from gdbos.identity.enterprise import found_enterprise
from gdbos.identity.number import checked
from gdbos.identity.person import Person, find_person, register_person
from gdbos.identity.proof import raise_trust
from gdbos.ids import new_id
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Guarded
from gdbos.subjects import enterprise_key, person_key
from gdbos.unit import Unit

link = Table(
    "identity_link",
    kernel_metadata,
    Column("provider", String(40), primary_key=True),
    Column("subject", LargeBinary(16), primary_key=True),
    Column("account", Uuid, nullable=False),
    Column("since", Instant, nullable=False),
    Index("identity_link_account", "account"),
    info={"guarded": Guarded("it holds blind indexes, and is read before anybody is known")},
)


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of a user, in our words. Its ``repr`` shows nothing personal."""

    unified: str
    name: str = ""
    citizen_id: str = ""
    phone: str = ""
    login: str = ""
    trust: Trust = "L1"
    uscc: str = ""
    enterprise: str = ""
    legal_representative: str = ""

    def __repr__(self) -> str:
        return f"Attributes({self.trust})"


def attributes(provider: Provider, claims: dict[str, Any]) -> Attributes:
    """The provider's claims as ``[identity.providers.NAME.claims]`` maps them. :raises Forbidden: it names no user."""
    said = {field: _claim(claims, path) for field, path in msgspec.structs.asdict(provider.claims).items()}
    trust = provider.levels.get(said.pop("trust"), provider.trust)
    if not said["unified"]:
        raise Forbidden("The platform does not say under which number it knows you; ask its operators.")
    return Attributes(**said, trust=trust)


def entered(unit: Unit, name: str, provider: Provider, found: Attributes) -> tuple[UUID, str]:
    """The account of the user, opened at their first log-in, and the subject key of whom they logged in for.

    :raises TrustTooLow: the provider does not know them surely enough to believe their number.
    :raises Forbidden: an official has no account here, or the provider's user has become somebody else.
    """
    if found.trust < provider.least:
        raise TrustTooLow(
            "The platform knows you at trust level {present} only and {needed} is needed here; have it check your"
            " identity and log in again.",
            present=found.trust,
            needed=provider.least,
        )
    if provider.kind == "official":
        return _linked(unit, name, found) or _official(unit, name, found), ""
    account_id = _linked(unit, name, found) or _first(unit, name, found)
    owner = person_of(unit, account_id)
    assert owner is not None
    raise_trust(unit, owner, found.trust)
    return account_id, _enterprise(unit, found)


def _linked(unit: Unit, name: str, found: Attributes) -> UUID | None:
    mine = (link.c.provider == name, link.c.subject == _blind(unit, name, found))
    account_id: UUID | None = unit.execute(select(link.c.account).where(*mine)).scalar()
    if account_id is None or not found.citizen_id:
        return account_id
    known = find_person(unit, person_key(unit.vault, found.citizen_id))
    if known is None or known.id != person_of(unit, account_id):
        raise Forbidden("The platform gives your number here to another person than before; ask its operators.")
    return account_id


def _first(unit: Unit, name: str, found: Attributes) -> UUID:
    new = Person(name=found.name, citizen_id=found.citizen_id, phone=found.phone, trust=found.trust)
    known = register_person(unit, new)
    theirs = (account.c.person == known.id, account.c.kind == "person")
    row = unit.execute(select(account.c.id).where(*theirs).order_by(account.c.opened_at)).first()
    if row is not None:
        return _link(unit, name, found, row.id)
    login = f"{name}-{new_id().hex}"
    made = open_account(unit, login=login, password_hash="", name=found.name, kind="person", person=known.id)
    return _link(unit, name, found, made)


def _official(unit: Unit, name: str, found: Attributes) -> UUID:
    known = find_account(unit, found.login) if found.login else None
    if known is None or known.kind != "official":
        raise Forbidden("You have no account here; your body's administrator opens one under your log-in name.")
    others = select(link.c.account).where(link.c.provider == name, link.c.account == known.id)
    if unit.execute(others).first():
        raise Forbidden("The platform gives your log-in name to another user than before; ask its operators.")
    return _link(unit, name, found, known.id)


def _link(unit: Unit, name: str, found: Attributes, account_id: UUID) -> UUID:
    values = {"provider": name, "subject": _blind(unit, name, found), "account": account_id, "since": unit.now}
    unit.execute(insert(link).values(values))
    unit.record("identity.account-linked", account=account_id, provider=name)
    return account_id


def _enterprise(unit: Unit, found: Attributes) -> str:
    """Subject key of the enterprise; one not known here is entered when its legal representative logs in for it."""
    if not found.uscc:
        return ""
    subject = enterprise_key(checked(unit, "uscc", found.uscc, "$.uscc"))
    own = found.legal_representative and found.legal_representative == found.citizen_id
    if own and found.enterprise:
        head = Person(name=found.name, citizen_id=found.citizen_id)
        division = unit.around.division
        found_enterprise(unit, uscc=found.uscc, name=found.enterprise, division=division, representative=head)
    return subject


def _blind(unit: Unit, name: str, found: Attributes) -> bytes:
    return unit.vault.blind(f"openid.{name}", found.unified)


def _claim(claims: dict[str, Any], path: str) -> str:
    value: Any = claims
    for step in path.split(".") if path else ():
        value = value.get(step) if isinstance(value, dict) else None
    return str(value).strip() if isinstance(value, str | int) and path else ""
