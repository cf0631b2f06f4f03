"""Filling in what government holds already (免填写), and asking whether a name may be used. Edges: they call other systems.

Each look-up cites the case of the first matter that asks, so the body that asks has its basis and the subject their receipt.
What cannot be fetched is typed: a system that is down never stops anybody, and what was typed is marked unverified.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from gdbos import N_, Bus, Consumption, Invalid, Problem, Run, Standards, Text, Unit, Violation
from gdbos_services.cases.case import Filled
from gdbos_services.cases.prefill import Place, Prefilled, authoritative, look_ups, prefill
from gdbos_services.forms.answers import blank
from gdbos_services.forms.form import Sheet
from gdbos_services.forms.prefill import plan
from gdbos_services.matters import matter

from . import bundle
from .kept import Failure, Kept
from .plan import plans
from .record import Child, Done, State, children, choice_of, get, kept_of, settled_in, sheet_of

CHECKING = N_("Check before handing in whether the name may be used")
USABLE, REASON = "name-usable", "refusal-reason"
TAKEN = N_("“{title}” cannot be used: {reason}")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What filling in needs to know of a bundle."""

    state: State
    sheet: Sheet
    kept: Kept
    answers: dict[str, Any]
    """With those that guidance has settled."""
    children: list[Child]
    pinned_on: date


async def fill(done: Done, run: Run, bus: Bus, standards: Standards) -> Done:
    """Look up what is not filled in yet and take out what belongs to another number; returns how the bundle stands then."""
    standing = await run.read(_standing, done.id)
    if standing.state is not State.FILLING:
        return done
    stale = _stale(standing, standards)
    have = set(standing.kept.sources()) - stale
    found = await asyncio.gather(
        *(
            prefill(
                bus,
                _asked_first(standing.sheet, child.matter),
                standards,
                standing.pinned_on,
                place=Place(matter=child.matter, case=str(child.case), body=child.body),
                answers=standing.answers,
                have=have,
            )
            for child in standing.children
        )
    )
    fresh = _fresh(found, standing, standards, stale)
    failures = [Failure(one.service, one.why, one.elements) for each in found for one in each.failures]
    if not fresh and not stale and failures == standing.kept.failures:
        return done
    return await run(_keep, done.id, fresh, stale, failures, _keys(standing, standards))


def _standing(unit: Unit, bundle_id: UUID) -> Standing:
    one = get(unit, bundle_id)
    kept = kept_of(unit, one)
    choice = choice_of(unit, one, kept)
    sheet = sheet_of(unit, one, choice)
    return Standing(
        state=one.state,
        sheet=sheet,
        kept=kept,
        answers={**kept.answers, **settled_in(sheet, choice)},
        children=children(unit, bundle_id),
        pinned_on=one.pinned_on,
    )


def _asked_first(sheet: Sheet, matter_id: str) -> Sheet:
    """The part of the one form that a matter is the first to ask; the rest is silently there."""
    parts = [
        msgspec.structs.replace(part, questions=tuple(q for q in part.questions if q.asked_by[0] == matter_id))
        for part in sheet.parts
    ]
    others = tuple(q for q in sheet.known.values() if q.element not in sheet.questions or q.asked_by[0] != matter_id)
    return Sheet((matter_id,), tuple(part for part in parts if part.questions), others)


def _keys(standing: Standing, standards: Standards) -> dict[str, str]:
    """Elements that a look-up fills in → the answer that it asks with, where that is one."""
    looks = plan(standing.sheet, standards, standing.pinned_on)
    return {take.element: look.key for look in looks for take in look.takes if look.key}


def _stale(standing: Standing, standards: Standards) -> set[str]:
    """What was filled in for a number that has been changed since: it is somebody else's now."""
    keys, kept = _keys(standing, standards), standing.kept
    return {
        element
        for element in kept.sources()
        if element in keys and standing.answers.get(keys[element]) != kept.asked.get(element)
    }


