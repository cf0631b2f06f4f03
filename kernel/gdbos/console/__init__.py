"""The console: what integrators, data stewards and operators see of a running node.

navigation.py   what the header offers here
permissions.py  who may open which part
health.py  logs.py  letter.py  grants.py  brought.py  browse.py   what the pages show
routes.py  pages.py  standards_pages.py   addresses

``PAGES`` and ``ROUTES`` are loaded when they are asked for: the kernel takes its navigation from here while it is itself being loaded.
"""

from __future__ import annotations

from typing import Any

PAGES: list[Any]
ROUTES: list[Any]


def __getattr__(name: str) -> Any:
    if name == "PAGES":
        from gdbos.console.pages import PAGES

        return PAGES
    if name == "ROUTES":
        from gdbos.console.routes import ROUTES

        return ROUTES
    raise AttributeError(name)
