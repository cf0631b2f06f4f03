"""Handing files in and fetching them: ``/api/files``."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath

from gdbos.answers import explained
from gdbos.bus.bus import Bus
from gdbos.config import Files
from gdbos.errors import Invalid, TooLarge, Unsupported, Violation
from gdbos.files.file import FileRef, Purpose, State, enter, receive, ref
from gdbos.files.permissions import UPLOAD
from gdbos.files.service import CODE
from gdbos.files.upload import Upload, entitled
from gdbos.kernel import Kernel
from gdbos.plugin import KNOWN
from gdbos.text import N_
from gdbos.unit import Run

ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}
NAME_SIZE = 200
FETCH = N_("Fetch a file of the case")


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file as its sender hears of it; its name and content are theirs already."""

    id: UUID
    purpose: Purpose
    media_type: str
    size: int
    state: State
    reason: str = ""


@dataclass
class UploadOperation(Operation):
    """How the OpenAPI document describes the form, which :class:`gdbos.reading.Reading` reads strictly."""

    def __post_init__(self) -> None:
        text = Schema(type=OpenAPIType.STRING)
        fields = {
            "file": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY),
            "purpose": Schema(type=OpenAPIType.STRING, enum=["attachment", "issued"], default="attachment"),
            "case": text,
            "matter": text,
            "body": text,
        }
        form = Schema(type=OpenAPIType.OBJECT, properties=dict(fields), required=["file"], additional_properties=False)
        self.request_body = RequestBody(content={"multipart/form-data": OpenAPIMediaType(schema=form)}, required=True)


@post("/api/files", permission=UPLOAD, file=True, operation_class=UploadOperation, tags=["files"])
async def upload_file(
    request: Request[Any, Any, Any], run: NamedDependency[Run], kernel: NamedDependency[Kernel]
) -> File:
    """Hand in one file (multipart/form-data). It can be used once the scanners have let it out of quarantine."""
    sent, upload = await _form(request)
    limits = kernel.settings.files
    new = await run.read(entitled, upload, _name(sent), sent.content_type.partition(";")[0].strip().lower())
    content = await _content(sent, limits)
    received = await asyncio.to_thread(receive, kernel.files, limits, new, content)
    kept = await run(enter, new, received)
    return _shown(await kernel.scanning.decide(kept, content))


@get("/api/files/{file_id:uuid}", permission=KNOWN, tags=["files"])
async def fetch_file(file_id: FromPath[UUID], run: NamedDependency[Run], bus: NamedDependency[Bus]) -> Response[bytes]:
    """Fetch a file, by the bus: one's own, or one of a live case of one's body that one's post may see. It comes as a download."""
    found = await run.read(ref, file_id)
    reply = await bus.call(CODE, {"file_id": str(file_id)}, matter=found.matter, case=found.case, purpose=FETCH)
    return Response(
        b64decode(reply.value["content"]),
        media_type=reply.value["media_type"],
        headers={
            "content-disposition": disposition(reply.value["name"], reply.value["media_type"]),
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        },
    )


def disposition(name: str, media_type: str) -> str:
    """``attachment`` with a plain name for old programs and the true one after RFC 8187."""
    plain = f"file.{ENDINGS.get(media_type, 'bin')}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _form(request: Request[Any, Any, Any]) -> tuple[UploadFile, Upload]:
    if request.content_type[0] != "multipart/form-data":
        raise Unsupported("A file is sent as multipart/form-data.")
    values = list((await request.form()).multi_items())
    files = [value for name, value in values if name == "file" and isinstance(value, UploadFile)]
    rest = [(name, value) for name, value in values if name != "file"]
    if len(files) != 1 or len(files) + len(rest) != len(values):
        raise _wrong("file", "required", N_("Send exactly one file in the field {name}."))
    names = [name for name, _ in rest]
    for name, value in rest:
        if isinstance(value, UploadFile) or names.count(name) > 1:
            raise _wrong(name, "type", N_("The field {name} takes one text."))
    try:
        return files[0], msgspec.convert(dict(rest), Upload)
    except msgspec.ValidationError as failure:
        what, _, at = str(failure).partition(" - at `")
        raise Invalid(violations=[explained(at.rstrip("`") or "$", what)]) from None


def _name(sent: UploadFile) -> str:
    """The name without the folders that some programs send along."""
    name = sent.filename.replace("\\", "/").rpartition("/")[2].strip()
    if not name or len(name) > NAME_SIZE or not name.isprintable():
        raise _wrong("file", "name", N_("The file's name must have 1 to {most} printable characters."), most=NAME_SIZE)
    return name


async def _content(sent: UploadFile, limits: Files) -> bytes:
    content = await sent.read(limits.max_bytes + 1)
    if len(content) > limits.max_bytes:
        raise TooLarge("The file has more than {most} bytes, which is what is taken here.", most=limits.max_bytes)
    return content


def _shown(kept: FileRef) -> File:
    return File(**{name: getattr(kept, name) for name in File.__struct_fields__})


def _wrong(field: str, rule: str, detail: str, **facts: Any) -> Invalid:
    return Invalid(violations=[Violation(f"$.{field}", rule, detail, facts={"name": field, **facts})])


ROUTES = [upload_file, fetch_file]
