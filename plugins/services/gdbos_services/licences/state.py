"""The states of a licence (code list ``licence.state``) and which may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from gdbos import Conflict, Standards, Text

LIST: Final = "licence.state"
VALID, SUSPENDED, ANNULLED, CANCELLED, EXPIRED, TRANSFERRED, REVOKED = "01", "02", "03", "04", "05", "06", "07"

NEXT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        VALID: frozenset({SUSPENDED, ANNULLED, CANCELLED, EXPIRED, TRANSFERRED, REVOKED}),
        SUSPENDED: frozenset({VALID, ANNULLED, CANCELLED, EXPIRED, REVOKED}),
    }
)
"""Every other state is final."""


def refuse_change(old: str, new: str, standards: Standards, on: date) -> None:
    """:raises Conflict: a licence does not pass from ``old`` to ``new``."""
    if new not in NEXT.get(old, frozenset()):
        raise Conflict(
            "The licence is {state}; it cannot become {wanted}.",
            state=title(standards, old, on),
            wanted=title(standards, new, on),
        )


def title(standards: Standards, state: str, on: date) -> Text:
    """What a state is called; the code itself where the packs do not say."""
    row = standards.codes(LIST, on).get(state) if standards.table(LIST) else None
    return row.title if row else Text(state)


def on_day(state: str, valid_until: date | None, today: date) -> str:
    """The state as it stands today: what was valid has expired once its last day is over."""
    return EXPIRED if state == VALID and valid_until is not None and today > valid_until else state
