"""Data elements (数据元): what one datum is called, how it is written, where it comes from, how it is guarded.

Representations follow GB/T 18391: ``an18`` exactly 18 characters, ``an..50`` up to 50 (visible ASCII, as in ISO 7372), ``n6`` digits,
``a2`` letters, ``any..100`` text of any script, ``d`` a date, ``dt`` a moment, ``bl`` yes or no, ``n..10,2`` a number of up to ten
digits, two of them after the point.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from gdbos.text import Text

from .document import Item
from .letters import CLASSES
from .pattern import Pattern, compiled

Grade = Literal["general", "important", "core"]
Personal = Literal["none", "personal", "sensitive"]

_FORM = re.compile(r"(?:(an|any|n|a)(\.\.)?([1-9][0-9]{0,8})(?:,([0-9]{1,2}))?|(any|d|dt|bl))")


class Element(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data element (GB/T 18391, GB/T 19488.1)."""

    title: Text
    object: str = ""
    """Object class (对象类) of GB/T 18391: whose or what thing's property it is, such as 法定代表人."""
    property: str = ""
    """Property (特性): what of that thing, such as 姓名."""
    representation: str = ""
    """Representation term (表示词): the kind of value, such as 名称, 代码, 日期; ``form`` says how it is written."""
    form: str
    pattern: str = ""
    """Which characters, in RE2's syntax, for the whole value; without it the form says."""
    scheme: str = ""
    """The identifier scheme whose check digits the value must pass."""
    codes: str = ""
    """The code list the value must be in."""
    unit: str = ""
    grade: Grade = "general"
    """GB/T 43697-2024: core, important, general."""
    personal: Personal = "none"
    mask: str = ""
    authority: str = ""
    """The one authoritative source (一数一源)."""
    synonyms: tuple[str, ...] = ()
    minimum: int | float | None = None
    maximum: int | float | None = None


class Form(msgspec.Struct, frozen=True):
    """A representation, taken apart."""

    kind: str
    """``an``, ``any``, ``n``, ``a``, ``d``, ``dt``, ``bl`` or ``number``."""
    shortest: int = 0
    longest: int = 0
    """Characters; for a number, digits."""
    decimals: int = 0


class Shape(msgspec.Struct, frozen=True):
    """What decoding checks of one value: the type at native speed, and what is left for after it."""

    type: Any
    schema: dict[str, Any]
    after: Callable[[Any], str] | None = None
    """The rule a decoded value breaks, or nothing."""
    letters: str = ""
    """The class of its characters, where that is all the pattern in ``type`` says (:mod:`gdbos.standards.letters`)."""
    loose: Any = None
    """``type`` without that pattern."""


@functools.lru_cache(maxsize=4096)
def form(text: str) -> Form:
    """Take a representation apart.

    Raises:
        ValueError: it is not one.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is not a representation; write an18, an..50, n6, a2, any..100, n..10,2, d, dt or bl"
        )
    kind, upto, length, decimals, alone = match.groups()
    if alone:
        return Form(alone)
    longest = int(length)
    if decimals is None:
        return Form(kind, 1 if upto else longest, longest)
    if kind != "n" or not upto or int(decimals) > longest:
        raise ValueError(f"{text!r}: only n..N,M has digits after the point, and no more than N of them")
    return Form("number", 0, longest, int(decimals))


def shape(element: Element) -> Shape:
    """The type and schema of one value of ``element``.

    Raises:
        ValueError: its form or pattern cannot be read, or a bound makes no sense.
    """
    read = form(element.form)
    if read.kind == "number":
        return _number(element, read)
    if element.minimum is not None or element.maximum is not None:
        raise ValueError("minimum and maximum are for numbers (n..N,M)")
    if read.kind in ("d", "dt", "bl"):
        if element.pattern:
            raise ValueError(f"the form {element.form} takes no pattern")
        return PLAIN[read.kind]
    return _text(element, read)


PLAIN = {
    "d": Shape(date, {"type": "string", "format": "date"}),
    "dt": Shape(Annotated[datetime, msgspec.Meta(tz=True)], {"type": "string", "format": "date-time"}),
    "bl": Shape(bool, {"type": "boolean"}),
}


def _text(element: Element, read: Form) -> Shape:
    bounds: dict[str, Any] = {"min_length": max(read.shortest, 1), "max_length": read.longest or None}
    letters = _letters(element, read)
    pattern = compiled(element.pattern) if element.pattern else Pattern(f"{CLASSES[letters]}*", native=True)
    schema: dict[str, Any] = {"type": "string", "minLength": bounds["min_length"], "pattern": pattern.ecma}
    if read.longest:
        schema["maxLength"] = read.longest
    loose = Annotated[str, msgspec.Meta(**bounds)]
    if pattern.native:
        return Shape(Annotated[str, msgspec.Meta(pattern=pattern.anchored, **bounds)], schema, None, letters, loose)
    return Shape(loose, schema, lambda value: "" if pattern.fits(value) else "pattern")


def _letters(element: Element, read: Form) -> str:
    """The class of characters that the form allows; an identifier's own check knows its letters better than the form does."""
    if element.pattern:
        return ""
    return "an" if element.scheme and read.kind != "any" else read.kind


def _number(element: Element, read: Form) -> Shape:
    if element.pattern:
        raise ValueError(f"the form {element.form} takes no pattern")
    if read.decimals == 0 and read.longest <= 18:
        return _whole(element, read)
    low, high = _bounds(element)
    whole = read.longest - read.decimals
    return Shape(
        Decimal,
        {"type": "number", "multipleOf": float(f"1e-{read.decimals}"), **_limits(low, high, whole)},
        functools.partial(_decimal_rule, whole=whole, decimals=read.decimals, low=low, high=high),
    )


def _whole(element: Element, read: Form) -> Shape:
    low, high = _bounds(element)
    most = 10**read.longest - 1
    least = -most if low is None else max(-most, int(low.to_integral_value(rounding="ROUND_CEILING")))
    most = most if high is None else min(most, int(high.to_integral_value(rounding="ROUND_FLOOR")))
    return Shape(
        Annotated[int, msgspec.Meta(ge=least, le=most)], {"type": "integer", "minimum": least, "maximum": most}
    )


def _bounds(element: Element) -> tuple[Decimal | None, Decimal | None]:
    low, high = (None if one is None else Decimal(str(one)) for one in (element.minimum, element.maximum))
    if low is not None and high is not None and low > high:
        raise ValueError("minimum is above maximum")
    return low, high


def _limits(low: Decimal | None, high: Decimal | None, whole: int) -> dict[str, Any]:
    below: dict[str, Any] = {"exclusiveMinimum": -(10**whole)} if low is None else {"minimum": float(low)}
    return below | ({"exclusiveMaximum": 10**whole} if high is None else {"maximum": float(high)})


def _decimal_rule(value: Decimal, *, whole: int, decimals: int, low: Decimal | None, high: Decimal | None) -> str:
    if not value.is_finite():
        return "type"
    if value and value.adjusted() + 1 > whole:
        return "range"
    if -int(value.as_tuple().exponent) - _zeros_at_end(value) > decimals:
        return "decimals"
    return "range" if (low is not None and value < low) or (high is not None and value > high) else ""


def _zeros_at_end(value: Decimal) -> int:
    digits = value.as_tuple().digits
    return len(digits) if not value else next(at for at, digit in enumerate(reversed(digits)) if digit)
