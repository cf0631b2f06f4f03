"""Tables and views of other people's databases: what is registered can be read, by registered comparisons, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from gdbos.bus.adapters import adapters_for
from gdbos.bus.adapters.lines import Lines
from gdbos.bus.adapters.settings import settings_of
from gdbos.bus.adapters.sql import Sql, SqlSettings
from gdbos.bus.adapters.target import Target
from gdbos.config import Bus
from gdbos.errors import Invalid, Misconfigured, NotFound, Problem, ProviderFailed, ProviderTimeout, Unavailable
from gdbos.testing import require

from .asking import LOOPBACK, asking, run

ADMIN = {"postgresql": "postgresql+psycopg://postgres@127.0.0.1/postgres", "mysql": "mysql+pymysql://root@127.0.0.1/"}
SERVER = {
    "postgresql": ("postgres", "start PostgreSQL at 127.0.0.1:5432 with trust for postgres"),
    "mysql": ("mariadb", "start MariaDB at 127.0.0.1:3306 with an empty password for root"),
}
ACCOUNTS = [
    ("91450103MADEM00112", "韦示例'; DROP TABLE gjj_account; --", "GJJ-0001", "2024-03-01", "12500.50", 5, "1", "秘密"),
    ("91450103MADEM002XR", "南宁 % _ 演示", "GJJ-0002", "2025-07-15", "0.10", 12, "2", "秘密"),
    ("92450103MADEM0038N", "Ünïcode ™ 𬍛", "GJJ-0003", "2026-01-31", "99999999.99", 0, "1", "秘密"),
]
CREATE = (
    "CREATE TABLE gjj_account (tyxydm VARCHAR(18), dwmc VARCHAR(120), dwzh VARCHAR(20), khrq DATE, yjce DECIMAL(14,2),"
    " zgrs INTEGER, zt CHAR(6), bz VARCHAR(200))"
)
INSERT = "INSERT INTO gjj_account VALUES (:a, :b, :c, :d, :e, :f, :g, :h)"
WHERE = {"column": "tyxydm", "equals": "uscc"}
RESPONSE = {
    "fund_number": "dwzh",
    "name": "dwmc",
    "opened_on": "khrq",
    "monthly": "yjce",
    "staff": "zgrs",
    "state": {"path": "zt", "codes": {"normal": "1", "frozen": "2"}},
}


def fill(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(CREATE))
        connection.execute(text(INSERT), [dict(zip("abcdefgh", row, strict=True)) for row in ACCOUNTS])
        connection.execute(
            text("CREATE VIEW v_account AS SELECT tyxydm, dwmc, dwzh, khrq, yjce, zgrs, zt FROM gjj_account")
        )
    engine.dispose()


def answers(server):
    try:
        with server.connect():
            return True
    except OperationalError:
        return False


SERVED = pytest.mark.parametrize("register", ["postgresql", "mysql"], indirect=True)
"""For what only a database with an address can do: a file lies in no network."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def register(request, tmp_path_factory):
    """A department's database with a table and a view; its address as a place has it, and its user."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("register") / "gjj.sqlite"
        fill(f"sqlite:///{path}")
        yield f"sqlite:///{path}", ""
        return
    name = f"gdbos_gjj_{uuid4().hex[:8]}"
    admin = create_engine(ADMIN[request.param], isolation_level="AUTOCOMMIT")
    what, how = SERVER[request.param]
    require(what, answers(admin), how)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    base = ADMIN[request.param].rpartition("/")[0]
    fill(f"{base}/{name}")
    yield f"{request.param}://127.0.0.1/{name}", "postgres" if request.param == "postgresql" else "root"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}" + (" WITH (FORCE)" if request.param == "postgresql" else "")))
    admin.dispose()


def sql_settings(register, **changes):
    url, user = register
    table = {"database": "{gjj}", "user": user, "table": "v_account", "where": WHERE, "response": RESPONSE, **changes}
    return settings_of(SqlSettings, table, {"gjj": url}, service="the.service")


@contextlib.asynccontextmanager
async def reading(url, networks=LOOPBACK):
    place = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else Target(url, networks)
    way = Sql({url: place}, Lines())
    try:
        yield way
    finally:
        await way.aclose()


def look(register, request, *, times=1, within=5.0, **changes):
    async def main():
        async with reading(register[0]) as way:
            for _ in range(times):
                answered = await way.ask(sql_settings(register, **changes), asking(request, within=within))
            return answered.value

    return run(main())


def test_a_row_comes_back_in_our_fields(register):
    assert look(register, {"uscc": "91450103MADEM00112"}) == {
        "fund_number": "GJJ-0001",
        "name": ACCOUNTS[0][1],
        "opened_on": "2024-03-01",
        "monthly": 12500.5,
        "staff": 5,
        "state": "normal",
    }


def test_a_table_is_read_as_a_view_is_and_again_on_the_same_connection(register):
    assert look(register, {"uscc": "92450103MADEM0038N"}, times=3, table="gjj_account")["name"] == "Ünïcode ™ 𬍛"


def test_no_row_is_not_found(register):
    with pytest.raises(NotFound):
        look(register, {"uscc": "11450000007565194H"})


def test_ranges_lists_and_trees_choose_rows_side_by_side(register):
    where = {
        "all": [
            {"column": "khrq", "least": "from", "most": "until", "optional": True},
            {"any": [{"column": "zt", "among": {"field": "states", "codes": {"normal": "1", "frozen": "2"}}}]},
        ]
    }
    chosen = {"rows": "list", "order": ["dwzh"], "where": where}
    both = look(register, {"states": ["normal", "frozen"], "from": "2024-03-01", "until": "2025-07-15"}, **chosen)
    assert both["fund_number"] == ["GJJ-0001", "GJJ-0002"] and both["state"] == ["normal", "frozen"]
    assert look(register, {"states": ["normal"]}, **chosen)["fund_number"] == ["GJJ-0001", "GJJ-0003"]
    only = {"rows": "list", "where": {"column": "yjce", "least": "least"}}
    assert look(register, {"least": 99999999.99}, **only)["fund_number"] == ["GJJ-0003"]


def test_a_missing_value_never_widens_the_question(register):
    with pytest.raises(Invalid) as caught:
        look(register, {})
    assert [one.path for one in caught.value.violations] == ["$.uscc"]
    with pytest.raises(Invalid, match="nothing to look for"):
        look(register, {}, where={"column": "khrq", "least": "from", "optional": True})


INJECTIONS = [
    "' OR '1'='1",
    "' OR 1=1 -- ",
    '" OR ""="',
    "'; DROP TABLE gjj_account; --",
    "' UNION SELECT bz, bz, bz, bz, bz, bz, bz FROM gjj_account -- ",
    "\\' OR 1=1 -- ",
    "1) OR (1=1",
    "%",
    "_" * 18,
    "91450103MADEM0011%",
    "0",
    "0x3931343530313033",
    "pg_sleep(5)",
    "' || pg_sleep(5) || '",
    "SLEEP(5)",
    "${jndi:ldap://x}",
    "%(uscc)s",
    ":uscc",
    "?",
    "韦\\",
    "\ufeff",
    "'" * 200,
    "\\",
    "\x1a",
    "{uscc}",
]


def test_no_value_is_ever_a_statement(register):
    async def main():
        async with reading(register[0]) as way:
            before = await way.ask(sql_settings(register), asking({"uscc": "91450103MADEM00112"}))
            for column in ("tyxydm", "dwmc"):
                for kind in ("equals", "among"):
                    settings = sql_settings(register, where={"column": column, kind: "uscc"}, rows="list")
                    for value in INJECTIONS:
                        with pytest.raises((NotFound, Invalid)):
                            await way.ask(settings, asking({"uscc": [value] if kind == "among" else value}))
            assert await way.ask(sql_settings(register), asking({"uscc": "91450103MADEM00112"})) == before

    run(main())


@pytest.mark.parametrize("value", ["1 OR 1=1", "1e5", "NaN", "٣", True, "", "9" * 40, 2**63, 1.5])
def test_what_is_no_number_does_not_reach_a_column_of_numbers(register, value):
    with pytest.raises((Invalid, NotFound)):
        look(register, {"n": value}, where={"column": "zgrs", "equals": "n"})


@pytest.mark.parametrize("value", ["2024-03-01' OR 1=1", "01/03/2024", "", 20240301, "2024-02-30"])
def test_what_is_no_date_does_not_reach_a_column_of_dates(register, value):
    with pytest.raises((Invalid, NotFound)):
        look(register, {"d": value}, where={"column": "khrq", "equals": "d"})


@pytest.mark.parametrize(
    "change",
    [
        {"table": "v_account; DROP TABLE gjj_account"},
        {"table": "v_account a"},
        {"table": 'v"account'},
        {"schema": "public.x"},
        {"response": {"x": "dwzh, bz"}},
        {"response": {"x": "(SELECT bz FROM gjj_account)"}},
        {"where": {"column": "1=1 OR tyxydm", "equals": "uscc"}},
        {"order": ["dwzh DESC"]},
        {"where": {"column": "tyxydm"}},
        {"where": {"column": "tyxydm", "equals": "a", "least": "b"}},
        {"where": {"all": [], "any": []}},
        {"where": {"all": [{"column": "a", "equals": "b"}], "column": "c", "equals": "d"}},
        {"where": {"column": "tyxydm", "like": "uscc"}},
        {"where": {"column": "tyxydm", "sql": "1=1"}},
        {"response": {}},
        {"max_rows": 0},
        {"max_rows": 10_001},
        {"password": "written here"},
    ],
)
def test_settings_that_make_no_sense_are_refused_naming_the_key(change):
    with pytest.raises(Misconfigured) as caught:
        sql_settings(("sqlite:////nowhere", ""), **change)
    assert "the.service" in str(caught.value) and "[settings" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://a@b/c", "mysql://h/a?x=1", "http://h/a", "postgresql://h", "oracle://h/a", "x"]
)
def test_only_databases_we_know_stand_in_settings(url):
    with pytest.raises(Misconfigured, match="database"):
        sql_settings((url, "reader"))


def test_a_filter_nested_without_end_is_refused():
    where = WHERE
    for _ in range(9):
        where = {"all": [where]}
    with pytest.raises(Misconfigured, match="deep"):
        sql_settings(("sqlite:////x", ""), where=where)


def test_a_column_or_table_that_is_not_there_is_the_providers_to_mend_and_quotes_nothing(register):
    with pytest.raises(ProviderFailed, match="no column nix"):
        look(register, {"uscc": "91450103MADEM00112"}, response={"x": "nix"})
    with pytest.raises(ProviderFailed, match="no such table"):
        look(register, {"uscc": "91450103MADEM00112"}, table="nowhere")


def test_more_rows_or_bytes_than_agreed_are_refused(register):
    every = {"where": {"column": "zgrs", "least": "n"}}
    with pytest.raises(ProviderFailed, match="1 rows"):
        look(register, {"n": 0}, **every)
    with pytest.raises(ProviderFailed, match="2 rows"):
        look(register, {"n": 0}, rows="list", max_rows=2, **every)
    with pytest.raises(ProviderFailed, match="200 bytes"):
        look(register, {"n": 0}, rows="list", max_bytes=200, **every)


def test_the_transaction_can_only_read(register):
    url, _ = register

    async def main():
        async with reading(url) as way:
            await way.ask(sql_settings(register), asking({"uscc": "91450103MADEM00112"}))
            database = way._database(sql_settings(register))
            named = ("", "v_account", frozenset({"dwzh"}))

            def write(table):
                return text("DELETE FROM gjj_account")

            with pytest.raises(ProviderFailed):
                await database.rows(named, write, 1, asyncio.get_running_loop().time() + 5)

    run(main())
    assert look(register, {"uscc": "91450103MADEM00112"})["fund_number"] == "GJJ-0001"


SLOW = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS dwzh FROM n",
    "postgresql": "SELECT pg_sleep(20)::text AS dwzh",
    "mysql": "SELECT SLEEP(20) AS dwzh",
}


def test_a_slow_view_is_cut_at_the_callers_deadline_and_by_the_database_itself(register):
    url, _ = register

    async def main():
        async with reading(url) as way:
            database = way._database(sql_settings(register))
            started = time.monotonic()
            named = ("", "v_account", frozenset({"dwzh"}))
            slow = text(SLOW[url.partition(":")[0]])
            with pytest.raises(ProviderTimeout):
                await database.rows(named, lambda _: slow, 1, asyncio.get_running_loop().time() + 0.5)
            assert time.monotonic() - started < 2.5
            assert (await way.ask(sql_settings(register), asking({"uscc": "91450103MADEM00112"}))).value["staff"] == 5

    run(main())


def test_a_wrong_password_or_a_database_that_is_away_is_unavailable_and_says_no_name(register):
    url, user = register
    wrong = (url.replace("127.0.0.1", "127.0.0.1:1"), user) if user else (f"{url}.not-there", "")
    with pytest.raises(Unavailable) as caught:
        look(wrong, {"uscc": "91450103MADEM00112"})
    assert user == "" or user not in caught.value.message()


@SERVED
def test_a_database_outside_the_networks_of_the_node_is_not_reached(register):
    url, _ = register

    async def main():
        async with reading(url, networks=["10.0.0.0/8"]) as way:
            with pytest.raises(ProviderFailed, match="outside"):
                await way.ask(sql_settings(register), asking({"uscc": "91450103MADEM00112"}))

    run(main())


def test_only_registered_places_are_read(tmp_path):
    sqlite3.connect(tmp_path / "other.sqlite").close()
    settings = sql_settings((f"sqlite:///{tmp_path}/other.sqlite", ""))

    async def main():
        adapters = adapters_for(Bus(places={"gjj": f"sqlite:///{tmp_path}/gjj.sqlite"}))
        with pytest.raises(ProviderFailed, match="not registered"):
            await adapters["sql"]._way.ask(settings, asking({"uscc": "x"}))
        with pytest.raises(Misconfigured, match="not among the places"):
            adapters["sql"]._way.check(settings)
        for adapter in adapters.values():
            await adapter.aclose()

    run(main())


def test_no_problem_ever_quotes_the_question(register):
    for value in ("秘密91450103", "' OR 1=1"):
        with pytest.raises(Problem) as caught:
            look(register, {"uscc": value})
        assert value not in caught.value.message() + json.dumps(caught.value.facts, ensure_ascii=False)
