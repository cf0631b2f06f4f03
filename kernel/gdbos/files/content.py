"""Looking inside a file before anyone may have it: what its bytes say it is, and what it must not hold.

The first bytes, the declared media type and the ending of the name must agree, and the type must be one that this deployment
takes. A type for which nothing here can look inside is never taken, whatever the configuration allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Final

import puremagic

from gdbos.config import Files
from gdbos.errors import Invalid, TooLarge, Unsupported, Violation
from gdbos.files.image import fault_of_image
from gdbos.files.pdf import fault_of_pdf
from gdbos.text import N_

Look = Callable[[bytes], str]
"""Says what is wrong with a file's content, or nothing."""

ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
}
LOOKS: Final[Mapping[str, Look]] = {
    "application/pdf": fault_of_pdf,
    "image/png": fault_of_image,
    "image/jpeg": fault_of_image,
}


def check_content(content: bytes, *, name: str, media_type: str, limits: Files) -> None:
    """Refuse ``content`` unless it is what ``name`` and ``media_type`` say, is allowed, and holds nothing that acts by itself.

    :raises TooLarge: it has more bytes than ``[files] max_bytes``.
    :raises Unsupported: its type is not taken here, or its first bytes say another.
    :raises Invalid: it is empty, its name ends otherwise, or its inside is refused; the name is not repeated.
    """
    if len(content) > limits.max_bytes:
        raise TooLarge("The file has {size} bytes; at most {most} are taken.", size=len(content), most=limits.max_bytes)
    if not content:
        raise _refused("empty", N_("The file is empty."))
    _check_type(content, media_type, limits)
    if PurePosixPath(name).suffix.lower() not in ENDINGS[media_type]:
        endings = ", ".join(ENDINGS[media_type])
        raise _refused("ending", N_("The name of this file must end in {endings}."), endings=endings)
    if fault := LOOKS[media_type](content):
        raise _refused("content", fault)


def taken(limits: Files) -> list[str]:
    """The media types this deployment takes and this kernel can look into."""
    return [media_type for media_type in limits.types if media_type in LOOKS]


def _check_type(content: bytes, media_type: str, limits: Files) -> None:
    possible = taken(limits)
    if media_type not in possible:
        raise Unsupported("Files of this type are not taken; send one of: {types}.", types=", ".join(possible))
    if media_type not in types_of(content):
        raise Unsupported("The first bytes of the file are not those of {media_type}.", media_type=media_type)


def types_of(content: bytes) -> set[str]:
    """The media types that the first bytes of ``content`` fit best."""
    try:
        found = puremagic.magic_string(content)
    except (puremagic.PureError, ValueError):
        return set()
    return {match.mime_type for match in found if match.confidence == found[0].confidence}


def _refused(rule: str, detail: str, **facts: object) -> Invalid:
    return Invalid(detail, violations=[Violation("$.file", rule, detail, facts=facts)], **facts)
