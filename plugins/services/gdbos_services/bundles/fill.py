"""Filling in what government holds already (数据预填), and asking whether a name may be used. Edges: they call other systems.

Each look-up cites the case of the first matter that asks, so the body that asks has its basis and the subject their receipt.
What cannot be fetched is typed: a system that is down never stops anybody, and what was typed is marked unverified.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from gdbos import (
    N_,
    Bus,
    Consumption,
    Gone,
    Invalid,
    NoGrant,
    NotFound,
    Problem,
    ProviderFailed,
    ProviderTimeout,
    Run,
    Standards,
    Text,
    TooMany,
    Unavailable,
    Unit,
    Violation,
)
from gdbos_services.cases.case import Filled
from gdbos_services.forms.answers import blank
from gdbos_services.forms.consistency import APPLICANT
from gdbos_services.forms.form import Sheet
from gdbos_services.forms.form import sheet as sheet_of_matters
from gdbos_services.forms.prefill import Prefill, plan
from gdbos_services.matters import matter

from . import bundle
from .kept import Failure
from .plan import plans
from .record import Child, Done, State, children, choice_of, get, kept_of, sheet_of

IDENTITY = "kernel.identity.applicant"
YOURSELF = Text("您的实名信息", "your verified identity")
DOWN = (ProviderFailed, ProviderTimeout, Unavailable, TooMany, NoGrant, Gone)
"""What the applicant is told: that system does not answer now, so they type. Any other refusal leaves the field empty, no more."""
FILLING = "Fill in what government holds on the form of a bundle"
CHECKING = "Check before handing in whether the name may be used"
USABLE, REASON = "name-usable", "refusal-reason"
TAKEN = N_("“{title}” cannot be used: {reason}")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What filling in needs to know of a bundle."""

    state: State
    sheet: Sheet
    answers: dict[str, Any]
    filled: dict[str, Filled]
    asked: dict[str, Any]
    """Look-up → the number it was made with."""
    children: list[Child]
    pinned_on: date


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one look-up brought: values by element; nothing where it failed."""

    look: Prefill
    key: Any
    values: dict[str, Any] = {}
    provider: str = ""
    at: datetime | None = None
    name: Text | None = None
    down: str = ""
    """Code of the problem where the system did not answer."""


async def fill(done: Done, run: Run, bus: Bus, standards: Standards) -> Done:
    """Make every look-up whose number is known and was not asked with yet; returns how the bundle stands then."""
    standing = await run.read(_standing, done.id)
    if standing.state is not State.FILLING:
        return done
    looks = plan(standing.sheet, standards, standing.pinned_on)
    own = await _identity(bus, looks)
    wanted = [(look, _key(look, standing, own)) for look in looks]
    fresh = [(look, key) for look, key in wanted if not blank(key) and standing.asked.get(_id(look)) != key]
    if not fresh:
        return done
    found = await asyncio.gather(*(_look(look, key, own, standing, bus) for look, key in fresh))
    return await run(_keep, done.id, found)


def _standing(unit: Unit, bundle_id: UUID) -> Standing:
    one, kept = get(unit, bundle_id), kept_of(unit, bundle_id)
    choice = choice_of(unit, one, kept)
    return Standing(
        state=one.state,
        sheet=sheet_of(unit, one, choice),
        answers={**kept.answers, **choice.settled},
        filled=kept.filled,
        asked=kept.asked,
        children=children(unit, bundle_id),
        pinned_on=one.pinned_on,
    )


async def _identity(bus: Bus, looks: Sequence[Prefill]) -> dict[str, Any]:
    """What identity knows of the applicant; nothing where no look-up needs it."""
    if not any(look.service == APPLICANT or not look.key for look in looks):
        return {}
    reply = await bus.call(IDENTITY, {}, purpose=FILLING)
    return {**reply.value, "provider": reply.provider, "at": reply.at}


def _key(look: Prefill, standing: Standing, own: Mapping[str, Any]) -> Any:
    """The number to ask with: an answer of the section, or the applicant's own."""
    if look.key:
        return standing.answers.get(look.key)
    return own.get("uscc" if look.whom == "enterprise" else "citizen_id")


