"""``/api/standards/records/{id}/…``: what a record compiles to, for whoever builds on it."""

from __future__ import annotations

from datetime import date

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from gdbos.plugin import PUBLIC

from .asked import On, today
from .compilation import OUTPUTS
from .registry import Standards
from .unchanged import NOT_MODIFIED, Tagged, unchanged


def _spec(form: str) -> dict[int, ResponseSpec]:
    output = OUTPUTS[form]
    spec = ResponseSpec(bytes, generate_examples=False, media_type=output.media_type, description="A file to keep")
    return {200: spec, **NOT_MODIFIED}


def compiled(standards: Standards, id: str, form: str, on: date | None) -> Tagged[bytes]:
    """The record's output ``form`` as a file. :raises NotFound: there is no such record on that day."""
    output = OUTPUTS[form]
    content = output.make(standards.record(id, on or today()))
    name = f'attachment; filename="{id}.{output.ending}"'
    return Tagged(content, media_type=output.media_type, headers={"content-disposition": name})


class CompiledController(Controller):
    """What a record compiles to beside its JSON Schema."""

    path = "/api/standards/records/{record_id:str}"
    tags = ("standards",)
    before_request = unchanged  # type: ignore[assignment]

    @get("/openapi", permission=PUBLIC, sync_to_thread=True, responses=_spec("openapi"))
    def openapi(self, standards: NamedDependency[Standards], record_id: FromPath[str], on: On = None) -> Tagged[bytes]:
        """An OpenAPI 3.1 document that holds the record as a component."""
        return compiled(standards, record_id, "openapi", on)

    @get("/sql", permission=PUBLIC, sync_to_thread=True, responses=_spec("sql"))
    def sql(self, standards: NamedDependency[Standards], record_id: FromPath[str], on: On = None) -> Tagged[bytes]:
        """DDL for PostgreSQL: types, checks of length, characters and range, and comments that name the elements."""
        return compiled(standards, record_id, "sql", on)

    @get("/xlsx", permission=PUBLIC, sync_to_thread=True, responses=_spec("xlsx"))
    def xlsx(self, standards: NamedDependency[Standards], record_id: FromPath[str], on: On = None) -> Tagged[bytes]:
        """A workbook to fill in, whose cells offer the codes in force."""
        return compiled(standards, record_id, "xlsx", on)

    @get("/html", permission=PUBLIC, sync_to_thread=True, responses=_spec("html"))
    def html(self, standards: NamedDependency[Standards], record_id: FromPath[str], on: On = None) -> Tagged[bytes]:
        """The record in words of both languages, as a page to keep or print."""
        return compiled(standards, record_id, "html", on)
