"""Files (文件): attachments that applicants hand in and documents that bodies issue. Rows here, contents in the store.

    quarantined ──admit──▶ clean      every scanner has looked, or the node has none
         └───────refuse──▶ refused    a scanner complained; the content is swept away

The name is sealed: people write names and numbers into it. What a file holds reaches anybody only by the bus service
``kernel.files.file``; the references made here carry neither name nor content.

A file hangs on something, a case or a licence, and is there for those officials only who have the right to that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Column, Index, LargeBinary, Row, String, Table, Text, Uuid, insert, update

from gdbos.config import Files, Settings
from gdbos.errors import Conflict, NotFound
from gdbos.events import Event
from gdbos.files.content import check_content
from gdbos.files.store import FileStore
from gdbos.identity.body import get_body
from gdbos.ids import new_id
from gdbos.plugin import Permission
from gdbos.storage.metadata import Instant, kernel_metadata
from gdbos.storage.scope import Scope
from gdbos.unit import Unit
from gdbos.vault import Sealed

Purpose = Literal["attachment", "issued"]
State = Literal["quarantined", "clean", "refused"]

file = Table(
    "files_file",
    kernel_metadata,
    Column("id", Uuid, primary_key=True),
    Column("digest", String(32), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("name", LargeBinary, nullable=False, info={"sealed": Sealed()}),
    Column("state", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("purpose", String(12), nullable=False),
    Column("case", String(50), nullable=False),
    Column("matter", String(120), nullable=False),
    Column("body", String(18), nullable=False),
    Column("division", String(6), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("uploaded_by", String(80), nullable=False),
    Column("permission", String(120), nullable=False),  # right of an official to what it hangs on
    Column("at", Instant, nullable=False),
    Index("files_file_case", "case", "id"),
    Index("files_file_digest", "digest"),
    Index("files_file_state", "state", "at"),
    Index("files_file_subject", "subject", "id"),
    info={"scope": Scope(division="division", body=("body",), subject=("subject",), matter="matter")},
)


class FileKept(Event, tag="kernel.files.file-kept/1"):
    """A file was kept. An attachment is in quarantine still; an issued document is not."""

    file: UUID
    purpose: Purpose
    media_type: str
    size: int
    """Bytes."""
    case: str = ""
    matter: str = ""


class NewFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is to be kept, and whom it concerns. Its ``repr`` shows nothing personal."""

    name: str
    media_type: str
    subject: str
    """Key of the person or enterprise that it is about: who handed it in, or whom it is issued to."""
    purpose: Purpose = "attachment"
    case: str = ""
    matter: str = ""
    """Matter it is for. Who is limited to some matters sees the files of those only, and none without a matter."""
    body: str = ""
    """USCC of the body that handles the case; empty while there is none."""
    division: str = ""
    permission: str = ""
    """Name of the right that an official needs: the right to what it hangs on. Empty: of officials only its sender sees it."""

    def __repr__(self) -> str:
        return f"NewFile({self.purpose}, {self.media_type})"


class Received(msgspec.Struct, frozen=True):
    """A content that was looked into and lies in the store."""

    digest: str
    size: int


class FileRef(msgspec.Struct, frozen=True, kw_only=True):
    """A file as one may speak of it: neither its name nor its content."""

    id: UUID
    purpose: Purpose
    media_type: str
    size: int
    state: State
    reason: str
    """Why it was refused."""
    case: str
    matter: str
    at: datetime


def receive(store: FileStore, limits: Files, new: NewFile, content: bytes) -> Received:
    """Look inside ``content`` and put it into the store. No database is touched, so edges do this beside the lane.

    :raises TooLarge, Unsupported, Invalid: it is refused (see :func:`gdbos.files.content.check_content`); nothing is stored.
    """
    check_content(content, name=new.name, media_type=new.media_type, limits=limits)
    return Received(store.put(content), len(content))


def keep(unit: Unit, new: NewFile, content: bytes) -> FileRef:
    """Look inside ``content``, put it into the store and enter it: for documents made here, and small ones.

    A unit that fails afterwards leaves a content that no row names; the sweep takes it away.
    """
    limits = unit.config(Settings).files
    return enter(unit, new, receive(unit.around.files, limits, new, content))


def enter(unit: Unit, new: NewFile, received: Received) -> FileRef:
    """Enter a content that lies in the store. What an official or applicant sent is in quarantine; what a plugin issues is clean."""
    made_here = new.purpose == "issued" and unit.actor.kind == "plugin"
    row = new_id()
    ref = FileRef(
        id=row,
        purpose=new.purpose,
        media_type=new.media_type,
        size=received.size,
        state="clean" if made_here else "quarantined",
        reason="",
        case=new.case,
        matter=new.matter,
        at=unit.now,
    )
    name = unit.vault.seal(new.name, table=file.name, column="name", row=row)
    whose = {"body": new.body, "division": new.division, "subject": new.subject, "permission": new.permission}
    stored = {"digest": received.digest, "name": name, "uploaded_by": unit.actor.id}
    unit.execute(insert(file).values(msgspec.structs.asdict(ref) | whose | stored))
    unit.record("files.kept", file=row, purpose=new.purpose, media_type=new.media_type, size=received.size)
    unit.emit(
        FileKept(
            file=row,
            purpose=new.purpose,
            media_type=new.media_type,
            size=received.size,
            case=new.case,
            matter=new.matter,
        )
    )
    return ref


