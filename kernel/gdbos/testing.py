"""For tests, ours and vendors': a whole node in a temporary home on a real database, and the contract every plugin keeps.

Loaded by pytest through its entry point, so the fixtures are there without an import. ``GDBOS_REQUIRE`` names what must not be
missing (``postgres,nats,mariadb,chromium``): where it is, a test that needs it fails instead of being skipped.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import create_engine, inspect, make_url, text

from gdbos.actor import Actor, plugin_actor
from gdbos.canary import Watch, plant
from gdbos.config import PREFIX, SHORT, Deployment, load
from gdbos.errors import Misconfigured
from gdbos.events import TAG, subscription, tag
from gdbos.identity.account import open_account
from gdbos.identity.body import Body, find_body, register_body
from gdbos.identity.password import hashed
from gdbos.identity.post import appoint
from gdbos.kernel import Kernel
from gdbos.loading import described, installed
from gdbos.plugin import Plugin
from gdbos.storage.engine import engine_for
from gdbos.storage.migrate import drift, lineages, migrate
from gdbos.text import Text
from gdbos.unit import Unit

POSTGRES = os.environ.get("GDBOS_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
CHROMIUM = "/usr/bin/chromium"
TESTER = "tester"
PASSWORD = "a phrase only tests know"  # noqa: S105
OPERATOR = "11450100MADEM0011Y"
"""USCC of the body that operates test nodes; fictional."""

PACK = """
id = "test"
version = "1"
title = { zh = "测试", en = "Test" }
publisher = { zh = "测试", en = "Test" }
level = "national"
division = "000000"
"""


def pytest_configure() -> None:
    """Put aside what would configure a node from outside (``GDBOS_HOME``, ``GDBOS__…``): each test says itself what its node is."""
    for name in [name for name in os.environ if name in SHORT or name.startswith(PREFIX)]:
        del os.environ[name]


def require(what: str, present: bool, how: str) -> None:
    """Skip the test where ``what`` is missing, saying how to enable it; fail where ``GDBOS_REQUIRE`` names it."""
    if present:
        return
    if what in os.environ.get("GDBOS_REQUIRE", "").split(","):
        pytest.fail(f"{what} is required here and is missing: {how}")
    pytest.skip(f"needs {what}: {how}")


def postgres_there() -> bool:
    """Whether the PostgreSQL that tests use answers."""
    try:
        with create_engine(POSTGRES).connect():
            return True
    except Exception:
        return False


@contextmanager
def postgres_database() -> Iterator[str]:
    """A throw-away database; its address. Its role owns it and is no superuser: row-level security holds for it too."""
    how = "start PostgreSQL at 127.0.0.1:5432 with trust for postgres, or set GDBOS_TEST_POSTGRES"
    require("postgres", postgres_there(), how)
    name = f"gdbos_test_{uuid.uuid4().hex[:12]}"
    server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE ROLE "{name}" LOGIN'))
        connection.execute(text(f'CREATE DATABASE "{name}" OWNER "{name}"'))
    try:
        url = make_url(POSTGRES).set(username=name, password=None, database=name)
        yield url.render_as_string()
    finally:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
            connection.execute(text(f'DROP ROLE "{name}"'))
        server.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database: once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/gdbos.db"
    else:
        with postgres_database() as url:
            yield url


@pytest.fixture
def chromium() -> str:
    """The browser's path."""
    how = "install Debian's chromium package (apt-get install chromium fonts-noto-cjk)"
    require("chromium", Path(CHROMIUM).exists(), how)
    return CHROMIUM


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Site:
    """A node in a temporary home, served in this process: ``site.client`` speaks HTTP to it."""

    def __init__(self, kernel: Kernel, client: TestClient[Litestar]) -> None:
        self.kernel = kernel
        self.client = client

    def unit(self, act: Callable[..., Any], *args: Any, actor: Actor | None = None, **kwargs: Any) -> Any:
        """Run ``act(unit, …)`` as ``actor``, by default as the kernel itself, and commit."""
        units = self.kernel.units
        return self.call(lambda: units.write(actor or plugin_actor("kernel"), act, *args, **kwargs))

    def call(self, make: Callable[[], Any]) -> Any:
        """Await ``make()`` in the node's event loop."""

        async def awaited() -> Any:
            return await make()

        with self.client.portal() as portal:
            return portal.call(awaited)

    def sign_in(self, login: str = TESTER, password: str = PASSWORD) -> dict[str, str]:
        """Log in over HTTP; the headers that make a request speak for ``login``."""
        answered = self.client.post("/api/identity/sessions", json={"login": login, "password": password})
        assert answered.status_code == 201, answered.text
        self.client.cookies.clear()
        return {"authorization": f"Bearer {answered.json()['token']}"}

    def settle(self) -> None:
        """Wait until every event that is due has been handled."""
        self.call(self.kernel.delivery.settle)


