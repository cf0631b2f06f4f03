"""Between knowing who logs in and letting them in (登录步骤): an old password, a second factor, then the session."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import select

from gdbos.actor import Trust
from gdbos.config import Settings
from gdbos.errors import Unauthenticated
from gdbos.identity import attempt, browser
from gdbos.identity.account import AccountKind, account, greeting
from gdbos.identity.attempt import Origin
from gdbos.identity.delegation import offices
from gdbos.identity.factor import enrolled
from gdbos.identity.mandate import may_act_for
from gdbos.identity.password import expired
from gdbos.identity.proof import known_trust, lower
from gdbos.identity.session import How, Opened, end_presented, open_session
from gdbos.unit import Unit

Step = Literal["", "password", "code", "enrol"]
"""What is missing: a new password, a code of the second factor, a second factor at all; empty: nothing."""


class Entering(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has shown who they are, by a password or a provider, and is not in yet."""

    account: UUID
    how: How
    next: str = "/"
    acts_for: str = ""
    """Subject key of the enterprise they have logged in for, where the provider says so."""
    origin: Origin = Origin()
    """From where; what was charged for the attempt is settled once they are in."""


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is in."""

    account: UUID
    kind: AccountKind
    name: str
    session: Opened
    browser: str = ""
    """What the browser keeps, to be known when this account logs in again."""


def next_step(unit: Unit, entering: Entering) -> Step:
    """What this log-in still needs."""
    row = unit.execute(select(account).where(account.c.id == entering.account, ~account.c.disabled)).first()
    if row is None:
        raise _disabled()
    rules = unit.config(Settings).passwords
    if entering.how.method == "password" and (row.password_due or expired(row.password_at, rules, unit.now)):
        return "password"
    if entering.how.proven:
        return ""
    if enrolled(unit, entering.account):
        return "code"
    return "enrol" if factor_demanded(unit, entering.account, row.kind) else ""


def factor_demanded(unit: Unit, account_id: UUID, kind: str) -> bool:
    """Whether this account cannot be without a second factor: for its kind, or a role it holds."""
    held = offices(unit, account_id) if kind == "official" else []
    return bool({kind, *(post.role for post in held)} & set(unit.config(Settings).identity.second_factor))


def admit(unit: Unit, entering: Entering, presented: str) -> Admitted:
    """Open the session. :raises Unauthenticated: the account was disabled meanwhile, or something is still missing."""
    if next_step(unit, entering):
        raise _disabled()
    row = unit.execute(select(account).where(account.c.id == entering.account)).one()
    if presented:
        end_presented(unit, presented)
    _settle(unit, row.login, entering.origin)
    acts_for = entering.acts_for if row.person and may_act_for(unit, row.person, entering.acts_for) else ""
    held = offices(unit, row.id) if row.kind == "official" else []
    how = msgspec.structs.replace(entering.how, trust=lower(known_trust(unit, row.id), _shown(unit, entering.how)))
    opened = open_session(unit, row.id, how=how, post=held[0].id if held else None, acts_for=acts_for)
    name, keeps = greeting(unit, row.id, row.name), browser.token(unit, row, entering.origin.browser)
    return Admitted(account=row.id, kind=row.kind, name=name, session=opened, browser=keeps)


def _settle(unit: Unit, login: str, origin: Origin) -> None:
    known = browser.knows(unit, login, origin.browser)
    attempt.settle(unit, login, origin, known, unit.config(Settings).passwords)


def _shown(unit: Unit, how: How) -> Trust:
    """What the log-in shows: a provider's word; a password's alone, or with our second factor."""
    ours = unit.config(Settings).identity
    if how.method != "password":
        return how.trust
    return ours.factor_trust if how.proven else ours.password_trust


def _disabled() -> Unauthenticated:
    return Unauthenticated("This log-in is no longer possible; begin again.")
