"""Checking data (质量检查): records fetched over the bus, or values that somebody was delivered, against the rules in force.

Fetching is an ordinary call: the checking body needs a grant for the system ``governance.quality`` and a live basis for each record, and
each look leaves its receipt. The owner may check the samples it registered with its mounts; their basis is the mount's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec

from gdbos import Bus, Conflict, Forbidden, NotFound, ProviderFailed, ProviderTimeout, Run, Unavailable, Unit
from gdbos_governance.catalogue.mount import targets
from gdbos_governance.catalogue.resource import Shown, find

from .rule import Check, Rules, broken, rules_for
from .ticket import Finding, open_all

PURPOSE = "数据质量检查"
"""What the call log says these calls are for; the log is kept in Chinese."""
UNANSWERED = (NotFound, ProviderTimeout, Unavailable)
"""What happens to one record without ending the whole check."""

Record = dict[str, Any]


class Inspection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which records to fetch and check; none named: the samples that the owner registered with its mounts."""

    requests: Annotated[list[Record], msgspec.Meta(max_length=100)] = []
    matter: Annotated[str, msgspec.Meta(max_length=120)] = ""
    case: Annotated[str, msgspec.Meta(max_length=50)] = ""
    """The live case that lets the checking body see these records."""


class Delivered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values of a resource that the checking body holds already. They are checked and not kept."""

    values: Annotated[list[Record], msgspec.Meta(min_length=1, max_length=1000)]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a check came to. It names rules, never values."""

    checked: int
    unanswered: int
    wrong: int
    """Findings, those that have an open ticket already included."""
    tickets: list[UUID]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One record to be fetched."""

    service: str
    request: Record
    matter: str
    case: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A resource, its rules, and what will be asked."""

    shown: Shown
    rules: list[Rules]
    questions: list[Question] = []


async def inspect(bus: Bus, run: Run, resource_id: UUID, wanted: Inspection) -> Outcome:
    """Fetch records over the bus, check them, and open tickets at their source.

    :raises NoGrant, NoBasis: the bus refuses, and nothing was looked at.
    """
    planned = await run.read(plan, resource_id, wanted)
    found: list[Finding] = []
    unanswered = 0
    for question in planned.questions:
        try:
            found += await _ask(bus, run, planned, question)
        except UNANSWERED:
            unanswered += 1
    checked = len(planned.questions) - unanswered
    return await run(conclude, planned.shown, found, checked, unanswered)


async def _ask(bus: Bus, run: Run, planned: Plan, question: Question) -> list[Finding]:
    try:
        reply = await bus.call(
            question.service, question.request, matter=question.matter, case=question.case, purpose=PURPOSE
        )
    except ProviderFailed as failed:
        return _against_standard(planned.rules, question, failed)
    whole = {**question.request, **reply.value}
    return await run.read(lambda unit: examine(unit, planned.rules, whole, call=reply.call))


def _against_standard(rules: list[Rules], question: Question, failed: ProviderFailed) -> list[Finding]:
    """The bus refused the reply because it breaks the service's own standard: the same finding, from its door.

    :raises ProviderFailed: it failed in another way, or at a field no rule speaks of.
    """
    places = {path.strip().removeprefix("$.") for path in str(failed.facts.get("paths", "")).split(",")}
    hit = [(one, check) for one in rules for check in one.check if check.field in places]
    if not hit:
        raise failed
    return [_finding(one, check, question.request, None) for one, check in hit]


def plan(unit: Unit, resource_id: UUID, wanted: Inspection) -> Plan:
    """What to ask for. :raises Forbidden: samples are the owner's. :raises Conflict: there are no samples, or no rules."""
    shown, rules = _ruled(unit, resource_id)
    if wanted.requests:
        asked = [
            Question(service=shown.service, request=request, matter=wanted.matter, case=wanted.case)
            for request in wanted.requests
        ]
        return Plan(shown=shown, rules=rules, questions=asked)
    if shown.body != unit.actor.body:
        raise Forbidden(
            "Only the owner checks its registered samples; name the records and the case that lets you see them."
        )
    asked = [
        Question(service=one.service, request=request, matter=one.matter, case=one.case)
        for one in targets(unit, resource_id)
        for request in one.samples
    ]
    if not asked:
        raise Conflict("The resource has no mount with registered samples; mount it first.")
    return Plan(shown=shown, rules=rules, questions=asked)


def check_delivered(unit: Unit, resource_id: UUID, delivered: Delivered) -> Outcome:
    """Check values that the actor's body was given, and open tickets at their source; the values are not kept."""
    shown, rules = _ruled(unit, resource_id)
    found = [finding for values in delivered.values for finding in examine(unit, rules, values)]
    return conclude(unit, shown, found, len(delivered.values), 0)


def conclude(unit: Unit, shown: Shown, found: list[Finding], checked: int, unanswered: int) -> Outcome:
    """Open the tickets and write into the ledger that the check was made."""
    tickets = open_all(unit, shown, found)
    unit.record(
        "governance.quality.check", resource=str(shown.id), checked=checked, wrong=len(found), tickets=len(tickets)
    )
    return Outcome(checked=checked, unanswered=unanswered, wrong=len(found), tickets=tickets)


def examine(unit: Unit, rules: list[Rules], values: Mapping[str, Any], call: UUID | None = None) -> list[Finding]:
    """What is wrong with one record. :raises Conflict: the record does not say which one it is."""
    found = []
    for one in rules:
        if not values.get(one.key):
            raise Conflict(
                "A value cannot be reported without the field {field}, which says whose it is.", field=one.key
            )
        found += [_finding(one, check, values, call) for check in broken(one, values, unit.standards, unit.today)]
    return found


def _finding(rules: Rules, check: Check, values: Mapping[str, Any], call: UUID | None) -> Finding:
    return Finding(rules=rules.id, check=check, key=str(values[rules.key]), call=call)


def _ruled(unit: Unit, resource_id: UUID) -> tuple[Shown, list[Rules]]:
    if not unit.actor.body:
        raise Forbidden("Only a body checks data; take up a post first.")
    shown = find(unit, resource_id)
    if shown.state != "published":
        raise Conflict("The resource is {state}; only a published one is checked.", state=shown.state)
    rules = rules_for(unit.standards, shown.service, unit.today) if shown.service else []
    if not rules:
        raise Conflict("No quality rules are in force for this resource; a standards pack has to bring them.")
    return shown, rules
