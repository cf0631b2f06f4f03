"""``/api/standards``: what is in force, for everybody. Nothing here knows or keeps a person's data; values come in bodies, never in addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from itertools import islice
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from gdbos.errors import Invalid, Violation
from gdbos.plugin import PUBLIC
from gdbos.text import Text

from .codes import Code
from .counting import due
from .deadline import Deadline, Extension, Skipped, Suspension
from .element import Element
from .pack import Pack
from .registry import Standards

On = FromQuery[Annotated[date | None, QueryParameter(description="As of this day (YYYY-MM-DD); today if absent.")]]
ZONE = ZoneInfo("Asia/Shanghai")
R = TypeVar("R")


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """A code list as of a day."""

    id: str
    title: Text
    standard: str
    on: date
    hierarchical: bool
    codes: list[Code]
    after: str = ""
    """Give this as ``after`` for the next page; empty on the last."""


class Elements(msgspec.Struct, frozen=True, kw_only=True):
    """A page of data elements."""

    items: list[Element]
    after: str = ""
    """Give this as ``after`` for the next page; empty on the last."""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An identifier to check."""

    value: Annotated[str, msgspec.Meta(max_length=200)]
    on: date | None = None
    """As of this day; today if absent."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it is one, why not, and what it is made of."""

    scheme: str
    valid: bool
    reason: str
    detail: str
    parts: dict[str, str]


class AskDue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deadline to count: ``days`` working days, or a ``rule`` of the standards."""

    start: date
    days: Annotated[int, msgspec.Meta(ge=0, le=3660)] | None = None
    rule: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    division: Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9]{2}){0,6}\Z")] = ""
    suspensions: Annotated[list[Suspension], msgspec.Meta(max_length=100)] = []
    extensions: Annotated[list[Extension], msgspec.Meta(max_length=20)] = []


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """When it is due, and how that was counted."""

    due: date | None
    explanation: str
    """In the default language, as a clerk can read it aloud."""
    explanations: Text
    start: date
    first: date | None
    days: int
    unit: str
    remaining: int
    skipped: list[Skipped]
    rule: str
    basis: list[str]
    calendar: str


class StandardsController(Controller):
    """Standards in force."""

    path = "/api/standards"
    tags = ("standards",)

    @get("/packs", permission=PUBLIC, sync_to_thread=False)
    def packs(self, standards: NamedDependency[Standards]) -> list[Pack]:
        """The loaded packs, from the uppermost level down."""
        return list(standards.packs)

    @get("/codes/{list_id:str}", permission=PUBLIC, sync_to_thread=False)
    def codes(
        self,
        standards: NamedDependency[Standards],
        list_id: FromPath[str],
        on: On = None,
        after: FromQuery[str] = "",
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=5000)]] = 1000,
    ) -> Codes:
        """A code list with the rows in force on a day, in the list's order."""
        listed = standards.codes(list_id, on or today())
        page, more = _page(listed, after, limit, lambda row: row.code)
        return Codes(
            id=listed.id,
            title=listed.title_of_list,
            standard=listed.definition.standard,
            on=listed.on,
            hierarchical=listed.definition.hierarchical,
            codes=page,
            after=more,
        )

    @get("/elements", permission=PUBLIC, sync_to_thread=False)
    def elements(
        self,
        standards: NamedDependency[Standards],
        q: FromQuery[
            Annotated[str, QueryParameter(max_length=100, description="Words in id, names or synonyms.")]
        ] = "",
        after: FromQuery[str] = "",
        limit: FromQuery[Annotated[int, QueryParameter(ge=1, le=500)]] = 50,
        on: On = None,
    ) -> Elements:
        """Data elements by id, a page at a time."""
        found = standards.find(q, on or today(), after)
        page, more = _page(found, "", limit, lambda element: element.id)
        return Elements(items=page, after=more)

    @get("/elements/{element_id:str}", permission=PUBLIC, sync_to_thread=False)
    def element(self, standards: NamedDependency[Standards], element_id: FromPath[str], on: On = None) -> Element:
        """A data element."""
        return standards.element(element_id, on or today())

    @get("/records/{record_id:str}", permission=PUBLIC, sync_to_thread=False)
    def record(self, standards: NamedDependency[Standards], record_id: FromPath[str], on: On = None) -> dict[str, Any]:
        """The JSON Schema (2020-12) of a record."""
        return standards.record(record_id, on or today()).schema()

    @post("/identifiers/{scheme:str}", permission=PUBLIC, sync_to_thread=False, status_code=200)
    def identifier(self, standards: NamedDependency[Standards], scheme: FromPath[str], data: JSONBody[Ask]) -> Checked:
        """Whether a value is an identifier of the scheme, why not, and what it is made of. The value is not kept."""
        on = data.on or today()
        verdict = standards.identifier(scheme, on).check(data.value, on)
        return Checked(
            scheme=scheme, valid=verdict.valid, reason=verdict.reason, detail=verdict.detail, parts=verdict.parts
        )

    @post("/deadlines", permission=PUBLIC, sync_to_thread=False, status_code=200)
    def deadline(self, standards: NamedDependency[Standards], data: JSONBody[AskDue]) -> Counted:
        """When something is due, in words that can be read aloud. 409 ``not-published`` beyond the published calendar."""
        return count(standards, data)


ROUTES = [StandardsController]


def today() -> date:
    """The civil day where the standards hold."""
    return datetime.now(ZONE).date()


def _page(rows: Iterable[R], after: str, limit: int, key: Callable[[R], str]) -> tuple[list[R], str]:
    """Up to ``limit`` rows behind the one with the key ``after``, and the key to go on from; empty where nothing is left."""
    left = iter(rows)
    if after:
        next((row for row in left if key(row) == after), None)
    page = list(islice(left, limit + 1))
    return page[:limit], key(page[limit - 1]) if len(page) > limit else ""


def count(standards: Standards, asked: AskDue) -> Counted:
    """Count a deadline as asked for.

    Raises:
        Invalid: neither or both of days and rule are given, or a suspension or extension is not allowed.
        NotPublished: the answer lies beyond the published calendar.
    """
    if (asked.days is None) == (asked.rule is None):
        detail = "Give either days or rule."
        raise Invalid(detail, violations=[Violation("$.days", "required", detail)])
    rule: Deadline | int = standards.deadline(asked.rule, asked.start) if asked.rule is not None else asked.days or 0
    calendar = standards.calendar(asked.division)
    words = standards.words(rule.reasons) if isinstance(rule, Deadline) else {}
    answer = due(asked.start, rule, calendar, asked.suspensions, asked.extensions, words)
    return Counted(
        due=answer.due,
        explanation=answer.explanation.zh,
        explanations=answer.explanation,
        start=answer.start,
        first=answer.first,
        days=answer.days,
        unit=answer.unit,
        remaining=answer.remaining,
        skipped=list(answer.skipped),
        rule=answer.rule,
        basis=list(answer.basis),
        calendar=calendar.id,
    )
