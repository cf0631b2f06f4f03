"""What the standards say of a registered service on one day, resolved once for all its calls of that day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from gdbos.bus.grant import Grant
from gdbos.bus.service import Offered
from gdbos.errors import Invalid
from gdbos.standards import Masking, Record, Standards

Plan = Mapping[str, Masking | None]
"""Field → how it is masked, for the fields that a grant lets through."""


class Terms:
    """The records a service takes and gives, and what each grant lets through of the latter."""

    def __init__(self, service: Offered, standards: Standards, on: date) -> None:
        assert service.registered is not None
        self.service, self.standards, self.on = service, standards, on
        self.takes = standards.record(service.registered.takes, on)
        self.gives = standards.record(service.registered.gives, on)
        self._plans: dict[UUID, Plan] = {}

    def shape(self, reply: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
        """The granted fields of ``reply``, each masked by its element unless it is granted clear."""
        plan = self._plans.get(grant.id)
        if plan is None:
            plan = self._plans[grant.id] = self._plan(grant)
        return {
            name: mask(value) if (mask := plan[name]) is not None else value
            for name, value in reply.items()
            if name in plan
        }

    def _plan(self, grant: Grant) -> Plan:
        granted = grant.fields or (() if grant.questions else self.gives.names)
        clear = self.gives.names if "*" in grant.clear else grant.clear
        masks = {name: self.standards.masking(self.gives.element(name).id, self.on) for name in self.gives.names}
        return {name: None if name in clear else mask for name, mask in masks.items() if name in granted}


def conforming(record: Record, value: Any) -> dict[str, Any]:
    """``value`` as the standard ``record``, its shape first and then its codes and check digits. :raises Invalid: it is not."""
    shaped = record.decode(value) if isinstance(value, bytes) else record.convert(value)
    if wrong := record.check(shaped):
        raise Invalid(violations=wrong)
    plain = msgspec.to_builtins(shaped)
    return {name: inner for name, inner in plain.items() if inner is not None}
