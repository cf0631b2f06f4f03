"""The one door for data. Every call passes these steps, in this order; there is no other way to read a subject's data.

admit      beyond capacity: told to come back, at once
(identify) done at the edge; the actor arrives with the call
resolve    which service, which version
authorise  the right of an official's post; the consumer's grant and its rate, or that the data are the caller's own
decode     the request, against its standard
basis      a live case (or other basis) for each subject named in the request
provide    the plugin's function, or the existing system through its adapter
decode     the reply, against its standard
shape      granted fields only, masked by element
record     call, receipts and leaf, durable; grant and every basis checked again in the same transaction
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from datetime import date, datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from gdbos.actor import Actor
from gdbos.bus.adapters.adapter import Answered, not_set_up
from gdbos.bus.admission import Admission
from gdbos.bus.basis import Recent, Wanted, without
from gdbos.bus.block import Block, put
from gdbos.bus.derived import Asked, Question, allowed
from gdbos.bus.directory import Directory
from gdbos.bus.entry import Entry, entry
from gdbos.bus.grant import Grant, Grants
from gdbos.bus.inside import Inside
from gdbos.bus.notice import Known, Notices
from gdbos.bus.record import CallRecord
from gdbos.bus.repeat import once
from gdbos.bus.service import Offered, disclosed
from gdbos.bus.shape import masker, minimise
from gdbos.bus.terms import Terms, conforming
from gdbos.bus.trail import Trail
from gdbos.config import Bus as Settings
from gdbos.errors import Forbidden, Invalid, NoBasis, Problem, ProviderFailed, Violation
from gdbos.ledger.subjects import keys_gone
from gdbos.plugin import Disclosed
from gdbos.standards import Record
from gdbos.subjects import subject_key
from gdbos.telemetry import span, traceparent
from gdbos.text import N_
from gdbos.together import Together
from gdbos.unit import Units

ORDERLY = msgspec.json.Encoder(order="deterministic")
REREADS = 3
"""How often a plugin's rows are read while cases close under the reader."""


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a call gives back."""

    call: UUID
    service: str
    version: int
    provider: str
    """USCC of the body whose data it is: the source that a form shows."""
    at: datetime
    fields: tuple[str, ...]
    value: dict[str, Any]
    as_of: datetime | None = None
    """The moment for which the value is true, where that is not ``at``."""
    stale: bool = False
    """Said earlier, and given again because the provider does not answer just now."""
    source: str = ""
    """The provider's system that said it."""
    updates: str = ""
    """How often the provider brings the data up to date: a code of the list ``catalogue.update-cycle``."""
    known: tuple[Known, ...] = ()
    """What is known against these data: open tickets and objections, by kind and field."""
    ends_on: date | None = None
    """The day from which this version answers no more."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it enters the bus."""

    id: UUID
    actor: Actor
    body: str
    system: str
    service: str
    value: Any
    matter: str
    case: str
    purpose: str
    version: int = 0
    """The version of the service that is asked for; 0: the newest that the grant covers."""
    business: str
    """A number of the caller's own that makes a repeated write the same one: a case number."""
    deadline: float = math.inf
    """The event loop's time after which the answer is of no use to the caller."""
    ask: tuple[Question, ...] = ()
    """Questions to be answered instead of giving values."""
    key: str = ""
    """Idempotency-Key: the same key again gets the first answer again."""


class Adapter(Protocol):
    """How an existing system is reached."""

    async def __call__(
        self, service: Offered, request: dict[str, Any], *, call: Call, traceparent: str | None
    ) -> Answered: ...


