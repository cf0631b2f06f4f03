"""What is known of a call on its way through the door."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from gdbos.bus.basis import Wanted
from gdbos.bus.derived import Asked
from gdbos.bus.grant import Grant
from gdbos.bus.record import CallRecord
from gdbos.bus.service import Offered
from gdbos.plugin import Disclosed
from gdbos.telemetry import trace_id

if TYPE_CHECKING:
    from gdbos.bus.call import Call


class Trail:
    """What is known of a call so far; becomes its record, whatever the outcome."""

    def __init__(self, call: Call, at: datetime, *, traced: bool) -> None:
        self.call, self.at, self.traced = call, at, traced
        self.started = time.perf_counter()
        self.service: Offered | None = None
        self.grant: Grant | None = None
        self.disclosed: Sequence[Disclosed] = ()
        self.fields: tuple[str, ...] = ()
        self.own = False
        self.asked: Asked | None = None
        self.resumes = False
        self.request = b""
        self.reply = b""

    def wanted(self) -> list[Wanted]:
        """The looks this call is about to take."""
        return [Wanted(one.subject, self.call.body, one.case, one.matter, one.basis) for one in self.disclosed]

    def record(self, outcome: str) -> CallRecord:
        call, service = self.call, self.service
        return CallRecord(
            id=call.id,
            at=self.at,
            actor=call.actor,
            body=call.body,
            system=call.system,
            provider=service.provider if service else "",
            service=call.service,
            version=service.version if service else 0,
            matter=call.matter,
            case=call.case,
            purpose=call.purpose,
            grant=self.grant.id if self.grant else None,
            outcome=outcome,
            fields=self.fields,
            disclosed=self.disclosed,
            own=self.own,
            micros=int((time.perf_counter() - self.started) * 1e6),
            request=self.request,
            reply=self.reply,
            resumes=self.resumes,
            trace=trace_id() if self.traced else "",
        )
