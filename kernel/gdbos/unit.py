"""The unit of work: one transaction with its ledger entries and its events, all or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, CursorResult, Executable, Select, Table, select
from sqlalchemy.sql.selectable import SelectBase

from gdbos.actor import Actor, plugin_actor
from gdbos.bus.basis import ENDED, Basis, close_bases, open_basis
from gdbos.bus.outbox import Subscribers, put
from gdbos.errors import Problem
from gdbos.events import Event
from gdbos.files.store import FileStore
from gdbos.ledger.leaf import append_audit
from gdbos.ledger.subjects import SubjectKeys
from gdbos.reach import reach_of
from gdbos.standards import Standards
from gdbos.storage.lane import Lane
from gdbos.storage.scope import SCOPED, guard_of, is_wide, scope_of, tables_named, within
from gdbos.storage.wall import Wall
from gdbos.vault import Vault

P = ParamSpec("P")
T = TypeVar("T")
EVENTS = "events"
"""Topic that tells workers to look at the outbox."""

KERNEL = plugin_actor("kernel")

WHILE_SHUT = frozenset({"kernel.identity", "kernel.recovery"})
"""Who may write while nobody else may: identification, and administrators who mend the node."""

C = TypeVar("C", bound=msgspec.Struct)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What every unit of a node finds around it; made once by the composition root."""

    node: str
    division: str
    level: str
    zone: ZoneInfo
    standards: Callable[[], Standards]
    vault: Vault
    settings: Mapping[type[msgspec.Struct], msgspec.Struct]
    roles: Mapping[str, str]
    """Role of an implementing department (``tax``) → USCC of the body that plays it here."""
    subscribers: Subscribers
    subject_keys: SubjectKeys
    files: FileStore
    wall: Wall | None = None
    """The database's own wall between rows; None where it has none (SQLite)."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def enter_all(self, connection: Connection) -> None:
        """Let a transaction of the kernel's own works reach every row; a unit reaches as far as its actor."""
        if self.wall is not None:
            self.wall.enter_all(connection)

    def today(self) -> date:
        """The civil date where the node stands."""
        return self.clock().astimezone(self.zone).date()


