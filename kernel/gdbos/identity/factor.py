"""The second factor (第二因素): codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy import BigInteger, Column, LargeBinary, Table, Uuid, delete, insert, select, update

from gdbos.errors import Conflict, Forbidden
from gdbos.identity import attempt
from gdbos.identity.session import digest
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Guarded
from gdbos.unit import Unit
from gdbos.vault import Sealed

STEP: Final = 30
"""Seconds one code is shown for."""
DRIFT: Final = 1
"""Steps by which a telephone's clock may be wrong, each way."""
RECOVERY_CODES: Final = 10

factor = Table(
    "identity_factor",
    kernel_metadata,
    Column("account", Uuid, primary_key=True),
    Column("secret", LargeBinary, nullable=False, info={"sealed": Sealed()}),
    Column("since", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("last_step", BigInteger, nullable=False),
    info={"guarded": Guarded("it is read for the account that is logging in, before anybody is known")},
)

recovery = Table(
    "identity_recovery",
    kernel_metadata,
    Column("account", Uuid, primary_key=True),
    Column("code", LargeBinary(32), primary_key=True),
    info={"guarded": Guarded("digests of codes, found by their account only")},
)


class Enrolment(msgspec.Struct, frozen=True):
    """What an authenticator app needs. Its ``repr`` does not show the secret."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        return "Enrolment()"


def enrolled(unit: Unit, account_id: UUID) -> datetime | None:
    """Since when the account has a second factor; None while it has none."""
    found: datetime | None = unit.execute(select(factor.c.confirmed_at).where(factor.c.account == account_id)).scalar()
    return found


def enrol(unit: Unit, account_id: UUID) -> None:
    """Make a secret of 160 bits that counts once a code of it has been shown (:func:`confirm`).

    :raises Conflict: the account has a second factor; that one is removed first.
    """
    if enrolled(unit, account_id):
        raise Conflict("This account has a second factor already; remove it before you set up another.")
    unit.execute(delete(factor).where(factor.c.account == account_id))
    sealed = unit.vault.seal(random_base32(), table=factor.name, column="secret", row=account_id)
    unit.execute(insert(factor).values(account=account_id, secret=sealed, since=unit.now, last_step=0))


def enrolment(unit: Unit, account_id: UUID, login: str, issuer: str) -> Enrolment | None:
    """What to put into the app while the factor is not confirmed; never shown afterwards."""
    row = unit.execute(select(factor).where(factor.c.account == account_id)).first()
    if row is None or row.confirmed_at is not None:
        return None
    secret = _opened(unit, account_id, row.secret)
    return Enrolment(secret, TOTP(secret, interval=STEP).provisioning_uri(name=login, issuer_name=issuer))


def confirm(unit: Unit, account_id: UUID, code: str) -> list[str] | None:
    """Let the factor count from now on; returns the recovery codes, told this once. None: the code is not right."""
    waiting = select(factor.c.account).where(factor.c.account == account_id, factor.c.confirmed_at.is_(None))
    if unit.execute(waiting).first() is None or not _spend_step(unit, account_id, "".join(code.split())):
        return None
    unit.execute(update(factor).where(factor.c.account == account_id).values(confirmed_at=unit.now))
    attempt.clear(unit, _name(account_id))
    unit.record("identity.second-factor-set", account=account_id)
    return new_recovery_codes(unit, account_id)


def new_recovery_codes(unit: Unit, account_id: UUID) -> list[str]:
    """Fresh recovery codes of 80 bits, told this once; those before them are worth nothing."""
    unit.execute(delete(recovery).where(recovery.c.account == account_id))
    codes = ["-".join(secrets.token_hex(2) for _ in range(5)) for _ in range(RECOVERY_CODES)]
    unit.execute(insert(recovery), [{"account": account_id, "code": digest(code)} for code in codes])
    unit.record("identity.recovery-codes-made", account=account_id)
    return codes


def recovery_left(unit: Unit, account_id: UUID) -> int:
    """How many recovery codes have not been used."""
    return len(unit.execute(select(recovery.c.code).where(recovery.c.account == account_id)).all())


def charge(unit: Unit, account_id: UUID, allowed: int) -> None:
    """Take one try from what this account's second factor has left, before the code is looked at and in a unit of its own.

    :raises TooMany: none is left.
    """
    attempt.charge(unit, _name(account_id), allowed)


def show(unit: Unit, account_id: UUID, code: str) -> bool:
    """Whether ``code`` is the account's second factor now. A code of the app or of recovery counts once and never again."""
    bare = "".join(code.split())
    confirmed = enrolled(unit, account_id) is not None
    right = confirmed and (_spend_step(unit, account_id, bare) or _spend_recovery(unit, account_id, bare))
    if right:
        attempt.clear(unit, _name(account_id))
    else:
        unit.record("identity.second-factor-refused", account=account_id)
    return right


def remove(unit: Unit, account_id: UUID) -> bool:
    """Take the second factor and its recovery codes away; whether there was one."""
    gone = unit.execute(delete(factor).where(factor.c.account == account_id)).rowcount
    unit.execute(delete(recovery).where(recovery.c.account == account_id))
    if gone:
        unit.record("identity.second-factor-removed", account=account_id)
    return bool(gone)


def wrong_code() -> Forbidden:
    """One answer, whichever kind of code it was meant to be."""
    return Forbidden("The code is not right, or was used before; wait for the next one.")


def _spend_step(unit: Unit, account_id: UUID, code: str) -> bool:
    row = unit.execute(select(factor).where(factor.c.account == account_id).with_for_update()).first()
    if row is None:
        return False
    totp = TOTP(_opened(unit, account_id, row.secret), interval=STEP)
    present = int(unit.now.timestamp()) // STEP
    steps = range(present - DRIFT, present + DRIFT + 1)
    # Every step is compared, so that time does not tell which one was near.
    right = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())]
    fresh = [step for step in right if step > row.last_step]
    if fresh:
        unit.execute(update(factor).where(factor.c.account == account_id).values(last_step=fresh[0]))
    return bool(fresh)


def _spend_recovery(unit: Unit, account_id: UUID, code: str) -> bool:
    mine = (recovery.c.account == account_id, recovery.c.code == digest(code.lower()))
    spent = unit.execute(delete(recovery).where(*mine)).rowcount == 1
    if spent:
        unit.record("identity.recovery-code-used", account=account_id)
    return spent


def _name(account_id: UUID) -> str:
    return f"second factor {account_id}"


def _opened(unit: Unit, account_id: UUID, sealed: bytes) -> str:
    return unit.vault.open(sealed, table=factor.name, column="secret", row=account_id).decode()
