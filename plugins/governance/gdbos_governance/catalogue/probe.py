"""Probes (探测): calls that ask whether a mount still answers. Each passes the bus and is recorded like any other."""

from __future__ import annotations

from uuid import UUID

from gdbos import Bus, Problem, Run, Unit, on

from . import mount
from .events import ProbeDue
from .mount import DONE, PURPOSE, Mount, Target


async def call(bus: Bus, target: Target) -> str:
    """Call what a mount stands on: ``done``, or the code of the problem that came back."""
    try:
        await bus.call(
            target.service,
            target.samples[0],
            matter=target.matter,
            case=target.case,
            purpose=PURPOSE,
            body=target.body,
        )
    except Problem as problem:
        return problem.code
    return DONE


async def probe(bus: Bus, run: Run, mount_id: UUID) -> Mount:
    """Probe a mount of the caller's body now."""
    target = await run.read(mount.target, mount_id)
    return await run(mount.note, mount_id, await call(bus, target))


async def ask(event: ProbeDue, bus: Bus) -> str:
    """Probe at the mount's turn; empty where it has ended meanwhile."""
    run = Run(bus.door.units, bus.actor)
    try:
        target = await run.read(mount.target, UUID(event.mount))
    except Problem:
        return ""
    return await call(bus, target)


@on(ProbeDue, fetch=ask)
def note_probe(unit: Unit, event: ProbeDue, outcome: str) -> None:
    """Keep what a probe at its turn found."""
    if outcome:
        mount.note(unit, UUID(event.mount), outcome)
