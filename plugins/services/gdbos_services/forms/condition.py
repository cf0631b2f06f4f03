"""When a field is asked: a tiny language over the other fields of the form, parsed and never evaluated as code.

    seal_now == '1'
    premises_right != '1' and staff_count in ('2', '3') or marital_status == '20'

``and`` binds tighter than ``or``; there are no parentheses around conditions. A field nobody has answered fulfils nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

_TOKEN = re.compile(
    r"""\s*(?:(?P<word>[A-Za-z][A-Za-z0-9_-]*)|'(?P<value>[^']*)'|(?P<mark>==|!=|\(|\)|,)|(?P<wrong>\S))"""
)
LONGEST = 500
"""Characters a condition may have."""


class Test(msgspec.Struct, frozen=True):
    """One comparison of one field."""

    field: str
    values: tuple[str, ...]
    negated: bool = False

    def holds(self, answers: Mapping[str, Any]) -> bool:
        """Whether the answer is, or is not, one of the values."""
        given = _given(answers.get(self.field))
        return bool(given) and (given.isdisjoint(self.values) if self.negated else not given.isdisjoint(self.values))


class Condition(msgspec.Struct, frozen=True):
    """Alternatives, of which one must hold with all its tests."""

    any_of: tuple[tuple[Test, ...], ...]

    def holds(self, answers: Mapping[str, Any]) -> bool:
        """Whether the answers fulfil it."""
        return any(all(test.holds(answers) for test in tests) for tests in self.any_of)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it looks at."""
        return tuple(dict.fromkeys(test.field for tests in self.any_of for test in tests))

    def renamed(self, names: Mapping[str, str]) -> Condition:
        """The same over other names of the fields."""
        return Condition(
            tuple(
                tuple(msgspec.structs.replace(test, field=names[test.field]) for test in tests) for tests in self.any_of
            )
        )


def parse(text: str) -> Condition:
    """Read a condition.

    Raises:
        ValueError: it is not one; the message says where it stops making sense.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a condition has at most {LONGEST} characters")
    tokens = list(_tokens(text))
    reading = _Reading(tokens)
    alternatives = [reading.tests()]
    while reading.take("word", "or"):
        alternatives.append(reading.tests())
    reading.end()
    return Condition(tuple(alternatives))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "wrong":
            raise ValueError(f"{match['wrong']!r} means nothing here; write field == 'value'")
        yield kind, match[kind]


class _Reading:
    """Tokens, and how far they have been read."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens, self.at = tokens, 0

    def take(self, kind: str, exactly: str | None = None) -> str | None:
        """The next token if it is of that kind (and is that one)."""
        if self.at < len(self.tokens):
            found, value = self.tokens[self.at]
            if found == kind and exactly in (None, value):
                self.at += 1
                return value
        return None

    def need(self, kind: str, what: str, exactly: str | None = None) -> str:
        found = self.take(kind, exactly)
        if found is None:
            there = self.tokens[self.at][1] if self.at < len(self.tokens) else "the end"
            raise ValueError(f"{what} is expected where {there!r} stands")
        return found

    def tests(self) -> tuple[Test, ...]:
        found = [self.test()]
        while self.take("word", "and"):
            found.append(self.test())
        return tuple(found)

    def test(self) -> Test:
        field = self.need("word", "the name of a field")
        if self.take("mark", "=="):
            return Test(field, (self.need("value", "a value in single quotes"),))
        if self.take("mark", "!="):
            return Test(field, (self.need("value", "a value in single quotes"),), negated=True)
        self.need("word", "==, != or in", "in")
        self.need("mark", "(", "(")
        values = [self.need("value", "a value in single quotes")]
        while self.take("mark", ","):
            values.append(self.need("value", "a value in single quotes"))
        self.need("mark", ")", ")")
        return Test(field, tuple(values))

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise ValueError(f"and or or is expected where {self.tokens[self.at][1]!r} stands")


def _given(value: object) -> frozenset[str]:
    """The answer as text, each of several on its own; empty where there is none."""
    if isinstance(value, bool):
        return frozenset({"true" if value else "false"})
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        return frozenset().union(*map(_given, value))
    return frozenset({str(value)} if value is not None and value != "" else ())
