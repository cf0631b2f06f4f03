"""Rules between the fields of a matter (事项要素校验规则), as documents of standards packs: when some conditions hold, others must.

This is a table, not a language: a rule looks at fields of one matter, or of each entry of one of its lists, and each condition is one
comparison. What needs to look elsewhere, such as whether a code is in its list, is code beside it (:mod:`.consistency`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import re2

from gdbos import Standards, Text

KIND_NAME = "matter-rules"
Plain = Mapping[str, Any]


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"equals": "is"}):
    """One comparison of a field; every comparison it names must hold. A list is compared entry by entry."""

    field: str
    """``case_class``, ``result.title.zh``; in a rule for ``each`` entry, a field of the entry."""
    equals: str | int | bool | None = None
    any_of: tuple[str, ...] = ()
    """It, or one of its entries, is among these."""
    none_of: tuple[str, ...] = ()
    given: bool | None = None
    """Whether it says anything: zero and "no" do, an empty list does not."""
    at_least: int | None = None
    """As a number; of a list, so many entries."""
    at_most: str = ""
    """The field it must not be greater than."""
    differs_from: str = ""
    """The field it must not be equal to."""
    matches: str = ""
    """RE2, for the whole value; of a list, for one entry at least."""
    matches_not: str = ""
    """RE2 that neither the whole value nor any entry matches."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule: where ``when`` holds, ``then`` must hold too."""

    id: str
    title: Text
    says: Text
    """What is wrong where it does not hold; fields of the matter stand in braces."""
    about: str
    """The field whose line is shown."""
    each: str = ""
    """The list of the matter to whose entries it speaks; empty: to the matter."""
    when: tuple[Condition, ...] = ()
    then: tuple[Condition, ...]


def broken(matter: msgspec.Struct, standards: Standards) -> Iterator[str]:
    """What the rules of the packs find wrong with a matter, one sentence each, beginning with the field it is about."""
    if KIND_NAME not in standards.kinds:
        return
    plain = msgspec.json.decode(msgspec.json.encode(matter))
    for document in standards.documents(KIND_NAME):
        rule: Rule = document.value
        for place, one in _places(rule, plain):
            if all(_holds(each, one) for each in rule.when) and not all(_holds(each, one) for each in rule.then):
                yield f"{place}: {_filled(rule.says, one)}"


def unreadable(rule: Rule, fields: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """What is wrong with a rule itself. ``fields``: those of a matter under the empty name, and of the entries of its lists."""
    if rule.each not in fields:
        yield f"each: matters have no list {rule.each!r}"
        return
    known = set(fields[rule.each])
    for where, conditions in (("when", rule.when), ("then", rule.then)):
        for one in conditions:
            named = {one.field, one.at_most, one.differs_from} - {""}
            yield from (
                f"{where}: there is no field {name!r}" for name in sorted(named) if name.split(".")[0] not in known
            )
            yield from (
                f"{where}: {pattern!r} is no pattern of RE2" for pattern in _patterns(one) if not _runs(pattern)
            )


def _patterns(one: Condition) -> list[str]:
    return [pattern for pattern in (one.matches, one.matches_not) if pattern]


def _runs(pattern: str) -> bool:
    try:
        re2.compile(pattern)
    except re2.error:
        return False
    return True


def _places(rule: Rule, plain: Plain) -> Iterator[tuple[str, Plain]]:
    if not rule.each:
        yield rule.about, plain
        return
    for entry in plain.get(rule.each, ()):
        yield f"{rule.each}[{entry['id']}].{rule.about}", entry


def _holds(one: Condition, plain: Plain) -> bool:
    value = _value(plain, one.field)
    entries = value if isinstance(value, list) else [value]
    checks = (
        one.equals is None or value == one.equals,
        not one.any_of or any(entry in one.any_of for entry in entries),
        not any(entry in one.none_of for entry in entries),
        one.given is None or (value not in (None, "", [], {})) is one.given,
        one.at_least is None or _measure(value) >= one.at_least,
        not one.at_most or _measure(value) <= _measure(_value(plain, one.at_most)),
        not one.differs_from or value != _value(plain, one.differs_from),
        not one.matches or _fits(one.matches, entries),
        not one.matches_not or not _fits(one.matches_not, entries),
    )
    return all(checks)


def _fits(pattern: str, entries: list[Any]) -> bool:
    """A pattern that does not run fits nothing; the check of its own rule says so."""
    return _runs(pattern) and any(re2.fullmatch(pattern, str(entry)) for entry in entries)


def _measure(value: Any) -> float:
    """A number, or how many entries; what is neither fits no measure."""
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int | float) else math.nan


def _value(plain: Plain, path: str) -> Any:
    value: Any = plain
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _filled(says: Text, plain: Plain) -> str:
    words = says.into("en")
    for name, value in plain.items():
        said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        words = words.replace(f"{{{name}}}", said)
    return words
