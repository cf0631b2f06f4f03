"""Medical insurance 医保: takes a web form, answers with an envelope in an envelope."""

from __future__ import annotations

import sqlite3

from .numbers import credit_code_is_valid
from .system import Body, Operation, Refused, System, now, read_form, serial, text


def enrol(connection: sqlite3.Connection, asked: Body) -> Body:
    code, _name, _person, _number, staff = text(asked, "creditCode", "unitName", "legalName", "legalIdNo", "staffNum")
    if not credit_code_is_valid(code):
        raise Refused("参保单位代码有误")
    if not (staff.isascii() and staff.isdigit()):
        raise Refused("职工人数有误")
    result = {
        "state": "1",
        "unitCode": f"GXYB4501{serial(connection):06d}",
        "enrolTime": str(int(now().timestamp() * 1000)),
    }
    return envelope(result)


def envelope(result: Body | None, error: str = "") -> Body:
    return {"head": {"infcode": -1 if error else 0, "err_msg": error}, "data": {"result": result}}


SYSTEM = System(
    name="medical-insurance",
    title="医疗保障信息平台",
    key_header="X-Yb-Secret",
    operations={"/yb/unit/handle": Operation(enrol, number="bizId")},
    wrong=lambda why: envelope(None, why),
    refused=lambda why: envelope({"state": "0", "cause": why}),
    read=read_form,
)
