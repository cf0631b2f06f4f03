"""Console pages of the catalogue: find, enter, sign off, mount, probe, and the rate that comes of it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos import (
    N_,
    Actor,
    Bus,
    Invalid,
    Offered,
    Page,
    Permission,
    Problem,
    Run,
    Standards,
    Unit,
    Violation,
    Wrong,
    decoded,
    filled,
    wrong_of,
)

from . import mount, objection, probe, resource
from .mount import Mounting
from .objection import Answered, Raised
from .permissions import ENTER, MOUNT, OBJECT, PUBLISH, READ
from .rate import Rates, RatesAsked, rates
from .resource import NOT_SHARED, Entry, Listed
from .routes import Query, Reasoned
from .withdrawal import withdraw

HOME = "/console/catalogue"
Asked = Request[Any, Any, Any]
LISTS = {
    "class": "catalogue.resource-class",
    "base": "catalogue.base-library",
    "format": "catalogue.resource-format",
    "sharing_attribute": "catalogue.sharing-attribute",
    "sharing_way": "catalogue.sharing-way",
    "open_attribute": "catalogue.open-attribute",
    "update_cycle": "catalogue.update-cycle",
    "grade": "data.grade",
}
"""The code list of each coded field."""
ASK = Permission("governance.sharing.request", "")
CHECK = Permission("governance.quality.check", "")
"""Rights of features that build on this one: only whoever holds them is shown the way there."""
FIRST = {"format": "6", "sharing_way": ["14"], "open_attribute": "3", "grade": "general", "class": "3"}
"""What a new form proposes."""


class CataloguePages(Controller):
    """The catalogue in the console."""

    path = HOME

    @get("/", permission=READ)
    async def shelf(
        self,
        run: NamedDependency[Run],
        q: FromQuery[Query] = "",
        own: FromQuery[bool] = False,
        after: FromQuery[UUID | None] = None,
    ) -> Page:
        """The catalogue with its search, or the resources of one's own body."""
        listed, counted, words = await run.read(_shelf, q, own, after)
        return Page(
            "governance.catalogue/list.html",
            {"listed": listed, "rates": counted, "codes": words, "q": q, "own": own, "after": after},
        )

    @get("/rates", permission=READ)
    async def rate(self, run: NamedDependency[Run]) -> Page:
        """The mount rate, its formula and the bodies behind it."""
        return Page("governance.catalogue/rate.html", {"rates": await run.read(rates, RatesAsked())})

    @get("/enter", permission=ENTER)
    async def form(
        self, run: NamedDependency[Run], actor: NamedDependency[Actor], bus: NamedDependency[Bus], service: Service = ""
    ) -> Page:
        """The form for a new resource; its items may be taken from a service of one's body."""
        values = {**FIRST, "items": await run.read(_items_of, _chosen(bus, actor, service))}
        return await _form(run, bus, actor, values, service=service)

    @post("/enter", permission=ENTER)
    async def enter(
        self, request: Asked, run: NamedDependency[Run], actor: NamedDependency[Actor], bus: NamedDependency[Bus]
    ) -> Page | Redirect:
        """Enter a resource; what is wrong is said on the same page."""
        values = filled(await request.form(), lists=("sharing_way",))
        try:
            done = await run(resource.enter, decoded({**values, "items": _items(values.get("items", ""))}, Entry))
        except Problem as problem:
            return await _form(run, bus, actor, values, wrong=wrong_of(problem))
        return _to(f"{HOME}/{done.id}?done=entered")

    @get("/{resource_id:uuid}", permission=READ)
    async def show(
        self,
        resource_id: FromPath[UUID],
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        bus: NamedDependency[Bus],
        done: Notice = "",
    ) -> Page:
        """One resource, with what may be done next."""
        return await _page(resource_id, run, actor, bus, done=done)

    @post("/{resource_id:uuid}/sign-off", permission=PUBLISH)
    async def sign_off(self, resource_id: FromPath[UUID], run: NamedDependency[Run]) -> Redirect:
        """Publish a draft."""
        await run(resource.sign_off, resource_id)
        return _to(f"{HOME}/{resource_id}?done=published")

    @post("/{resource_id:uuid}/withdraw", permission=PUBLISH)
    async def withdraw(self, resource_id: FromPath[UUID], request: Asked, run: NamedDependency[Run]) -> Redirect:
        """Take a resource out of the catalogue."""
        await run(withdraw, resource_id, decoded(filled(await request.form()), Reasoned).reason)
        return _to(f"{HOME}/{resource_id}?done=withdrawn")

    @post("/{resource_id:uuid}/mount", permission=MOUNT)
    async def mount(
        self,
        resource_id: FromPath[UUID],
        request: Asked,
        run: NamedDependency[Run],
        actor: NamedDependency[Actor],
        bus: NamedDependency[Bus],
    ) -> Page | Redirect:
        """Ask for a mount; what is wrong is said on the same page."""
        values = filled(await request.form())
        try:
            wanted = decoded({**values, "samples": _samples(values.get("samples", ""))}, Mounting)
            await run(mount.ask, resource_id, wanted, bus.door.directory.resolve(wanted.service))
        except Problem as problem:
            return await _page(resource_id, run, actor, bus, values=values, wrong=wrong_of(problem))
        return _to(f"{HOME}/{resource_id}?done=asked")

    @post("/{resource_id:uuid}/mounts/{mount_id:uuid}/confirm", permission=MOUNT)
    async def confirm(
        self,
        resource_id: FromPath[UUID],
        mount_id: FromPath[UUID],
        run: NamedDependency[Run],
        bus: NamedDependency[Bus],
    ) -> Redirect:
        """Confirm a mount, and probe it at once."""
        await run(mount.confirm, mount_id)
        return await _probed(resource_id, mount_id, run, bus)

    @post("/{resource_id:uuid}/mounts/{mount_id:uuid}/probe", permission=MOUNT)
    async def probe(
        self,
        resource_id: FromPath[UUID],
        mount_id: FromPath[UUID],
        run: NamedDependency[Run],
        bus: NamedDependency[Bus],
    ) -> Redirect:
        """Probe a mount now."""
        return await _probed(resource_id, mount_id, run, bus)

    @post("/{resource_id:uuid}/mounts/{mount_id:uuid}/end", permission=MOUNT)
    async def end(
        self, resource_id: FromPath[UUID], mount_id: FromPath[UUID], request: Asked, run: NamedDependency[Run]
    ) -> Redirect:
        """Take a mount away."""
        await run(mount.end, mount_id, decoded(filled(await request.form()), Reasoned).reason)
        return _to(f"{HOME}/{resource_id}?done=ended")

    @post("/{resource_id:uuid}/objections", permission=OBJECT)
    async def object_to(self, resource_id: FromPath[UUID], request: Asked, run: NamedDependency[Run]) -> Redirect:
        """Object to a resource of another body."""
        await run(objection.raise_objection, resource_id, decoded(filled(await request.form()), Raised))
        return _to(f"{HOME}/{resource_id}?done=objected")

    @post("/{resource_id:uuid}/objections/{objection_id:uuid}/answer", permission=OBJECT)
    async def answer_objection(
        self, resource_id: FromPath[UUID], objection_id: FromPath[UUID], request: Asked, run: NamedDependency[Run]
    ) -> Redirect:
        """Answer an objection."""
        await run(objection.answer, objection_id, decoded(filled(await request.form()), Answered))
        return _to(f"{HOME}/{resource_id}?done=answered")

    @post("/{resource_id:uuid}/objections/{objection_id:uuid}/close", permission=OBJECT)
    async def close_objection(
        self, resource_id: FromPath[UUID], objection_id: FromPath[UUID], run: NamedDependency[Run]
    ) -> Redirect:
        """Close an objection."""
        await run(objection.close, objection_id)
        return _to(f"{HOME}/{resource_id}?done=closed")


