"""Forms (表单) and what several become together: one sheet that asks each data element once (一表申请).

A form is a list of data elements, so two forms that name the same element mean the same fact. The sheet of one or more
matters is the union of their forms; ``part`` cuts from its answers what one department receives.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from gdbos import N_, Kind, NotFound, Text, Violation
from gdbos_services.forms.answers import blank, tidied
from gdbos_services.forms.condition import Condition, parse
from gdbos_services.forms.consistency import complaints
from gdbos_services.matters.matter import find

if TYPE_CHECKING:
    from gdbos import Element, Standards

KIND_NAME = "forms"
LONG = 300
"""Text of more characters than this is written in a box of several lines."""
Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z][A-Za-z0-9_]{0,63}\Z")]


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One element in its place on a form."""

    name: Name
    element: str
    required: bool = False
    repeat: bool = False
    when: str = ""
    """It is asked only when this holds; see :mod:`gdbos_services.forms.condition`."""
    prefill: str = ""
    """Where the answer already is: ``applicant#citizen_id``, ``#mobile``, ``#uscc``, or ``service#field``."""
    title: Text | None = None
    hint: Text | None = None
    codes: str = ""
    """Narrows the element's code list to another."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields under one heading. One whose fields all repeat is a table of rows."""

    id: str
    title: Text
    fields: tuple[Field, ...]


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one department asks for one matter."""

    id: str
    title: Text
    sections: tuple[Section, ...]

    @property
    def fields(self) -> Iterator[Field]:
        """All fields in their order."""
        return (field for section in self.sections for field in section.fields)

    def condition(self, field: Field) -> Condition | None:
        """When ``field`` is asked, over elements; None: always."""
        if not field.when:
            return None
        return parse(field.when).renamed({one.name: one.element for one in self.fields})


class Ask(msgspec.Struct, frozen=True):
    """That one matter asks a question, and how."""

    matter: str
    required: bool
    when: Condition | None

    def asks(self, answers: Mapping[str, Any]) -> bool:
        """Whether the matter asks it, given the answers."""
        return self.when is None or self.when.holds(answers)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One element, asked once, with all it needs to be shown, read and checked."""

    element: str
    section: str
    title: Text
    hint: Text | None
    kind: str
    """``choice``, ``code`` (letters and digits), ``number``, ``date``, ``yes-no``, ``tel``, ``email``, ``long``, ``text``."""
    form: str
    """The element's representation, such as ``any..200``."""
    codes: str
    scheme: str
    unit: str
    longest: int
    """Characters that fit; 0: no limit is known."""
    repeat: bool
    asks: tuple[Ask, ...]
    prefill: str
    """As the first matter that asks it says."""

    @property
    def asked_by(self) -> tuple[str, ...]:
        """The matters that ask it."""
        return tuple(ask.matter for ask in self.asks)

    @property
    def required(self) -> bool:
        """Whether a matter needs it whenever it is asked."""
        return any(ask.required for ask in self.asks)

    @property
    def when(self) -> tuple[Condition, ...]:
        """Conditions of which one must hold for it to be asked; none: it is always asked."""
        conditions = [ask.when for ask in self.asks]
        return tuple(dict.fromkeys(one for one in conditions if one)) if None not in conditions else ()

    def asked(self, answers: Mapping[str, Any]) -> bool:
        """Whether it is asked, given the other answers."""
        return any(ask.asks(answers) for ask in self.asks)

    def needed(self, answers: Mapping[str, Any]) -> bool:
        """Whether it must be answered, given the other answers."""
        return any(ask.required and ask.asks(answers) for ask in self.asks)

    def tidy(self, value: Any) -> Any:
        """The answer in the one way it is kept."""
        return tidied(self.kind, value, capitals=bool(self.scheme))


class Part(msgspec.Struct, frozen=True):
    """Questions under one heading."""

    id: str
    title: Text
    questions: tuple[Question, ...]

    @property
    def rows(self) -> bool:
        """Whether it is a table of rows, its columns being the questions."""
        alone = len(self.questions) == 1 and self.questions[0].codes
        return bool(self.questions) and all(one.repeat for one in self.questions) and not alone


