"""What the standards say of a registered service on one day, resolved once for all its calls of that day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from gdbos.bus.grant import Grant
from gdbos.bus.service import Offered
from gdbos.errors import Invalid
from gdbos.standards import Masking, Record, Standards

Plan = Mapping[str, Masking | None]
"""Field → how it is masked, for the fields that a grant lets through."""


class Terms:
    """The records a service takes and gives, and what each grant lets through of the latter."""

    def __init__(self, service: Offered, standards: Standards, at: datetime, zone: ZoneInfo) -> None:
        assert service.registered is not None
        local = at.astimezone(zone)
        on = local.date()
        self.service, self.standards, self.on = service, standards, on
        self._began = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        self._ends = datetime.combine(on + timedelta(days=1), time(), zone).astimezone(UTC)
        self.takes = standards.record(service.registered.takes, on)
        self.gives = standards.record(service.registered.gives, on)
        self._plans: dict[UUID, Plan] = {}

    def hold(self, service: Offered, standards: Standards, at: datetime) -> bool:
        """Whether these are still the terms of ``service``: neither it nor the standards nor the day has changed."""
        return self.service is service and self.standards is standards and self._began <= at < self._ends

    def shape(self, reply: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
        """The granted fields of ``reply`` in the order of their names, each masked by its element unless it is granted clear."""
        plan = self._plans.get(grant.id)
        if plan is None:
            plan = self._plans[grant.id] = self._plan(grant)
        return {name: mask(reply[name]) if mask else reply[name] for name, mask in plan.items() if name in reply}

    def _plan(self, grant: Grant) -> Plan:
        granted = grant.fields or (() if grant.questions else self.gives.names)
        clear = self.gives.names if "*" in grant.clear else grant.clear
        masks = {name: self.standards.masking(self.gives.element(name).id, self.on) for name in self.gives.names}
        return {name: None if name in clear else mask for name, mask in sorted(masks.items()) if name in granted}


def conforming(record: Record, value: Any) -> dict[str, Any]:
    """``value`` as the standard ``record``, its shape first and then its codes and check digits. :raises Invalid: it is not."""
    shaped = record.decode(value) if isinstance(value, bytes) else record.convert(value)
    if wrong := record.check(shaped):
        raise Invalid(violations=wrong)
    plain: dict[str, Any] = msgspec.to_builtins(shaped)  # leaves out what is not there: records omit their defaults
    return plain