def _fresh(found: Sequence[Prefilled], standing: Standing, standards: Standards, stale: set[str]) -> dict[str, Filled]:
    """What was found and may be put in: over nothing that somebody typed, unless it comes from the authoritative source."""
    there = {element: one for each in found for element, one in each.filled.items()}
    locked = authoritative(standing.sheet, standards, standing.pinned_on, there)
    typed = set(standing.kept.answers) - set(standing.kept.sources())
    had = {element: one.value for element, one in standing.kept.sources().items() if element not in stale}
    return {
        element: one
        for element, one in there.items()
        if had.get(element) != one.value and (element in locked or element not in typed)
    }


def _keep(
    unit: Unit,
    bundle_id: UUID,
    fresh: Mapping[str, Filled],
    stale: set[str],
    failures: Sequence[Failure],
    keys: Mapping[str, str],
) -> Done:
    answers = kept_of(unit, get(unit, bundle_id)).answers
    emptied = {element: None for element in stale if element not in fresh}
    asked = {element: answers.get(keys[element]) for element in fresh if element in keys}
    return bundle.answer(unit, bundle_id, emptied, fresh, failures=failures, asked=asked)


# Names.


async def refuse_names(bundle_id: UUID, answers: Mapping[str, Any], run: Run, bus: Bus, standards: Standards) -> None:
    """Ask the services that a matter's materials are obtained from whether the names on the form may be used.

    A service that does not answer stops nobody: the department looks at the name itself.

    :raises Invalid: a name may not be used; the department's own words say why.
    """
    standing = await run.read(_standing, bundle_id)
    if standing.state is not State.FILLING:
        return
    known = standing.sheet.normalise({**standing.answers, **answers})
    refused = [
        violation
        for child in standing.children
        for service in _checks(child.matter, standards, standing.pinned_on)
        for violation in await _objections(service, child, known, bus, standards, standing)
    ]
    if refused:
        raise Invalid(violations=refused)


def _checks(matter_id: str, standards: Standards, on: date) -> Iterable[str]:
    """The services of a matter's materials that say whether a name may be used."""
    for material in matter.find(standards, matter_id, on).materials:
        service = material.obtained_from
        if service in standards.ids("services") and USABLE in _elements(standards, service, "gives", on).values():
            yield service


def _elements(standards: Standards, service: str, side: str, on: date) -> dict[str, str]:
    """The fields of a service's record with their elements."""
    described = standards.document("services", service, on).value
    record = standards.record(getattr(described, side), on)
    return {field.name: field.element for field in record.fields}


async def _objections(
    service: str, child: Child, known: Mapping[str, Any], bus: Bus, standards: Standards, standing: Standing
) -> list[Violation]:
    takes = _elements(standards, service, "takes", standing.pinned_on)
    if any(blank(known.get(element)) for element in takes.values()):
        return []
    request = {name: known[element] for name, element in takes.items()}
    try:
        reply = await bus.call(
            service, request, matter=child.matter, case=str(child.case), body=child.body, purpose=CHECKING
        )
    except Problem:
        return []
    gives = _elements(standards, service, "gives", standing.pinned_on)
    said = {gives[name]: value for name, value in reply.value.items() if name in gives}
    if said.get(USABLE) != "0":
        return []
    element = next(iter(takes.values()))
    facts = {"title": standing.sheet.known[element].title, "reason": said.get(REASON) or "—"}
    return [Violation(f"$.{element}", "refused", TAKEN, element=element, source=service, facts=facts)]


# What this uses of the bus.


CHECK = Text("提交前核查名称是否可用", "Check before handing in whether the name may be used")


def consumption(standards: Standards, on: date) -> Iterable[Consumption]:
    """The services that the forms and materials of every plan name, for the bodies of the matters that ask."""
    offered = list(dict.fromkeys(one for each in plans(standards, on) for one in each.matters))
    matters = [matter.find(standards, one, on) for one in offered]
    yield from look_ups(standards, on, matters)
    checks = {(one.body.role, service) for one in matters for service in _checks(one.id, standards, on)}
    for role, service in sorted(checks):
        yield Consumption(service=service, purpose=CHECK, clear=("*",), role=role)
