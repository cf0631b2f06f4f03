"""Answers as people type them, brought into the one way they are kept (规范化). Nothing is guessed: what cannot be read stays as it is.

Kept answers are plain JSON: text, dates as ``2026-03-01``, numbers as numbers, yes and no as true and false, several as a list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?")
_DATES = (
    re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"),
    re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})"),
    re.compile(r"([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,2})"),
    re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日"),
    re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})"),
)
_CAPITALS = {ord(small): small.upper() for small in "abcdefghijklmnopqrstuvwxyz"}
_YES, _NO = {"true", "1", "yes", "是", "on"}, {"false", "0", "no", "否"}


def tidied(kind: str, value: Any, *, capitals: bool = False) -> Any:
    """``value`` as a question of that kind keeps it; ``capitals`` for identifiers, whose letters are capitals."""
    if not isinstance(value, str):
        return value
    return WAYS.get(kind, _line)(value) if not capitals else _narrow(value).translate(_CAPITALS)


def _narrow(value: str) -> str:
    """Codes and numbers: full-width letters and digits made narrow, no blanks at all.

    Normalised again at the end: with a blank gone, marks that stood apart can change places.
    """
    return unicodedata.normalize("NFKC", "".join(unicodedata.normalize("NFKC", value).split()))


def _line(value: str) -> str:
    """One line of text."""
    return " ".join(unicodedata.normalize("NFC", value).split())


def _paragraphs(value: str) -> str:
    """Text of several lines, without blanks at their ends."""
    lines = unicodedata.normalize("NFC", value).splitlines()
    return "\n".join(line.strip() for line in lines).strip()


def _number(value: str) -> int | float | str:
    """A number, thousands apart or not; text where a float could not hold it exactly."""
    bare = _narrow(value).replace(",", "")
    if not _NUMBER.fullmatch(bare):
        return _line(value)
    exact = Decimal(bare)
    if exact == exact.to_integral_value():
        return int(exact)
    return float(bare) if Decimal(repr(float(bare))) == exact else bare


def _date(value: str) -> str:
    bare = _narrow(value)
    for pattern in _DATES:
        if match := pattern.fullmatch(bare):
            try:
                return date(*(int(part) for part in match.groups())).isoformat()
            except ValueError:
                return bare
    return _line(value)


def _yes_no(value: str) -> bool | str:
    bare = _narrow(value).casefold()
    return bare in _YES if bare in _YES | _NO else _line(value)


WAYS: dict[str, Callable[[str], Any]] = {
    "choice": _narrow,
    "code": _narrow,
    "tel": _narrow,
    "email": _narrow,
    "number": _number,
    "date": _date,
    "yes-no": _yes_no,
    "long": _paragraphs,
}
"""By a question's kind; any other is one line of text."""


def blank(value: Any) -> bool:
    """Whether nothing has been said."""
    return value is None or value == "" or value == [] or value == ()
