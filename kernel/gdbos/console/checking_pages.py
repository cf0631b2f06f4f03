"""Pages for clerks: when something is due, and whether a value is an identifier. Values come in bodies; nothing is kept."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Stream

from gdbos.console.permissions import STANDARDS_READ
from gdbos.errors import Problem
from gdbos.kernel import Kernel
from gdbos.pages.language import locale_of
from gdbos.pages.render import Page
from gdbos.standards import Standards
from gdbos.standards.batch import annotated
from gdbos.standards.deadline_routes import AskDue, count
from gdbos.standards.identifier_routes import sent_back, spoken
from gdbos.standards.upload import sent_table
from gdbos.text import N_

Short = FromQuery[Annotated[str, QueryParameter(max_length=120)]]


PARTS = {
    "registrar": N_("Registering authority"),
    "class": N_("Class of body"),
    "division": N_("Division"),
    "division_name": N_("Name of the division"),
    "province": N_("Code of the province"),
    "province_name": N_("Name of the province"),
    "city": N_("Code of the city"),
    "city_name": N_("Name of the city"),
    "organisation_code": N_("Organisation code"),
    "birth_date": N_("Birth date"),
    "sex": N_("Sex"),
    "body": N_("Credit code of the body"),
    "catalogue": N_("Level of the catalogue"),
    "matter_type": N_("Type of matter"),
    "matter_type_name": N_("Name of the type"),
    "authority": N_("Authority"),
    "main_item": N_("Main item"),
    "sub_item": N_("Sub-item"),
    "level": N_("Level"),
    "level_name": N_("Name of the level"),
    "basic_code": N_("Basic code"),
    "implementation_code": N_("Implementation code"),
    "sequence": N_("Sequence number"),
    "type": N_("Type"),
    "issuer": N_("Issuer"),
    "serial": N_("Serial number"),
    "version": N_("Version"),
    "check": N_("Check character"),
    "number": N_("Number"),
    "day": N_("Day"),
    "department": N_("Department"),
}
"""What the parts of a verdict are called on the page; a pack's own scheme names its parts itself."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form for one value sends."""

    scheme: Annotated[str, msgspec.Meta(max_length=64)]
    value: Annotated[str, msgspec.Meta(max_length=200)]


class CheckingPages(Controller):
    """Deadlines counted and identifiers checked."""

    path = "/console/standards"

    @get("/deadline", permission=STANDARDS_READ, sync_to_thread=False)
    def deadline(
        self,
        request: Request[Any, Any, Any],
        standards: NamedDependency[Standards],
        kernel: NamedDependency[Kernel],
        start: Short = "",
        rule: Short = "",
        days: Short = "",
        division: Short = "",
    ) -> Page:
        """When something is due."""
        today, locale = kernel.units.around.today(), locale_of(request)
        rules = [(one.id, one.value.title.into(locale)) for one in standards.documents("deadlines", today)]
        asked = {"start": start, "rule": rule, "days": days, "division": division or kernel.settings.node.division}
        context: dict[str, Any] = {**asked, "rules": rules, "counted": None, "basis": [], "problem": ""}
        if start:
            try:
                counted = count(standards, _asked(**asked), locale)
                context |= {"counted": counted, "basis": [standards.basis(one) for one in counted.basis]}
            except Problem as problem:
                context["problem"] = kernel.pages.translate(problem.detail, locale, problem.facts)
            except (ValueError, msgspec.ValidationError):
                context["problem"] = kernel.pages.translate(
                    N_("Give a day, and either a deadline or working days."), locale, {}
                )
        return Page("console/deadline.html", context)

    @get("/identifiers", permission=STANDARDS_READ, sync_to_thread=False)
    def identifiers(self, request: Request[Any, Any, Any], standards: NamedDependency[Standards]) -> Page:
        """Forms for one value and for a file."""
        return Page(
            "console/identifier.html",
            {"schemes": _schemes(standards, locale_of(request)), "scheme": "", "verdict": None},
        )

    @post("/identifiers", permission=STANDARDS_READ, sync_to_thread=False)
    def check(
        self,
        request: Request[Any, Any, Any],
        data: URLEncodedBody[Asked],
        standards: NamedDependency[Standards],
        kernel: NamedDependency[Kernel],
    ) -> Page:
        """The verdict on one value, which is not shown again."""
        today = kernel.units.around.today()
        verdict = standards.identifier(data.scheme, today).check(data.value, today)
        schemes = _schemes(standards, locale_of(request))
        return Page(
            "console/identifier.html", {"schemes": schemes, "scheme": data.scheme, "verdict": verdict, "parts": PARTS}
        )

    @post("/identifiers/file", permission=STANDARDS_READ, file=True, status_code=200)
    async def file(
        self, request: Request[Any, Any, Any], standards: NamedDependency[Standards], kernel: NamedDependency[Kernel]
    ) -> Stream:
        """The file with verdicts."""
        sent, fields = await sent_table(request, "column", "scheme-of-file")
        today, scheme = kernel.units.around.today(), fields["scheme-of-file"]
        identifier = standards.identifier(scheme, today)
        say = spoken(request)
        made, workbook = await asyncio.to_thread(annotated, sent.file, identifier, fields["column"], today, say)
        return sent_back(scheme, made, workbook)


def _asked(start: str, rule: str, days: str, division: str) -> AskDue:
    """:raises ValueError: the day or the number cannot be read."""
    plain = {"start": date.fromisoformat(start), "rule": rule or None, "days": int(days) if days else None, "division": division}  # fmt: skip
    return msgspec.convert(plain, AskDue)


def _schemes(standards: Standards, locale: str) -> list[tuple[str, str]]:
    titles = {one.id: one.value.title.into(locale) for one in standards.documents("identifiers")}
    return [(scheme, titles.get(scheme, scheme)) for scheme in standards.schemes()]
