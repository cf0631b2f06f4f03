"""Which language a visitor reads, and how they change it."""

from __future__ import annotations

import re
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from gdbos.pages.translation import DEFAULT_LOCALE, LOCALES

COOKIE = "gdbos_language"
_YEAR = 365 * 24 * 3600
_LONGEST_HEADER = 1000
_LOCAL_PATH = re.compile(r"\A/(?![/\\])[^\\\x00-\x20\x7f]*\Z")
_WEIGHT = re.compile(r"\Aq=([01](?:\.[0-9]{0,3})?)\Z")


def locale_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The visitor's language: what they chose, else what their browser asks for, else Chinese."""
    chosen = connection.cookies.get(COOKIE, "")
    if chosen in LOCALES:
        return chosen
    return preferred(connection.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """The best of our languages for an ``Accept-Language`` header (RFC 9110 §12.5.4); nonsense counts as silence."""
    weights: dict[str, float] = {}
    for item in header[:_LONGEST_HEADER].lower().split(","):
        tag, _, parameter = (part.strip() for part in item.partition(";"))
        locale = tag.partition("-")[0]
        weight = _WEIGHT.match(parameter) if parameter else None
        if locale in LOCALES and (weight or not parameter):
            weights[locale] = max(weights.get(locale, 0.0), float(weight[1]) if weight else 1.0)
    wanted = {locale: weight for locale, weight in weights.items() if weight > 0}
    return max(wanted, key=lambda locale: wanted[locale], default=DEFAULT_LOCALE)


def local_path(back: str, otherwise: str = "/") -> str:
    """``back`` where it is a path on this site; ``otherwise`` where it could lead a browser anywhere else."""
    return back if _LOCAL_PATH.match(back) and back.isascii() else otherwise


def language_cookie(locale: str, *, secure: bool) -> Cookie:
    """Remember the choice for a year. It holds the two letters of a language and nothing about its reader."""
    return Cookie(key=COOKIE, value=locale, max_age=_YEAR, path="/", httponly=True, samesite="lax", secure=secure)
