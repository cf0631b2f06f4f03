"""The one form of a bundle (一表申请): the sheet of the chosen matters, with what guidance has settled taken as read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import msgspec

from gdbos import Standards
from gdbos_services.forms.condition import Condition
from gdbos_services.forms.form import Ask, Question, Sheet, sheet

from .plan import Choice


def one_form(standards: Standards, choice: Choice, on: date) -> Sheet:
    """What the chosen matters ask together: each element once, and nothing that guidance has settled or a result supplies.

    A question asked only if guidance had answered otherwise is left out; one asked only if it answered so is simply asked.
    """
    whole = sheet(standards, choice.matters, on, choice.quiet)
    parts = [
        msgspec.structs.replace(part, questions=tuple(_asked(part.questions, choice.settled))) for part in whole.parts
    ]
    return Sheet(whole.matters, tuple(part for part in parts if part.questions), whole.silent)


def _asked(questions: tuple[Question, ...], settled: Mapping[str, str]) -> Iterator[Question]:
    for question in questions:
        if asks := tuple(_asks(question.asks, settled)):
            yield msgspec.structs.replace(question, asks=asks)


def _asks(asks: tuple[Ask, ...], settled: Mapping[str, str]) -> Iterator[Ask]:
    for ask in asks:
        if ask.when is None:
            yield ask
        elif (left := _left(ask.when, settled)) is not None:
            yield msgspec.structs.replace(ask, when=left if left.any_of else None)


def _left(condition: Condition, settled: Mapping[str, str]) -> Condition | None:
    """What of a condition is still open: no alternatives where it holds already, None where it never can."""
    alternatives = []
    for tests in condition.any_of:
        if all(test.holds(settled) for test in tests if test.field in settled):
            alternatives.append(tuple(test for test in tests if test.field not in settled))
    if not alternatives:
        return None
    return Condition(() if () in alternatives else tuple(alternatives))
