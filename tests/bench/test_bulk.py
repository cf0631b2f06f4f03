"""Supervision rows checked against their standard and stored, beside the same rows stored unchecked."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from operator import itemgetter
from statistics import median
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, Engine

from gdbos.shipped import shipped
from gdbos.standards import Record, load
from gdbos.standards.lines import read_lines
from gdbos.storage.engine import engine_for

from .conftest import Report, interleaved, ratios

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
ROWS = int(os.environ.get("GDBOS_BULK_ROWS", "20000"))
"""A province's year has 34 million: ``GDBOS_BULK_ROWS=1000000 make bench`` takes some minutes more."""
TOGETHER, ROUNDS, ON = 100, 5, date(2026, 11, 23)

Row = tuple[Any, ...]
Store = Callable[[Connection, Iterable[Row], int], None]


def line(number: int) -> bytes:
    """A row as a department sends it: every field that must be there, of one of fifty bodies."""
    row = {
        "behaviour_id": f"B{number:020}",
        "directory_code": f"{number % 900:014}",
        "list_code": f"L{number % 90}",
        "behaviour_name": "对食品经营者落实食品安全主体责任情况的监督检查",
        "organ": "南宁市市场监督管理局",
        "organ_code": "11450000007565194H",
        "party": f"南宁示例商贸有限公司第{number}分店",
        "party_code": "91450103MADEM00112",
        "area": "450103",
        "form": "1",
        "mode": "1",
        "result": "1",
        "time": "2026-11-20T09:30:00+08:00",
        "officer": ["韦示例", "覃示例"],
        "officer_card": ["GX0001", "GX0002"],
        "reported_at": "2026-11-21T09:30:00+08:00",
        "reported_by": "南宁市市场监督管理局",
        "row_guid": f"{number:032x}",
        "cd_batch": "2026112100001",
        "cd_operation": "I",
        "cd_time": "2026-11-21T09:31:00+08:00",
        "data_source": "p01",
    }
    return msgspec.json.encode(row)


def test_bulk(report: Report, system: tuple[str, str]) -> None:
    """Decoded, checked (codes in force, check digits) and stored ÷ only stored, by COPY or executemany."""
    name, url = system
    record = load([shipped("standards")], {}, ["national"]).record("supervision.behaviour", ON)
    columns = list(msgspec.json.decode(line(0)))
    lines = [line(number) for number in range(ROWS)]
    plain = _laid_out([msgspec.json.decode(one) for one in lines], columns)
    engine = engine_for(url)
    gc.collect()
    gc.freeze()  # as a node does that serves: or else every collection walks what lies ready for both sides
    store = _copy if name == "postgres" else _executemany

    def ours() -> tuple[float, float]:
        return _took(engine, columns, store, _checked(record, lines, columns))

    def theirs() -> tuple[float, float]:
        return _took(engine, columns, store, plain)

    found = interleaved(ROUNDS, ours, theirs)
    engine.dispose()
    rates = ratios(*([rate for rate, _ in runs] for runs in found))
    figures = {
        side: {"per_second": round(median(rate for rate, _ in runs)), "cpu_us": round(min(cpu for _, cpu in runs), 1)}
        for side, runs in zip(("ours", "theirs"), found, strict=True)
    }
    report("bulk", rates["median"], 0.5, database=name, rows=ROWS, ratios=rates, **figures)


def _checked(record: Record, lines: Sequence[bytes], columns: Sequence[str]) -> Iterator[Row]:
    for at in range(0, len(lines), TOGETHER):  # few enough that they stay near the processor
        made = read_lines(record, b"\n".join(lines[at : at + TOGETHER]))
        yield from _laid_out(msgspec.to_builtins(made), columns)


def _laid_out(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[Row]:
    """The rows as the table takes them: a list of names is one text."""
    lists = [column for column in columns if isinstance(rows[0][column], list)]
    for row in rows:
        for column in lists:
            row[column] = "、".join(row[column])
    return list(map(itemgetter(*columns), rows))


def _took(engine: Engine, columns: Sequence[str], store: Store, rows: Iterable[Row]) -> tuple[float, float]:
    """Rows a second into a fresh table, committed once, and microseconds of this process for each."""
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS supervised")
        connection.exec_driver_sql(f"CREATE TABLE supervised ({', '.join(f'{name} text' for name in columns)})")
    started, used = time.perf_counter(), time.process_time()
    with engine.begin() as connection:
        store(connection, rows, len(columns))
    taken, spent = time.perf_counter() - started, time.process_time() - used
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM supervised").scalar_one() == ROWS
    return ROWS / taken, spent * 1e6 / ROWS


def _executemany(connection: Connection, rows: Iterable[Row], columns: int) -> None:
    driver: Any = connection.connection.driver_connection
    driver.executemany(f"INSERT INTO supervised VALUES ({', '.join('?' * columns)})", rows)


def _copy(connection: Connection, rows: Iterable[Row], columns: int) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy("COPY supervised FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