class Sheet(msgspec.Struct, frozen=True, dict=True):
    """One form for one or more matters. Answers are kept by element."""

    matters: tuple[str, ...]
    parts: tuple[Part, ...]
    silent: tuple[Question, ...] = ()
    """Elements that departments receive and nobody is asked for: given by guidance, or by another matter's result."""

    @cached_property
    def questions(self) -> dict[str, Question]:
        """What is asked, by element, in order."""
        return {one.element: one for part in self.parts for one in part.questions}

    @cached_property
    def known(self) -> dict[str, Question]:
        """What is asked and what is silently there, by element."""
        return {**self.questions, **{one.element: one for one in self.silent}}

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements asked, in order; each once."""
        return tuple(self.questions)

    def normalise(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """The answers as they are kept: each tidied, blank ones and those no longer asked left out. Doing it twice changes nothing."""
        tables = [part for part in self.parts if part.rows]
        columns = {question.element for part in tables for question in part.questions}
        tidy = {key: _tidy(self.known.get(key), value) for key, value in answers.items() if key not in columns}
        for part in tables:
            tidy |= _rows(part, answers)
        kept = {key: value for key, value in tidy.items() if not blank(value)}
        while unasked := [
            one.element for one in self.questions.values() if one.element in kept and not one.asked(kept)
        ]:
            for element in unasked:
                del kept[element]
        return kept

    def check(self, answers: Mapping[str, Any], standards: Standards, on: date) -> list[Violation]:
        """Every answer that is wrong or missing, by ``$.element``; answers to what is not asked are passed over."""
        found = [_unknown(key) for key in answers if key not in self.known]
        for question in self.known.values():
            value = answers.get(question.element)
            if question.element not in self.questions:
                found += _wrong(question, value, standards, on) if not blank(value) else ()
            elif question.asked(answers):
                found += self._checked(question, value, answers, standards, on)
        return found

    def _checked(
        self, question: Question, value: Any, answers: Mapping[str, Any], standards: Standards, on: date
    ) -> Iterator[Violation]:
        if blank(value):
            if question.needed(answers):
                yield _missing(question, f"$.{question.element}")
            return
        yield from _wrong(question, value, standards, on)
        if question.repeat and isinstance(value, list) and question.needed(answers):
            gaps = [at for at, one in enumerate(value) if blank(one)]
            yield from (_missing(question, f"$.{question.element}[{at}]") for at in gaps)


KIND = Kind(KIND_NAME, Form, complaints)


def sheet(
    standards: Standards,
    matters: Sequence[str],
    on: date,
    dropped: Collection[str] = (),
    supplied: Collection[str] = (),
) -> Sheet:
    """The union of the matters' forms on that day: each element once, where the first form that has it puts it.

    ``dropped`` elements are not asked because guidance has settled them, ``supplied`` ones because a matter's result gives them.

    Raises:
        NotFound: there is no such matter or form.
    """
    union: dict[str, Question] = {}
    titles: dict[str, Text] = {}
    for matter in matters:
        form = form_of(standards, find(standards, matter, on).form, on)
        for section in form.sections:
            titles.setdefault(section.id, section.title)
            for field in section.fields:
                ask = Ask(matter, field.required, form.condition(field))
                before = union.get(field.element)
                union[field.element] = (
                    msgspec.structs.replace(before, asks=(*before.asks, ask))
                    if before
                    else _question(standards.element(field.element, on), field, section.id, ask)
                )
    quiet = {*dropped, *supplied}
    asked = [question for element, question in union.items() if element not in quiet]
    parts = [Part(id, title, tuple(one for one in asked if one.section == id)) for id, title in titles.items()]
    return Sheet(
        tuple(matters),
        tuple(part for part in parts if part.questions),
        tuple(question for element, question in union.items() if element in quiet),
    )


def form_of(standards: Standards, form_id: str, on: date) -> Form:
    """The form on that day.

    Raises:
        NotFound: there is no such form.
    """
    try:
        value: Form = standards.document(KIND_NAME, form_id, on).value
    except NotFound:
        raise NotFound(N_("There is no form {form} on {on}."), form=form_id, on=on) from None
    return value


def part(sheet: Sheet, answers: Mapping[str, Any], matter: str) -> dict[str, Any]:
    """What the department of one matter receives: the answers its own form asks for, and no others."""
    found: dict[str, Any] = {}
    for element, question in sheet.known.items():
        wanted = any(ask.matter == matter and ask.asks(answers) for ask in question.asks)
        if wanted and not blank(answers.get(element)):
            found[element] = answers[element]
    return found


def _question(element: Element, field: Field, section: str, ask: Ask) -> Question:
    kind, longest = _kind(element, bool(field.codes or element.codes))
    return Question(
        element=element.id,
        section=section,
        title=field.title or element.title,
        hint=field.hint,
        kind=kind,
        form=element.form,
        codes=field.codes or element.codes,
        scheme=element.scheme,
        unit=element.unit,
        longest=longest,
        repeat=field.repeat,
        asks=(ask,),
        prefill=field.prefill,
    )


_FORM = re.compile(r"(?P<kind>any|an|n|a)(?:\.\.)?(?P<longest>[0-9]+)?(?P<decimals>,[0-9]+)?")
_WHOLE = {"d": "date", "dt": "moment", "bl": "yes-no"}


def _kind(element: Element, coded: bool) -> tuple[str, int]:
    """How the element is asked for, and how many characters fit."""
    match = _FORM.fullmatch(element.form)
    longest = int(match["longest"] or 0) if match else 0
    if coded:
        return "choice", longest
    if match is None:
        return _WHOLE.get(element.form, "text"), 0
    if match["decimals"]:
        return "number", longest + 2
    for ending, kind in (("mobile", "tel"), ("phone", "tel"), ("email", "email")):
        if element.id.endswith(ending):
            return kind, longest
    if match["kind"] != "any":
        return "code", longest
    return ("long" if longest > LONG else "text"), longest


def _tidy(question: Question | None, value: Any) -> Any:
    if question is None:
        return value
    if not question.repeat:
        return question.tidy(value)
    tidy = [question.tidy(one) for one in _several(value)]
    return [one for at, one in enumerate(tidy) if not blank(one) and one not in tidy[:at]]


def _several(value: Any) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return value
    return [] if blank(value) else [value]


def _rows(part: Part, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a table of rows at one length, without rows that are wholly blank; a blank cell is an empty text."""
    columns = [[question.tidy(one) for one in _several(answers.get(question.element))] for question in part.questions]
    rows = [row for row in zip_longest(*columns, fillvalue="") if not all(map(blank, row))]
    kept = [["" if blank(cell) else cell for cell in column] for column in zip(*rows, strict=True)]
    named = zip(part.questions, kept, strict=False)
    return {question.element: column for question, column in named if question.required or not all(map(blank, column))}


def _unknown(key: str) -> Violation:
    return Violation(f"$.{key}", "unknown", N_("This form asks for nothing of that name; leave it out."))


def _missing(question: Question, path: str) -> Violation:
    facts = {"title": question.title}
    return Violation(path, "required", N_("“{title}” is missing; please fill it in."), question.element, facts=facts)


def _wrong(question: Question, value: Any, standards: Standards, on: date) -> Iterator[Violation]:
    """What is wrong with an answer that is there; blank cells of a table are not its concern."""
    if not question.repeat:
        yield from _at(f"$.{question.element}", question, value, standards, on)
    elif not isinstance(value, list):
        detail = N_("“{title}” takes a list of answers.")
        yield Violation(f"$.{question.element}", "type", detail, question.element, facts={"title": question.title})
    else:
        for at, one in enumerate(value):
            if not blank(one):
                yield from _at(f"$.{question.element}[{at}]", question, one, standards, on)


def _at(path: str, question: Question, value: Any, standards: Standards, on: date) -> Iterator[Violation]:
    """The first thing wrong with one value: whoever mends it is told one sentence at a time."""
    for one in standards.check(question.element, value, on, codes=question.codes)[:1]:
        yield msgspec.structs.replace(one, path=path + one.path.removeprefix("$"))
