"""What a sheet need not ask because it is known already: which service to ask, with whose number, for which answers.

The key of a look-up is the identity number or credit code asked in the same section. Where the section asks none, or that
one is itself known of the applicant, it is the applicant's own.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

import msgspec

from gdbos_services.forms.consistency import APPLICANT
from gdbos_services.forms.form import Question, Sheet

if TYPE_CHECKING:
    from gdbos import Standards

Whom = Literal["person", "enterprise"]
SCHEMES: dict[str, Whom] = {"citizen-id": "person", "uscc": "enterprise"}
FIELDS: dict[Whom, str] = {"person": "citizen_id", "enterprise": "uscc"}
"""How a look-up calls the number where its service does not say."""


class Take(msgspec.Struct, frozen=True, kw_only=True):
    """One answer from one field of the reply."""

    element: str
    field: str
    authoritative: bool
    """The service's provider is the element's one authoritative source (一数一源): the answer is locked."""


class Prefill(msgspec.Struct, frozen=True, kw_only=True):
    """One look-up, or what identity knows of the applicant (``service`` is ``applicant``)."""

    service: str
    whom: Whom
    key: str
    """The element whose answer is the number to ask with; empty: the applicant's own."""
    field: str
    """What the service calls that number in its request."""
    takes: tuple[Take, ...]
    rows: bool = False
    """The key is a column of a table: one look-up for each row."""


def plan(sheet: Sheet, standards: Standards, on: date) -> list[Prefill]:
    """Every look-up that fills in part of ``sheet``; those of one service with one key are one."""
    found: dict[tuple[str, str], Prefill] = {}
    for part in sheet.parts:
        for question in part.questions:
            service, _, field = question.prefill.partition("#")
            if not field:
                continue
            whom = _whom(service, field, part.questions, standards, on)
            key = _key(whom, [one for one in sheet.known.values() if one.section == part.id])
            key = None if service == APPLICANT else key
            id = (service, key.element if key else "")
            before = found.get(id) or _look_up(service, whom, key, standards, on)
            take = Take(
                element=question.element,
                field=field,
                authoritative=_authority(service, field, question.element, standards, on),
            )
            found[id] = msgspec.structs.replace(before, takes=(*before.takes, take))
    return list(found.values())


def _whom(service: str, field: str, questions: tuple[Question, ...], standards: Standards, on: date) -> Whom:
    if service == APPLICANT:
        return "enterprise" if field == "uscc" else "person"
    if service in standards.ids("services"):
        subject = standards.document("services", service, on).value.subject
        if subject is not None:
            return "enterprise" if subject.kind == "enterprise" else "person"
    for one in questions:
        if one.scheme in SCHEMES:
            return SCHEMES[one.scheme]
    return "person"


def _key(whom: Whom, questions: list[Question]) -> Question | None:
    """The question of the section whose answer is the number; None where it is the applicant's."""
    found = next((one for one in questions if SCHEMES.get(one.scheme) == whom), None)
    return None if found is None or found.prefill.startswith(f"{APPLICANT}#") else found


def _look_up(service: str, whom: Whom, key: Question | None, standards: Standards, on: date) -> Prefill:
    field = FIELDS[whom]
    if service in standards.ids("services"):
        subject = standards.document("services", service, on).value.subject
        field = subject.field if subject else field
    element = key.element if key else ""
    return Prefill(service=service, whom=whom, key=element, field=field, takes=(), rows=bool(key and key.repeat))


def _authority(service: str, field: str, element: str, standards: Standards, on: date) -> bool:
    """Whether the service's department is the one source of the element; whoever has logged in may name another telephone."""
    if service == APPLICANT:
        return field != "mobile"
    if service not in standards.ids("services"):
        return False
    role = standards.document("services", service, on).value.provider.role
    return bool(role) and role == standards.element(element, on).authority
