"""Housing fund 住房公积金: dates are yyyyMMdd words, money is whole fen."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from .system import Body, Operation, Refused, System, Wrong, now, serial, text

SCHEMA = """
CREATE TABLE IF NOT EXISTS dw (tyxydm TEXT PRIMARY KEY, dwmc TEXT NOT NULL, dwzh TEXT NOT NULL, khrq TEXT NOT NULL, yjce INTEGER NOT NULL) STRICT;
CREATE VIEW IF NOT EXISTS v_dwzh AS SELECT tyxydm, dwzh, khrq, yjce FROM dw;
"""
"""The fund lets its neighbours read the view, and nothing else of its database."""
LEAST_WAGE_FEN = 181_000
"""The lowest monthly wage this fund reckons with: a made-up figure of the demo city."""


def open_account(connection: sqlite3.Connection, asked: Body) -> Body:
    name, code, _person, _number, month = text(asked, "dwmc", "tyxydm", "frxm", "frzjh", "qjrq")
    staff, wages, rate = whole(asked, "zgrs"), whole(asked, "gzze"), whole(asked, "dwbl") + whole(asked, "grbl")
    try:
        datetime.strptime(month, "%Y%m%d").replace(tzinfo=now().tzinfo)
    except ValueError:
        raise Wrong("qjrq 应为 yyyyMMdd") from None
    if wages < LEAST_WAGE_FEN * staff:
        raise Refused("工资总额低于最低缴存基数")
    account = {"dwzh": f"77{serial(connection):010d}", "khrq": f"{now():%Y%m%d}", "yjce": wages * rate // 100}
    row = [code, name, account["dwzh"], account["khrq"], account["yjce"]]
    connection.execute("INSERT OR REPLACE INTO dw VALUES (?, ?, ?, ?, ?)", row)
    return {"retcode": 0, "retmsg": "OK", "body": account}


def whole(asked: Body, name: str) -> int:
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Wrong(f"{name} 应为非负整数")
    return value


SYSTEM = System(
    name="housing-fund",
    title="住房公积金管理系统",
    schema=SCHEMA,
    key_header="gjj-key",
    operations={"/gjj/dwkh/handle": Operation(open_account, number="ywbh")},
    wrong=lambda why: {"retcode": 9, "retmsg": why, "body": None},
    refused=lambda why: {"retcode": 2, "retmsg": why, "body": None},
)