def deployment(
    folder: Path,
    *,
    plugins: Mapping[str, Mapping[str, Any]] | None = None,
    database: str = "",
    extends: Path | None = None,
    permissions: Sequence[str] = (),
    extra: str = "",
) -> Deployment:
    """A deployment file in ``folder`` that enables ``plugins``; ``extra`` is further TOML.

    With ``permissions`` a pack of its own brings the role ``tester``, for :meth:`Site.sign_in`.
    """
    lines = [f'extends = "{extends}"'] if extends else []
    lines += ["[node]", f'home = "{folder / "home"}"']
    if not extends:
        lines += ['id = "test"', 'title = { zh = "测试", en = "Test" }', 'division = "450100"', 'level = "city"']
        lines += [f'body = "{OPERATOR}"']
    lines += [
        "[http]",
        'host = "127.0.0.1"',
        "[database]",
        f'url = "{database or f"sqlite:///{folder}/home/gdbos.db"}"',
    ]
    if permissions:
        above = load(extends, {}).settings.standards.packs if extends else ()
        _write_pack(folder / "packs" / "test", permissions, above[-1:])
        lines += ["[standards]", f"packs = {_toml([*above, 'test'])}", f"folders = {_toml([str(folder / 'packs')])}"]
    for name, table in (plugins or {}).items():
        lines += [f"[plugins.{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    path = folder / "deployment.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, extra]), "utf-8")
    return load(path, {})


def _write_pack(folder: Path, permissions: Sequence[str], extends: Sequence[str]) -> None:
    (folder / "roles").mkdir(parents=True, exist_ok=True)
    level = 'level = "county"\ndivision = "450103"' if extends else 'level = "national"\ndivision = "000000"'
    head = PACK.replace('level = "national"\ndivision = "000000"', level)
    (folder / "pack.toml").write_text(f"{head}extends = {_toml(list(extends))}\n", "utf-8")
    role = f'id = "{TESTER}"\ntitle = {{ zh = "测试", en = "Tester" }}\npermissions = {_toml(list(permissions))}\nscope = "body"\n'
    (folder / "roles" / "tester.toml").write_text(role, "utf-8")


def plant_tester(unit: Unit) -> None:
    """An official of the operating body in the role ``tester``."""
    if find_body(unit, OPERATOR) is None:
        register_body(unit, Body(uscc=OPERATOR, name=Text("测试机构", "Test body"), division="450100", level="city"))
    account = open_account(unit, login=TESTER, password_hash=hashed(PASSWORD), name="Tester", kind="official")
    appoint(unit, account, body=OPERATOR, role_id=TESTER)


