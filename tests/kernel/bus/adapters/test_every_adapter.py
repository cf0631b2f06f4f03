"""What holds for every way of talking: a problem within the caller's deadline, whatever the system does; an old answer only where it may be given."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socketserver
import sqlite3
import threading
import time
from uuid import uuid4

import msgspec
import pytest

from gdbos.actor import ANONYMOUS, plugin_actor
from gdbos.bus.adapters import adapters_for, faults
from gdbos.bus.adapters.adapter import KEPT
from gdbos.bus.adapters.breaker import IN_A_ROW
from gdbos.bus.call import Call
from gdbos.bus.grant import decide, draft, new_grant
from gdbos.bus.inside import HANGING
from gdbos.bus.service import Provider, Service, offered, offered_by_plugin
from gdbos.config import Bus
from gdbos.errors import NotFound, Problem, ProviderFailed, ProviderTimeout, Unavailable
from gdbos.plugin import Offer
from gdbos.text import Text

from .asking import CITIZEN, NAME, run
from .soap_system import Hukou
from .worst import WorstServer

BODY = "114501000DEM00011C"
CSV = f"id,name\n{CITIZEN},{NAME}\n".encode()


class Silent(socketserver.BaseRequestHandler):
    """Takes a connection; then says nothing, nonsense, or goodbye."""

    def handle(self):
        with contextlib.suppress(OSError):
            if self.server.says == b"":
                self.server.released.wait(20)
            while self.server.says and not self.server.released.is_set():
                self.request.sendall(self.server.says)


class SilentServer(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address, block_on_close = True, True, False

    def __init__(self, says):
        super().__init__(("127.0.0.1", 0), Silent)
        self.says, self.released = says, threading.Event()

    def handle_error(self, request, client_address):
        pass


@contextlib.contextmanager
def served(server):
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()


def over_http(path, **more):
    @contextlib.contextmanager
    def system(folder):
        with served(WorstServer()) as server:
            yield server.url, {"base": "{place}", "path": path, "success": {"path": "ok", "equals": 1}, **more}

    return "http", system


def over_soap(path):
    @contextlib.contextmanager
    def system(folder):
        with served(WorstServer(Hukou)) as server:
            asked = {"idNo": "id", "head.reason": {"constant": "x"}}
            yield server.url, {"base": "{place}", "path": path, "operation": "query", "request": asked}

    return "soap", system


LOOKUP = {"where": {"column": "id", "equals": "id"}, "response": {"name": "name"}}


def over_sql(scheme, says):
    @contextlib.contextmanager
    def system(folder):
        with served(SilentServer(says)) as server:
            url = f"{scheme}://127.0.0.1:{server.server_address[1]}/register"
            yield url, {"database": "{place}", "user": "reader", "table": "person", **LOOKUP}

    return "sql", system


def in_sqlite(view):
    @contextlib.contextmanager
    def system(folder):
        path = folder / "register.sqlite"
        if view is None:
            path.write_bytes(b"no database at all" * 100)
        else:
            with contextlib.closing(sqlite3.connect(path)) as made:
                made.execute(f"CREATE VIEW person AS {view}")
                made.commit()
        yield f"sqlite:///{path}", {"database": "{place}", "table": "person", **LOOKUP}

    return "sql", system


def in_folder(deliver, **more):
    @contextlib.contextmanager
    def system(folder):
        (folder / "drop").mkdir()
        deliver(folder / "drop")
        columns = {"id": "text", "name": "text"}
        yield str(folder / "drop"), {"folder": "{place}", "columns": columns, **LOOKUP, **more}

    return "file", system


def delivered(folder, content=CSV, **listed):
    (folder / "people.csv").write_bytes(content)
    entry = {"name": "people.csv", "sha256": hashlib.sha256(content).hexdigest(), "rows": 1, **listed}
    (folder / "manifest.json").write_text(json.dumps({"as_of": "2026-11-29T00:00:00Z", "files": [entry]}))


SLOW = (
    f"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT '{CITIZEN}' AS id, count(*) AS name FROM n"
)
WORST = {
    "http hangs": over_http("/hang"),
    "http drips": over_http("/drip"),
    "http is huge": over_http("/endless"),
    "http is malformed": over_http("/html"),
    "http lies": over_http("/inner-leak"),
    "soap hangs": over_soap("/soap-hang"),
    "soap describes itself never": over_soap("/wsdl-hang"),
    "soap is huge": over_soap("/soap-endless"),
    "soap is malformed": over_soap("/soap-garbage"),
    "soap lies": over_soap("/soap-lie"),
    "postgresql hangs": over_sql("postgresql", b""),
    "postgresql is malformed": over_sql("postgresql", b"HTTP/1.1 200 OK\r\n\r\n"),
    "mariadb hangs": over_sql("mysql", b""),
    "mariadb is malformed": over_sql("mysql", b"\xff" * 64),
    "sqlite hangs": in_sqlite(SLOW),
    "sqlite is huge": in_sqlite(f"SELECT '{CITIZEN}' AS id, hex(zeroblob(2000000)) AS name"),
    "sqlite is malformed": in_sqlite(None),
    "sqlite lies": in_sqlite(f"SELECT '{CITIZEN}' AS id, 1 AS another"),
    "file hangs": in_folder(lambda folder: os.mkfifo(folder / "manifest.json")),
    "file is huge": in_folder(delivered, max_file_bytes=10),
    "file is malformed": in_folder(lambda folder: delivered(folder, b'"' + CSV)),
    "file lies": in_folder(lambda folder: delivered(folder, sha256="0" * 64)),
    "nothing delivered": in_folder(lambda folder: None),
}


def service(adapter, settings, *, effect="read"):
    made = Service(
        id="gx.worst.person",
        title=Text("试", "Test"),
        provider=Provider(body=BODY),
        takes="a",
        gives="b",
        effect=effect,
        adapter=adapter,
        settings=settings,
    )
    return offered(made, lambda role: BODY)


@contextlib.asynccontextmanager
async def adapter_for(adapter, place):
    made = adapters_for(Bus(places={"place": place}))
    try:
        yield made[adapter]
    finally:
        for one in made.values():
            await one.aclose()


async def put(adapter, to, question, *, within=5.0):
    deadline = asyncio.get_running_loop().time() + within
    empty = dict.fromkeys(("body", "system", "matter", "case", "purpose", "business"), "")
    call = Call(id=uuid4(), actor=ANONYMOUS, service=to.code, value=question, deadline=deadline, **empty)
    return await adapter(to, question, call=call, traceparent=None)


@pytest.mark.parametrize("case", WORST)
def test_the_caller_gets_a_problem_within_their_deadline(tmp_path, case):
    adapter, system = WORST[case]

    async def main(place, settings):
        async with adapter_for(adapter, place) as made:
            begin = time.monotonic()
            with pytest.raises((ProviderTimeout, ProviderFailed, Unavailable)) as caught:
                await put(made, service(adapter, settings), {"id": CITIZEN}, within=0.7)
            took = time.monotonic() - begin
        return caught.value, took

    with system(tmp_path) as (place, settings):
        problem, took = run(main(place, settings))
    assert took < 1.7, took
    assert isinstance(problem, ProviderTimeout if case.endswith(("drips", "never")) else Problem)
    told = problem.message() + str(problem.facts)
    assert NAME not in told and CITIZEN not in told


@pytest.mark.parametrize("case", ["http hangs", "soap is malformed", "postgresql hangs", "sqlite lies", "file lies"])
def test_a_system_that_keeps_failing_is_left_in_peace(tmp_path, case):
    adapter, system = WORST[case]

    async def main(place, settings):
        async with adapter_for(adapter, place) as made:
            to = service(adapter, settings | {"timeout": 0.2 if case.endswith("hangs") else 2.0})
            for _ in range(IN_A_ROW):
                with pytest.raises(Problem):
                    await put(made, to, {"id": CITIZEN})
            with pytest.raises(Unavailable, match="recover"):
                await put(made, to, {"id": CITIZEN})

    with system(tmp_path) as (place, settings):
        run(main(place, settings))


def test_a_slow_database_has_a_bulkhead_of_its_own(tmp_path):
    """Callers of a hanging view fill their own places and nobody else's."""
    _, system = WORST["sqlite hangs"]
    _, healthy = in_sqlite(f"SELECT '{CITIZEN}' AS id, 'fine' AS name")

    async def main(place, settings, other):
        made = adapters_for(Bus(places={"place": place, "other": other}))
        try:
            slow = service("sql", settings | {"concurrency": 2, "timeout": 0.5})
            fine = msgspec.structs.replace(service("sql", settings | {"database": "{other}"}), code="gx.fine")
            asked = [asyncio.create_task(put(made["sql"], slow, {"id": CITIZEN})) for _ in range(12)]
            await asyncio.sleep(0.1)
            assert (await put(made["sql"], fine, {"id": CITIZEN})).value == {"name": "fine"}
            return [type(one) for one in await asyncio.gather(*asked, return_exceptions=True)]
        finally:
            for one in made.values():
                await one.aclose()

    (tmp_path / "other").mkdir()
    with system(tmp_path) as (place, settings), healthy(tmp_path / "other") as (other, _):
        kinds = run(main(place, settings, other))
    assert set(kinds) <= {ProviderTimeout, Unavailable} and kinds.count(Unavailable) >= 6


