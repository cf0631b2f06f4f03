"""The doors of all the systems, in one web application."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import secrets
import sqlite3
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from . import bank, enterprise, housing_fund, medical_insurance, population, seal, social_insurance, tax
from .book import Book, once, tally
from .faults import Faults
from .system import Body, Operation, Refused, System, Wrong, read_json

MODULES = (population, enterprise, seal, tax, social_insurance, medical_insurance, housing_fund, bank)
SYSTEMS = {module.SYSTEM.name: module.SYSTEM for module in MODULES}
SWITCHED_REFUSAL = "演示开关:本部门本次不予办理"
DOWN_PAGE = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body>nginx</body></html>"

AnyRequest = Request[Any, Any, Any]
Answer = Response[bytes]


class Desk:
    """One system at work: its book, its key and the faults it is under."""

    def __init__(self, system: System, home: Path, faults: Faults) -> None:
        self.system, self.faults = system, faults
        self.traceparent = ""
        """The trace (W3C Trace Context) of the last request; an old system hands it on without knowing what it is."""
        self.key = key_of(system.name, home / "keys")
        self.book = Book(home / f"{system.name}.sqlite", system.schema)
        with self.book.transaction() as connection:
            system.seed(connection)

    async def answer(self, operation: Operation, request: AnyRequest) -> Answer:
        """What the caller gets: the fault it meets on the way in, or what the operation says."""
        name = self.system.name
        self.traceparent = request.headers.get("traceparent", "")
        if name in self.faults.down:
            return Response(DOWN_PAGE, status_code=503, media_type="text/html")
        if not hmac.compare_digest(request.headers.get(self.system.key_header, "").encode(), self.key.encode()):
            return self.reply(self.system.wrong("接口密钥无效"), status=401)
        await asyncio.sleep(self.faults.slow[name])
        return self.reply(await asyncio.to_thread(self.work, operation, await request.body()))

    def work(self, operation: Operation, raw: bytes) -> Body:
        """Read, act, and say how it went in this system's own words."""
        try:
            asked = self.system.read(raw)
            with self.book.transaction() as connection:
                return self.act(connection, operation, asked)
        except Refused as refusal:
            self.book.tally("refused")
            return self.system.refused(str(refusal))
        except Wrong as mistake:
            self.book.tally("wrong")
            return self.system.wrong(str(mistake))

    def act(self, connection: sqlite3.Connection, operation: Operation, asked: Body) -> Body:
        if not operation.number:
            tally(connection, "looked-up")
            return operation.act(connection, asked)
        number = asked.get(operation.number)
        if not isinstance(number, str) or not number:
            raise Wrong(f"字段 {operation.number} 不能为空")

        def decide() -> Body:
            if self.system.name in self.faults.refuse:
                raise Refused(SWITCHED_REFUSAL)
            return operation.act(connection, asked)

        return once(connection, number, decide)

    def reply(self, body: Body, status: int = 200) -> Answer:
        return Response(self.system.write(body), status_code=status, media_type=self.system.media_type)


def key_of(name: str, folder: Path) -> str:
    """The key this system accepts, made at its first start; its owner hands the file to whom it trusts."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        # Renamed into place when whole: an empty key file would let everyone in.
        draft = folder / f".{name}.new"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(24), encoding="ascii")
        draft.rename(path)
    key = path.read_text(encoding="ascii").strip()
    if not key:
        raise ValueError(f"{path} holds no key; delete it to have one made")
    return key


def door(desk: Desk, path: str, operation: Operation) -> HTTPRouteHandler:
    """The route of one operation."""

    @post(path, status_code=200, include_in_schema=False, name=path)
    async def handle(request: AnyRequest) -> Answer:
        return await desk.answer(operation, request)

    return handle


def counter(desks: dict[str, Desk], faults: Faults) -> list[HTTPRouteHandler]:
    """What tests and demonstrations use and no department would have: the tallies and the switches."""

    @get("/_state", include_in_schema=False, sync_to_thread=True)
    def state() -> dict[str, Any]:
        return {
            "faults": faults.now(),
            "systems": {name: desk.book.counts() for name, desk in desks.items()},
            "traces": {name: desk.traceparent for name, desk in desks.items() if desk.traceparent},
        }

    @post("/_control", status_code=200, include_in_schema=False)
    async def control(request: AnyRequest) -> Response[dict[str, Any]]:
        if not from_loopback(request):
            return Response({"error": "only from this machine"}, status_code=403)
        try:
            faults.set(read_json(await request.body(), "utf-8"))
        except Wrong as mistake:
            return Response({"error": str(mistake)}, status_code=400)
        return Response(faults.now())

    return [state, control]


def from_loopback(request: AnyRequest) -> bool:
    """Whether the caller sits on this machine."""
    return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback


def build(home: Path, faults: Faults) -> Litestar:
    """The application over the books in ``home``, which are made where missing."""
    home.mkdir(parents=True, exist_ok=True)
    desks = {name: Desk(system, home, faults) for name, system in SYSTEMS.items()}
    doors = [
        door(desk, path, operation) for desk in desks.values() for path, operation in desk.system.operations.items()
    ]

    async def close() -> None:
        for desk in desks.values():
            desk.book.close()

    return Litestar([*doors, *counter(desks, faults)], openapi_config=None, on_shutdown=[close])
