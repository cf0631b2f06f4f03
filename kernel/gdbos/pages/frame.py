"""What stands around every page: whose site it is, who is reading, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from gdbos.pages.navigation import Link
from gdbos.text import Text

if TYPE_CHECKING:
    from gdbos.plugin import Permission


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """The node as its header and footer name it."""

    title: Text
    division: Text
    version: str
    node: str = ""
    """The node's id in the directory of nodes."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who has logged in, as the account menu shows them."""

    name: str
    acts_for: str = ""
    """Name of the enterprise or person represented, or of the official's body."""
    links: Sequence[Link] = ()


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """All that ``kernel/layout.html`` needs beside a page's own context, which it joins as ``frame``."""

    site: Site
    path: str
    """The page's path, without query."""
    may: Callable[[Permission], bool]
    """Which navigation is shown: mostly ``actor.may``."""
    query: str = ""
    """The page's query without ``?``, so that a change of language comes back to the same place."""
    account: Account | None = None
    home: str = "/"
    log_in: str = "/login"
    log_out: str = "/logout"

    @property
    def address(self) -> str:
        """Path and query together."""
        return f"{self.path}?{self.query}" if self.query else self.path