Service = FromQuery[Annotated[str, msgspec.Meta(max_length=120)]]
Notice = FromQuery[Annotated[str, msgspec.Meta(max_length=20)]]


def codes(standards: Standards, on: Any) -> dict[str, dict[str, Any]]:
    """What the codes of each coded field are called on that day."""
    return {name: {row.code: row.title for row in standards.codes(list_, on)} for name, list_ in LISTS.items()}


def _shelf(unit: Unit, q: str, own: bool, after: UUID | None) -> tuple[Listed, Rates, Any]:
    listed = resource.of_own_body(unit, after) if own else resource.published(unit, q, after)
    return listed, rates(unit, RatesAsked()), codes(unit.standards, unit.today)


def _own_services(bus: Bus, actor: Actor) -> list[Offered]:
    """Registered services of the actor's body that can carry a resource."""
    every = bus.door.directory.all()
    return [one for one in every if one.registered and one.provider == actor.body and one.effect == "read"]


def _chosen(bus: Bus, actor: Actor, code: str) -> Offered | None:
    return next((one for one in _own_services(bus, actor) if one.code == code), None)


def _items_of(unit: Unit, service: Offered | None) -> str:
    """Lines for the form: each field the service gives, and the element it is."""
    if service is None or service.registered is None:
        return ""
    record = unit.standards.record(service.registered.gives, unit.today)
    return "\n".join(f"{field.name} {field.element}" for field in record.fields)


