"""Where configuration and standards lie: beside the sources in a checkout, inside the package in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent


def shipped(name: str) -> Path:
    """The folder ``config`` or ``standards`` that came with this program."""
    beside = _CHECKOUT / name
    return beside if (_CHECKOUT / "pyproject.toml").exists() and beside.exists() else _PACKAGE / "_shipped" / name
