"""What the header offers: four areas, and within each the pages a visitor may open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from gdbos.text import N_

if TYPE_CHECKING:
    from gdbos.plugin import Permission

Area = Literal["portal", "workbench", "console", "cockpit"]

AREAS: dict[Area, str] = {
    "portal": N_("Portal"),
    "workbench": N_("Workbench"),
    "console": N_("Console"),
    "cockpit": N_("Cockpit"),
}
"""The areas in the order the header shows them: for people and enterprises, windows and departments,
integrators and data stewards, leaders."""


_FOR_ALL = ("public", "known")


class NavigationEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A page that the header links to."""

    area: Area
    path: str
    title: str
    """English message id."""
    permission: Permission
    """Who is shown the link. The page's own handler decides who may open it."""
    order: int = 100
    """Lower comes first."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link to show; ``title`` is an English message id."""

    title: str
    path: str
    current: bool = False


class Navigation:
    """All entries of a node."""

    def __init__(self, entries: Sequence[NavigationEntry]) -> None:
        self._entries = sorted(entries, key=lambda entry: (entry.order, entry.path))

    def areas(self, path: str, may: Callable[[Permission], bool]) -> list[Link]:
        """One link per area that holds a page the visitor may open; it leads to the first of them."""
        here = self._area_of(path)
        links = []
        for area, title in AREAS.items():
            first = next((entry for entry in self._entries if entry.area == area and may(entry.permission)), None)
            if first:
                links.append(Link(title=title, path=first.path, current=area == here))
        return links

    def entries(self, path: str, may: Callable[[Permission], bool]) -> list[Link]:
        """Links to the pages of the area that ``path`` lies in."""
        here, nearest = self._area_of(path), self._nearest(path)
        return [
            Link(title=entry.title, path=entry.path, current=entry is nearest)
            for entry in self._entries
            if entry.area == here and may(entry.permission)
        ]

    def home(self, may: Callable[[Permission], bool]) -> str:
        """Where a visitor begins: the area with most pages that are there for them and not for everybody; empty if none."""
        own = [entry for entry in self._entries if entry.permission.name not in _FOR_ALL and may(entry.permission)]
        most = max(AREAS, key=lambda area: sum(entry.area == area for entry in own))
        entries = [entry for entry in self._entries if may(entry.permission)]
        return next((entry.path for entry in entries if entry.area == most), entries[0].path if entries else "")

    def instead(self, path: str, may: Callable[[Permission], bool]) -> str:
        """The first page a visitor may open of the area at whose own address ``path`` they were refused; empty elsewhere."""
        if path.rstrip("/") not in {f"/{area}" for area in AREAS}:
            return ""
        return next((link.path for link in self.entries(path, may) if link.path != path.rstrip("/")), "")

    def _area_of(self, path: str) -> str:
        nearest = self._nearest(path)
        return nearest.area if nearest else path.lstrip("/").partition("/")[0]

    def _nearest(self, path: str) -> NavigationEntry | None:
        """The entry whose path is the longest beginning of ``path``, by whole segments."""
        above = [entry for entry in self._entries if _lies_under(path, entry.path)]
        return max(above, key=lambda entry: len(entry.path), default=None)


def _lies_under(path: str, entry: str) -> bool:
    bare = entry.rstrip("/")
    return path.rstrip("/") == bare or (bool(bare) and path.startswith(bare + "/"))
