"""Licences over HTTP: ``/api/services/licences``."""

from __future__ import annotations

from base64 import b64decode
from datetime import date
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from gdbos import N_, PUBLIC, Bus, Reply, Run

from .licence import Done, change_state
from .permission import OWN, READ, REVOKE
from .verify import Entered, Verified, verify
from .view import CaseId, DocumentQuery, Licences, LicenceView, MatterId, Purpose

READING = N_("Read one's own licences")
CHECKING = N_("Check a licence")
COPYING = N_("Take a copy of a licence")
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]


class Verification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The identifier of a licence, as it is printed on it. It travels in the body, so that no log keeps it."""

    identifier: Entered


class StateChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a licence is from now on, and why."""

    state: Annotated[str, msgspec.Meta(pattern=r"\A0[1-7]\Z")]
    """Code of ``licence.state``."""
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class LicenceRoutes(Controller):
    """One's own licences, copies of them, and the public verification."""

    tags = ("licences",)

    @get("/", permission=OWN)
    async def mine(
        self, bus: NamedDependency[Bus], after: FromQuery[UUID | None] = None, limit: FromQuery[Limit] = 20
    ) -> Licences:
        """One's own licences and those of whom one acts for, the newest first."""
        return await mine(bus, after, limit)

    @get("/{licence_id:uuid}", permission=READ.of_officials())
    async def licence(
        self,
        licence_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        matter: FromQuery[MatterId] = "",
        case: FromQuery[CaseId] = "",
    ) -> LicenceView:
        """One licence with its face: one's own, or a body's while the case it cites is live."""
        return await one(bus, licence_id, matter, case)

    @get("/{licence_id:uuid}/document", permission=READ.of_officials())
    async def document(
        self,
        licence_id: FromPath[UUID],
        bus: NamedDependency[Bus],
        purpose: FromQuery[Purpose] = "持证主体留存",
        until: FromQuery[date | None] = None,
        matter: FromQuery[MatterId] = "",
        case: FromQuery[CaseId] = "",
    ) -> Response[bytes]:
        """A copy as PDF, made now, with its purpose across the page. Each copy is a call of its own on the record."""
        wanted = DocumentQuery(licence=licence_id, purpose=purpose, until=until, matter=matter, case=case)
        return await copied(bus, wanted)

    @post("/{licence_id:uuid}/state", permission=REVOKE, status_code=200)
    async def change_state(
        self, licence_id: FromPath[UUID], data: JSONBody[StateChange], run: NamedDependency[Run]
    ) -> Done:
        """Suspend a licence of one's own body, give it back, or end it."""
        return await run(change_state, licence_id, data.state, data.reason)

    @post("/verify", permission=PUBLIC, status_code=200)
    async def verify(self, data: JSONBody[Verification], run: NamedDependency[Run]) -> Verified:
        """Whether a licence is true and holds today: its state and its face, masked."""
        return await run.read(verify, data.identifier)


async def mine(bus: Bus, after: UUID | None, limit: int, cases: list[str] | None = None) -> Licences:
    """One's own licences, through the bus."""
    wanted = {"after": after and str(after), "limit": limit, "cases": cases or []}
    reply = await bus.call("services.licences.mine", wanted, purpose=READING)
    return msgspec.convert(reply.value, Licences)


async def one(bus: Bus, licence_id: UUID, matter: str = "", case: str = "") -> LicenceView:
    """One licence, through the bus."""
    wanted = {"licence": str(licence_id), "matter": matter, "case": case}
    reply = await bus.call("services.licences.licence", wanted, matter=matter, case=case, purpose=CHECKING)
    return msgspec.convert(reply.value, LicenceView)


async def copied(bus: Bus, wanted: DocumentQuery) -> Response[bytes]:
    """An annotated copy, through the bus, as a download."""
    asked = msgspec.to_builtins(wanted)
    reply = await bus.call("services.licences.document", asked, matter=wanted.matter, case=wanted.case, purpose=COPYING)
    return Response(b64decode(reply.value["content"]), media_type=reply.value["media_type"], headers=_headers(reply))


def _headers(reply: Reply) -> dict[str, str]:
    name = quote(reply.value["name"], safe="")
    return {
        "content-disposition": f"attachment; filename=\"licence.pdf\"; filename*=UTF-8''{name}",
        "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        "gdbos-call": str(reply.call),
    }


ROUTES = [LicenceRoutes]
