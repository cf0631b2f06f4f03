"""Two fictional banks behind one clearing gateway 银行预约开户: each gives its own kind of booking number."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from .system import Body, Operation, Refused, System, now, serial, text

BANKS = {
    "YJGS": ("邕江工商银行(虚构)", "YJ{day:%y%m%d}{serial:06d}"),
    "QXJS": ("青秀建设银行(虚构)", "{day:%Y}-QX-{serial:07d}"),
}
"""Code of the bank → its name and the shape of its booking numbers."""
DAYS_TO_COME = 30


def book(connection: sqlite3.Connection, asked: Body) -> Body:
    bank, _name, _code, _person, _number = text(asked, "bankCd", "custNm", "uscc", "lglNm", "lglId")
    if bank not in BANKS:
        raise Refused("所选银行未开通预约开户")
    title, shape = BANKS[bank]
    today = now()
    booking = {
        "bookNo": shape.format(day=today, serial=serial(connection)),
        "bankNm": title,
        "validTo": f"{today + timedelta(days=DAYS_TO_COME):%Y/%m/%d}",
    }
    return {"rspCd": "000000", "rspMsg": "", **booking}


SYSTEM = System(
    name="bank",
    title="银行账户预约网关",
    key_header="X-Bank-Channel",
    operations={"/bank/account/handle": Operation(book, number="seqNo")},
    wrong=lambda why: {"rspCd": "E00001", "rspMsg": why},
    refused=lambda why: {"rspCd": "R00001", "rspMsg": why},
)