# Old answers.


def in_table(rows):
    return " UNION ALL ".join(f"SELECT '{number}' AS id, '{name}' AS name" for number, name in rows)


def with_stale(tmp_path, act, **changes):
    """Run ``act(ask, path)`` with an adapter over a database that can be taken away."""
    _, system = in_sqlite(in_table([(CITIZEN, "first"), ("2", "second")]))

    async def main(place, settings):
        async with adapter_for("sql", place) as made:
            to = service("sql", settings | {"stale": 60} | changes)
            await act(lambda number=CITIZEN: put(made, to, {"id": number}), tmp_path / "register.sqlite")

    with system(tmp_path) as (place, settings):
        run(main(place, settings))


def take_away(path):
    """The view is gone, on connections that are open as well."""
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.execute("DROP VIEW IF EXISTS person")
        made.commit()


def test_the_last_answer_is_given_again_marked_and_to_the_same_question_only(tmp_path):
    async def act(ask, path):
        fresh = await ask()
        assert (fresh.value, fresh.as_of, fresh.stale) == ({"name": "first"}, None, False)
        take_away(path)
        old = await ask()
        assert old.value == {"name": "first"} and old.stale and old.as_of is not None
        with pytest.raises(ProviderFailed):
            await ask("2")

    with_stale(tmp_path, act)


