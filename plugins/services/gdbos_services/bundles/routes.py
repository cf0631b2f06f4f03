"""Bundles over HTTP: ``/api/services/bundles``."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody

from gdbos import PUBLIC, Bus, Run, Standards, Text, Unit

from . import bundle
from .application import Brought
from .fill import fill, refuse_names
from .form_view import FormView
from .mine import Limit, MineList
from .permission import APPLY
from .plan import Guidance, Plan, find, plans
from .record import Done
from .view import BundleView

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Answers = Annotated[dict[Code, Any], msgspec.Meta(max_length=500)]
Value = Annotated[str, msgspec.Meta(max_length=120)]
OTHER_STATE = {409: ResponseSpec(None, description="The bundle is in another state than the act needs")}


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request brings in."""


class NewBundle(Asked, frozen=True, kw_only=True):
    """What is needed: the plan, and an answer to each question of its guidance."""

    bundle: Code
    guidance: Annotated[dict[Code, Value], msgspec.Meta(max_length=50)] = {}


class Answered(Asked, frozen=True, kw_only=True):
    """Answers by element."""

    answers: Answers


class HandedIn(Asked, frozen=True, kw_only=True):
    """What is handed in: further answers, and materials."""

    answers: Answers = {}
    materials: Annotated[tuple[Brought, ...], msgspec.Meta(max_length=100)] = ()


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as anybody may see it: what it does, and what decides which matters are needed."""

    bundle: str
    title: Text
    summary: Text
    version: int
    matters: list[str]
    guidance: list[Guidance]


class Plans(msgspec.Struct, frozen=True):
    """What can be got done at once here."""

    bundles: list[PlanView]


class Bundles(Controller):
    """Bundles (高效办成一件事)."""

    tags = ("bundles",)

    @get(permission=APPLY)
    async def mine(
        self, bus: NamedDependency[Bus], after: FromQuery[UUID | None] = None, limit: FromQuery[Limit] = 20
    ) -> MineList:
        """One's own bundles, the newest first."""
        return await mine(bus, after, limit)

    @get("/plans", permission=PUBLIC)
    async def plans(self, run: NamedDependency[Run]) -> Plans:
        """What can be got done at once here, and the questions that come first."""
        return Plans([plan_view(one) for one in await run.read(plans_now)])

    @post(permission=APPLY)
    async def start(
        self,
        data: JSONBody[NewBundle],
        run: NamedDependency[Run],
        bus: NamedDependency[Bus],
        standards: NamedDependency[Standards],
    ) -> Done:
        """Say what is needed; each department concerned gets a draft, and the form is filled in with what is known."""
        done = await run(bundle.start, data.bundle, data.guidance)
        return await fill(done, run, bus, standards)

    @get("/{bundle_id:uuid}", permission=APPLY)
    async def bundle(self, bundle_id: FromPath[UUID], bus: NamedDependency[Bus]) -> BundleView:
        """How a bundle and each of its cases stand; at the end, what it took."""
        return await progress(bus, bundle_id)

    @get("/{bundle_id:uuid}/form", permission=APPLY)
    async def form(self, bundle_id: FromPath[UUID], bus: NamedDependency[Bus]) -> FormView:
        """The one form: each element once, what is known filled in with its source."""
        return await form(bus, bundle_id)

    @put("/{bundle_id:uuid}/answers", permission=APPLY, responses=OTHER_STATE)
    async def answer(
        self,
        bundle_id: FromPath[UUID],
        data: JSONBody[Answered],
        run: NamedDependency[Run],
        bus: NamedDependency[Bus],
        standards: NamedDependency[Standards],
    ) -> Done:
        """Keep answers, complete or not; what follows from them is filled in."""
        done = await run(bundle.answer, bundle_id, data.answers)
        return await fill(done, run, bus, standards)

    @post("/{bundle_id:uuid}/submit", permission=APPLY, status_code=200, responses=OTHER_STATE)
    async def submit(
        self,
        bundle_id: FromPath[UUID],
        data: JSONBody[HandedIn],
        run: NamedDependency[Run],
        bus: NamedDependency[Bus],
        standards: NamedDependency[Standards],
    ) -> Done:
        """Hand the one form in."""
        await refuse_names(bundle_id, data.answers, run, bus, standards)
        return await run(bundle.submit, bundle_id, data.answers, data.materials)


async def mine(bus: Bus, after: UUID | None, limit: int) -> MineList:
    """One's own bundles, through the bus."""
    reply = await bus.call("services.bundles.mine", {"after": after and str(after), "limit": limit})
    return msgspec.convert(reply.value, MineList)


async def progress(bus: Bus, bundle_id: UUID) -> BundleView:
    """How a bundle stands, through the bus."""
    reply = await bus.call("services.bundles.bundle", {"bundle": str(bundle_id)})
    return msgspec.convert(reply.value, BundleView)


async def form(bus: Bus, bundle_id: UUID) -> FormView:
    """The one form, through the bus."""
    reply = await bus.call("services.bundles.form", {"bundle": str(bundle_id)})
    return msgspec.convert(reply.value, FormView)


def plan_view(one: Plan) -> PlanView:
    """A plan for anybody."""
    return PlanView(
        bundle=one.id,
        title=one.title,
        summary=one.summary,
        version=one.version,
        matters=list(one.matters),
        guidance=list(one.guidance),
    )


def plan_now(unit: Unit, plan_id: str) -> Plan:
    """The plan in use today."""
    return find(unit.standards, plan_id, unit.today)


def plans_now(unit: Unit) -> list[Plan]:
    """Every plan in use today."""
    return plans(unit.standards, unit.today)


ROUTES = [Bundles]
