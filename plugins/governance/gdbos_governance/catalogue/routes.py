"""``/api/governance/catalogue``: resources, their mounts, the mount rate."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from gdbos import Bus, Run

from . import mount, objection, probe, resource
from .mount import Mount, Mounting, Reason
from .objection import Answered, Objection, Raised
from .permissions import ENTER, MOUNT, OBJECT, PUBLISH, READ
from .rate import Rates, RatesAsked, rates
from .resource import Done, Entry, Listed, Shown
from .withdrawal import withdraw

Query = Annotated[str, msgspec.Meta(max_length=100)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]
Division = Annotated[str, msgspec.Meta(pattern=r"\A([0-9]{6})?\Z")]
Uscc = Annotated[str, msgspec.Meta(max_length=18)]


class Reasoned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: Reason


class Mounts(msgspec.Struct, frozen=True):
    """Mounts of one resource, newest first."""

    mounts: list[Mount]


class Objections(msgspec.Struct, frozen=True):
    """Objections to one resource that concern one's body, newest first."""

    objections: list[Objection]


class Catalogue(Controller):
    """The catalogue of data resources (数据资源目录)."""

    tags = ("governance.catalogue",)

    @get("/resources", permission=READ)
    async def list_resources(
        self,
        run: NamedDependency[Run],
        q: FromQuery[Query] = "",
        after: FromQuery[UUID | None] = None,
        limit: FromQuery[Limit] = 20,
    ) -> Listed:
        """The catalogue: the best finds of ``q``, or all published resources, newest first."""
        return await run.read(resource.published, q, after, limit)

    @get("/own", permission=READ)
    async def list_own(
        self, run: NamedDependency[Run], after: FromQuery[UUID | None] = None, limit: FromQuery[Limit] = 20
    ) -> Listed:
        """The resources of one's own body in every state, newest first."""
        return await run.read(resource.of_own_body, after, limit)

    @post("/resources", permission=ENTER)
    async def enter(self, data: JSONBody[Entry], run: NamedDependency[Run]) -> Done:
        """Enter a data resource of one's own body, as a draft."""
        return await run(resource.enter, data)

    @get("/resources/{resource_id:uuid}", permission=READ)
    async def get_resource(self, resource_id: FromPath[UUID], run: NamedDependency[Run]) -> Shown:
        """One resource."""
        return await run.read(resource.find, resource_id)

    @post("/resources/{resource_id:uuid}/sign-off", permission=PUBLISH, status_code=200)
    async def sign_off(self, resource_id: FromPath[UUID], run: NamedDependency[Run]) -> Done:
        """Publish a draft that another official of one's body entered."""
        return await run(resource.sign_off, resource_id)

    @post("/resources/{resource_id:uuid}/withdraw", permission=PUBLISH, status_code=200)
    async def withdraw(self, resource_id: FromPath[UUID], data: JSONBody[Reasoned], run: NamedDependency[Run]) -> Done:
        """Take a resource out of the catalogue."""
        return await run(withdraw, resource_id, data.reason)

    @get("/resources/{resource_id:uuid}/mounts", permission=READ)
    async def list_mounts(self, resource_id: FromPath[UUID], run: NamedDependency[Run]) -> Mounts:
        """The mounts of a resource of one's own body."""
        return Mounts(await run.read(mount.mounts, resource_id))

    @post("/resources/{resource_id:uuid}/mounts", permission=MOUNT)
    async def mount(
        self,
        resource_id: FromPath[UUID],
        data: JSONBody[Mounting],
        run: NamedDependency[Run],
        bus: NamedDependency[Bus],
    ) -> Done:
        """Ask to mount a resource on a service of one's own body."""
        return await run(mount.ask, resource_id, data, bus.door.directory.resolve(data.service))

    @post("/mounts/{mount_id:uuid}/confirm", permission=MOUNT, status_code=200)
    async def confirm(self, mount_id: FromPath[UUID], run: NamedDependency[Run]) -> Done:
        """Confirm a mount that another official of one's body asked for."""
        return await run(mount.confirm, mount_id)

    @post("/mounts/{mount_id:uuid}/probe", permission=MOUNT, status_code=200)
    async def probe(self, mount_id: FromPath[UUID], run: NamedDependency[Run], bus: NamedDependency[Bus]) -> Mount:
        """Probe a mount now, by a call on the bus."""
        return await probe.probe(bus, run, mount_id)

    @post("/mounts/{mount_id:uuid}/end", permission=MOUNT, status_code=200)
    async def end(self, mount_id: FromPath[UUID], data: JSONBody[Reasoned], run: NamedDependency[Run]) -> Done:
        """Take a mount away."""
        return await run(mount.end, mount_id, data.reason)

    @get("/resources/{resource_id:uuid}/objections", permission=READ)
    async def list_objections(self, resource_id: FromPath[UUID], run: NamedDependency[Run]) -> Objections:
        """The objections to a resource that one's body raised or has to answer."""
        return Objections(await run.read(objection.objections, resource_id))

    @post("/resources/{resource_id:uuid}/objections", permission=OBJECT)
    async def object_to(self, resource_id: FromPath[UUID], data: JSONBody[Raised], run: NamedDependency[Run]) -> Done:
        """Object to a resource of another body; replies that hold the data tell of it until the objection is closed."""
        return await run(objection.raise_objection, resource_id, data)

    @post("/objections/{objection_id:uuid}/answer", permission=OBJECT, status_code=200)
    async def answer_objection(
        self, objection_id: FromPath[UUID], data: JSONBody[Answered], run: NamedDependency[Run]
    ) -> Done:
        """Answer an objection to a resource of one's own body."""
        return await run(objection.answer, objection_id, data)

    @post("/objections/{objection_id:uuid}/close", permission=OBJECT, status_code=200)
    async def close_objection(self, objection_id: FromPath[UUID], run: NamedDependency[Run]) -> Done:
        """Close an objection that one's body raised."""
        return await run(objection.close, objection_id)

    @get("/rates", permission=READ)
    async def rates(
        self, run: NamedDependency[Run], provider: FromQuery[Uscc] = "", division: FromQuery[Division] = ""
    ) -> Rates:
        """The mount rate with its formula, per body."""
        return await run.read(rates, RatesAsked(body=provider, division=division))
