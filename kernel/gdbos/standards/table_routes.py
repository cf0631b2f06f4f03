"""``/api/standards/tables``: data elements and code lists as workbooks, and code lists out of them."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Response

from gdbos.plugin import KNOWN, PUBLIC
from gdbos.sheet import XLSX, rows, workbook

from .asked import On, today
from .element import Element
from .element_sheet import code_table, codes_of, element_table
from .registry import Standards
from .toml import toml_of
from .unchanged import NOT_MODIFIED, Tagged, unchanged
from .upload import form_of, sent_table

TABLE = {200: ResponseSpec(bytes, generate_examples=False, media_type=XLSX, description="A workbook"), **NOT_MODIFIED}
PACKED = ResponseSpec(str, generate_examples=False, media_type="application/toml", description="A file for a pack's `codes/`")  # fmt: skip


class TableController(Controller):
    """Elements and code lists as tables."""

    path = "/api/standards/tables"
    tags = ("standards",)
    before_request = unchanged  # type: ignore[assignment]

    @get("/elements", permission=PUBLIC, sync_to_thread=True, responses=TABLE)
    def elements(self, standards: NamedDependency[Standards], on: On = None) -> Tagged[bytes]:
        """Every data element in force; what a steward brings in has the same headings."""
        return _sent("elements", workbook({"数据元": element_table(standards.values(Element, on or today()))}, heads=2))

    @get("/codes/{list_id:str}", permission=PUBLIC, sync_to_thread=True, responses=TABLE)
    def codes(self, standards: NamedDependency[Standards], list_id: FromPath[str], on: On = None) -> Tagged[bytes]:
        """A code list with all its rows, whenever in force."""
        found = standards.codes(list_id, on or today())
        return _sent(list_id, workbook({"代码集": code_table(found.definition.code)}, heads=2))

    @post(
        "/codes",
        permission=KNOWN,
        file=True,
        status_code=200,
        operation_class=form_of("id", "title"),
        responses={200: PACKED},
    )
    async def packed(self, request: Request[Any, Any, Any]) -> Response[str]:
        """Turn a table of codes (代码, 名称, …) into a file for a pack's `codes/`. Nothing is kept."""
        sent, fields = await sent_table(request, "id", "title")
        codes = await asyncio.to_thread(lambda: codes_of(rows(sent.file)))
        head = {"id": fields["id"] or "new-list", "title": {"zh": fields["title"] or fields["id"] or "新代码集"}}
        return Response(toml_of(head, {"code": codes}), media_type="application/toml")


def _sent(name: str, content: bytes) -> Tagged[bytes]:
    return Tagged(content, media_type=XLSX, headers={"content-disposition": f'attachment; filename="{name}.xlsx"'})
