"""Filling in what government holds already, through the bus, before anybody is asked (数据共享、免填写).

Only the applicant's own data are ever looked up: their own number and that of the enterprise they act for. Whoever else a form
names is typed, or anybody could learn a stranger's name and address by beginning an application. A system that does not answer
is named, and what it would have said is typed and stays marked as unverified.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from gdbos import (
    N_,
    Bus,
    Consumption,
    Forbidden,
    Gone,
    NotFound,
    Problem,
    ProviderFailed,
    ProviderTimeout,
    Reply,
    Standards,
    Text,
    TooMany,
    Unavailable,
)
from gdbos_services.forms.form import Sheet, sheet
from gdbos_services.forms.prefill import Prefill, plan
from gdbos_services.matters.matter import IN_USE, Matter

from .dossier import Filled

APPLICANT, IDENTITY = "applicant", "kernel.identity.applicant"
"""What forms call identity, and its service on the bus."""
OWN = Text("您的账号信息", "your account")
PURPOSE = N_("Fill in what government holds already")
NOT_THERE = (ProviderFailed, ProviderTimeout, Unavailable, TooMany, NotFound, Gone, Forbidden)


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A source that could not be asked, or did not know."""

    service: str
    name: Text
    why: str
    """Code of the problem: ``provider-timeout``, ``no-grant``, ``not-found`` (no such entry)…"""
    elements: tuple[str, ...]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The live case that a look-up serves, and the body it is made for."""

    matter: str
    case: str
    body: str


class Prefilled(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    filled: dict[str, Filled]
    """By element: the value, and where it came from."""
    failures: tuple[Failed, ...]

    @property
    def answers(self) -> dict[str, Any]:
        """The values alone."""
        return {element: one.value for element, one in self.filled.items()}


async def prefill(
    bus: Bus,
    form: Sheet,
    standards: Standards,
    on: date,
    *,
    place: Place,
    answers: Mapping[str, Any],
    have: Collection[str] = (),
) -> Prefilled:
    """Look up everything that ``form`` need not ask of this applicant, all sources at once.

    ``answers``: those given so far; a look-up whose number has not been answered, or is somebody else's, is left out.
    ``have``: elements that a source has filled in already; a look-up that would bring nothing else is left out too.
    """
    look_ups = [one for one in plan(form, standards, on) if not {take.element for take in one.takes} <= {*have}]
    own = await _own(bus) if look_ups else None
    known = own.value if own else {}
    wanted = [(one, number) for one in look_ups if (number := _number(one, answers, known))]
    replies = await asyncio.gather(*(_ask(bus, one, number, place) for one, number in wanted))
    found = [(one, own) for one in look_ups if one.service == APPLICANT and own is not None]
    failed: list[Failed] = []
    for (one, _), reply in zip(wanted, replies, strict=True):
        if isinstance(reply, Reply):
            found.append((one, reply))
        else:
            failed.append(_failed(one, reply, standards, on))
    filled: dict[str, Filled] = {}
    for one, reply in found:
        for take in one.takes:
            if (value := reply.value.get(take.field)) not in (None, ""):
                filled.setdefault(take.element, _filled(reply, value, one, standards, on))
    return Prefilled(filled=filled, failures=tuple(failed))


async def _own(bus: Bus) -> Reply | None:
    """What identity knows of the applicant; nothing where a body asks."""
    try:
        return await bus.call(IDENTITY)
    except NOT_THERE:
        return None


def _number(one: Prefill, answers: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """The number to ask with, where it is the applicant's own; a table's rows are typed, since most are about others."""
    own = str(known.get("uscc" if one.whom == "enterprise" else "citizen_id") or "")
    if one.service == APPLICANT or one.rows or (one.key and answers.get(one.key) != own):
        return ""
    return own


async def _ask(bus: Bus, one: Prefill, number: str, place: Place) -> Reply | Problem:
    try:
        return await bus.call(
            one.service, {one.field: number}, matter=place.matter, case=place.case, body=place.body, purpose=PURPOSE
        )
    except NOT_THERE as failure:
        return failure


def _filled(reply: Reply, value: Any, one: Prefill, standards: Standards, on: date) -> Filled:
    name = OWN if one.service == APPLICANT else _name(one.service, standards, on)
    return Filled(value=value, service=reply.service, provider=reply.provider, at=reply.at, name=name)


def _failed(one: Prefill, failure: Problem, standards: Standards, on: date) -> Failed:
    elements = tuple(take.element for take in one.takes)
    return Failed(service=one.service, name=_name(one.service, standards, on), why=failure.code, elements=elements)


def _name(service: str, standards: Standards, on: date) -> Text:
    try:
        title: Text = standards.document("services", service, on).value.title
    except NotFound:
        return Text(service, service)
    return title


def authoritative(form: Sheet, standards: Standards, on: date, sources: Mapping[str, Any]) -> set[str]:
    """Elements whose one authoritative source (一数一源) has filled them in: ``sources`` say which service did."""
    return {
        take.element
        for one in plan(form, standards, on)
        for take in one.takes
        if take.authoritative and take.element in sources and sources[take.element].service in (one.service, IDENTITY)
    }


def verifiable(form: Sheet, standards: Standards, on: date) -> set[str]:
    """Elements that a register could answer: typed, they are marked as unverified."""
    return {take.element for one in plan(form, standards, on) if one.service != APPLICANT for take in one.takes}


# What has to be granted for it.


def consumption(standards: Standards, on: date) -> Iterable[Consumption]:
    """What the body of each matter asks of registers to fill in its form, and of its own system to carry a decision out."""
    offered = [one for one in standards.values(Matter, on) if one.status == IN_USE]
    yield from look_ups(standards, on, offered)
    for role, service in sorted({(one.body.role, one.handled_by) for one in offered if one.handled_by}):
        yield Consumption(
            service=service,
            purpose=Text("将决定交本部门业务系统办理", "Have a decision carried out"),
            clear=("*",),
            role=role,
        )


def look_ups(standards: Standards, on: date, matters: Sequence[Matter]) -> Iterable[Consumption]:
    """The look-ups for the forms of ``matters``, one for each body and register, with the fields of all its forms."""
    fields: dict[tuple[str, str], set[str]] = {}
    for one in matters:
        for look_up in plan(sheet(standards, [one.id], on), standards, on):
            if look_up.service != APPLICANT:
                taken = {look_up.field, *(take.field for take in look_up.takes)}
                fields.setdefault((one.body.role, look_up.service), set()).update(taken)
    for (role, service), taken in sorted(fields.items()):
        purpose = Text("填表时免填政府已掌握的信息", "Fill in forms with what government holds already")
        yield Consumption(service=service, purpose=purpose, fields=sorted(taken), clear=("*",), role=role)