def _toml(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@contextmanager
def serving(
    deployment: Deployment,
    *,
    prepare: Callable[[Any], object] | None = None,
    clock: Callable[[], datetime] | None = None,
    watched: bool = True,
) -> Iterator[Site]:
    """Migrate and serve ``deployment``; ``prepare(unit)`` plants what the test needs before the first request.

    A row of a foreign division stands in every scoped table; a response that shows one fails the test (:mod:`gdbos.canary`). A node
    that is only made here, and its rows counted afterwards, is not ``watched``.
    """
    from gdbos.http import application

    kernel = Kernel(deployment, clock or (lambda: datetime.now(UTC)))
    kernel.migrate()
    app = application(kernel)
    watch = app.asgi_handler = Watch(app.asgi_handler)
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        client.event_hooks["response"].append(watch.refuse)
        site = Site(kernel, client)
        if prepare is not None:
            site.unit(prepare)
        if watched and kernel.units.shut() is None:  # a node that only reads has what it has
            site.unit(plant, kernel)
        site.call(kernel.refresh)
        yield site
    watch.refuse()


class PluginContract:
    """What every plugin keeps. A vendor's test subclasses it: ``class TestHello(PluginContract): name = "acme.hello"``."""

    name: ClassVar[str]
    site: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Plugins to enable, with their settings; by default the plugin and what it needs."""
    extends: ClassVar[Path | None] = None
    """A deployment file to start from, where the plugin needs standards packs."""
    extra: ClassVar[str] = ""

    @pytest.fixture
    def plugin(self) -> Plugin:
        offers = installed()[self.name]
        return described(self.name, offers[0].entry.load())

    @pytest.fixture
    def node(self, tmp_path: Path) -> Iterator[Site]:
        with serving(self._deployment(tmp_path), prepare=plant_tester) as site:
            yield site

    @pytest.fixture
    def client(self, node: Site) -> TestClient[Litestar]:
        """HTTP to the node, as an official who holds every permission of the plugin."""
        node.client.headers.update(node.sign_in())
        return node.client

    def _deployment(self, folder: Path, **settings: Any) -> Deployment:
        plugins = {name: dict(table) for name, table in (self.site or {key: {} for key in self._closure()}).items()}
        plugins.setdefault(self.name, {}).update(settings)
        return deployment(
            folder, plugins=plugins, extends=self.extends, permissions=[f"{self.name}.*"], extra=self.extra
        )

    def _closure(self) -> list[str]:
        needed, found = [self.name], []
        while needed:
            name = needed.pop()
            found.append(name)
            needed += [n for n in described(name, installed()[name][0].entry.load()).needs if n not in found]
        return found

    def test_starts_with_only_what_it_needs(self, node: Site) -> None:
        assert self.name in [plugin.name for plugin in node.kernel.plugins]
        assert node.client.get("/health/ready").status_code == 200

    def test_refuses_an_unknown_setting(self, tmp_path: Path) -> None:
        with pytest.raises(Misconfigured, match="no_such_setting"):
            Kernel(self._deployment(tmp_path, no_such_setting=1))

    def test_what_it_declares_carries_its_name(self, plugin: Plugin) -> None:
        names = [permission.name for permission in plugin.permissions] + [tag(event) for event in plugin.events]
        names += [offer.code for offer in plugin.services]
        assert [name for name in names if not name.startswith(f"{plugin.name}")] == []
        feature = plugin.name.partition(".")[2]
        tables = plugin.tables.tables if plugin.tables is not None else {}
        assert [name for name in tables if not name.startswith(feature.rstrip("s"))] == []

    def test_events_have_a_version_and_a_sentence(self, plugin: Plugin) -> None:
        for event in plugin.events:
            assert TAG.match(tag(event))
            assert event.__doc__
            assert not event.__doc__.startswith(event.__name__)

    def test_handlers_are_subscribed_and_named_once(self, plugin: Plugin) -> None:
        names = [handler.__name__ for handler in plugin.handlers]
        assert len(set(names)) == len(names)
        for handler in plugin.handlers:
            assert TAG.match(tag(subscription(handler).event))

    def test_every_page_and_route_names_a_permission(self, node: Site, plugin: Plugin) -> None:
        from gdbos.http import refuse_unguarded

        refuse_unguarded(node.client.app)
        assert all(permission.title for permission in plugin.permissions)

    def test_migrations_make_exactly_the_tables_it_declares(self, plugin: Plugin, database: str) -> None:
        engine = engine_for(database)
        known = lineages([plugin])
        try:
            migrate(engine, known)
            with engine.connect() as connection:
                assert [drift(connection, lineage) for lineage in known] == [[] for _ in known]
        finally:
            engine.dispose()

    def test_disabling_it_leaves_its_data_alone(self, tmp_path: Path, plugin: Plugin) -> None:
        with serving(self._deployment(tmp_path)):
            pass
        without = Kernel(deployment(tmp_path, extends=self.extends))
        without.migrate()
        engine = engine_for(without.settings.database_url())
        names = set(inspect(engine).get_table_names())
        engine.dispose()
        assert set(plugin.tables.tables if plugin.tables is not None else ()) <= names
