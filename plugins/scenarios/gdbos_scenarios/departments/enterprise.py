"""Enterprise register 市场监管 (market regulation): upper-case English abbreviations, capital in ten thousand yuan."""

from __future__ import annotations

import sqlite3

from .numbers import citizen_id_is_valid, fictional_credit_code, licence_number
from .system import Body, Operation, Refused, System, Wrong, now, serial, text

SCHEMA = """
CREATE TABLE IF NOT EXISTS ent (
    uniscid TEXT PRIMARY KEY, entname TEXT NOT NULL UNIQUE, enttype TEXT NOT NULL, regcap REAL NOT NULL,
    dom TEXT NOT NULL, lerep TEXT NOT NULL, opscope TEXT NOT NULL, regno TEXT NOT NULL, estdate TEXT NOT NULL
) STRICT;
"""
COLUMNS = ("UNISCID", "ENTNAME", "ENTTYPE", "REGCAP", "DOM", "LEREP", "OPSCOPE", "REGNO", "ESTDATE")
SEED = [
    ("91450103MADEM00112", "南宁示例商贸有限公司", "1130", 50.0, "示范路1号", "韦示例", "日用百货销售", 1),
    ("91450103MADEM002XR", "南宁虚构软件有限公司", "1151", 100.0, "示范路2号", "黄样例", "软件开发", 2),
    (fictional_credit_code(3, "450103"), "南宁样板餐饮有限公司", "1130", 3.0, "样本街8号", "覃虚构", "餐饮服务", 3),
]
BANNED = ("中国", "国务院", "中央", "国家级")
SEEDED_SERIALS = 16
"""Codes begin after these, so that no new enterprise meets a seeded one."""


def seed(connection: sqlite3.Connection) -> None:
    """Three enterprises whose codes are valid and belong to nobody."""
    for code, name, kind, capital, place, person, scope, number in SEED:
        row = (code, name, kind, capital, f"广西壮族自治区南宁市青秀区{place}", person, scope)
        registered = (licence_number(number, "450103"), "2024-05-06 00:00:00")
        connection.execute("INSERT OR IGNORE INTO ent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [*row, *registered])


def objection(connection: sqlite3.Connection, name: str) -> str:
    """Why ``name`` cannot be registered, or nothing."""
    banned = next((word for word in BANNED if word in name), "")
    if banned:
        return f"名称含有禁用字词“{banned}”"
    if connection.execute("SELECT 1 FROM ent WHERE entname = ?", [name]).fetchone():
        return "名称已被登记"
    return ""


def check_name(connection: sqlite3.Connection, asked: Body) -> Body:
    (name,) = text(asked, "ENTNAME")
    why = objection(connection, name)
    return {"status": "ok", "result": {"USABLE": "N" if why else "Y", "REASON": why}}


def look_up(connection: sqlite3.Connection, asked: Body) -> Body:
    (code,) = text(asked, "UNISCID")
    row = connection.execute("SELECT * FROM ent WHERE uniscid = ?", [code]).fetchone()
    return {"status": "ok" if row else "none", "result": dict(zip(COLUMNS, row, strict=True)) if row else None}


def register(connection: sqlite3.Connection, asked: Body) -> Body:
    name, kind, place, district, scope, person, number = text(
        asked, "ENTNAME", "ENTTYPE", "DOM", "DOMDISTRICT", "OPSCOPE", "LEREP", "LEREPCERNO"
    )
    capital = asked.get("REGCAP")
    if isinstance(capital, bool) or not isinstance(capital, int | float) or capital < 0:
        raise Wrong("字段 REGCAP 应为数值(万元)")
    if not citizen_id_is_valid(number):
        raise Refused("法定代表人证件号码校验未通过")
    if why := objection(connection, name):
        raise Refused(why)
    this = serial(connection)
    code = fictional_credit_code(SEEDED_SERIALS + this, district)
    licence, established = licence_number(SEEDED_SERIALS + this, district), f"{now():%Y-%m-%d} 00:00:00"
    row = (code, name, kind, capital, place, person, scope, licence, established)
    connection.execute("INSERT INTO ent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return {"status": "ok", "result": {"UNISCID": code, "REGNO": licence, "ESTDATE": established}}


SYSTEM = System(
    name="enterprise",
    title="市场主体登记系统",
    key_header="appkey",
    operations={
        "/amr/name/check": Operation(check_name),
        "/amr/ent/query": Operation(look_up),
        "/amr/ent/register": Operation(register, number="BIZNO"),
    },
    wrong=lambda why: {"status": "error", "message": why},
    refused=lambda why: {"status": "refused", "message": why},
    schema=SCHEMA,
    seed=seed,
)
