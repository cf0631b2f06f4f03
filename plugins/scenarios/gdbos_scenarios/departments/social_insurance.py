"""Social insurance 人社 (human resources): answers HTTP 200 whatever happens; the error is inside, as words."""

from __future__ import annotations

import sqlite3

from .numbers import credit_code_is_valid
from .system import Body, Operation, Refused, System, Wrong, now, serial, text


def open_account(connection: sqlite3.Connection, asked: Body) -> Body:
    code, _name, _person, _number, _place = text(asked, "aab998", "aab004", "aab013", "aab014", "aae006")
    staff = asked.get("aab0a1")
    if not isinstance(staff, str) or not (staff.isascii() and staff.isdigit()):
        raise Wrong("NumberFormatException: aab0a1")
    if not credit_code_is_valid(code):
        raise Refused("统一社会信用代码未通过校验,请先办理登记")
    # The unit's number is only unique with its account date: an old system's habit.
    return {
        "code": "200",
        "msg": "操作成功",
        "data": {"aab001": f"4501{serial(connection):08d}", "aab050": f"{now():%Y%m%d}", "aab0a1": staff},
    }


SYSTEM = System(
    name="social-insurance",
    title="社会保险经办系统",
    key_header="Access-Token",
    operations={"/si/unit/handle": Operation(open_account, number="aaz010")},
    wrong=lambda why: {"code": "500", "msg": why, "data": None},
    refused=lambda why: {"code": "601", "msg": why, "data": None},
)
