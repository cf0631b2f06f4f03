"""The console: what integrators, data stewards and operators see of a running node."""

from typing import Any

PAGES: list[Any] = []
ROUTES: list[Any] = []
