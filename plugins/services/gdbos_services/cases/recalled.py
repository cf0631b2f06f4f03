"""Values that a case received and that were corrected at their source: told to the official who decides."""

from __future__ import annotations

from uuid import UUID

import msgspec

from gdbos import Event, NotFound, Unit, on

from .record import Recalled, get, store
from .state import FINAL


class ValueRecalled(Event, tag="kernel.bus.value-recalled/1"):
    """A value that a case received has been corrected at its source."""

    case: str
    body: str
    service: str
    fields: tuple[str, ...]


@on(ValueRecalled)
def flag_case(unit: Unit, event: ValueRecalled) -> None:
    """Mark an open case; its official looks at the values again before they decide. A case elsewhere is not ours to mark."""
    try:
        one = get(unit, UUID(event.case), lock=True)
    except (ValueError, NotFound):
        return
    if one.body != event.body or one.state in FINAL:
        return
    recalled = Recalled(event.service, event.fields, unit.now)
    store(unit, one, msgspec.structs.replace(one, version=one.version + 1, recalled=(*one.recalled, recalled)))
    unit.record("case.recalled", case=str(one.id), number=one.number, service=event.service)
