"""Having this node's checkpoints cosigned by its witnesses: the log's side of C2SP tlog-witness.

It works on the published files alone. What witnesses signed is kept beside them (``cosigned``), and so is what a witness has seen
that these files do not hold (``seen``): a node whose database was set back finds both there when it starts again.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import msgspec

from gdbos.config import Settings
from gdbos.errors import Problem
from gdbos.ledger.leaf import LOGS
from gdbos.ledger.merkle import consistency_proof
from gdbos.ledger.names import address
from gdbos.ledger.note import Checkpoint, Malformed, Note, Signature, Verifier, number
from gdbos.ledger.policy import Policy
from gdbos.ledger.prove import nodes
from gdbos.ledger.publication import CHECKPOINT, COSIGNED, Seen, note_in, remember, write
from gdbos.ledger.witness import Submission

log = logging.getLogger("gdbos.ledger")

PATIENCE: Final = 5.0
"""Seconds a witness may take."""
LONGEST: Final = 16_384
"""Bytes of an answer that are read."""


class Witness(msgspec.Struct, frozen=True):
    """Another node that cosigns: where it is asked, and the key its answer must verify under."""

    name: str
    address: str
    verifier: Verifier


class NotCosigned(Exception):
    """A witness did not cosign; says why."""


class Cosigning:
    """Has the logs published under ``folder`` cosigned by the witnesses that the configuration names."""

    def __init__(self, settings: Settings, policy: Policy, folder: Path) -> None:
        self.folder = folder
        self.quorum, self.interval = settings.ledger.quorum, settings.ledger.interval
        named = settings.ledger.witnesses
        self.witnesses = [Witness(name, address(name, named[name]), key) for name, key in policy.witnesses.items()]
        self._sizes: dict[tuple[str, str], int] = {}

    async def run(self) -> None:
        """Submit what is new until cancelled; returns at once where no witness is named."""
        while self.witnesses:
            try:
                await self.round()
            except Exception:
                log.exception("the checkpoints could not be submitted; trying again")
            await asyncio.sleep(self.interval)

    async def round(self) -> None:
        """Submit every log's newest checkpoint once, unless another worker is at it or all have cosigned it already."""
        with _alone(self.folder) as alone:
            for name in LOGS if alone else ():
                note = note_in(self.folder / name, CHECKPOINT)
                if note is not None:
                    await self._submit(self.folder / name, note)

    async def ask(self, name: str, stands: Callable[[], Awaitable[Note]]) -> None:
        """Ask every witness how far it has seen this log, before anything is appended to where it stands.

        A witness that does not answer is not waited for: what it has seen is found out when it is asked again. Another
        worker of this node that is at it is: nothing may be cosigned between reading where the log stands and asking.
        """
        asked = not self.witnesses
        while not asked:
            with _alone(self.folder) as asked:
                if asked:
                    await self._submit(self.folder / name, await stands(), growing=False)
            if not asked:
                await asyncio.sleep(0.05)

    async def _submit(self, folder: Path, note: Note, *, growing: bool = True) -> None:
        last = note_in(folder, COSIGNED)
        have = {line.name for line in last.signatures} if last is not None and last.text == note.text else set()
        missing = [one for one in self.witnesses if one.verifier.name not in have]
        if growing and not missing:
            return
        limits = httpx.Timeout(PATIENCE)
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=limits) as http:
            answers = await asyncio.gather(*(self._one(http, folder, witness, note) for witness in self.witnesses))
        lines = [line for line in answers if line is not None]
        if len(lines) >= self.quorum:
            write(folder, COSIGNED, str(note.signed_also(*lines)).encode())

    async def _one(self, http: httpx.AsyncClient, folder: Path, witness: Witness, note: Note) -> Signature | None:
        try:
            return await self._cosigned(http, folder, witness, note)
        except (NotCosigned, Malformed) as refused:
            log.error("ledger %s: the witness %s did not cosign: %s", folder.name, witness.name, refused)
        except (httpx.HTTPError, Problem) as failure:
            kind = type(failure).__name__
            log.warning("ledger %s: the witness %s could not be asked (%s)", folder.name, witness.name, kind)
        return None

    async def _cosigned(self, http: httpx.AsyncClient, folder: Path, witness: Witness, note: Note) -> Signature:
        checkpoint, place = Checkpoint.parse(note.text), (folder.name, witness.name)
        old = min(self._sizes.get(place, checkpoint.size), checkpoint.size)
        status, body = await _post(http, witness, _submission(folder, old, checkpoint, note))
        if status == 409 and (known := number(body.strip())) != old:
            if known > checkpoint.size:
                remember(folder, Seen(size=known, by=witness.name, origin=checkpoint.origin))
                raise NotCosigned(f"it has seen {known} records and this node holds {checkpoint.size}")
            old = known
            status, body = await _post(http, witness, _submission(folder, old, checkpoint, note))
        if status in (409, 422):
            remember(folder, Seen(size=old, by=witness.name, other_history=True, origin=checkpoint.origin))
            raise NotCosigned(f"it has seen another history of the first {old} records")
        if status != 200:
            raise NotCosigned(f"it answered {status}: {body.strip()[:200]}")
        self._sizes[place] = checkpoint.size
        return _line(witness, note, body)


def _submission(folder: Path, old: int, checkpoint: Checkpoint, note: Note) -> bytes:
    path: list[bytes] = []
    if 0 < old < checkpoint.size:
        path = consistency_proof(old, checkpoint.size, nodes(folder, checkpoint.size))
    return bytes(Submission(old, tuple(path), note))


async def _post(http: httpx.AsyncClient, witness: Witness, content: bytes) -> tuple[int, str]:
    body = b""
    async with http.stream("POST", witness.address, content=content) as answer:
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > LONGEST:
                raise NotCosigned(f"its answer has more than {LONGEST} bytes")
    return answer.status_code, body.decode("utf-8", "replace")


def _line(witness: Witness, note: Note, body: str) -> Signature:
    """The witness's own line among those it sent; others are none of our business."""
    found = Note.parse(f"{note.text}\n{body}").signatures
    for line in found:
        if witness.verifier.verifies(note.text, line):
            return line
    raise NotCosigned("no line of its answer is signed by the key that [ledger.witnesses] names")


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other worker of this node is at it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".cosigning").open("w") as lock:
        held = False
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        yield held
