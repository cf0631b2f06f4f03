"""``/api/standards/identifiers``: whether a value is one. Values come in bodies and files, never in addresses, and nothing is kept or logged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import date
from typing import IO, Annotated, Any

import msgspec
from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from gdbos.pages.language import locale_of
from gdbos.plugin import KNOWN, PUBLIC
from gdbos.sheet import CSV, XLSX

from .asked import today
from .batch import annotated
from .registry import Standards
from .upload import form_of, sent_table


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
    """``length``, ``check-digit``, …: for programs."""
    detail: str
    """The reason as a sentence, in the language asked for."""
    parts: dict[str, str]


ANNOTATED = ResponseSpec(
    bytes,
    generate_examples=False,
    media_type=CSV,
    description="The same table with four columns more, in its own format",
)


class IdentifierController(Controller):
    """Identifiers with check digits and dated parts."""

    path = "/api/standards/identifiers/{scheme:str}"
    tags = ("standards",)

    @post(permission=PUBLIC, sync_to_thread=False, status_code=200)
    def identifier(
        self,
        standards: NamedDependency[Standards],
        scheme: FromPath[str],
        data: JSONBody[Ask],
        request: Request[Any, Any, Any],
    ) -> Checked:
        """Whether a value is an identifier of the scheme, why not, and what it is made of. The value is not kept."""
        on = data.on or today()
        verdict = standards.identifier(scheme, on).check(data.value, on)
        detail = spoken(request)(verdict.detail) if verdict.detail else ""
        return Checked(scheme=scheme, valid=verdict.valid, reason=verdict.reason, detail=detail, parts=verdict.parts)

    @post(
        "/file",
        permission=KNOWN,
        file=True,
        status_code=200,
        operation_class=form_of("column"),
        responses={200: ANNOTATED},
    )
    async def batch(
        self, standards: NamedDependency[Standards], scheme: FromPath[str], request: Request[Any, Any, Any]
    ) -> Stream:
        """Check a column of a workbook or CSV file, by its heading or the first. The table comes back with verdicts; nothing is kept."""
        identifier = standards.identifier(scheme, today())
        sent, fields = await sent_table(request, "column")
        say = spoken(request)
        made, workbook = await asyncio.to_thread(annotated, sent.file, identifier, fields["column"], today(), say)
        return sent_back(scheme, made, workbook)


def spoken(request: Request[Any, Any, Any]) -> Callable[[str], str]:
    """Says a sentence in the language of whoever asks."""
    pages, locale = request.app.state.kernel.pages, locale_of(request)
    return lambda sentence: str(pages.translate(sentence, locale))


def sent_back(scheme: str, made: IO[bytes], workbook: bool) -> Stream:
    """The annotated table as a download; it is gone once it has been sent."""
    ending, media_type = ("xlsx", XLSX) if workbook else ("csv", CSV)
    named = {"content-disposition": f'attachment; filename="{scheme}.{ending}"'}
    return Stream(_pieces(made), media_type=media_type, headers=named)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(1 << 16):
            yield piece
