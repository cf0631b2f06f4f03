"""The console's pages of rights: which role may do what, why a decision falls as it does, and what was done."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import select

from gdbos.console.organisation import matrix
from gdbos.console.permissions import AUDIT_READ
from gdbos.errors import Problem
from gdbos.identity.account import account, find_account
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.explain import Explained, actor_named, explain, permission_named, resource_named
from gdbos.identity.permission import EXPLAIN, READ
from gdbos.kernel import Kernel
from gdbos.ledger.search import Results, Wanted, search
from gdbos.pages.render import Page
from gdbos.unit import Run, Unit

Word = FromQuery[Annotated[str, QueryParameter(max_length=200)]]
Day = FromQuery[date | None]


class AccessPages(Controller):
    """Roles, decisions, audit."""

    path = "/console"

    @get("/roles", permission=READ)
    async def roles(self, run: NamedDependency[Run], kernel: NamedDependency[Kernel]) -> Page:
        """Which role may do what here."""
        return Page("console/roles.html", {"found": await run.read(matrix, kernel.permissions)})

    @get("/decisions", permission=EXPLAIN)
    async def decisions(
        self,
        run: NamedDependency[Run],
        kernel: NamedDependency[Kernel],
        who: Word = "",
        does: Word = "",
        to: Word = "",
    ) -> Page:
        """Why somebody may do something, or may not: every rule that spoke."""
        found, problem = None, None
        try:
            found = await explained(run, kernel, who.strip(), does, to.strip()) if who and does else None
        except Problem as failure:
            problem = failure
        asked = {"who": who, "does": does, "to": to}
        listed = sorted(kernel.permissions, key=lambda one: one.name)
        context = {"found": found, "problem": problem, "asked": asked, "permissions": listed}
        return Page("console/decisions.html", context, status=problem.status if problem else 200)

    @get("/audit", permission=AUDIT_READ)
    async def audit(
        self,
        run: NamedDependency[Run],
        act: Word = "",
        by: Word = "",
        of: Word = "",
        since: Day = None,
        until: Day = None,
        before: FromQuery[Annotated[int, QueryParameter(ge=0)]] = 0,
    ) -> Page:
        """Search what was done to the node: by act, actor, object and period."""
        asked = {"act": act.strip(), "by": by.strip(), "of": of.strip(), "since": since, "until": until}
        found, logins = await run(search_audit, asked, before)
        kept = {name: value for name, value in asked.items() if value}
        turn = f"/console/audit?{urlencode({**kept, 'before': found.before})}" if found.before else ""
        first = f"/console/audit?{urlencode(kept)}" if before else ""
        return Page(
            "console/audit.html", {"found": found, "logins": logins, "asked": asked, "next": turn, "first": first}
        )


async def explained(run: Run, kernel: Kernel, actor: str, action: str, resource: str) -> Explained:
    """Explain a decision about somebody: who they are is looked up past every reach, a row only within one's own."""
    about = await run.read(resource_named, kernel.tables, resource)
    who = await kernel.units.read(IDENTITY, actor_named, actor)
    return explain(who, actor, permission_named(kernel.permissions, action), resource or "-", about)


def search_audit(unit: Unit, asked: dict[str, Any], before: int) -> tuple[Results, dict[str, str]]:
    """A page of the audit log, and log-in names of who acted. That it was searched, and by what, is itself on record."""
    wanted = Wanted(
        act=asked["act"],
        actors=_actors(unit, asked["by"]),
        object=asked["of"],
        since=_morning(unit, asked["since"]),
        until=_morning(unit, asked["until"] + timedelta(days=1) if asked["until"] else None),
    )
    found = search(unit.connection, wanted, before)
    unit.record("ledger.audit-searched", by=sorted(name for name, value in asked.items() if value), before=before)
    return found, _logins(unit, found)


def _actors(unit: Unit, said: str) -> frozenset[str]:
    known = find_account(unit, said) if said else None
    return frozenset({said, str(known.id)} if known else {said} if said else ())


def _morning(unit: Unit, day: date | None) -> datetime | None:
    return datetime.combine(day, time(), tzinfo=unit.around.zone) if day else None


def _logins(unit: Unit, found: Results) -> dict[str, str]:
    links = {link.partition(":")[2] for entry in found.entries for link in entry.acting if link.startswith("official:")}
    ids = [UUID(one) for one in links]
    return {
        str(row.id): row.login
        for row in unit.execute(select(account.c.id, account.c.login).where(account.c.id.in_(ids)))
    }
