"""PDF: refused when it can act by itself or carries other files. A tripwire, not a cleaner: nothing in a document is changed.

What is done, and no more: every name in the file, with its ``#xx`` escapes undone, is compared with a list of names without which
no script, launch action, form submission, rich media or embedded file works (ISO 32000-2, 12.6 and 7.11.4). The list is looked for
in the raw bytes, and in the object streams (7.5.7), which are unpacked for it. What cannot be looked into is refused:
encrypted documents, object streams packed in another way than Flate, and those that unpack to more than is reasonable.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

from gdbos.text import N_

MAX_UNPACKED: Final = 64 * 1024 * 1024
"""Bytes that all object streams of a document may unpack to."""
_END: Final = rb"(?=[\x00\t\n\f\r /<>\[\](){}%]|\Z)"
"""What ends a name (7.2.3)."""

_ACTING: Final = re.compile(
    rb"/(?:JavaScript|Launch|Rendition|RichMedia|EmbeddedFiles?|FileAttachment|GoToE|SubmitForm|ImportData|XFA)" + _END
)
_ENCRYPTED: Final = re.compile(rb"/Encrypt" + _END)
_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM: Final = re.compile(rb"(?<!end)stream[ \t]*(?:\r\n|\n|\r)")
_OBJECTS: Final = re.compile(rb"/ObjStm" + _END + rb"|/First\s+[0-9]+\s*(?:/|>>)")
_FILTER: Final = re.compile(rb"/(?:Filter|Predictor)" + _END)
_FLATE: Final = re.compile(rb"/Filter\s*(?:/FlateDecode|\[\s*/FlateDecode\s*\])" + _END)


class _Unreadable(Exception):
    """An object stream that cannot be looked into."""


def fault_of_pdf(content: bytes) -> str:
    """Why the document is refused, or nothing."""
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-2_048:]:
        return N_("The PDF is cut off; save it again.")
    plain = _without_escapes(content)
    if _ENCRYPTED.search(plain):
        return N_("The PDF is encrypted, so nobody can look inside; save it without a password.")
    if _ACTING.search(plain):
        return _ACTS
    try:
        found = any(_ACTING.search(_without_escapes(unpacked)) for unpacked in _object_streams(content))
    except _Unreadable:
        return N_("Parts of the PDF cannot be looked into; print it to a new PDF and send that.")
    return _ACTS if found else ""


_ACTS: Final = N_("The PDF holds a script, an action or another file; print it to a new PDF and send that.")


def _without_escapes(content: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), content)


def _object_streams(content: bytes) -> Iterator[bytes]:
    """What every object stream unpacks to. Any ``stream`` counts, wherever it stands: readers mend broken documents.

    What lies between two of them is taken as the second one's dictionary; to look for the dictionary's true beginning would
    let a string inside it pretend to be one.
    """
    room, before = MAX_UNPACKED, 0
    for start in _STREAM.finditer(content):
        dictionary = _without_escapes(content[before : start.start()])
        before = start.end()
        if _OBJECTS.search(dictionary) and _FILTER.search(dictionary):
            if len(_FILTER.findall(dictionary)) != len(_FLATE.findall(dictionary)):
                raise _Unreadable
            unpacked = _unpacked(content, start.end(), room)
            room -= len(unpacked)
            yield unpacked


def _unpacked(content: bytes, at: int, room: int) -> bytes:
    machine = zlib.decompressobj()
    try:
        unpacked = machine.decompress(memoryview(content)[at:], room + 1)
    except zlib.error:
        raise _Unreadable from None
    if len(unpacked) > room or not machine.eof:
        raise _Unreadable
    return unpacked
