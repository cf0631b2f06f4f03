"""Rules that a form obeys beyond its shape: its elements exist, its conditions can be read, its prefills lead somewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbos_services.forms.condition import parse

if TYPE_CHECKING:
    from gdbos import Standards
    from gdbos_services.forms.form import Field, Form

APPLICANT = "applicant"
KNOWN_OF_APPLICANT = ("citizen_id", "mobile", "uscc")
"""What identity knows of the person logged in and of the enterprise they act for."""


def complaints(form: Form, standards: Standards) -> Iterator[str]:
    """What is wrong with ``form``, one sentence each; nothing where all is well."""
    yield from _twice(form)
    for field in form.fields:
        for rule in (_element, _condition, _prefill):
            yield from (f"{field.name}: {what}" for what in rule(field, form, standards))


def _twice(form: Form) -> Iterator[str]:
    for attribute, what in (("name", "name"), ("element", "element")):
        for value, count in Counter(getattr(field, attribute) for field in form.fields).items():
            if count > 1:
                yield f"the {what} {value!r} stands {count} times on the form; once is enough"


def _element(field: Field, form: Form, standards: Standards) -> Iterator[str]:
    if field.element not in standards.ids("elements"):
        yield f"no element {field.element!r} in these packs"
    if field.codes and field.codes not in standards.ids("codes"):
        yield f"no code list {field.codes!r} in these packs"
    for other in standards.documents("forms"):
        if any(one.element == field.element and one.repeat != field.repeat for one in other.value.fields):
            yield f"the form {other.id} says otherwise whether {field.element!r} repeats; on one sheet it can only be one"


def _condition(field: Field, form: Form, standards: Standards) -> Iterator[str]:
    if not field.when:
        return
    try:
        condition = parse(field.when)
    except ValueError as error:
        yield f"when: {error}"
        return
    fields = {one.name: one for one in form.fields}
    for name in condition.fields:
        if name not in fields:
            yield f"when: the form has no field {name!r}"
        elif fields[name].repeat:
            yield f"when: {name!r} repeats, so it is not one answer to compare"
        elif name == field.name:
            yield "when: a field cannot depend on itself"


def _prefill(field: Field, form: Form, standards: Standards) -> Iterator[str]:
    if not field.prefill:
        return
    service, _, answer = field.prefill.partition("#")
    if service == APPLICANT:
        if answer not in KNOWN_OF_APPLICANT:
            yield f"prefill: identity knows {', '.join(KNOWN_OF_APPLICANT)} of an applicant, not {answer!r}"
    elif not service or not answer:
        yield "prefill: write service#field, or applicant#citizen_id"
    elif service in standards.ids("services"):
        record = standards.document("services", service).value.gives
        names = [one.name for one in standards.document("records", record).value.field]
        if answer not in names:
            yield f"prefill: the service {service} gives {', '.join(names)}, not {answer!r}"
