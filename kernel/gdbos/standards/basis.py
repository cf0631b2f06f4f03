"""Legal basis (依据): an article of a statute or standard that rules rest on."""

from __future__ import annotations

from gdbos.text import Text

from .document import Item


class Basis(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One article, with its days in force."""

    title: Text
    document: str = ""
    """The statute or standard, with its number."""
    article: str = ""
