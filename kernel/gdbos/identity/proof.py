"""Showing more surely who one is (升级认证): what is weighty wants a fresh second factor, some things a level of trust."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, get_args
from uuid import UUID

from sqlalchemy import update

from gdbos.actor import Actor, Trust
from gdbos.config import Identification, Settings
from gdbos.errors import SecondFactorNeeded, TrustTooLow
from gdbos.identity.account import person_of
from gdbos.identity.deciding import deciding
from gdbos.identity.generation import advance
from gdbos.identity.person import person
from gdbos.identity.session import Opened, prove
from gdbos.plugin import Permission
from gdbos.unit import Unit

LEVELS: Final[tuple[Trust, ...]] = get_args(Trust)


def refuse_unproven(actor: Actor, permission: Permission, demanded: Identification, now: datetime) -> None:
    """Refuse what this log-in does not show surely enough. Systems prove themselves with their keys at every token.

    :raises TrustTooLow: the permission wants a higher level. :raises SecondFactorNeeded: it wants a second factor, fresh.
    """
    if actor.kind not in ("person", "official"):
        return
    refuse_untrusted(actor, trust_for(permission.name, demanded))
    within = timedelta(minutes=demanded.step_up_minutes)
    weighty = permission.weighty or _among(permission.name, demanded.step_up)
    if within and weighty and (actor.proven_at is None or now - actor.proven_at > within):
        raise SecondFactorNeeded(
            "This decides for others: show your second factor at /login/confirm, or send its code to"
            " /api/identity/me/proof, and try again within {minutes} minutes.",
            minutes=demanded.step_up_minutes,
        )


def refuse_untrusted(actor: Actor, needed: Trust) -> None:
    """Refuse a person whose log-in does not show surely enough who they are. :raises TrustTooLow: it shows less."""
    if actor.kind == "person" and actor.trust < needed:
        raise TrustTooLow(
            "This needs trust level {needed} and you have logged in at {present}; what to do is said at /account/trust.",
            needed=needed,
            present=actor.trust,
        )


def trust_for(name: str, demanded: Identification) -> Trust:
    """The level of trust that the permission ``name`` wants; L1 where it wants none."""
    wanted: list[Trust] = [level for level, names in demanded.trust.items() if _among(name, names)]
    return _highest(*wanted, "L1")


def known_trust(unit: Unit, account_id: UUID) -> Trust:
    """How surely the holder of an account is known here; officials were seen by whoever appointed them."""
    owner = person_of(unit, account_id)
    found: Trust | None = unit.execute(deciding(person, person.c.trust).where(person.c.id == owner)).scalar()
    return found or "L4"


def raise_trust(unit: Unit, person_id: UUID, shown: Trust) -> None:
    """Note that a person is known more surely than before."""
    below = [level for level in LEVELS if level < shown]
    mine = (person.c.id == person_id, person.c.trust.in_(below))
    if unit.execute(update(person).where(*mine).values(trust=shown)).rowcount:
        advance(unit)
        unit.record("identity.trust-raised", person=person_id, trust=shown)


def prove_now(unit: Unit, account_id: UUID) -> Opened:
    """Note in this session that its second factor has just been shown."""
    shown = lower(known_trust(unit, account_id), unit.config(Settings).identity.factor_trust)
    return prove(unit, _highest(shown, unit.actor.trust))


def lower(one: Trust, other: Trust) -> Trust:
    """The lower of two levels."""
    return LEVELS[min(LEVELS.index(one), LEVELS.index(other))]


def _highest(*levels: Trust) -> Trust:
    return max(levels, key=LEVELS.index)


def _among(name: str, permissions: tuple[str, ...]) -> bool:
    return any(name == one or (one.endswith(".*") and name.startswith(one[:-1])) for one in permissions)
