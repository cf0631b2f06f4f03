"""Materials that come with the page's own form, for browsers without script; programs use ``/api/files``."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from litestar.datastructures import UploadFile

from gdbos import N_, Invalid, NewFile, Run, Settings, TooLarge, Unit, Violation, keep

from .application import Brought, bring, refuse_foreign
from .record import children, get

PREFIX = "material."
"""Field names are ``material.<matter>/<material>``."""
NAME_SIZE = 200


async def handed_in(bundle_id: UUID, files: Sequence[tuple[str, UploadFile]], run: Run) -> None:
    """Keep each file in quarantine and put it with the draft it is for.

    :raises TooLarge, Unsupported, Invalid: a file is refused; those before it are there.
    """
    for name, sent in files:
        matter, _, material = name.removeprefix(PREFIX).partition("/")
        content = await sent.read()
        await run(_take, bundle_id, matter, material, _name(sent), _type(sent), content)


def _take(unit: Unit, bundle_id: UUID, matter: str, material: str, name: str, media_type: str, content: bytes) -> None:
    most = unit.config(Settings).files.max_bytes
    if len(content) > most:
        raise TooLarge("The file has more than {most} bytes, which is what is taken here.", most=most)
    refuse_foreign(children(unit, get(unit, bundle_id).id), [Brought(matter=matter, material=material)])
    subject = unit.actor.acts_for or unit.actor.subject
    kept = keep(unit, NewFile(name=name, media_type=media_type, subject=subject, matter=matter), content)
    bring(unit, bundle_id, [Brought(matter=matter, material=material, file=kept.id)])


def _type(sent: UploadFile) -> str:
    return sent.content_type.partition(";")[0].strip().lower()


def _name(sent: UploadFile) -> str:
    """The name without the folders that some programs send along."""
    name = sent.filename.replace("\\", "/").rpartition("/")[2].strip()
    if not name or len(name) > NAME_SIZE or not name.isprintable():
        detail = N_("The file's name must have 1 to {most} printable characters.")
        raise Invalid(
            detail, violations=[Violation("$.file", "name", detail, facts={"most": NAME_SIZE})], most=NAME_SIZE
        )
    return name
