"""Which elements, code lists, records and other items an item names, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from .document import Document

NAMED_BY = {
    "codes": "codes",
    "deadline": "deadlines",
    "element": "elements",
    "elements": "elements",
    "face": "elements",
    "form": "forms",
    "gives": "records",
    "list": "codes",
    "mask": "masks",
    "matters": "matters",
    "reasons": "codes",
    "scheme": "identifiers",
    "takes": "records",
}
"""Field of any item → the kind whose ids stand in it. A data element's own ``form`` is a representation, and no form has such an id."""

Use = tuple[str, str]
"""Kind, id."""


def uses(document: Document[Any]) -> frozenset[Use]:
    """What the item names."""
    return frozenset(_named(msgspec.to_builtins(document.value, builtin_types=(date,))))


def _named(value: Any) -> Iterator[Use]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and inner and key in NAMED_BY:
                yield NAMED_BY[key], inner
            elif isinstance(inner, list | tuple) and key in NAMED_BY and all(isinstance(one, str) for one in inner):
                yield from ((NAMED_BY[key], one) for one in inner)
            else:
                yield from _named(inner)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _named(entry)
