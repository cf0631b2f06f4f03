"""The composition root: a deployment becomes a running node here, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Table, make_url, select

from gdbos import telemetry
from gdbos.actor import Actor, plugin_actor
from gdbos.bus.adapters import adapters_for
from gdbos.bus.basis import ENDED
from gdbos.bus.block import spread
from gdbos.bus.bus import Bus
from gdbos.bus.call import Door
from gdbos.bus.consumption import draft_consumption
from gdbos.bus.delivery import Delivery, Route
from gdbos.bus.directory import Directory
from gdbos.bus.freshness import updates_said
from gdbos.bus.grant import CHANGED as GRANTS
from gdbos.bus.grant import Grants, live_grants
from gdbos.bus.notice import open_notices
from gdbos.bus.rates import Rates
from gdbos.bus.receipts import CODE as RECEIPTS_CODE
from gdbos.bus.service import CHANGED as SERVICES
from gdbos.bus.service import Offered, Service, offered, offered_by_plugin, registered
from gdbos.bus.wake import Wakeups
from gdbos.config import Deployment, Settings
from gdbos.errors import Misconfigured, NotFound
from gdbos.events import subscription, tag
from gdbos.files.scanning import Scanning
from gdbos.files.store import FileStore
from gdbos.guarded import Guarded
from gdbos.home import alone
from gdbos.identity.identity import Identity
from gdbos.jobs import Clockwork, Owned
from gdbos.ledger.book import Book
from gdbos.ledger.erasure import ERASED
from gdbos.ledger.subjects import SubjectKeys, apply_erasures
from gdbos.ledger.tables import checkpoint
from gdbos.loading import Loaded, installed, load, manage
from gdbos.own import ITSELF, TEMPLATES
from gdbos.pages.frame import Site
from gdbos.pages.render import Pages
from gdbos.plugin import Permission, Plugin
from gdbos.shipped import shipped
from gdbos.standards import Standards
from gdbos.standards.edition import CHANGED as STANDARDS
from gdbos.standards.fault import PackRefused
from gdbos.standards.shelf import Shelf
from gdbos.standards.span import Published
from gdbos.storage.breach import refuse_escapes
from gdbos.storage.engine import connected, engine_for, refuse_unsafe
from gdbos.storage.lane import Lane, lane_for
from gdbos.storage.migrate import behind, lineages, migrate, tables_of
from gdbos.storage.wall import Wall, raise_wall, wall_at, wall_of
from gdbos.text import Text
from gdbos.unit import EVENTS, KERNEL, Run, Surroundings, Unit, Units
from gdbos.vault import RING, KeyRing, Vault

log = logging.getLogger("gdbos")


class Kernel:
    """A node: what it is made of, and its running parts between :meth:`start` and :meth:`stop`."""

    def __init__(self, deployment: Deployment, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Read everything that can be read without a database.

        :raises Misconfigured: whatever the integrator has to mend, naming file and key.
        """
        self.deployment = deployment
        self.settings: Settings = deployment.settings
        self.clock = clock
        self.draining = False
        """Told to stop: no longer ready for new work, still finishing what it has."""
        self.loaded: list[Loaded] = load(self.settings.enabled(), str(deployment.path), installed())
        self.plugins: list[Plugin] = [one.plugin for one in self.loaded]
        self.hooks = Guarded(manage((one.plugin.name, one.module) for one in self.loaded))
        self.shelf = self._shelf()
        self.standards: Standards = self.shelf.load({})
        self._published: Published = {}
        self._standing = asyncio.Lock()
        self._remembering = asyncio.Lock()
        self.pages = Pages(
            catalogues=list(dict.fromkeys(p.locale for p in self.plugins if p.locale is not None)),
            templates={p.name: p.templates for p in self.plugins if p.templates} | TEMPLATES,
            navigation=[entry for p in (ITSELF, *self.plugins) for entry in p.navigation],
            zone=ZoneInfo(self.settings.node.zone),
        )
        self.site = Site(
            title=self.settings.node.title,
            division=self._division(),
            version=version("gdbos"),
            node=self.settings.node.id,
        )

    # What the node is made of.

    def _shelf(self) -> Shelf:
        chosen = self.settings.standards
        # The registry takes an empty chain for "all there are"; a deployment that names no pack stands under none.
        folders = [shipped("standards"), *(Path(f) for f in chosen.folders)] if chosen.packs else []
        folders += [folder for plugin in self.plugins for folder in plugin.packs]
        kinds = {kind.name: kind for p in (ITSELF, *self.plugins) for kind in p.kinds}
        return Shelf(folders, kinds, chosen.packs, self.settings, self.ring)

    def _division(self) -> Text:
        code = self.settings.node.division
        try:
            divisions = self.standards.codes("division", self.clock().date())
            return Text(divisions.title(code, "zh"), divisions.title(code, "en"))
        except (NotFound, LookupError):
            return Text(code, code)

    def roles(self) -> dict[str, str]:
        """Roles of implementing departments and the bodies that play them here."""
        return dict(self.settings.bodies)

    @property
    def permissions(self) -> list[Permission]:
        """Every permission that the kernel and the enabled plugins declare."""
        return [one for plugin in (ITSELF, *self.plugins) for one in plugin.permissions]

    @property
    def tables(self) -> dict[str, Table]:
        """Every table of the node by its name."""
        return {table.name: table for table in tables_of(lineages(self.plugins))}

    # The node's life.

    def migrate(self) -> list[str]:
        """Bring the database to this release, with the owner's rights; returns what moved."""
        engine = engine_for(self.settings.database_url(owner=True))
        known = lineages(self.plugins)
        try:
            moved = migrate(engine, known, self.wall.enter_all if self.wall else lambda _: None)
            if engine.dialect.name == "postgresql":
                versions = [lineage.version_table for lineage in known]
                with engine.begin() as connection:
                    raise_wall(connection, tables_of(known), wall_of(self.ring()).secret, versions)
            return moved
        finally:
            engine.dispose()

    @property
    def wall(self) -> Wall | None:
        """The wall that the database keeps between rows; None on SQLite, and before the node has keys."""
        return wall_at(self.settings.database_url(), self.settings.home / "keys")

    def pending_migrations(self) -> list[str]:
        """Owners whose tables are behind this release."""
        with connected(self.settings.database_url()) as connection:
            return [lineage.owner for lineage in lineages(self.plugins) if behind(connection, lineage)]

    def refuse_late(self) -> None:
        """:raises Misconfigured: the tables are behind this release."""
        if late := self.pending_migrations():
            raise Misconfigured(f"the tables of {', '.join(late)} are behind this release; run: gdbos migrate")

    def published(self) -> Published:
        """The editions published in the database; none where there is no database yet."""
        url = make_url(self.settings.database_url())
        if url.drivername.startswith("sqlite") and not Path(url.database or "").is_file():
            return {}
        with connected(self.settings.database_url()) as connection:
            return self.shelf.published(connection)

    @asynccontextmanager
    async def running(self, *, background: bool = True, beside: bool = False) -> AsyncIterator[Kernel]:
        """The node, open: lanes, keys, bus, and (with ``background``) delivery, jobs and the ledger's sequencer.

        ``beside`` a process that may be serving the node one short unit is run, which nothing it remembers depends on.

        :raises Misconfigured: unsafe database, missing key file, tables behind this release, home in use by another process.
        """
        async with AsyncExitStack() as stack:
            self._open(stack, beside)
            await self.book.look()
            for enter in () if beside else self.hooks.lifespans():
                await stack.enter_async_context(enter(self))
            if background:
                await self._start_background(stack)
            yield self

    def _open(self, stack: AsyncExitStack, beside: bool) -> None:
        home = self.settings.home
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        url = self.settings.database_url()
        if url.startswith("sqlite") and not beside:
            stack.enter_context(alone(home))
        self.refuse_late()
        ring = self.ring()
        self.vault = Vault(ring, clock=self.clock)
        self.subject_keys = SubjectKeys.open(home / "keys")
        stack.callback(self.subject_keys.close)
        self.lane = lane_for(url, self.settings.database.threads, self.wall)
        stack.callback(self.lane.close)
        self.sequencing = self._sequencing(stack)
        refuse_unsafe(self.lane.engine)
        separate_owner = bool(self.settings.database.owner_url)
        refuse_escapes(self.lane.engine, tables_of(lineages(self.plugins)), separate_owner=separate_owner)
        with self.lane.engine.connect() as connection:
            apply_erasures(connection, self.subject_keys)
            self.stand_under(self.shelf.published(connection))
        stack.enter_context(telemetry.exporting(self.settings.telemetry, self.settings.node.id))
        self.files = FileStore(home / "files", self.vault)
        self._compose(ring)

    def _sequencing(self, stack: AsyncExitStack) -> Lane:
        """The lane of the ledger's sequencer: its own where it serves with a role of its own."""
        if not (url := self.settings.sequencer_url()):
            return self.lane
        lane = lane_for(url, threads=2)
        stack.callback(lane.close)
        return lane

    def _compose(self, ring: KeyRing) -> None:
        around = Surroundings(
            node=self.settings.node.id,
            division=self.settings.node.division,
            level=self.settings.node.level,
            zone=ZoneInfo(self.settings.node.zone),
            standards=lambda: self.standards,
            vault=self.vault,
            settings={type(one.settings): one.settings for one in self.loaded if one.settings is not None}
            | {Settings: self.settings},
            roles=self.roles(),
            subscribers=self._subscribers(),
            subject_keys=self.subject_keys,
            files=self.files,
            wall=self.wall,
            clock=self.clock,
        )
        self.units = Units(self.lane, around, self.hooks.vetoes())
        self.directory, self.grants = Directory(), Grants()
        self.adapters = adapters_for(self.settings.bus)
        self.door = Door(self.units, self.directory, self.grants, self.adapters, self.settings.bus)
        self.delivery = Delivery(self.units, self._routes(), self.bus_for)
        self.scanning = Scanning(self.units, self.hooks)
        self.book = Book(self.settings, ring, self.sequencing, spread, around.enter_all)
        self.units.shut = self.book.shut
        self.door.first[RECEIPTS_CODE] = self.book.settle
        nats = self.settings.nats.address()
        self.wakeups = Wakeups(nats, self.settings.node.id, self.units, self._heard, around.today)
        self.units.committed += [self._heard, self.wakeups.tell]
        self.identity = Identity(self.units, ring, self.settings)

    async def _start_background(self, stack: AsyncExitStack) -> None:
        await self.refresh()
        await self.book.begin()
        if not self.book.short:
            await self.draft_consumption()
        clockwork = Clockwork(self.units, self._jobs())
        works = {
            "delivery": self.delivery.run,
            "jobs": clockwork.run,
            "scanning": self.scanning.run,
            "ledger": self.book.run,
            "witnesses": self.book.cosigning.run,
            "wake-ups": self.wakeups.run,
        }
        if not self.lane.alone:
            works["rates"] = Rates(self.units, self.grants).run
        for name, work in works.items():
            task = asyncio.create_task(work(), name=name)
            stack.push_async_callback(_cancelled, task)
        for adapter in self.adapters.values():
            stack.push_async_callback(adapter.aclose)
        for party in self.identity.parties.values():
            stack.push_async_callback(party.client.aclose)
        stack.callback(self.identity.close)
        stack.push_async_callback(self.book.catch_up)
        stack.push_async_callback(self.delivery.drain)

    # What workers remember.

    async def _heard(self, topics: frozenset[str]) -> None:
        if EVENTS in topics:
            self.delivery.wake()
        if ENDED in topics:
            self.door.recent.forget()
        if STANDARDS in topics:
            await self._read_standards()
        if topics & {GRANTS, SERVICES, STANDARDS}:
            await self.refresh()
        if ERASED in topics:
            await self.lane.read(lambda connection: apply_erasures(connection, self.subject_keys))

    def stand_under(self, published: Published) -> None:
        """Load the standards with the published editions, where these are others than before.

        :raises PackRefused: something is wrong with them; the node stands under what it stood under.
        """
        if published != self._published:
            self.standards, self._published = self.shelf.load(published), published

    async def _read_standards(self) -> None:
        try:
            async with self._standing:
                published = await self.lane.read(self.shelf.published)
                await asyncio.to_thread(self.stand_under, published)
        except PackRefused as refused:
            log.error("the published standards cannot be loaded; the node keeps those it has:\n%s", refused)

    async def refresh(self) -> None:
        """Read services and grants again; one reading after the other, or an older one could be the last to be believed."""
        async with self._remembering:
            grants, services, notices, said = await self.units.read(KERNEL, _remembered)
            self.grants.replace(grants)
            self.door.notices.replace(notices)
            live = [*self._offers(), *(service for service, state in services if state == "live")]
            self.directory.replace(_fresh(live, said), (service.code for service, state in services if state != "live"))

    def _offers(self) -> Iterable[Offered]:
        operator = self.settings.node.body
        for plugin in (ITSELF, *self.plugins):
            for offer in plugin.services:
                yield offered_by_plugin(offer, plugin.name, operator)
        for document in self.standards.documents("services", self.clock().date()):
            yield self.offer_of(document.value)

    # Parts.

    def ring(self) -> KeyRing:
        """The node's keys; made when the node has never written anything, and only then.

        :raises Misconfigured: the key file is missing or damaged; it says what to restore.
        """
        self.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = self.settings.home / "keys"
        if (folder / RING).exists() or self._has_written():
            return KeyRing.open(folder)
        return KeyRing.create(folder)

    def _has_written(self) -> bool:
        with connected(self.settings.database_url(owner=True)) as connection:
            return connection.execute(select(checkpoint.c.log).limit(1)).first() is not None

    async def draft_consumption(self) -> None:
        """Ask for what plugins' pages use of the bus and nobody has asked for yet."""
        every = [ITSELF, *self.plugins]
        await self.units.write(plugin_actor("kernel"), draft_consumption, every, self.directory)

    def bus_for(self, actor: Actor, plugin: str) -> Bus:
        """The bus as ``plugin`` sees it when it acts in the name of ``actor``."""
        return Bus(self.door, actor, plugin)

    def run_for(self, actor: Actor) -> Run:
        """Units in the name of ``actor``."""
        return Run(self.units, actor)

    def run_as(self, plugin: str) -> Run:
        """Units in the name of the plugin itself."""
        return Run(self.units, plugin_actor(plugin))

    def offer_of(self, service: Service) -> Offered:
        """``service`` as it would be offered here."""
        return offered(service, lambda role: self.roles().get(role, ""))

    def _subscribers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for route in self._routes():
            found.setdefault(tag(route.event), []).append(route.name)
        return found

    def _routes(self) -> Sequence[Route]:
        routes = []
        for plugin in self.plugins:
            for handler in plugin.handlers:
                wanted = subscription(handler)
                name = f"{plugin.name}.{getattr(handler, '__name__', 'handler')}"
                routes.append(Route(name, plugin.name, wanted.event, handler, wanted.fetch))
        return routes

    def _jobs(self) -> list[Owned]:
        return [Owned(plugin.name, job) for plugin in (ITSELF, *self.plugins) for job in plugin.jobs]


def _remembered(unit: Unit) -> tuple[list[Any], list[Any], Mapping[str, Any], Mapping[str, str]]:
    connection = unit.connection
    services = list(registered(connection))
    return list(live_grants(connection)), services, open_notices(connection), updates_said(connection)


def _fresh(services: Iterable[Offered], said: Mapping[str, str]) -> Iterable[Offered]:
    """``services`` with the update cycle that was said of them, where one was."""
    for one in services:
        yield msgspec.structs.replace(one, updates=said[one.code]) if one.code in said else one


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