class Unit:
    """One transaction. Domain functions receive it; they never commit, never await, never talk to another system."""

    def __init__(self, connection: Connection, actor: Actor, around: Surroundings) -> None:
        self.connection = connection
        self.actor = actor
        self.around = around
        self.reach = reach_of(actor)
        if around.wall is not None:
            around.wall.enter(connection, self.reach)
        self.now = around.clock()
        self.events: list[Event] = []
        self.topics: set[str] = set()

    @property
    def today(self) -> date:
        """The civil date where the node stands."""
        return self.now.astimezone(self.around.zone).date()

    @property
    def standards(self) -> Standards:
        return self.around.standards()

    @property
    def vault(self) -> Vault:
        return self.around.vault

    def erased(self, subject: str) -> bool:
        """Whether ``subject`` was erased: nothing about them passes the bus any more, so a list leaves them out."""
        return self.around.subject_keys.is_erased(subject)

    def config(self, kind: type[C]) -> C:
        """The settings a plugin declared with ``config=kind``."""
        found = self.around.settings[kind]
        assert isinstance(found, kind)
        return found

    def body_for(self, role: str) -> str:
        """USCC of the body that plays ``role`` at this node; empty where none does."""
        return self.around.roles.get(role, "")

    def rows(self, table: Table, *columns: Any) -> Select[Any]:
        """Select from a scoped table the rows this unit's actor may see: the only way to read one."""
        chosen: Any = select(*columns) if columns else select(table)
        scoped: Select[Any] = chosen.select_from(table).where(within(table, self.actor))
        return scoped.execution_options(**{SCOPED: True})

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a statement; reading a scoped table any other way than by :meth:`rows` is a programming error."""
        tables = list(tables_named(statement))
        if isinstance(statement, SelectBase) and (names := sorted(t.name for t in tables if scope_of(t) is not None)):
            raise TypeError(f"reads scoped table {', '.join(names)} without unit.rows(table)")
        with self._opened() if is_wide(statement) or any(map(guard_of, tables)) else nullcontext():
            result = self.connection.execute(statement, parameters)
        assert isinstance(result, CursorResult)
        return result

    @contextmanager
    def _opened(self) -> Iterator[None]:
        """Reach everything for what the kernel itself writes down in this unit."""
        if self.around.wall is None or self.reach.everything:
            yield
            return
        with self.around.wall.opened(self.connection, back=self.reach):
            yield

    def emit(self, event: Event, *, at: datetime | None = None) -> None:
        """Put ``event`` into the outbox of this transaction, for delivery at once or when ``at`` comes."""
        self.events.append(event)
        self.announce(EVENTS)
        put(self.connection, self.around.subscribers, event, self.actor.chain, now=self.now, due=at or self.now)

    def record(self, act: str, **facts: Any) -> None:
        """Write an audit entry into the ledger of this transaction. ``facts`` hold ids and names of rules, never personal data."""
        append_audit(self.connection, act, self.actor, facts, at=self.now)

    def announce(self, topic: str) -> None:
        """Tell every worker, after the commit, that what it remembers of ``topic`` has changed."""
        self.topics.add(topic)

    def open_basis(self, basis: Basis) -> None:
        """Say why a subject's data may be seen from now on."""
        with self._opened():
            open_basis(self.connection, basis, self.now)

    def close_bases(self, case: str) -> None:
        """End every basis that rests on ``case``; the next call that cites it is refused."""
        with self._opened():
            close_bases(self.connection, case, self.now)
        self.announce(ENDED)


class Veto(Protocol):
    """A ``before_commit`` hook, resolved and guarded at load."""

    def __call__(self, unit: Unit) -> None: ...


class Units:
    """Opens units in the node's lane: write units that commit, and read units."""

    def __init__(self, lane: Lane, around: Surroundings, vetoes: Iterable[Veto] = ()) -> None:
        self.lane = lane
        self.around = around
        self.vetoes = tuple(vetoes)
        self.committed: list[Callable[[frozenset[str]], Awaitable[None]]] = []
        """Awaited with a unit's topics after it has committed and before its caller is answered."""
        self.shut: Callable[[], Problem | None] = lambda: None
        """Why nothing may be written now, if so. People can log in all the same, and mend it."""

    async def write(self, actor: Actor, act: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``act(unit, …)`` in one transaction; return after it is durable. :raises ReadOnly: the node only reads."""
        if actor.id not in WHILE_SHUT and (why := self.shut()):
            raise why

        def work(connection: Connection) -> tuple[T, frozenset[str]]:
            unit = Unit(connection, actor, self.around)
            value = act(unit, *args, **kwargs)
            # The kernel's own upkeep is not up for veto: a broken plugin must not keep a node from starting.
            for veto in self.vetoes if actor != KERNEL else ():
                veto(unit)
            return value, frozenset(unit.topics)

        value, topics = await self.lane.write(work)
        if topics:
            for listen in self.committed:
                await listen(topics)
        return value

    async def read(self, actor: Actor, look: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``look(unit, …)`` beside the writer, on a connection that cannot write."""
        return await self.lane.read(lambda connection: look(Unit(connection, actor, self.around), *args, **kwargs))


class Run:
    """Units as a request's handler sees them: in the name of whoever is calling."""

    def __init__(self, units: Units, actor: Actor) -> None:
        self.units = units
        self.actor = actor

    def __call__(self, act: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run ``act(unit, …)`` and commit."""
        return self.units.write(self.actor, act, *args, **kwargs)

    def read(self, look: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run ``look(unit, …)`` on a connection that cannot write."""
        return self.units.read(self.actor, look, *args, **kwargs)
