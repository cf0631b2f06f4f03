"""``/api/identity/imports``: an organisation from a table, as a plan that is shown before it is applied."""

from __future__ import annotations

import asyncio
from typing import Any, get_args

import msgspec
from litestar import Controller, Request, post
from litestar.di import NamedDependency

from gdbos.errors import BadRequest, Invalid, Violation
from gdbos.identity.importing import Kind, Plan, Row, Table, Undone, applied, new_logins, planned, read_table
from gdbos.identity.password import generated
from gdbos.identity.permission import IMPORT
from gdbos.kernel import Kernel
from gdbos.standards.upload import form_of, sent_table
from gdbos.text import N_
from gdbos.unit import Run


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, or what became of it."""

    plan: Plan
    applied: bool
    passwords: dict[str, str] = {}
    """The passwords of the accounts just opened, by log-in name; told this once."""


class ImportRoutes(Controller):
    """Imports."""

    path = "/api/identity/imports"
    tags = ("identity",)

    @post(permission=IMPORT, file=True, status_code=200, operation_class=form_of("kind", "digest"))
    async def bring_in(
        self, request: Request[Any, Any, Any], run: NamedDependency[Run], kernel: NamedDependency[Kernel]
    ) -> Imported:
        """Plan an import of ``bodies`` or ``officials`` from a workbook or CSV; with the plan's ``digest``, apply it."""
        sent, fields = await sent_table(request, "kind", "digest")
        kind = kind_named(fields["kind"])
        table = await asyncio.to_thread(read_table, kind, sent.file)
        plan = await plan_of(run, kind, table)
        found = Imported(plan=plan, applied=False)
        if fields["digest"]:
            found = await apply(run, kernel, plan, table, fields["digest"])
        return in_words(found, kernel, run.actor.locale)


def kind_named(said: str) -> Kind:
    """:raises Invalid: it is neither ``bodies`` nor ``officials``."""
    if said not in get_args(Kind):
        detail = N_("An import is of bodies or of officials; say which in the field kind.")
        raise Invalid(detail, violations=[Violation("$.kind", "code", detail)])
    return said  # type: ignore[return-value]


def in_words(found: Imported, kernel: Kernel, locale: str) -> Imported:
    """The same, with the reasons of refused rows in the reader's language."""

    def said(row: Row) -> Row:
        if not row.reason:
            return row
        return msgspec.structs.replace(row, reason=kernel.pages.translate(row.reason, locale, row.facts), facts={})

    plan = msgspec.structs.replace(found.plan, rows=[said(row) for row in found.plan.rows])
    return msgspec.structs.replace(found, plan=plan)


async def plan_of(run: Run, kind: Kind, table: Table) -> Plan:
    """What applying the table would do now."""
    try:
        await run(planned, kind, table)
    except Undone as undone:
        return undone.plan
    raise AssertionError("a plan is always undone")


async def apply(run: Run, kernel: Kernel, plan: Plan, table: Table, digest: str) -> Imported:
    """Apply a plan, unless it is no longer the one with this digest. Passwords are hashed beside the unit."""
    if not any(row.state in ("created", "changed") for row in plan.rows):
        raise BadRequest("The plan changes nothing; there is nothing to apply.")
    passwords = {login: generated() for login in new_logins(plan, table)} if plan.digest == digest else {}
    hashes = {login: await kernel.identity.hashing.hash(password) for login, password in passwords.items()}
    done = await run(applied, plan.kind, table, digest, hashes)
    return Imported(plan=done, applied=True, passwords=passwords)
