"""The pages of licences: one's own, one with its face and copies of it, and the public verification."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody

from gdbos import N_, PUBLIC, Bus, Invalid, NotFound, Page, Run, Standards, Violation

from .face import lines
from .permission import OWN
from .routes import copied, mine, one
from .type import find
from .verify import UNKNOWN, verify, verify_token
from .view import DocumentQuery, Purpose

NO_DATE = N_("The last day is not a date.")
TONES = {"01": "good", "02": "warn", "05": "neutral"}
"""How a state is shown; every other one is bad news."""


class CopyForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form for a copy sends."""

    purpose: Purpose
    until: Annotated[str, msgspec.Meta(max_length=10)] = ""


class VerifyForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form for verification sends."""

    identifier: Annotated[str, msgspec.Meta(max_length=200)] = ""


class LicencePages(Controller):
    """What a holder sees."""

    @get("/portal/licences", permission=OWN)
    async def mine(self, bus: NamedDependency[Bus], after: FromQuery[UUID | None] = None) -> Page:
        """The visitor's licences."""
        found = await mine(bus, after, 24)
        return Page("services.licences/mine.html", {"found": found, "first": after is not None, "tones": TONES})

    @get("/portal/licences/{licence_id:uuid}", permission=OWN)
    async def licence(
        self, licence_id: FromPath[UUID], bus: NamedDependency[Bus], standards: NamedDependency[Standards]
    ) -> Page:
        """One licence: its face, its verification, copies of it."""
        found = await one(bus, licence_id)
        kind = find(standards, found.type, found.issued_on)
        face = lines(kind, found.face, standards, found.issued_on)
        return Page("services.licences/licence.html", {"licence": found, "face": face, "tones": TONES})

    @post("/portal/licences/{licence_id:uuid}/document", permission=OWN, status_code=200)
    async def copy(
        self, licence_id: FromPath[UUID], bus: NamedDependency[Bus], data: URLEncodedBody[CopyForm]
    ) -> Response[bytes]:
        """A copy for the purpose the visitor wrote."""
        return await copied(bus, DocumentQuery(licence=licence_id, purpose=data.purpose, until=_day(data.until)))


class VerifyPages(Controller):
    """What anybody sees who holds a licence in their hands."""

    @get("/verify", permission=PUBLIC, sync_to_thread=False)
    def form(self) -> Page:
        """Where an identifier is entered."""
        return _verify_page()

    @post("/verify", permission=PUBLIC, status_code=200)
    async def verify(self, run: NamedDependency[Run], data: URLEncodedBody[VerifyForm]) -> Page:
        """What the register says of the identifier; what is wrong with it is said beside it."""
        try:
            found = await run.read(verify, data.identifier)
        except Invalid as wrong:
            return _verify_page(entered=data.identifier, wrong=wrong.detail, status=422)
        except NotFound:
            return _verify_page(entered=data.identifier, wrong=UNKNOWN, status=404)
        return _verify_page(found=found)

    @get("/verify/{token:str}", permission=PUBLIC)
    async def scanned(self, token: FromPath[str], run: NamedDependency[Run]) -> Page:
        """What the register says of the licence whose QR code was read."""
        try:
            found = await run.read(verify_token, token[:64])
        except NotFound:
            return _verify_page(wrong=UNKNOWN, status=404)
        return _verify_page(found=found)


def _day(entered: str) -> date | None:
    try:
        return date.fromisoformat(entered) if entered else None
    except ValueError:
        raise Invalid(violations=[Violation("$.until", "date", NO_DATE)]) from None


def _verify_page(*, entered: str = "", wrong: str = "", found: object = None, status: int = 200) -> Page:
    context = {"entered": entered, "wrong": wrong, "found": found, "tones": TONES}
    return Page("services.licences/verify.html", context, status=status)


PAGES = [LicencePages, VerifyPages]
