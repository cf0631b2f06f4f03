"""Population register 人口库 (public security): field names are pinyin initials, dates yyyymmdd, no record is an answer."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path

from .numbers import citizen_id_is_valid
from .system import Body, Operation, System, Wrong, text

SCHEMA = """
CREATE TABLE IF NOT EXISTS czrk (
    gmsfhm TEXT PRIMARY KEY, xm TEXT NOT NULL, xbdm TEXT NOT NULL, csrq TEXT NOT NULL, hjdz TEXT NOT NULL
) STRICT;
"""


def seed(connection: sqlite3.Connection) -> None:
    """Forty people who do not exist: sequence numbers 996–999 are not given to people of these ages."""
    people = Path(__file__).with_name("people.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(people.splitlines()):
        number = row["citizen_id"]
        sex = "1" if int(number[16]) % 2 else "2"
        values = [number, row["name"], sex, number[6:14], row["address"]]
        connection.execute("INSERT OR IGNORE INTO czrk VALUES (?, ?, ?, ?, ?)", values)


def look_up(connection: sqlite3.Connection, asked: Body) -> Body:
    number, _reason = text(asked, "GMSFHM", "CXSY")
    if not citizen_id_is_valid(number):
        raise Wrong("公民身份号码有误")
    row = connection.execute("SELECT xm, xbdm, csrq, hjdz FROM czrk WHERE gmsfhm = ?", [number]).fetchone()
    if row is None:
        return {"JGDM": "01", "JGSM": "查无此人", "SJ": []}
    return {
        "JGDM": "00",
        "JGSM": "",
        "SJ": [{"GMSFHM": number, **dict(zip(("XM", "XBDM", "CSRQ", "HJDZ"), row, strict=True))}],
    }


SYSTEM = System(
    name="population",
    title="人口库",
    key_header="X-App-Key",
    operations={"/rk/czrk/query": Operation(look_up)},
    wrong=lambda why: {"JGDM": "99", "JGSM": why, "SJ": None},
    refused=lambda why: {"JGDM": "98", "JGSM": why, "SJ": None},
    schema=SCHEMA,
    seed=seed,
)