def _items(lines: str) -> list[dict[str, str]]:
    pairs = [line.split() for line in lines.splitlines() if line.strip()]
    return [{"field": pair[0], "element": pair[1] if len(pair) > 1 else pair[0]} for pair in pairs]


def _samples(text: str) -> Any:
    """The samples as JSON, one object or a list of them. :raises Invalid: it is not JSON."""
    try:
        found = msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        detail = N_('Write the sample as JSON, for example {{"uscc": "…"}}.')
        raise Invalid(violations=[Violation("$.samples", "json", detail)]) from None
    return found if isinstance(found, list) else [found]


async def _form(
    run: Run, bus: Bus, actor: Actor, values: dict[str, Any], *, service: str = "", wrong: Wrong | None = None
) -> Page:
    words = await run.read(lambda unit: codes(unit.standards, unit.today))
    context = {
        "values": values,
        "codes": words,
        "services": _own_services(bus, actor),
        "service": service,
        "wrong": wrong or Wrong(),
    }
    return Page("governance.catalogue/enter.html", context, status=422 if wrong else 200)


class Around(msgspec.Struct, frozen=True):
    """What stands around a resource on its page."""

    shown: resource.Shown
    items: list[dict[str, Any]]
    mounts: list[mount.Mount]
    objections: list[objection.Objection]
    codes: dict[str, dict[str, Any]]
    taken: dict[str, list[str]]


def _around(unit: Unit, resource_id: UUID, services: list[Offered]) -> Around:
    shown = resource.find(unit, resource_id)
    items = []
    for item in shown.entry.items:
        element = unit.standards.element(item.element)
        items.append({"field": item.field, "title": element.title, "element": item.element, "type": item.type, "grade": element.grade, "personal": element.personal})  # fmt: skip
    taken = {
        one.code: list(unit.standards.record(one.registered.takes, unit.today).names)
        for one in services
        if one.registered
    }
    standing = (mount.mounts(unit, resource_id), objection.objections(unit, resource_id))
    return Around(shown, items, *standing, codes(unit.standards, unit.today), taken)


async def _page(
    resource_id: UUID,
    run: Run,
    actor: Actor,
    bus: Bus,
    *,
    done: str = "",
    values: dict[str, Any] | None = None,
    wrong: Wrong | None = None,
) -> Page:
    services = _own_services(bus, actor)
    around = await run.read(_around, resource_id, services)
    context = {
        "it": around.shown,
        "around": around,
        "own": around.shown.body == actor.body,
        "actor": actor,
        "may": {
            "publish": actor.may(PUBLISH),
            "mount": actor.may(MOUNT),
            "object": actor.may(OBJECT),
            "ask": actor.may(ASK),
            "check": actor.may(CHECK),
        },
        "vertical": _vertical(bus, around.shown.service),
        "services": services,
        "not_shared": NOT_SHARED,
        "done": done,
        "values": values or {},
        "wrong": wrong or Wrong(),
    }
    return Page("governance.catalogue/resource.html", context, status=422 if wrong else 200)


def _vertical(bus: Bus, service: str) -> bool:
    """Whether the service a resource is mounted on is a ministry's vertical system (国垂系统)."""
    versions = bus.door.directory.versions(service)
    return bool(versions and versions[0].registered and versions[0].registered.vertical)


async def _probed(resource_id: UUID, mount_id: UUID, run: Run, bus: Bus) -> Redirect:
    found = await probe.probe(bus, run, mount_id)
    return _to(f"{HOME}/{resource_id}?done={'live' if found.outcome == mount.DONE else quote('failed')}")


def _to(path: str) -> Redirect:
    return Redirect(path, status_code=HTTP_303_SEE_OTHER)
