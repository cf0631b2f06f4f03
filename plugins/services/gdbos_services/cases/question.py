"""What a department's own system is asked: the case in the words of the record that the system's service takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from gdbos import NotFound, Standards, Unit, subject_key

NUMBER = "business-number"
"""The element in which a department's system takes our case number."""
OUTCOME, REASON = "handling-outcome", "refusal-reason"
"""The elements in which a department's system says whether it did what was decided, and why not."""


def question(standards: Standards, service: str, answers: Mapping[str, Any], number: str, on: date) -> dict[str, Any]:
    """The request of ``service`` for a case: each field of its record holds the answer to the same element.

    :raises NotFound: the packs describe no such service.
    """
    taken = standards.record(standards.document("services", service, on).value.takes, on)
    known = {**answers, NUMBER: number}
    return {
        part.field.name: known[part.element.id]
        for part in taken.parts
        if known.get(part.element.id) not in (None, "", [])
    }


def by_element(standards: Standards, service: str, reply: Mapping[str, Any], on: date) -> dict[str, Any]:
    """A reply of ``service`` with its values under their elements."""
    given = standards.record(standards.document("services", service, on).value.gives, on)
    return {part.element.id: reply[part.field.name] for part in given.parts if reply.get(part.field.name) is not None}


def subject_named(unit: Unit, service: str, answers: Mapping[str, Any]) -> Iterable[str]:
    """Whom the department's system will be asked about: the basis must cover them too."""
    if not service:
        return ()
    try:
        described = unit.standards.document("services", service, unit.today).value
    except NotFound:
        return ()
    subject = described.subject
    if subject is None:
        return ()
    taken = unit.standards.record(described.takes, unit.today)
    value = answers.get(taken.element(subject.field).id)
    return (subject_key(unit.vault, subject.kind, str(value)),) if value else ()
