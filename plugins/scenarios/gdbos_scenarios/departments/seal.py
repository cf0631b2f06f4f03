"""Seal system 公安印章 (public security): reads and writes GB18030, whatever its headers may say."""

from __future__ import annotations

import sqlite3

from .system import Body, Operation, Refused, System, now, read_json, serial, text

BANNED = ("公安", "法院", "检察院", "军区")


def engrave(connection: sqlite3.Connection, asked: Body) -> Body:
    name, _code, _person, _number, kinds = text(asked, "dwmc", "tyshxydm", "fddbr", "fddbrsfzh", "yzlx")
    banned = next((word for word in BANNED if word in name), "")
    if banned:
        raise Refused(f"单位名称含有“{banned}”,不得刻制")
    seals = kinds.split(",")
    number = serial(connection)
    return {
        "jg": "成功",
        "yzbm": [f"450100{number:05d}{place:02d}" for place in range(1, len(seals) + 1)],
        "barq": f"{now():%Y年%m月%d日}",
    }


SYSTEM = System(
    name="seal",
    title="印章业治安管理信息系统",
    key_header="X-Police-Token",
    operations={"/yz/kz/handle": Operation(engrave, number="ywlsh")},
    wrong=lambda why: {"jg": "错误", "yy": why},
    refused=lambda why: {"jg": "不予刻制", "yy": why},
    read=lambda raw: read_json(raw, "gb18030"),
    charset="gb18030",
    # The real ones of this age say nothing, or say utf-8. It lies, and that is its quirk.
    media_type="application/json; charset=utf-8",
)