def _id(look: Prefill) -> str:
    return f"{look.service}#{look.key}"


async def _look(look: Prefill, key: Any, own: Mapping[str, Any], standing: Standing, bus: Bus) -> Found:
    if look.service == APPLICANT:
        values = {take.element: own[take.field] for take in look.takes if own.get(take.field)}
        return Found(look=look, key=key, values=values, provider=own["provider"], at=own["at"], name=YOURSELF)
    child = _asker(look, standing)
    place = {"matter": child.matter, "case": str(child.case), "body": child.body, "purpose": FILLING}
    try:
        replies = [await bus.call(look.service, {look.field: one}, **place) for one in (key if look.rows else [key])]
    except DOWN as failure:
        return Found(look=look, key=key, down=failure.code)
    except Problem:
        return Found(look=look, key=key)
    columns = {take.element: [reply.value.get(take.field) for reply in replies] for take in look.takes}
    values = {element: column if look.rows else column[0] for element, column in columns.items()}
    there = {element: value for element, value in values.items() if not blank(value) and None not in _cells(value)}
    return Found(look=look, key=key, values=there, provider=replies[0].provider, at=replies[0].at)


def _cells(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _asker(look: Prefill, standing: Standing) -> Child:
    """The case of the first matter that asks what the look-up answers."""
    first = standing.sheet.questions[look.takes[0].element].asked_by[0]
    return next(child for child in standing.children if child.matter == first)


def _keep(unit: Unit, bundle_id: UUID, found: Sequence[Found]) -> Done:
    """Put in what was found; take out what an earlier number had brought; never over what somebody typed."""
    kept = kept_of(unit, bundle_id)
    standing = kept.sources()
    emptied: dict[str, Any] = {}
    filled: dict[str, Filled] = {}
    for one in found:
        for take in one.look.takes:
            typed = take.element in kept.answers and take.element not in standing
            if typed and kept.answers[take.element] != one.values.get(take.element):
                continue
            if take.element in one.values:
                assert one.at is not None
                filled[take.element] = Filled(
                    value=one.values[take.element],
                    service=IDENTITY if one.look.service == APPLICANT else one.look.service,
                    provider=one.provider,
                    at=one.at,
                    name=one.name,
                )
            elif take.element in standing:
                emptied[take.element] = None
    asked = {_id(one.look): one.key for one in found if not one.down}
    failures = {each.service: each for each in kept.failures if each.service not in {one.look.service for one in found}}
    failures |= {one.look.service: Failure(one.look.service, one.down) for one in found if one.down}
    return bundle.answer(unit, bundle_id, emptied, filled, failures=list(failures.values()), asked=asked)


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
    place = {"matter": child.matter, "case": str(child.case), "body": child.body, "purpose": CHECKING}
    try:
        reply = await bus.call(service, request, **place)
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


def consumption(standards: Standards, on: date) -> Iterable[Consumption]:
    """The services that the forms and materials of every plan name, for the bodies of the matters that ask."""
    wanted: dict[tuple[str, str], Consumption] = {}
    for one in plans(standards, on):
        for service, matter_id, purpose in _uses(one.matters, standards, on):
            try:
                role = matter.find(standards, matter_id, on).body.role
            except NotFound:
                continue
            wanted[service, role] = Consumption(service=service, purpose=purpose, clear=("*",), role=role)
    return wanted.values()


FILL = Text("为一件事申请表预填政府已有数据", "Fill in what government holds on a bundle's form")
CHECK = Text("提交前核查名称是否可用", "Check before handing in whether the name may be used")


def _uses(matters: Sequence[str], standards: Standards, on: date) -> Iterable[tuple[str, str, Text]]:
    sheet = sheet_of_matters(standards, matters, on)
    for question in sheet.questions.values():
        service = question.prefill.partition("#")[0]
        if service and service != APPLICANT:
            yield from ((service, asking, FILL) for asking in question.asked_by)
    for asking in matters:
        yield from ((service, asking, CHECK) for service in _checks(asking, standards, on))
