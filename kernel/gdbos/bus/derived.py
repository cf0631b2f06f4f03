"""Derived answers (核验式应答): a yes or no about a field instead of its value: “is the person at least 18?”, never the birth date.

What can be asked follows from the element that a field holds:

    a date       age >= 18 · age < 60 · age between 18 and 60 · >= 2020-01-01 · between 2020-01-01 and 2020-12-31
    a number     >= 1000 · < 5.5 · between 1 and 9
    a code       in 1, 2 · within 450100 (where the list has levels: that code, or one below it)

Free text and identifiers cannot be asked about: a guess that is confirmed is a disclosure. ``>``, ``>=``, ``<`` and ``<=`` compare;
age is completed years, reached on the birthday (29 February: on 1 March). A field the answer does not hold is answered with null.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

import msgspec

from gdbos.bus.grant import Grant
from gdbos.errors import Invalid, NoGrant, Violation
from gdbos.standards import Record, Standards
from gdbos.standards.compiled import Part
from gdbos.standards.element import form
from gdbos.text import N_

Test = Callable[[Any], bool]
OPERATORS: Final = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
_TOKENS: Final = re.compile(r">=|<=|>|<|,|[^\s<>=,]+")
_WHOLE: Final = re.compile(rf"\s*(?:(?:{_TOKENS.pattern})\s*)+")


class Question(msgspec.Struct, frozen=True, rename={"test": "is"}, forbid_unknown_fields=True):
    """One question: ``{"field": "birth_date", "is": "age >= 18"}``."""

    field: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    test: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

    @property
    def words(self) -> str:
        """The question in its one spelling, as grants, replies and receipts name it: ``birth_date age >= 18``."""
        return f"{self.field} {' '.join(_tokens(self.test)).replace(' ,', ',')}"


def spelt(words: str) -> str:
    """A field, or a question about it, in its one spelling."""
    field, _, test = words.partition(" ")
    return Question(field, test).words if test else field


def flaws(words: str, record: Record, standards: Standards, path: str) -> list[Violation]:
    """Why a grant could not name ``words`` as what may be asked about ``record``; nothing where it can."""
    field, _, test = words.partition(" ")
    part = next((part for part in record.parts if part.field.name == field), None)
    if part is not None and not test:
        return [] if _forms(part) else [_unaskable(field, part, path)]
    try:
        answerer(Question(field, test), record, standards, path)
    except Invalid as wrong:
        return wrong.violations
    return []


class Asked(msgspec.Struct, frozen=True):
    """The questions of one call, read and allowed."""

    tests: Mapping[str, tuple[str, Test]]
    """Question → the field it is about and how it is answered."""

    def answered(self, reply: Mapping[str, Any]) -> dict[str, bool | None]:
        """What ``reply`` answers; null where it does not hold the field."""
        return {
            words: None if reply.get(name) is None else test(reply[name]) for words, (name, test) in self.tests.items()
        }


def allowed(questions: Sequence[Question], grant: Grant, record: Record, standards: Standards) -> Asked:
    """The questions of a call under ``grant`` about ``record``, what the service gives.

    :raises Invalid: one is none that the field's element can be asked. :raises NoGrant: the grant does not let it be asked.
    """
    if not questions:
        raise NoGrant(
            "The grant for {service} lets you ask questions and not receive values; send “ask” with one of: {questions}.",
            service=grant.service,
            questions="; ".join(grant.questions),
        )
    tests = {
        one.words: (one.field, answerer(one, record, standards, f"$.ask[{n}].is")) for n, one in enumerate(questions)
    }
    for one in questions:
        if not _granted(one, grant):
            raise NoGrant(
                "The grant for {service} does not let you ask “{question}”; ask its provider for a grant that names it.",
                service=grant.service,
                question=one.words,
            )
    return Asked(tests)


def _granted(one: Question, grant: Grant) -> bool:
    """What is received unmasked may be asked about too; a mask must not be lifted by asking."""
    received = one.field in grant.fields or not (grant.fields or grant.questions)
    return bool({one.field, one.words} & set(grant.questions)) or (
        received and (one.field in grant.clear or "*" in grant.clear)
    )


def answerer(one: Question, record: Record, standards: Standards, path: str) -> Test:
    """How a question is answered. :raises Invalid: the record has no such field, or its element cannot be asked this."""
    part = next((part for part in record.parts if part.field.name == one.field), None)
    if part is None:
        detail = N_("The service gives no field {field}.")
        raise Invalid(violations=[Violation(path, "unknown", detail, facts={"field": one.field})])
    try:
        return _test(_tokens(one.test), part, record.on, standards)
    except (ValueError, InvalidOperation):
        raise Invalid(violations=[_unaskable(one.field, part, path)]) from None


def _unaskable(field: str, part: Part, path: str) -> Violation:
    detail = N_("“{field}” cannot be asked this; what can be asked of it: {forms}.")
    return Violation(path, "question", detail, facts={"field": field, "forms": " · ".join(_forms(part)) or "—"})


def _tokens(test: str) -> list[str]:
    if not _WHOLE.fullmatch(test):
        return []
    return _TOKENS.findall(test)


def _forms(part: Part) -> list[str]:
    """Examples of what a field can be asked."""
    if part.field.repeat:
        return []
    if part.codes is not None:
        return ["in A, B", *(["within A"] if part.codes.definition.hierarchical else [])]
    return {
        "d": ["age >= 18", "age between 18 and 60", ">= 2020-01-01", "between 2020-01-01 and 2020-12-31"],
        "number": [">= 1000", "between 1 and 9"],
    }.get(form(part.element.form).kind, [])


def _test(tokens: list[str], part: Part, on: date, standards: Standards) -> Test:
    kind = form(part.element.form).kind
    if part.field.repeat:
        raise ValueError
    if part.codes is not None:
        return _code_test(tokens, part.codes.definition.id, on, standards)
    if kind == "d" and tokens[:1] == ["age"]:
        return _compared(tokens[1:], int, lambda value: age(date.fromisoformat(value), on))
    if kind == "d":
        return _compared(tokens, date.fromisoformat, date.fromisoformat)
    if kind == "number":
        return _compared(tokens, _number, lambda value: Decimal(str(value)))
    raise ValueError


def _compared(tokens: list[str], read: Callable[[str], Any], of: Callable[[Any], Any]) -> Test:
    match tokens:
        case [sign, bound] if sign in OPERATORS:
            limit, compare = read(bound), OPERATORS[sign]
            return lambda value: bool(compare(of(value), limit))
        case ["between", low, "and", high]:
            least, most = read(low), read(high)
            return lambda value: bool(least <= of(value) <= most)
    raise ValueError


def _code_test(tokens: list[str], codes: str, on: date, standards: Standards) -> Test:
    listed = standards.codes(codes, on)
    match tokens:
        case ["in", first, *rest] if rest[::2] == [","] * (len(rest) // 2):
            among = {first, *rest[1::2]}
            if all(code in listed for code in among):
                return lambda value: value in among
        case ["within", code] if code in listed and listed.definition.hierarchical:
            return lambda value: value == code or listed.under(value, code)
    raise ValueError


def _number(written: str) -> Decimal:
    found = Decimal(written)
    if not found.is_finite():
        raise ValueError
    return found


def age(born: date, on: date) -> int:
    """Completed years on a day."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
