"""Small packs written where a test asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import holidays
import pytest

from gdbos.standards import Standards, load

LEVELS = {"national": "000000", "province": "450000", "city": "450100", "county": "450103"}

NATIONAL = {
    "elements/person.toml": """
        [[element]]
        id = "citizen-id"
        title = {zh = "公民身份号码", en = "Citizen identity number"}
        form = "an18"
        scheme = "citizen-id"
        personal = "sensitive"
        mask = "id"
        source = "GB 11643-1999"
        synonyms = ["身份证号"]
        [[element]]
        id = "name"
        title = {zh = "姓名", en = "Name"}
        form = "any..50"
        personal = "personal"
        mask = "name"
        [[element]]
        id = "sex"
        title = {zh = "性别", en = "Sex"}
        form = "n1"
        codes = "sex"
        [[element]]
        id = "born"
        title = {zh = "出生日期", en = "Date of birth"}
        form = "d"
        [[element]]
        id = "amount"
        title = {zh = "金额", en = "Amount"}
        form = "n..10,2"
        unit = "CNY"
        minimum = 0
        [[element]]
        id = "trips"
        title = {zh = "次数", en = "Trips"}
        form = "n..2,0"
        [[element]]
        id = "month"
        title = {zh = "月份", en = "Month"}
        form = "n6"
        pattern = "20[0-9]{2}(0[1-9]|1[0-2])"
        [[element]]
        id = "consent"
        title = {zh = "同意", en = "Consent"}
        form = "bl"
        [[element]]
        id = "moment"
        title = {zh = "时刻", en = "Moment"}
        form = "dt"
        [[element]]
        id = "secret"
        title = {zh = "秘密", en = "Secret"}
        form = "any..50"
        personal = "sensitive"
        """,
    "codes/sex.toml": """
        id = "sex"
        title = {zh = "性别", en = "Sex"}
        standard = "GB/T 2261.1-2003"
        [[code]]
        code = "1"
        title = {zh = "男", en = "Male"}
        [[code]]
        code = "2"
        title = {zh = "女", en = "Female"}
        [[code]]
        code = "9"
        title = {zh = "未说明", en = "Not stated"}
        until = 2024-01-01
        """,
    "records/person.toml": """
        id = "person"
        title = {zh = "人", en = "Person"}
        subject = "citizen-id"
        field = [
          {name = "citizen_id", element = "citizen-id", required = true, locked = true},
          {name = "name", element = "name", required = true},
          {name = "sex", element = "sex"},
          {name = "born", element = "born"},
          {name = "amount", element = "amount"},
          {name = "trips", element = "trips"},
          {name = "months", element = "month", repeat = true},
          {name = "consent", element = "consent"},
          {name = "moment", element = "moment"},
        ]
        """,
    "masks/masks.toml": """
        [[mask]]
        id = "id"
        keep_first = 6
        keep_last = 4
        [[mask]]
        id = "name"
        kind = "name"
        """,
    "deadlines/licence.toml": """
        [[deadline]]
        id = "decision"
        title = {zh = "作出行政许可决定", en = "Decide on a licence"}
        days = 20
        basis = ["xkf-42"]
        extension = {days = 10, approver = "head-of-body"}
        suspends = ["hearing"]
        [[deadline]]
        id = "licence-correction"
        title = {zh = "一次告知补正", en = "Corrections told once"}
        days = 5
        deemed = "accepted-from-receipt"
        basis = ["xkf-32"]
        """,
    "codes/division.toml": """
        id = "division"
        title = {zh = "行政区划", en = "Divisions"}
        standard = "GB/T 2260"
        hierarchical = true
        csv = "division.csv"
        """,
    "codes/division.csv": (
        "code,zh,en,parent,from,until,successor\n"
        "110000,北京市,Beijing,,,,\n"
        "110105,朝阳区,Chaoyang,110000,,,\n"
        "440000,广东省,Guangdong,,,,\n"
        "440524,潮阳县,,440000,,1993-04-09,440582\n"
        "440582,潮阳市,,440000,1993-04-09,2003-01-29,\n"
        "450000,广西壮族自治区,Guangxi,,,,\n"
        "450100,南宁市,Nanning,450000,,,\n"
        "450103,青秀区,,450100,,,\n"
    ),
}
HEAD_BASIS = """
[[basis]]
id = "xkf-42"
title = {zh = "中华人民共和国行政许可法 第四十二条", en = "Administrative Licensing Law, article 42"}
article = "42"
from = 2004-07-01
[[basis]]
id = "xkf-32"
title = {zh = "中华人民共和国行政许可法 第32条：一次告知补正", en = "Administrative Licensing Law, article 32: corrections told once"}
article = "32"
from = 2004-07-01
"""


class Packs:
    """Packs in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self, id: str, files: dict[str, str], level: str = "national", extends: Sequence[str] = (), head: str = ""
    ) -> Path:
        pack = self.folder / id
        pack.mkdir(exist_ok=True)
        quoted = ", ".join(f'"{one}"' for one in extends)
        (pack / "pack.toml").write_text(
            f'id = "{id}"\nversion = "1"\nlevel = "{level}"\ndivision = "{LEVELS[level]}"\nextends = [{quoted}]\n'
            f'title = {{zh = "{id}"}}\npublisher = {{zh = "{id}"}}\n{head}',
            encoding="utf-8",
        )
        for name, text in files.items():
            path = pack / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return pack

    def national(self, **more: str) -> Path:
        """The national pack above, with a calendar, and ``more`` files (``codes__x=…`` is codes/x.toml)."""
        files = NATIONAL | {"calendars/cn.toml": calendar_rows()}
        files |= {name.replace("__", "/") + ".toml": text for name, text in more.items()}
        return self.write("national", files, head=HEAD_BASIS)

    def load(self, kinds: dict[str, Any] | None = None, chain: Sequence[str] = ()) -> Standards:
        return load([self.folder], kinds or {}, chain)


@pytest.fixture
def packs(tmp_path: Path) -> Packs:
    return Packs(tmp_path)


@pytest.fixture(scope="session")
def standards(tmp_path_factory: pytest.TempPathFactory) -> Standards:
    made = Packs(tmp_path_factory.mktemp("packs"))
    made.national()
    return made.load()


def calendar_rows() -> str:
    """The State Council's days 2019–2026 as the ``holidays`` library has them."""
    china = holidays.country_holidays("CN", years=range(2019, 2027))
    lines = ['id = "cn"', "published_from = 2019-01-01", "published_until = 2027-01-01", "weekend = [6, 7]"]
    for day in sorted(one for one in china if 2019 <= one.year <= 2026):
        lines.append(
            f'[[off]]\nfrom = {day}\nuntil = {day + timedelta(days=1)}\ntitle = {{zh = "{_title(day)}", en = "holiday"}}'
        )
    for day in sorted(china.weekend_workdays):
        lines.append(f"[[working]]\non = {day}")
    return "\n".join(lines)


def _title(day: date) -> str:
    return {1: "元旦", 2: "春节", 5: "劳动节"}.get(day.month, "节假日")
