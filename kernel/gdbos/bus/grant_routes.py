"""Grants over HTTP: asking, deciding, revoking."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from gdbos.actor import Actor
from gdbos.bus.derived import flaws, spelt
from gdbos.bus.grant import Grant, bus_grant, decide, draft, grant_of, new_grant, revoke
from gdbos.bus.moment import Moment, moment
from gdbos.bus.permissions import GRANTS_ASK, GRANTS_DECIDE, GRANTS_READ
from gdbos.bus.service import Offered
from gdbos.errors import Forbidden, Invalid, Violation
from gdbos.kernel import Kernel
from gdbos.text import N_
from gdbos.unit import Run, Unit

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Division = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{6}\Z")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class GrantRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a body asks to use, and what for."""

    service: Code
    version: Annotated[int, msgspec.Meta(ge=0, le=9999)] = 0
    """The version it is written for; 0: the newest."""
    system: Annotated[str, msgspec.Meta(max_length=80)] = ""
    """Which of the body's systems; a system asks for itself."""
    fields: list[Code] = []
    """Fields it needs; empty: all that the version gives today, or none where questions are asked for."""
    questions: list[Code] = []
    """What it needs to ask without receiving the value: a field, or one question about it (``birth_date age >= 18``)."""
    clear: list[Code] = []
    purpose: Words
    matters: list[Code] = []
    divisions: list[Division] = []
    """Divisions at or below which its callers sit; empty: anywhere."""
    rate: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 600
    since: Moment | None = None
    until: Moment | None = None
    legal_basis: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The provider's answer to a request."""

    approve: bool
    reason: Words


class Decisions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer to several requests that were read together."""

    grants: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=500)]
    approve: bool
    reason: Words


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: Words


class Grants(msgspec.Struct, frozen=True):
    """Grants, newest first; ``next`` is the key of the following page."""

    grants: list[Grant]
    next: UUID | None = None


class GrantRoutes(Controller):
    """Grants."""

    path = "/api/bus/grants"
    tags = ("bus",)

    @get(permission=GRANTS_READ)
    async def grants(
        self, run: NamedDependency[Run], after: FromQuery[UUID | None] = None, limit: FromQuery[Limit] = 50
    ) -> Grants:
        """The grants that concern one's own body, as consumer or as provider."""
        return await run.read(_grants, after, limit)

    @post(permission=GRANTS_ASK)
    async def ask(
        self,
        data: JSONBody[GrantRequest],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        kernel: NamedDependency[Kernel],
    ) -> Grant:
        """Ask the provider of a service for a grant."""
        offered = kernel.directory.resolve(data.service, data.version)
        return await run(_ask, data, offered, actor)

    @post("/{grant_id:uuid}/decision", permission=GRANTS_DECIDE, status_code=200)
    async def decide(self, grant_id: FromPath[UUID], data: JSONBody[Decision], run: NamedDependency[Run]) -> Grant:
        """Approve or refuse a grant that was asked for."""
        return await run(_decide, grant_id, data)

    @post("/decisions", permission=GRANTS_DECIDE, status_code=200)
    async def decide_together(self, data: JSONBody[Decisions], run: NamedDependency[Run]) -> Grants:
        """Approve or refuse several grants; all of them or, when one cannot be decided, none."""
        return await run(_decide_together, data)

    @post("/{grant_id:uuid}/revoke", permission=GRANTS_DECIDE, status_code=200)
    async def revoke(self, grant_id: FromPath[UUID], data: JSONBody[Reason], run: NamedDependency[Run]) -> Grant:
        """End a grant; the next call under it is refused."""
        return await run(_revoke, grant_id, data.reason)


ROUTES = [GrantRoutes]


def _grants(unit: Unit, after: UUID | None, limit: int) -> Grants:
    statement = unit.rows(bus_grant).order_by(bus_grant.c.id.desc()).limit(limit + 1)
    rows = unit.execute(statement.where(bus_grant.c.id < after) if after else statement).mappings().all()
    shown = [grant_of(row) for row in rows[:limit]]
    return Grants(shown, shown[-1].id if len(rows) > limit else None)


def _ask(unit: Unit, request: GrantRequest, service: Offered, actor: Actor) -> Grant:
    if not actor.body:
        raise Forbidden("Only a body can be granted a service; act from a post or as a body's system.")
    window = {n: moment(said, f"$.{n}") for n in ("since", "until") if (said := getattr(request, n)) is not None}
    if len(window) == 2 and window["until"] <= window["since"]:
        detail = N_("The grant would end before it begins.")
        raise Invalid(violations=[Violation("$.until", "order", detail)])
    asked = {name: getattr(request, name) for name in ("purpose", "rate", "legal_basis")}
    asked |= {name: tuple(getattr(request, name)) for name in ("clear", "matters", "divisions")}
    grant = new_grant(
        body=actor.body,
        system=actor.id if actor.kind == "system" else request.system,
        service=service.code,
        version=service.version,
        provider=service.provider,
        fields=_fields(unit, request, service),
        questions=tuple(spelt(words) for words in request.questions),
        asked_by=actor.id,
        **asked,
        **window,
    )
    draft(unit, grant)
    return grant


def _fields(unit: Unit, request: GrantRequest, service: Offered) -> tuple[str, ...]:
    """The fields by name, so that one which a later version adds is not granted by having asked for all of them once.

    :raises Invalid: the version gives no such field.
    """
    if service.registered is None:
        if request.questions:
            detail = N_("Only services of departments' systems answer questions; ask this one for its values.")
            raise Invalid(violations=[Violation("$.questions", "question", detail)])
        return tuple(request.fields)
    gives = unit.standards.record(service.registered.gives, unit.today)
    wrong = [
        Violation(f"$.{place}[{at}]", "unknown", N_("The service gives no field {field}."), facts={"field": name})
        for place, names in {"fields": request.fields, "clear": request.clear}.items()
        for at, name in enumerate(names)
        if name not in gives.names and (place, name) != ("clear", "*")
    ]
    for at, words in enumerate(request.questions):
        wrong += flaws(words, gives, unit.standards, f"$.questions[{at}]")
    if wrong:
        raise Invalid(violations=wrong)
    return tuple(request.fields or (() if request.questions else gives.names))


def _decide(unit: Unit, grant_id: UUID, decision: Decision) -> Grant:
    return decide(unit, grant_id, approve=decision.approve, reason=decision.reason)


def _decide_together(unit: Unit, decisions: Decisions) -> Grants:
    answer = Decision(decisions.approve, decisions.reason)
    return Grants([_decide(unit, grant_id, answer) for grant_id in decisions.grants])


def _revoke(unit: Unit, grant_id: UUID, reason: str) -> Grant:
    return revoke(unit, grant_id, reason)
