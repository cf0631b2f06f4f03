"""A sheet on a page: what stands in each place, how it is asked, what is wrong with it; and the answers read back from a POST.

Answers stand under the element's id; those of the second row of a table under ``investor-name.1``. Everything works
without script: a table offers blank rows, conditional questions say their condition, a button asks for more rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
from multidict import MultiMapping

from gdbos import Text, Violation
from gdbos_services.forms.answers import blank
from gdbos_services.forms.condition import Test
from gdbos_services.forms.form import Part, Question, Sheet

if TYPE_CHECKING:
    from gdbos import CodeList, Standards

FEW, MANY = 5, 120
"""Up to so many codes are radio buttons; of more than so many, one writes the code."""
MOST_ROWS = 50
MORE = "more"
"""Name of the button that asks for one more row of the section it names."""
CONTROLS = {
    "long": "textarea",
    "date": "date",
    "yes-no": "radio",
    "tel": "tel",
    "email": "email",
    "number": "text",
    "code": "text",
}
UNITS = {
    "CNY": Text("元", "yuan"),
    "percent": Text("%", "%"),
    "m2": Text("平方米", "m²"),
    "degree": Text("度", "degrees"),
    "working-day": Text("个工作日", "working days"),
}
"""How units are written; one that is not here is written as the element has it."""
YES_NO = (("true", Text("是", "Yes")), ("false", Text("否", "No")))
_PLACE = re.compile(r"\A(?P<element>.+)\.(?P<row>[0-9]{1,3})\Z")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where an answer was fetched."""

    name: Text
    on: date
    """Of a moment, pages show the day it falls on in the node's zone."""
    locked: bool = False
    """It comes from the one authoritative source, so the applicant cannot change it here."""


class Dependence(msgspec.Struct, frozen=True, kw_only=True):
    """That a question is asked only with certain answers to another."""

    question: Text
    answers: tuple[Text, ...]
    negated: bool


class Blank(msgspec.Struct, frozen=True, kw_only=True):
    """One place to fill in."""

    name: str
    question: Question
    control: str
    """A kind of the kernel's ``field`` component."""
    value: Any
    unit: Text | None
    options: tuple[tuple[str, Text], ...]
    required: bool
    violation: Violation | None
    source: Source | None
    attributes: dict[str, str]
    condition: str = ""
    """For the script: alternatives of tests ``[element, values, negated]``, as JSON; empty where it is always asked."""
    depends: tuple[Dependence, ...] = ()
    """The same for people."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One section with its places: ``blanks``, or ``rows`` of them."""

    id: str
    title: Text
    blanks: tuple[Blank, ...]
    rows: tuple[tuple[Blank, ...], ...]


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """All that ``services.forms/sheet.html`` shows."""

    blocks: tuple[Block, ...]
    problems: tuple[tuple[str, Violation], ...]
    """Every violation with the place it belongs to, in the order of the page."""


Multi = MultiMapping[Any]
"""A form as it was posted: several values under one name."""


def present(
    sheet: Sheet,
    standards: Standards,
    on: date,
    *,
    answers: Mapping[str, Any] | None = None,
    violations: Sequence[Violation] = (),
    sources: Mapping[str, Source] | None = None,
    more: str = "",
    division: str = "",
) -> Filling:
    """The sheet as a page shows it.

    ``answers`` include those to silent elements: whether a question is asked may hang on them.
    ``sources``: by element, in a table by ``element.row``. ``more``: the section that shall have one more blank row (the value
    posted under :data:`MORE`). ``division``: the node's, so that lists of divisions offer the nearest ones.
    """
    problems = placed(sheet, violations)
    first = dict(reversed(problems))
    page = _Page(sheet, standards, on, answers or {}, first, sources or {}, division)
    blocks = (page.block(part, more == part.id) for part in sheet.parts)
    return Filling(blocks=tuple(block for block in blocks if block.blanks or block.rows), problems=tuple(problems))


