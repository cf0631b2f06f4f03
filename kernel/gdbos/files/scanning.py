"""Out of quarantine: every scanner looks at a file before anybody may have it. Where a scanner fails, the file waits."""

from __future__ import annotations

import asyncio
import logging

from gdbos.actor import plugin_actor
from gdbos.errors import Conflict, Problem
from gdbos.files.file import FileRef, admit, file, ref, refuse
from gdbos.guarded import SCANNER_FAILED, Guarded
from gdbos.text import N_
from gdbos.unit import Unit, Units

log = logging.getLogger("gdbos.files")

EVERY = 60.0
"""Seconds between two looks at what is still in quarantine."""
_AT_ONCE = 20
_ACTOR = plugin_actor("kernel.files")
_LOST = N_("its content cannot be read any more")
_REASON = N_("a scanner found something harmful")


class Scanning:
    """Decides about the files in quarantine, with the node's scanners; where it has none, the checks of type were all."""

    def __init__(self, units: Units, scanners: Guarded) -> None:
        self.units = units
        self.scanners = scanners

    async def decide(self, kept: FileRef, content: bytes) -> FileRef:
        """Admit or refuse ``kept``; where a scanner fails it stays in quarantine."""
        complaint = await asyncio.to_thread(self.scanners.scan, content, kept.media_type)
        if complaint == SCANNER_FAILED:
            return kept
        try:
            return await self._settle(kept, complaint)
        except Conflict:  # somebody else decided meanwhile
            return await self.units.read(_ACTOR, ref, kept.id)

    async def _settle(self, kept: FileRef, complaint: str | None) -> FileRef:
        if complaint:
            # What scanners say of a file may quote it: the log has the kind of file only.
            log.warning("a scanner refused file %s (%s)", kept.id, kept.media_type)
            return await self.units.write(_ACTOR, refuse, kept.id, _REASON)
        return await self.units.write(_ACTOR, admit, kept.id)

    async def round(self) -> int:
        """Look at the oldest files in quarantine again; returns how many left it."""
        left = 0
        for kept, digest in await self.units.read(_ACTOR, waiting):
            try:
                content = await asyncio.to_thread(self.units.around.files.read, digest)
                left += (await self.decide(kept, content)).state != "quarantined"
            except Problem as failure:
                log.error("file %s cannot be read from the store: %s", kept.id, failure.code)
                await self.units.write(_ACTOR, refuse, kept.id, _LOST)
                left += 1
        return left

    async def run(self) -> None:
        """Keep at it until cancelled."""
        while True:
            try:
                moved = 0 if self.units.shut() else await self.round()
            except Exception:
                log.exception("files in quarantine could not be looked at; they wait")
                moved = 0
            if not moved:
                await asyncio.sleep(EVERY)


def waiting(unit: Unit) -> list[tuple[FileRef, str]]:
    """The files longest in quarantine with their digests."""
    chosen = unit.rows(file).where(file.c.state == "quarantined").order_by(file.c.at, file.c.id).limit(_AT_ONCE)
    names = FileRef.__struct_fields__
    return [(FileRef(**{n: getattr(row, n) for n in names}), row.digest) for row in unit.execute(chosen)]
