"""The page "who looked at my data" (谁看过我的数据): every disclosure of the visitor's own data, in plain words.

It is the kernel's because the promise is the kernel's: whichever plugins run, each disclosure leaves a receipt its subject can read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from gdbos.bus.bus import Bus
from gdbos.bus.directory import Directory
from gdbos.bus.receipts import Receipt, Receipts
from gdbos.bus.service import Offered
from gdbos.bus.statement import own_statement
from gdbos.errors import Gone, NotFound
from gdbos.kernel import Kernel
from gdbos.pages.render import Page
from gdbos.plugin import KNOWN
from gdbos.standards import Standards
from gdbos.text import N_, Text

BY = {
    "official": N_("an official of {body}"),
    "system": N_("a system of {body}"),
    "plugin": N_("this system, on behalf of {body}"),
    "person": N_("a person"),
}
"""Kinds of principals, as the page calls them."""
EVERYTHING = Text("办件中填报的全部内容", "everything answered in the case")
"""A field that holds values of whatever elements a form asked."""


WHOLE = "*"


class ReceiptShown(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt in words."""

    receipt: Receipt
    by: str
    """An English message id."""
    service: Text
    matter: Text | None
    fields: list[Text]
    """Titles of the data elements that were shown."""
    asked: list[tuple[Text, str]]
    """Elements that were asked about without being shown, each with what was asked."""
    others: int
    """How many further fields were shown that are no data about anybody: numbers, states, dates of procedure."""


class ReceiptPages(Controller):
    """What a subject sees of the bus."""

    @get("/portal/receipts", permission=KNOWN)
    async def receipts(
        self, bus: NamedDependency[Bus], kernel: NamedDependency[Kernel], after: FromQuery[UUID | None] = None
    ) -> Page:
        """Who looked at the visitor's data, which, why and when; newest first."""
        wanted = {"after": after and str(after), "limit": 20}
        reply = await bus.call("kernel.bus.receipts", wanted, purpose="own data")
        found = msgspec.convert(reply.value, Receipts)
        shown = [in_words(one, kernel.directory, kernel.standards) for one in found.receipts]
        context = {"receipts": shown, "next": found.next, "first": after is not None, "kinds": BY}
        return Page("bus/receipts.html", context)

    @get("/portal/receipts/statement", permission=KNOWN)
    async def statement(
        self, bus: NamedDependency[Bus], kernel: NamedDependency[Kernel], after: FromQuery[UUID | None] = None
    ) -> Response[str]:
        """The visitor's receipts as a signed file to keep."""
        name = f'attachment; filename="receipts-{kernel.units.around.today()}.txt"'
        content = await own_statement(bus, kernel, after)
        return Response(content, media_type=MediaType.TEXT, headers={"content-disposition": name})


def in_words(receipt: Receipt, directory: Directory, standards: Standards) -> ReceiptShown:
    """``receipt`` with the titles of its service, matter and fields."""
    service = _service(receipt.service, directory)
    shown = [field for field in receipt.fields if " " not in field]
    titles = [*_titles(service, shown, standards)] if service else []
    return ReceiptShown(
        receipt=receipt,
        by=BY.get(receipt.by, BY["system"]),
        service=service.title if service else Text(receipt.service, receipt.service),
        matter=_matter(receipt.matter, standards),
        fields=list(dict.fromkeys(titles)),
        asked=[*_asked(service, receipt.fields, standards)],
        others=len(shown) - len(titles),
    )


def _service(code: str, directory: Directory) -> Offered | None:
    try:
        return directory.resolve(code)
    except (NotFound, Gone):
        return None


def _titles(service: Offered, fields: Sequence[str], standards: Standards) -> Iterable[Text]:
    elements = _elements(service, standards)
    for field in fields:
        if element := elements.get(field):
            yield EVERYTHING if element == WHOLE else standards.element(element).title


def _asked(service: Offered | None, fields: Sequence[str], standards: Standards) -> Iterable[tuple[Text, str]]:
    elements = _elements(service, standards) if service else {}
    for field, _, test in (one.partition(" ") for one in fields):
        if test:
            title = standards.element(elements[field]).title if field in elements else Text(field, field)
            yield title, test


def _elements(service: Offered, standards: Standards) -> dict[str, str]:
    """The fields of a service's reply that hold a data element; of a plugin's function, those that say so."""
    if service.registered is not None:
        record = standards.document("records", service.registered.gives).value
        return {one.name: one.element for one in record.field}
    assert service.offer is not None
    found = msgspec.inspect.type_info(service.offer.gives)
    named = {one.encode_name: _element_of(one.type) for one in getattr(found, "fields", ())}
    return {
        name: element for name, element in named.items() if element == WHOLE or element in standards.ids("elements")
    }


def _element_of(kind: Any) -> str:
    """The element that a field says it holds; ``*`` where it holds whatever was answered."""
    extra = getattr(kind, "extra", None) or {}
    return WHOLE if {"keys", "mask"} & set(extra) else str(extra.get("element", ""))


def _matter(matter: str, standards: Standards) -> Text | None:
    """The title of a matter, where this node knows matters; None where no matter was cited."""
    if not matter:
        return None
    try:
        title: Text = standards.document("matters", matter).value.title
    except NotFound:
        return Text(matter, matter)
    return title


PAGES = [ReceiptPages]
