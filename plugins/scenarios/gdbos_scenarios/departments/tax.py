"""Tax 税务: right, and slow."""

from __future__ import annotations

import sqlite3

from .numbers import credit_code_is_valid
from .system import Body, Operation, Refused, System, Wrong, now, serial, text

MOST_INVOICES = 500


def register(connection: sqlite3.Connection, asked: Body) -> Body:
    code, _name, _person, _number, _place = text(asked, "nsrsbh", "nsrmc", "fddbrxm", "fddbrsfzjhm", "zcdz")
    kinds, copies = asked.get("fpzl_dm", ""), asked.get("fpfs", 0)
    if isinstance(copies, bool) or not isinstance(copies, int):
        raise Wrong("字段 fpfs 应为整数")
    if not credit_code_is_valid(code):
        raise Refused("纳税人识别号校验未通过")
    if not 0 <= copies <= MOST_INVOICES:
        raise Refused(f"新办纳税人每月领用发票不得超过{MOST_INVOICES}份")
    content = {
        "djxh": f"101145{serial(connection):014d}",
        "swjgmc": "国家税务总局南宁市税务局(演示)",
        "fpzl_dm": kinds,
        "fpfs": str(copies),
        "djrq": f"{now():%Y-%m-%d %H:%M:%S}",
    }
    return {"returncode": "00", "returnmsg": "", "content": content}


SYSTEM = System(
    name="tax",
    title="税务登记与发票系统",
    key_header="X-Tax-Client",
    operations={"/tax/djxx/handle": Operation(register, number="lcslid")},
    wrong=lambda why: {"returncode": "99", "returnmsg": why, "content": None},
    refused=lambda why: {"returncode": "10", "returnmsg": why, "content": None},
    seconds=1.2,
)
