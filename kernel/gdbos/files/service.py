"""The one way a file's name and content reach anybody: the bus service ``kernel.files.file``, with its receipt."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec

from gdbos.errors import Conflict, Gone
from gdbos.files.file import file, get_file
from gdbos.plugin import Consumption, Disclosed, Offer
from gdbos.text import Text
from gdbos.unit import Unit

CODE = "kernel.files.file"


class FileRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file."""

    file_id: UUID


class FileReply(msgspec.Struct, frozen=True, kw_only=True):
    """A file whole. Its ``repr`` shows nothing personal."""

    name: str
    media_type: str
    size: int
    """Bytes."""
    content: bytes
    """Base64 in JSON."""
    subject: str
    """Key of whom it is about: the receipt is theirs."""
    matter: str
    case: str

    def __repr__(self) -> str:
        return f"FileReply({self.media_type}, {self.size})"


def provide(unit: Unit, request: FileRequest) -> FileReply:
    """The file, where the caller's rows hold it.

    :raises NotFound: they do not, or an official has no right to what it hangs on. :raises Conflict: it is in quarantine still. :raises Gone: it was refused.
    """
    row = get_file(unit, request.file_id)
    if row.state == "quarantined":
        raise Conflict("The file is being checked; ask again in a moment.")
    if row.state == "refused":
        raise Gone("The file was refused ({reason}); its content is not kept.", reason=row.reason)
    return FileReply(
        name=unit.vault.open(row.name, table=file.name, column="name", row=row.id).decode(),
        media_type=row.media_type,
        size=row.size,
        content=unit.around.files.read(row.digest),
        subject=row.subject,
        matter=row.matter,
        case=row.case,
    )


def discloses(request: FileRequest, reply: FileReply) -> Iterable[Disclosed]:
    """A file is about one subject, in the case that it belongs to."""
    return [Disclosed(reply.subject, reply.matter, reply.case)]


OFFERS = [
    Offer(
        code=CODE,
        title=Text("文件", "A file"),
        takes=FileRequest,
        gives=FileReply,
        provide=provide,
        discloses=discloses,
        grade="important",
    )
]
CONSUMES = [
    Consumption(service=CODE, purpose=Text("查阅本机关办件的材料和证照文件", "Read the files of the body's own cases"))
]
