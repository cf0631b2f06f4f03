"""Accounts: by what someone logs in."""

from __future__ import annotations

import unicodedata
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Boolean, Column, Index, LargeBinary, Row, String, Table, Uuid, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from gdbos.errors import Conflict, Invalid, NotFound, Violation
from gdbos.identity.generation import advance
from gdbos.ids import new_id
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Guarded
from gdbos.text import N_
from gdbos.unit import Unit
from gdbos.vault import Sealed

AccountKind = Literal["person", "official"]

account = Table(
    "identity_account",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("login", String(100), nullable=False, unique=True),
    Column("password", String(200), nullable=False),
    Column("password_at", Instant, nullable=False),
    Column("password_due", Boolean, nullable=False),  # told by somebody else: its holder replaces it at the next log-in
    Column("kind", String(8), nullable=False),
    Column("person", Uuid),
    Column("name", LargeBinary, nullable=False, info={"sealed": Sealed()}),
    Column("disabled", Boolean, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Index("identity_account_person", "person"),
    Index(
        "identity_account_persons_one",
        "person",
        unique=True,
        sqlite_where=text("kind = 'person'"),
        postgresql_where=text("kind = 'person'"),
    ),
    info={
        "guarded": Guarded("it is read before anybody is known, and only by identity. Lists of accounts show no names")
    },
)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account as administrators see it: whose name it is stays sealed."""

    id: UUID
    login: str
    kind: AccountKind
    disabled: bool


def login_of(typed: str) -> str:
    """A log-in name as it is compared: composed (NFC), case folded, without blanks around it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", typed).strip().casefold())


def open_account(
    unit: Unit,
    *,
    login: str,
    password_hash: str,
    name: str,
    kind: AccountKind,
    person: UUID | None = None,
    due: bool = False,
) -> UUID:
    """Open an account. :raises Conflict: the log-in name is taken. :raises Invalid: it is empty or too long.

    :param due: whether its holder did not choose the password, and has to at the first log-in.
    """
    folded = login_of(login)
    if not 2 <= len(folded) <= 100 or not folded.isprintable():
        detail = N_("A log-in name has 2 to 100 visible characters.")
        raise Invalid(detail, violations=[Violation("$.login", "length", detail)])
    if find_account(unit, folded) is not None:
        raise Conflict("This log-in name is taken; choose another.")
    if kind == "person" and _has_account(unit, person):
        raise Conflict("This person has an account already; it can be recovered, a second one cannot be opened.")
    row = new_id()
    values = {
        "id": row,
        "login": folded,
        "password": password_hash,
        "password_at": unit.now,
        "password_due": due,
        "kind": kind,
        "person": person,
        "name": unit.vault.seal(name, table=account.name, column="name", row=row),
        "disabled": False,
        "opened_at": unit.now,
    }
    try:
        unit.execute(insert(account).values(values))
    except IntegrityError:  # somebody else did it at this very moment
        raise Conflict(
            "This log-in name is taken, or the person has an account already; choose another name."
        ) from None
    unit.record("identity.account-opened", account=row, of=kind)
    return row


def _has_account(unit: Unit, person: UUID | None) -> bool:
    theirs = select(account.c.id).where(account.c.person == person, account.c.kind == "person")
    return person is not None and unit.execute(theirs).first() is not None


def set_password(unit: Unit, account_id: UUID, password_hash: str, *, due: bool = False) -> None:
    """Replace a password. Ending the account's sessions is the caller's choice (``session.end_all``).

    :param due: whether it was not chosen by the account's holder, who then replaces it at the next log-in.
    """
    _change(unit, account_id, password=password_hash, password_at=unit.now, password_due=due)
    unit.record("identity.password-set", account=account_id)


def disable(unit: Unit, account_id: UUID) -> None:
    """End an account's access at the next request it makes, on every worker."""
    _change(unit, account_id, disabled=True)
    advance(unit)
    unit.record("identity.account-disabled", account=account_id)


def restore(unit: Unit, account_id: UUID) -> None:
    """Let a disabled account log in again."""
    _change(unit, account_id, disabled=False)
    advance(unit)
    unit.record("identity.account-restored", account=account_id)


def find_account(unit: Unit, login: str) -> Account | None:
    """The account with this log-in name."""
    row = unit.execute(select(account).where(account.c.login == login_of(login))).first()
    return as_account(row) if row else None


def get_account(unit: Unit, account_id: UUID) -> Account:
    """:raises NotFound: there is none."""
    row = unit.execute(select(account).where(account.c.id == account_id)).first()
    if row is None:
        raise NotFound("There is no account {account}.", account=account_id)
    return as_account(row)


def person_of(unit: Unit, account_id: UUID) -> UUID | None:
    """Row id of the person whose account it is; None for officials who are not entered as persons."""
    found: UUID | None = unit.execute(select(account.c.person).where(account.c.id == account_id)).scalar()
    return found


def has_password(unit: Unit, account_id: UUID) -> bool:
    """Whether the account logs in with a password; those that a provider opened have none."""
    return bool(unit.execute(select(account.c.password).where(account.c.id == account_id)).scalar())


def any_account(unit: Unit) -> bool:
    """Whether anybody can log in at all."""
    return unit.execute(select(account.c.id).limit(1)).first() is not None


def greeting(unit: Unit, account_id: UUID, sealed: bytes) -> str:
    """The name an account is greeted by."""
    return unit.vault.open(sealed, table=account.name, column="name", row=account_id).decode()


def _change(unit: Unit, account_id: UUID, **values: Any) -> None:
    if unit.execute(update(account).where(account.c.id == account_id).values(values)).rowcount == 0:
        raise NotFound("There is no account {account}.", account=account_id)


def as_account(row: Row[Any]) -> Account:
    """A row of this table, without what is secret or sealed."""
    return Account(id=row.id, login=row.login, kind=row.kind, disabled=row.disabled)
