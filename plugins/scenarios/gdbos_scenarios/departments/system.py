"""What one existing system is: its door, its way of reading and writing, its operations."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")

Body = dict[str, Any]


class Refused(Exception):
    """The department refuses the business; its words go to the applicant."""


class Wrong(Exception):
    """The request is not one this system understands."""


@dataclass(frozen=True)
class Operation:
    """One thing a system does when asked."""

    act: Callable[[sqlite3.Connection, Body], Body]
    number: str = ""
    """The field that holds the caller's business number; where set, the operation handles and answers once."""


@dataclass(frozen=True)
class System:
    """One department's old system, as its neighbours see it."""

    name: str
    title: str
    key_header: str
    operations: Mapping[str, Operation]
    """By path."""
    wrong: Callable[[str], Body]
    """How it says that it did not understand."""
    refused: Callable[[str], Body]
    """How it says no."""
    schema: str = ""
    seed: Callable[[sqlite3.Connection], None] = lambda connection: None
    read: Callable[[bytes], Body] = lambda raw: read_json(raw, "utf-8")
    charset: str = "utf-8"
    media_type: str = "application/json"
    seconds: float = 0.0
    """How long it takes to answer, unless told otherwise."""

    def write(self, body: Body) -> bytes:
        return json.dumps(body, ensure_ascii=False).encode(self.charset)

    @property
    def decides(self) -> bool:
        """Whether it handles business that it could refuse, and is not a look-up only."""
        return any(operation.number for operation in self.operations.values())


def read_json(raw: bytes, charset: str) -> Body:
    try:
        body = json.loads(raw.decode(charset))
    except (ValueError, RecursionError):
        raise Wrong("报文格式错误") from None
    if not isinstance(body, dict):
        raise Wrong("报文格式错误")
    return body


def read_form(raw: bytes) -> Body:
    try:
        pairs = parse_qsl(raw.decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise Wrong("报文格式错误") from None
    if not pairs:
        raise Wrong("报文格式错误")
    return dict(pairs)


def text(body: Body, *names: str) -> list[str]:
    """The values of ``names``, all of which must be there as words."""
    values = [body.get(name) for name in names]
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str) or not value.strip():
            raise Wrong(f"字段 {name} 不能为空")
    return [str(value).strip() for value in values]


def now() -> datetime:
    """The department's wall clock."""
    return datetime.now(ZONE)


def serial(connection: sqlite3.Connection) -> int:
    """The next number of this system's own row of numbers; the tally of handled business plus one."""
    row = connection.execute("SELECT times FROM tally WHERE what = 'handled'").fetchone()
    return (row[0] if row else 0) + 1