class Door:
    """The enforcement point of one worker."""

    def __init__(
        self, units: Units, directory: Directory, grants: Grants, adapters: Mapping[str, Adapter], settings: Settings
    ) -> None:
        self.units = units
        self.directory = directory
        self.grants = grants
        self.adapters = adapters
        self.notices = Notices()
        self.first: dict[str, Callable[[], Awaitable[None]]] = {}
        """What must have happened before a plugin's function is asked: receipts lists wait for the calls recorded so far."""
        self.inside = Inside(units, settings.timeout)
        self.admission = Admission(settings.capacity)
        self.recent = Recent()
        self._agreed: dict[tuple[str, int], Terms] = {}
        self._permitted = Together(self._look)
        self._recorded = Together(self._record)

    async def pass_through(self, call: Call) -> Reply:
        """Take ``call`` through every step; what is refused is written down too. :raises ReadOnly: nothing can be written down."""
        if why := self.units.shut():
            raise why
        with self.admission.place((call.body or call.actor.id, call.system)), span(f"bus.call {call.service}") as seen:
            trail = Trail(call, self.units.around.clock(), traced=seen.get_span_context().is_valid)
            try:
                return await self._steps(call, trail)
            except Problem as refused:
                seen.set_attribute("gdbos.outcome", refused.code)
                await self._recorded(trail.record(refused.code))
                raise
            except Exception:  # a mistake of ours is an outcome too: after an intent nobody may be left guessing
                seen.set_attribute("gdbos.outcome", Problem.code)
                await self._recorded(trail.record(Problem.code))
                raise

    async def _steps(self, call: Call, trail: Trail) -> Reply:
        service = trail.service = self.directory.resolve(call.service, call.version)
        grant = trail.grant = self._authorise(service, call, trail)
        if grant is not None and not call.version and len(self.directory.versions(service.code)) > 1:
            service = trail.service = self._version(service, grant)
        request = self._request(service, call, trail)
        trail.request = call.value if isinstance(call.value, bytes) else ORDERLY.encode(request)
        if call.ask or (grant is not None and grant.questions and not grant.fields):
            trail.asked = self._asked(service, call, grant, trail)
        if service.registered is not None:
            trail.disclosed = self._disclosed(service, call, request, None)
            await self._before(service, trail)
        for turns_left in reversed(range(REREADS)):
            try:
                return await self._answer(service, call, request, grant, trail)
            except NoBasis:
                # A case of a list closed while the list was read: read again, now without it. An existing system is asked once.
                if service.registered is not None or not turns_left:
                    raise
        raise AssertionError("unreachable")

    async def _answer(self, service: Offered, call: Call, request: Any, grant: Grant | None, trail: Trail) -> Reply:
        if call.key and grant is not None and service.registered is not None:
            answered = await once(self.units, call, grant, lambda: self._shown(service, call, request, grant, trail))
        else:
            answered = await self._shown(service, call, request, grant, trail)
        shown = answered.value
        trail.fields, trail.reply = tuple(sorted(shown)), ORDERLY.encode(shown)
        await self._recorded(trail.record("done"))
        return Reply(
            call=call.id,
            service=service.code,
            version=service.version,
            provider=service.provider,
            at=trail.at,
            fields=trail.fields,
            value=shown,
            as_of=answered.as_of,
            stale=answered.stale,
            source=service.system,
            updates=service.updates,
            known=self.notices.about(service.code, shown) if service.code in self.notices else (),
            ends_on=service.ends_on,
        )

    async def _shown(self, service: Offered, call: Call, request: Any, grant: Grant | None, trail: Trail) -> Answered:
        """What the provider answers, as far as it may be shown."""
        answered = await self._provide(service, call, request, trail)
        if service.offer is not None:
            trail.disclosed = self._disclosed(service, call, request, answered.value)
            trail.own = self._own(call.actor, trail.disclosed)
            if grant is None and not trail.own:
                raise Forbidden("These are not your own data; only a body with a grant and a live case may see them.")
        shown = self._shape(service, grant, answered.value, trail)
        return Answered(shown, answered.as_of, answered.stale)

    def _asked(self, service: Offered, call: Call, grant: Grant | None, trail: Trail) -> Asked:
        if grant is None or service.registered is None:
            detail = N_("Only services of departments' systems answer questions; ask this one for its values.")
            raise Invalid(violations=[Violation("$.ask", "question", detail)])
        return allowed(call.ask, grant, self._terms(service, trail.at).gives, self.units.around.standards())

    @staticmethod
    def _refuse_unentitled(service: Offered, actor: Actor) -> None:
        """What a body was granted is for those of its officials whose post is about it, and for no other colleague."""
        wanted = service.offer.permission if service.offer else None
        if wanted is not None and not actor.may(wanted.of_officials()):
            raise Forbidden(
                "You lack the permission {permission}; ask your body's administrator for a post that has it.",
                permission=wanted.name,
            )

    def _authorise(self, service: Offered, call: Call, trail: Trail) -> Grant | None:
        self._refuse_unentitled(service, call.actor)
        if service.sharing == "not-shared" and call.body != service.provider:
            raise Forbidden(
                "Service {service} is not shared (不予共享): only its provider may use it.", service=service.code
            )
        if call.actor.kind == "person" and not call.body and service.offer is not None:
            return None  # one's own data: proved from the reply, before anything is shown
        if service.matters and call.matter not in service.matters:
            raise Forbidden(
                "Service {service} serves the matters {matters}, not {matter}.",
                service=service.code,
                matters=", ".join(service.matters),
                matter=call.matter or "—",
            )
        grant = self.grants.find(
            body=call.body,
            system=call.system,
            service=service.code,
            provider=service.provider,
            matter=call.matter,
            now=trail.at,
            division=call.actor.division,
        )
        self.grants.spend(grant)
        return grant

    def _version(self, newest: Offered, grant: Grant) -> Offered:
        return self.directory.answering(newest, grant, self.units.around.standards(), self.units.around.today())

    def _terms(self, service: Offered, at: datetime) -> Terms:
        name, standards = (service.code, service.version), self.units.around.standards()
        known = self._agreed.get(name)
        if known is None or not known.hold(service, standards, at):
            known = self._agreed[name] = Terms(service, standards, at, self.units.around.zone)
        return known

    def _request(self, service: Offered, call: Call, trail: Trail) -> Any:
        if service.offer is None:
            return conforming(self._terms(service, trail.at).takes, call.value)
        try:
            if isinstance(call.value, bytes):
                return msgspec.json.decode(call.value, type=service.offer.takes)
            return msgspec.convert(call.value, service.offer.takes)
        except msgspec.ValidationError as failure:
            raise Invalid(violations=[Violation("$", "shape", str(failure))]) from None

    def _disclosed(self, service: Offered, call: Call, request: Any, answer: Any) -> Sequence[Disclosed]:
        """Whose data it is. :raises Gone: a subject of the call was erased; the refusal is recorded and names nobody."""

        def key_of(kind: str, value: str) -> str:
            return subject_key(self.units.around.vault, kind, value)

        found = disclosed(service, request, answer, key_of, call.matter, call.case)
        if any(self.units.around.subject_keys.is_erased(one.subject) for one in found):
            raise keys_gone()
        return found

    @staticmethod
    def _own(actor: Actor, shown: Sequence[Disclosed]) -> bool:
        # Whoever acts for another is themself still: identity tells a form who fills it in. What they reach is the provider's to say.
        theirs = {actor.subject, *actor.subjects}
        return actor.kind == "person" and all(one.subject in theirs for one in shown)

    async def _provide(self, service: Offered, call: Call, request: Any, trail: Trail) -> Answered:
        if service.offer is not None:
            if first := self.first.get(service.code):
                await first()
            return Answered(await self.inside.ask(service, call, request))
        assert service.registered is not None
        adapter = self.adapters.get(service.registered.adapter)
        if adapter is None:
            raise not_set_up(service)
        if not trail.traced:
            return await adapter(service, request, call=call, traceparent=None)
        with span(f"adapter {service.registered.adapter} {service.code}"):
            return await adapter(service, request, call=call, traceparent=traceparent())

    def _shape(self, service: Offered, grant: Grant | None, answer: Any, trail: Trail) -> dict[str, Any]:
        if service.offer is None:
            assert grant is not None
            terms = self._terms(service, trail.at)
            reply = self._standard_reply(service, terms.gives, answer)
            return terms.shape(reply, grant) if trail.asked is None else trail.asked.answered(reply)
        kept = minimise(msgspec.to_builtins(answer), grant.fields if grant else ())
        mask = masker(service.offer.gives)
        if trail.own or grant is None or mask is None or "*" in grant.clear:
            return kept
        hidden = {name: value for name, value in kept.items() if name not in grant.clear}
        masked: dict[str, Any] = mask(hidden, self.units.around.standards(), self.units.around.today())
        return kept | masked

    @staticmethod
    def _standard_reply(service: Offered, record: Record, answer: Any) -> dict[str, Any]:
        try:
            return conforming(record, answer)
        except Invalid as wrong:
            raise ProviderFailed(
                "System {system} answered against its own standard {record} (at {paths}); its operators have to mend it.",
                system=service.system or service.code,
                record=record.id,
                paths=", ".join(violation.path for violation in wrong.violations),
            ) from None

    async def _before(self, service: Offered, trail: Trail) -> None:
        """Refuse before the provider is even asked: the question itself would tell it whom we look at."""
        if service.effect == "write":
            await self._recorded(trail.record("intent"))
            trail.resumes = True
        elif (wanted := trail.wanted()) and not self.recent.covers(wanted):
            await self._permitted(wanted)

    async def _look(self, asked: Sequence[Sequence[Wanted]]) -> list[Problem | None]:
        now = self.units.around.clock()
        every = {one for wanted in asked for one in wanted}
        missing = await self.units.lane.read(partial(self._missing, every, now))
        self.recent.add(every - missing)
        lacking = [next((one for one in wanted if one in missing), None) for wanted in asked]
        return [None if one is None else one.missing() for one in lacking]

    def _missing(self, wanted: set[Wanted], now: datetime, connection: Connection) -> set[Wanted]:
        self.units.around.enter_all(connection)  # a basis is nobody's to read
        return without(connection, wanted, now)

    async def _record(self, records: Sequence[CallRecord]) -> list[Problem | None]:
        keys = await self._keys({one.subject for record in records for one in record.disclosed})
        edition = self.units.around.standards().edition
        made = [entry(record, keys, edition) for record in records]
        entries = [one for one in made if isinstance(one, Entry)]
        written = iter(await self._write(Block(entries)) if entries else ())
        return [next(written) if isinstance(one, Entry) else one for one in made]

    async def _keys(self, subjects: Set[str]) -> Mapping[str, bytes]:
        known = self.units.around.subject_keys.at_hand(subjects)
        return await asyncio.to_thread(self.units.around.subject_keys.living, subjects) if known is None else known

    async def _write(self, block: Block) -> list[Problem | None]:
        around, lane = self.units.around, self.units.lane
        if await lane.put(put(lane.engine.dialect.name), block.values(around.clock())):
            return [None] * len(block.entries)

        def write(connection: Connection) -> list[Problem | None]:
            around.enter_all(connection)  # the statement looks at the grants of every body
            return block.write(connection, around.clock())

        return await lane.write(write)