def attach(unit: Unit, file_id: UUID, case: str, matter: str, body: str, permission: Permission) -> FileRef:
    """Bind a file that the acting subject uploaded to their draft case, so that officials of the handling body who hold
    ``permission`` may come to see it.

    :raises NotFound: no such attachment is the acting subject's own. :raises Conflict: it was refused, or is another case's.
    """
    row = get_file(unit, file_id, lock=True)
    if row.subject != acting_subject(unit) or row.purpose != "attachment":
        raise _nowhere()
    if row.state == "refused":
        raise Conflict("The file was refused ({reason}); upload another.", reason=row.reason)
    if row.case not in ("", case):
        raise Conflict("The file belongs to another case; upload it again for this one.")
    bound = {"case": case, "matter": matter, "body": body, "division": get_body(unit, body).division}
    unit.execute(update(file).where(file.c.id == file_id).values(bound | {"permission": permission.name}))
    unit.record("files.attached", file=file_id, case=case, matter=matter, body=body)
    return msgspec.structs.replace(_ref(row), case=case, matter=matter)


def detach(unit: Unit, file_id: UUID, case: str) -> None:
    """Take an attachment of the acting subject out of their draft case again. :raises NotFound: it is not in that case."""
    row = get_file(unit, file_id, lock=True)
    if row.subject != acting_subject(unit) or row.purpose != "attachment" or row.case != case:
        raise _nowhere()
    free = {
        "case": "",
        "body": "",
        "division": "",
        "permission": "",
    }  # the matter stays: an agent for it sees its files
    unit.execute(update(file).where(file.c.id == file_id).values(free))
    unit.record("files.detached", file=file_id, case=case)


def admit(unit: Unit, file_id: UUID) -> FileRef:
    """Let a file out of quarantine. :raises Conflict: it is not in quarantine."""
    return _settle(unit, file_id, "clean", "")


def refuse(unit: Unit, file_id: UUID, reason: str) -> FileRef:
    """Refuse a file in quarantine for good; its content is swept away. :raises Conflict: it is not in quarantine."""
    return _settle(unit, file_id, "refused", reason)


def ref(unit: Unit, file_id: UUID) -> FileRef:
    """One file. :raises NotFound: there is none among those the actor may see."""
    return _ref(get_file(unit, file_id))


def refs(unit: Unit, case: str) -> list[FileRef]:
    """The files of a case that the actor may see, the oldest first."""
    chosen = unit.rows(file).where(file.c.case == case).order_by(file.c.id)
    return [_ref(row) for row in unit.execute(chosen) if _entitled(unit, row)] if case else []


def acting_subject(unit: Unit) -> str:
    """Key of the person who acts, or of the enterprise or person they act for; empty for anybody else."""
    return unit.actor.acts_for or unit.actor.subject


def _settle(unit: Unit, file_id: UUID, state: State, reason: str) -> FileRef:
    row = get_file(unit, file_id, lock=True)
    if row.state != "quarantined":
        raise Conflict("The file is {state} already.", state=row.state)
    unit.execute(update(file).where(file.c.id == file_id).values(state=state, reason=reason))
    unit.record(f"files.{state}", file=file_id, reason=reason)
    return msgspec.structs.replace(_ref(row), state=state, reason=reason)


def get_file(unit: Unit, file_id: UUID, *, lock: bool = False) -> Row[Any]:
    """A file's row. :raises NotFound: there is none among those the actor may see."""
    chosen = unit.rows(file).where(file.c.id == file_id)
    row = unit.execute(chosen.with_for_update() if lock else chosen).first()
    if row is None or not _entitled(unit, row):
        raise _nowhere()
    return row


def _entitled(unit: Unit, row: Row[Any]) -> bool:
    """Whether the post of an official has the right to what the file hangs on; without it, the file is not there."""
    actor = unit.actor
    if actor.kind != "official" or actor.answers_for(row.uploaded_by):
        return True
    return bool(row.permission) and actor.may(Permission(row.permission, ""))


def _nowhere() -> NotFound:
    return NotFound("There is no such file, or it is not yours to see.")


def _ref(row: Row[Any]) -> FileRef:
    return FileRef(**{name: getattr(row, name) for name in FileRef.__struct_fields__})
