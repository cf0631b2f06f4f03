"""Masking (脱敏): what of a value may be seen by those who need to recognise it and not to know it.

Works on what a reader sees as one character (a letter with its marks, an ideograph with its variant selector), so that nothing
is cut in half. A short value is hidden whole; only an address that goes no further down than its level stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from gdbos.text import Text

from .document import Item

WHOLLY = "***"
"""What stands for a value of which nothing may be seen, whatever its length."""


class Mask(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A masking rule."""

    title: Text | None = None
    kind: Literal["keep", "name", "address", "email", "plate", "all", "none"] = "keep"
    keep_first: Annotated[int, msgspec.Meta(ge=0, le=64)] = 0
    keep_last: Annotated[int, msgspec.Meta(ge=0, le=64)] = 0
    fill: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = "*"
    level: Literal["", "province", "city", "district"] = ""
    """For an address: how far down it may be seen."""


def masked(rule: Mask, value: str) -> str:
    """``value`` as the rule lets it be seen."""
    if rule.kind == "none" or value == "":
        return value
    if rule.kind == "all":
        return WHOLLY
    if rule.kind == "name":
        return _name(characters(value), rule.fill)
    if rule.kind == "email":
        return _email(value, rule.fill)
    if rule.kind == "address":
        return _address(value, rule)
    return _keep(characters(value), *((2, 2) if rule.kind == "plate" else (rule.keep_first, rule.keep_last)), rule.fill)


Masking = Callable[[object], object]


def masking(rule: Mask | None) -> Masking:
    """The rule as a function of a value or a list of them; without a rule everything is hidden."""

    def mask(value: object) -> object:
        if isinstance(value, list | tuple):
            return [mask(one) for one in value]
        if value is None:
            return None
        return WHOLLY if rule is None else masked(rule, str(value))

    return mask


def characters(text: str) -> list[str]:
    """The characters as a reader counts them: marks, variant selectors and joined signs stay with their base."""
    if text.isascii() or text.isalpha():  # no mark or joiner is a letter: each sign is one character
        return list(text)
    found: list[str] = []
    for sign in text:
        if found and (_joins(sign) or found[-1].endswith("\u200d")):
            found[-1] += sign
        else:
            found.append(sign)
    return found


def _joins(sign: str) -> bool:
    return sign == "\u200d" or unicodedata.category(sign) in ("Mn", "Mc", "Me") or "\U0001f3fb" <= sign <= "\U0001f3ff"


def _keep(signs: list[str], first: int, last: int, fill: str) -> str:
    """A value too short to hide anything between what is kept shows nothing."""
    if len(signs) <= first + last:
        return fill * len(signs)
    return "".join([*signs[:first], fill * (len(signs) - first - last), *signs[len(signs) - last :]])


def _name(signs: list[str], fill: str) -> str:
    if len(signs) < 3:
        return _keep(signs, 1, 0, fill)
    return _keep(signs, 1, 1, fill)


def _email(value: str, fill: str) -> str:
    local, at, domain = value.rpartition("@")
    if not at or not local:
        return WHOLLY
    signs = characters(local)
    return (signs[0] if len(signs) > 1 else "") + fill * 3 + at + domain


_PROVINCE = r"(?:[^省市区]{1,8}?(?:自治区|特别行政区|省)|(?:北京|天津|上海|重庆)市)"
_CITY = r"[^省市区县旗州盟路街号]{1,12}?(?:自治州|州|地区|盟|(?<![超菜夜集])市)"
_DISTRICT = r"[^省县旗路街号]{1,15}?(?:自治县|自治旗|林区|特区|新区|(?<![小社园校厂库景院])区|县|旗|(?<![超菜夜集])市)"
_DEPTHS = {
    "province": re.compile(rf"({_PROVINCE})(?:{_CITY})?(?:{_DISTRICT})?"),
    "city": re.compile(rf"({_PROVINCE}(?:{_CITY})?|{_CITY})(?:{_DISTRICT})?"),
    "district": re.compile(rf"((?:{_PROVINCE})?(?:{_CITY})?{_DISTRICT}|{_PROVINCE}(?:{_CITY})?|{_CITY})"),
}


def _address(value: str, rule: Mask) -> str:
    match = _DEPTHS[rule.level or "district"].match(value)
    if match is None or match.end(1) == len(value):
        return WHOLLY if match is None else value
    return match[1] + rule.fill * 4
