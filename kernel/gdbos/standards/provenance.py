"""Where an item comes from and what each level changed, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from .document import Change, Document
from .registry import Standards

SURE = {
    "H": "read in the standard or statute",
    "M": "one implementer or one local rule",
    "GK": "general knowledge, to be confirmed",
}


def explain(standards: Standards, kind: str, id: str, on: date | None = None) -> str:
    """Who said what of an item, on what basis, what is locked, and what lower packs changed.

    Raises:
        NotFound: there is no such item, or not on that day.
    """
    versions = standards.versions(kind, id) if on is None else (standards.document(kind, id, on),)
    return "\n\n".join("\n".join(_lines(standards, version)) for version in versions)


def _lines(standards: Standards, document: Document[Any]) -> Iterator[str]:
    title = getattr(document.value, "title", None)
    yield f"{document.kind}/{document.id}" + (f"  {title.zh} {title.en}".rstrip() if title else "")
    pack = standards.pack(document.pack)
    yield f"  brought by {pack.id} {pack.version} ({pack.title.zh}), {document.file}"
    yield f"  in force from {document.since or 'ever'} until {document.until or 'further notice'}"
    for id in document.basis:
        yield f"  basis {id}: {standards.basis(id).title.zh}"
    if document.source:
        yield f"  source: {document.source}"
    if document.confidence:
        yield f"  confidence {document.confidence}: {SURE[document.confidence]}"
    yield from (f"  locked by {owner}: {field or 'the whole item'}" for field, owner in document.locks.items())
    yield from map(_change, document.changes)


def _change(change: Change) -> str:
    if change.old is None:
        return f"  {change.pack} added {change.field} = {_short(change.new)}"
    if change.new is None:
        return f"  {change.pack} withdrew {change.field}"
    return f"  {change.pack} changed {change.field} from {_short(change.old)} to {_short(change.new)}"


def _short(value: object) -> str:
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= 120 else text[:117] + "…"