def test_it_is_given_no_longer_than_the_service_allows_and_not_at_all_where_it_does_not(tmp_path):
    async def act(ask, path):
        await ask()
        take_away(path)
        await asyncio.sleep(0.15)
        with pytest.raises(ProviderFailed):
            await ask()

    for stale in (0.1, 0):
        folder = tmp_path / str(stale)
        folder.mkdir()
        with_stale(folder, act, stale=stale)


def test_a_record_that_is_gone_is_not_remembered(tmp_path):
    async def act(ask, path):
        await ask()
        with contextlib.closing(sqlite3.connect(path)) as made:
            made.execute("DROP VIEW person")
            made.execute(f"CREATE VIEW person AS {in_table([('2', 'second')])}")
            made.commit()
        with pytest.raises(NotFound):
            await ask()
        take_away(path)
        with pytest.raises(ProviderFailed):
            await ask()

    with_stale(tmp_path, act)


def test_only_so_many_answers_are_kept(tmp_path):
    _, system = in_sqlite(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n WHERE x < 1100) SELECT CAST(x AS TEXT) AS id, 'n' AS name FROM n"
    )

    async def main(place, settings):
        async with adapter_for("sql", place) as made:
            to = service("sql", settings | {"stale": 60})
            for number in range(1, KEPT + 50):
                await put(made, to, {"id": str(number)})
            return len(made._kept)

    with system(tmp_path) as (place, settings):
        assert run(main(place, settings)) == KEPT


@pytest.mark.parametrize("stale", [-1, 86_401])
def test_how_long_is_the_services_to_say_within_a_day(stale):
    made = service("http", {"base": "{nowhere}", "path": "/fine", "stale": stale})
    assert made.registered is not None
    assert [fault for fault in faults(made.registered, None) if "stale" in fault]


def test_a_service_that_writes_never_answers_with_what_it_said_before():
    made = service("http", {"base": "http://h", "path": "/fine", "stale": 60}, effect="write")
    assert made.registered is not None
    assert [*faults(made.registered, None)] == [
        "[settings.stale] only a service that reads may answer with what it said before"
    ]

    async def main():
        async with adapter_for("http", "http://h") as adapter:
            with pytest.raises(Unavailable, match="not set up"):
                await put(adapter, made, {})

    run(main())


# A plugin's own function.


class Nothing(msgspec.Struct):
    pass


def plugin_service(code, provide):
    offer = Offer(code=code, title=Text("试", "Test"), takes=Nothing, gives=Nothing, provide=provide, discloses=no_one)
    return offered_by_plugin(offer, "test.worst", BODY)


def no_one(asked, answer):
    return []


def approve(unit, *codes):
    for code in codes:
        grant = new_grant(body=BODY, system="test.worst", service=code, provider=BODY)
        decide(unit, draft(unit, grant), approve=True, reason="for the test")


def test_a_plugins_function_that_hangs_holds_neither_its_callers_nor_the_nodes_readers(new_node):
    released, kernel = threading.Event(), new_node()
    hangs = plugin_service("test.worst.hangs", lambda unit, asked: released.wait(60) and Nothing())
    fine = plugin_service("test.worst.fine", lambda unit, asked: Nothing())

    async def asked(code, within=20.0):
        begin = time.monotonic()
        bus, deadline = kernel.bus_for(plugin_actor("test.worst"), "test.worst"), begin + within
        try:
            await bus.call(code, {}, body=BODY, deadline=deadline)
        except Problem as problem:
            return problem.code, time.monotonic() - begin
        return "answered", time.monotonic() - begin

    async def main():
        async with kernel.running(background=False):
            await kernel.units.write(plugin_actor("kernel"), approve, hangs.code, fine.code)
            await kernel.refresh()
            kernel.directory.replace([hangs, fine], [])
            try:
                told = [await asked(hangs.code, 0.5) for _ in range(HANGING + 2)]
                other = await asked(fine.code)
            finally:
                released.set()
            await asyncio.sleep(0.2)
            return told, other, await asked(hangs.code)

    told, other, after = run(main())
    assert [code for code, _ in told] == ["provider-timeout"] * HANGING + ["unavailable"] * 2
    assert max(took for _, took in told) < 1.7
    assert (other[0], after[0]) == ("answered", "answered"), (
        "others are answered meanwhile, and they too when it is well again"
    )
