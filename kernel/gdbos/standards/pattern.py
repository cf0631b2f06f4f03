"""Patterns that packs bring, made safe.

A pattern is either a short run of character classes with bounded repeats, which a backtracking engine cannot be made to
blow up on, and then runs inside msgspec at native speed; or it runs in RE2 (linear time) after decoding. What only a
backtracking engine could run (look-around, back-references, possessive repeats) is refused. The engine anchors.
"""

from __future__ import annotations

import functools
import re

import msgspec
import re2

_ONE = r"(?:\[\^?(?:[^\[\]\\^]|\\[\]\[\\^.\-/])(?:[^\[\]\\]|\\[\]\[\\^.\-/])*\]|\\[.\-/()+*?\[\]{}|^$\\]|[^\\\[\](){}*+?.|^$])"
_BOUNDED = re.compile(rf"(?:{_ONE}(?:\{{[0-9]{{1,4}}(?:,[0-9]{{1,4}})?\}}|\?)?)+")
_PART = re.compile(rf"({_ONE})(\{{[0-9]{{1,4}}(?:,[0-9]{{1,4}})?\}}|\?)?")
_ASCII = [chr(number) for number in range(32, 127)]
_REPEAT = re.compile(r"\{([0-9]+)(?:,([0-9]+))?\}|\?")
_ANCHOR = re.compile(r"\\[AzZ]|[\^$]")
_CLASS = re.compile(r"\[(?:[^\]\\]|\\.)+\]")
_ESCAPED = re.compile(r"\\[^A-Za-z]")

WAYS = 10_000
"""How many ways of splitting a text between its repeats a pattern for msgspec may leave open."""

LONGEST = 1_000
"""Characters a pattern may have."""


class Pattern(msgspec.Struct, frozen=True):
    """A whole-value pattern. ``native`` runs in msgspec; otherwise RE2 decides after decoding."""

    text: str
    native: bool

    def fits(self, value: str) -> bool:
        """Whether the whole of ``value`` fits."""
        return _re2(self.text).fullmatch(value) is not None

    def parts(self, value: str) -> dict[str, str] | None:
        """The named groups of a fitting value; None where it does not fit."""
        match = _re2(self.text).fullmatch(value)
        return None if match is None else {name: part or "" for name, part in match.groupdict().items()}

    @property
    def anchored(self) -> str:
        """For msgspec: ``\\Z``, since ``$`` would let a final newline through."""
        return rf"\A(?:{self.text})\Z"

    @property
    def ecma(self) -> str:
        """For JSON Schema."""
        return f"^(?:{self.text.replace('(?P<', '(?<')})$"


def compiled(text: str) -> Pattern:
    """The pattern ``text`` stands for.

    Raises:
        ValueError: it is anchored, too long, or not in RE2's syntax (look-around, back-references, …).
    """
    if len(text) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    if _ANCHOR.search(_plain(text)):
        raise ValueError("the engine anchors patterns: leave ^, $, \\A and \\Z out")
    try:
        _re2(text)
    except re2.error as error:
        raise ValueError(f"not a pattern RE2 can run, so it could backtrack without end: {_reason(error)}") from None
    return Pattern(text, bool(_BOUNDED.fullmatch(text)) and _ways(text) <= WAYS)


def misfit(text: str, shortest: int, longest: int, letters: str) -> str:
    """Why no value of a form can fit the pattern, as far as a short run of classes shows it; empty where one may.

    ``longest``: 0 for without end. ``letters``: one character of the form, as a regular expression.
    """
    if not _BOUNDED.fullmatch(text):
        return ""
    parts = [(part[1], *_times(part[2])) for part in _PART.finditer(text)]
    least, most = sum(low for _, low, _ in parts), sum(high for _, _, high in parts)
    if most < shortest or (longest and least > longest):
        return f"the pattern asks for {least} to {most} characters, and the form allows {shortest} to {longest}"
    for one, low, _ in parts:
        if low and not any(re.fullmatch(one, sign) and re.fullmatch(letters, sign) for sign in _ASCII):
            return f"the pattern asks for {one}, which the form does not allow"
    return ""


def _times(repeat: str) -> tuple[int, int]:
    if not repeat:
        return 1, 1
    low, high = _REPEAT.fullmatch(repeat).groups() if repeat != "?" else ("0", "1")  # type: ignore[union-attr]
    return int(low), int(high or low)


def _plain(text: str) -> str:
    """The pattern with an ``x`` for each class and each escaped mark, so that what is left is syntax."""
    return _ESCAPED.sub("x", _CLASS.sub("x", text))


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)


def _ways(text: str) -> int:
    ways = 1
    for match in _REPEAT.finditer(_plain(text)):
        low, high = match.groups()
        ways *= 2 if low is None else int(high or low) - int(low) + 1
    return ways


_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20


@functools.lru_cache(maxsize=4096)
def _re2(text: str) -> re2._Regexp:
    return re2.compile(text, options=_OPTIONS)
