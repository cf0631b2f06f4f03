"""What somebody who uploads a file may say of it, and what of that is true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from sqlalchemy import or_, select

from gdbos.bus.basis import bus_basis
from gdbos.errors import Conflict, Forbidden, Invalid, NotFound, Violation
from gdbos.files.file import NewFile, acting_subject
from gdbos.identity.body import get_body
from gdbos.text import N_
from gdbos.unit import Unit


class Upload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields beside the file."""

    purpose: Literal["attachment", "issued"] = "attachment"
    case: Annotated[str, msgspec.Meta(max_length=50)] = ""
    matter: Annotated[str, msgspec.Meta(max_length=120)] = ""
    body: Annotated[str, msgspec.Meta(max_length=18)] = ""
    """USCC of the body that handles the case."""


def entitled(unit: Unit, upload: Upload, name: str, media_type: str) -> NewFile:
    """The file as it may be kept: an applicant's own, or one that an official or system adds to a live case of their body.

    A case is believed only where a live basis says that the body may see the subject in it; otherwise anybody could put papers
    into anybody's case.

    :raises NotFound: there is no such live case, or its matter is none of those the actor is limited to. :raises Forbidden: only a body issues documents.
    :raises Conflict: the case is about several, so nobody can tell whose the file is.
    """
    actor = unit.actor
    if actor.kind == "person":
        return _applicants(unit, upload, name, media_type)
    if actor.kind not in ("official", "system") or not actor.body:
        raise Forbidden("Only applicants, and officials and systems of a body, hand in files.")
    if upload.body not in ("", actor.body):
        raise NotFound("The case is not handled by your body.")
    subject, permission = _only(_subjects(unit, upload, actor.body))
    whose = {"subject": subject, "body": actor.body, "division": actor.division, "permission": permission}
    return _new(upload, name, media_type, whose)


def _applicants(unit: Unit, upload: Upload, name: str, media_type: str) -> NewFile:
    subject = acting_subject(unit)
    if upload.purpose != "attachment":
        raise Forbidden("Only a body issues documents; hand this in as an attachment.")
    if not upload.case:
        if upload.matter or upload.body or unit.actor.matters:  # an agent for some matters says which one it is
            raise _needed("case")
        return _new(upload, name, media_type, {"subject": subject})
    permission = _subjects(unit, upload, upload.body).get(subject)
    if permission is None:
        raise NotFound("You have no live case of this number at this body.")
    division = get_body(unit, upload.body).division
    whose = {"subject": subject, "body": upload.body, "division": division, "permission": permission}
    return _new(upload, name, media_type, whose)


def _subjects(unit: Unit, upload: Upload, body: str) -> dict[str, str]:
    """Whom the cited case is about, as far as ``body`` may see, each with the right that its files need."""
    for field in ("case", "matter"):
        if not getattr(upload, field):
            raise _needed(field)
    if unit.actor.matters and upload.matter not in unit.actor.matters:
        return {}
    t = bus_basis.c
    live = (t.closed_at.is_(None), or_(t.until.is_(None), t.until > unit.now))
    chosen = select(t.subject, t.permission).where(
        t.case == upload.case, t.matter == upload.matter, t.body == body, *live
    )
    return {row.subject: row.permission for row in unit.execute(chosen)}


def _only(subjects: dict[str, str]) -> tuple[str, str]:
    if not subjects:
        raise NotFound("Your body has no live case of this number and matter.")
    if len(subjects) > 1:
        raise Conflict("The case is about several people or enterprises; let the applicant hand the file in.")
    return next(iter(subjects.items()))


def _new(upload: Upload, name: str, media_type: str, whose: Mapping[str, str]) -> NewFile:
    return NewFile(
        name=name,
        media_type=media_type,
        purpose=upload.purpose,
        case=upload.case,
        matter=upload.matter,
        **whose,
    )


def _needed(field: str) -> Invalid:
    detail = N_("{name} is missing; add it.")
    return Invalid(violations=[Violation(f"$.{field}", "required", detail, facts={"name": field})])