def answers_from(form: Multi, sheet: Sheet, silent: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The answers of a posted form, normalised. What is not on the sheet is passed over.

    ``silent``: answers to silent elements, since whether a question is asked may hang on them.
    """
    places = _places(form)
    found: dict[str, Any] = {}
    for question in sheet.questions.values():
        said = [one for one in form.getall(question.element, []) if isinstance(one, str)]
        if question.element in places:
            found[question.element] = places[question.element]
        elif said:
            found[question.element] = said if question.repeat else said[-1]
    return {
        element: value for element, value in sheet.normalise({**(silent or {}), **found}).items() if element in found
    }


def _places(form: Multi) -> dict[str, list[str]]:
    """Columns of tables, gaps included: every column as long as the last row anything was posted for."""
    cells: dict[str, dict[int, str]] = {}
    for key in form.keys():  # noqa: SIM118 - a multidict, whose keys repeat
        match = _PLACE.match(key)
        if match and int(match["row"]) < MOST_ROWS:
            value = form.getall(key, [""])[-1]
            cells.setdefault(match["element"], {})[int(match["row"])] = value if isinstance(value, str) else ""
    length = 1 + max((row for column in cells.values() for row in column), default=-1)
    return {element: [column.get(row, "") for row in range(length)] for element, column in cells.items()}


def placed(sheet: Sheet, violations: Sequence[Violation]) -> list[tuple[str, Violation]]:
    """Each violation with the name of the place it belongs to, in the order of the page."""
    tables = {question.element for part in sheet.parts if part.rows for question in part.questions}
    order = {element: at for at, element in enumerate(sheet.elements)}
    found: list[tuple[int, int, str, Violation]] = []
    for violation in violations:
        element, row = _path(violation.path)
        question = sheet.questions.get(element)
        written = element in tables or (question is not None and question.repeat and not question.codes)
        name = f"{element}.{row}" if written else element
        found.append((order.get(element, len(order)), row, name, violation))
    return [(name, violation) for _, _, name, violation in sorted(found, key=lambda one: one[:2])]


_PATH = re.compile(r"\A\$\.(?P<element>[^\[]+)(?:\[(?P<row>[0-9]+)\])?")


def _path(path: str) -> tuple[str, int]:
    """``$.investor-name[1]``: the element, and its row (0 where none is named)."""
    match = _PATH.match(path)
    return (match["element"], int(match["row"] or 0)) if match else (path, 0)


class _Page:
    """What making one page needs everywhere."""

    def __init__(
        self,
        sheet: Sheet,
        standards: Standards,
        on: date,
        answers: Mapping[str, Any],
        wrong: Mapping[str, Violation],
        sources: Mapping[str, Source],
        division: str,
    ) -> None:
        self.sheet, self.standards, self.on = sheet, standards, on
        self.answers, self.wrong, self.sources, self.division = answers, wrong, sources, division

    def block(self, part: Part, another: bool) -> Block:
        questions = [question for question in part.questions if self.alternatives(question) is not None]
        if not part.rows:
            blanks = tuple(blank for question in questions for blank in self.blanks(question))
            return Block(id=part.id, title=part.title, blanks=blanks, rows=())
        there = max((len(self.several(question)) for question in questions), default=0)
        count = min(max(there + (1 if another else 0), 1), MOST_ROWS) if questions else 0
        rows = tuple(tuple(self.cell(question, row) for question in questions) for row in range(count))
        return Block(id=part.id, title=part.title, blanks=(), rows=rows)

    def several(self, question: Question) -> list[Any]:
        value = self.answers.get(question.element)
        return list(value) if isinstance(value, list | tuple) else [] if blank(value) else [value]

    def blanks(self, question: Question) -> list[Blank]:
        """The places of a question outside a table: one, or for free text given several times one for each and one more."""
        if not question.repeat:
            return [self.blank(question, question.element, self.answers.get(question.element, ""))]
        if question.codes:
            return [self.blank(question, question.element, self.several(question), control="checkboxes")]
        return [self.cell(question, row) for row in range(len(self.several(question)) + 1)]

    def cell(self, question: Question, row: int) -> Blank:
        values = self.several(question)
        return self.blank(question, f"{question.element}.{row}", values[row] if row < len(values) else "", row=row)

    def blank(self, question: Question, name: str, value: Any, *, control: str = "", row: int | None = None) -> Blank:
        options, alternatives = self.options(question, value), self.alternatives(question) or []
        return Blank(
            name=name,
            question=question,
            control=control or self.control(question, options, narrow=row is not None),
            value=_shown(value),
            unit=UNITS.get(question.unit, Text(question.unit)) if question.unit else None,
            options=options,
            required=question.required and not alternatives and not row,
            violation=self.wrong.get(name),
            source=self.sources.get(name),
            attributes=_attributes(question, control),
            condition=_for_script(alternatives),
            depends=tuple(self.depends(alternatives)),
        )

    def control(self, question: Question, options: tuple[Any, ...], *, narrow: bool) -> str:
        if question.kind == "choice" and options:
            return "radio" if len(options) <= FEW and not narrow else "select"
        return CONTROLS.get(question.kind, "text")

    def options(self, question: Question, value: Any) -> tuple[tuple[str, Text], ...]:
        """The codes in force to choose from; none where there are too many, so that the code is written."""
        if question.kind == "yes-no":
            return YES_NO
        if not question.codes:
            return ()
        listed = self.standards.codes(question.codes, self.on)
        rows = list(listed)
        if len(rows) > MANY:
            rows = _near(listed, self.division)
        if len(rows) > MANY:
            return ()
        found = {row.code: row.title for row in rows}
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one and one in listed:
                found.setdefault(one, listed[one].title)
        return tuple(found.items())

    def alternatives(self, question: Question) -> list[tuple[Test, ...]] | None:
        """What its conditions leave open: no alternatives, it is asked; None, it is not.

        A test of an element that this page does not ask is decided here, since nothing on the page can decide it.
        """
        if not question.when:
            return []
        asked, left = self.sheet.questions, []
        for tests in (tests for condition in question.when for tests in condition.any_of):
            if all(test.holds(self.answers) for test in tests if test.field not in asked):
                left.append(tuple(test for test in tests if test.field in asked))
        return ([] if () in left else left) if left else None

    def depends(self, alternatives: Iterable[tuple[Test, ...]]) -> Iterable[Dependence]:
        for test in (test for tests in alternatives for test in tests):
            other = self.sheet.questions[test.field]
            words = tuple(self.words(other, value) for value in test.values)
            yield Dependence(question=other.title, answers=words, negated=test.negated)

    def words(self, question: Question, value: str) -> Text:
        row = self.standards.codes(question.codes, self.on).get(value) if question.codes else None
        return row.title if row else dict(YES_NO).get(value, Text(value))


def _near(listed: CodeList, division: str) -> list[Any]:
    """The rows of a list of divisions at or below ``division``."""
    prefix = re.sub(r"(?:00)+\Z", "", division)
    return [row for row in listed if row.code.startswith(prefix)] if prefix else list(listed)


def _shown(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]
    return "" if value is None else str(value)


def _attributes(question: Question, control: str) -> dict[str, str]:
    found: dict[str, str] = {}
    if question.kind == "number":
        found["inputmode"] = "decimal"
    elif (question.kind == "code" and question.form.startswith("n")) or question.kind == "tel":
        found["inputmode"] = "numeric" if question.kind == "code" else "tel"
    if question.longest and question.kind in ("text", "long", "tel", "email") and not control:
        found["maxlength"] = str(question.longest)
    if question.kind == "code":
        found |= {"autocapitalize": "characters", "spellcheck": "false"}
    return found


def _for_script(alternatives: Iterable[tuple[Test, ...]]) -> str:
    found = [[[test.field, list(test.values), test.negated] for test in tests] for tests in alternatives]
    return json.dumps(found, ensure_ascii=True) if found else ""
