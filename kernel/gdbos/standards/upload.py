"""One table sent as multipart/form-data beside a few fields: how it is read, and how the OpenAPI document describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.datastructures import UploadFile
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from gdbos.errors import Invalid, TooLarge, Unsupported, Violation
from gdbos.text import N_

BYTES = 10_485_760
"""What a table that is sent may have."""


def form_of(*fields: str) -> type[Operation]:
    """The operation of an address that takes a file and these texts."""
    texts = {name: Schema(type=OpenAPIType.STRING, max_length=200) for name in fields}
    file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
    form = Schema(
        type=OpenAPIType.OBJECT, properties={"file": file, **texts}, required=["file"], additional_properties=False
    )

    @dataclass
    class TableOperation(Operation):
        def __post_init__(self) -> None:
            self.request_body = RequestBody(
                content={"multipart/form-data": OpenAPIMediaType(schema=form)}, required=True
            )

    return TableOperation


async def sent_table(request: Request[Any, Any, Any], *fields: str) -> tuple[UploadFile, dict[str, str]]:
    """The file and the texts beside it.

    Raises:
        Unsupported: the body is no form with a file.
        Invalid: there is not exactly one file, or a field that is not asked for.
        TooLarge: the file has more bytes than are read.
    """
    if request.content_type[0] != "multipart/form-data":
        raise Unsupported("A file is sent as multipart/form-data.")
    values = list((await request.form()).multi_items())
    files = [value for name, value in values if name == "file" and isinstance(value, UploadFile)]
    texts = {name: value for name, value in values if isinstance(value, str) and name in fields}
    if len(files) != 1:
        raise _wrong("file", N_("Send exactly one file in the field {name}."))
    if stray := next((name for name, value in values if name not in texts and value is not files[0]), None):
        raise _wrong(stray, N_("This address takes no field {name}."))
    if (files[0].file.seek(0, 2) or files[0].file.tell()) > BYTES:
        raise TooLarge("The file has more than {most} bytes, which is what is taken here.", most=BYTES)
    files[0].file.seek(0)
    return files[0], {name: texts.get(name, "")[:200] for name in fields}


def _wrong(field: str, detail: str) -> Invalid:
    return Invalid(violations=[Violation(f"$.{field}", "file", detail, facts={"name": field})])
