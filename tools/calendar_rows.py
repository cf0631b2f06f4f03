"""Make the rows of standards/national/calendars/cn.toml and standards/guangxi/calendars/cn-gx.toml, 2019–2026.

Days off and make-up working days come from ``holidays`` (CN, after the yearly notices of the State Council's General
Office) and are compared day by day with ``chinesecalendar``, which others keep; one day of difference stops the run.
三月三 (the third day of the third lunar month and the day after) is written here and checked against the
same package's lunar tables; the week on either side of it is marked uncertain, for want of the region's notices. Which divisions may have
days of their own is read from the list of divisions: those that are autonomous.

    .venv/bin/python tools/calendar_rows.py standards
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import chinese_calendar
import holidays
from holidays.calendars.chinese import _ChineseLunisolar
from holidays.countries.china import CN

YEARS = range(2019, 2027)
PUBLISHED_UNTIL = date(2027, 1, 1)
DAY = timedelta(days=1)
ENGLISH = {
    "元旦": "New Year's Day", "春节": "Spring Festival", "清明节": "Tomb-Sweeping Day", "劳动节": "Labour Day",
    "端午节": "Dragon Boat Festival", "中秋节": "Mid-Autumn Festival", "国庆节": "National Day",
}  # fmt: skip
DOUBLE_THIRD = tuple(
    date(*ymd)
    for ymd in (
        (2019, 4, 7), (2020, 3, 26), (2021, 4, 14), (2022, 4, 3), (2023, 4, 22), (2024, 4, 11), (2025, 3, 31), (2026, 4, 19)
    )
)  # fmt: skip
"""三月三 of each year."""
NATIONAL = """# Made by tools/calendar_rows.py; do not edit by hand.

id = "cn"
title = { zh = "全国工作日历", en = "National working-day calendar" }
zone = "Asia/Shanghai"
published_from = 2019-01-01
published_until = 2027-01-01
weekend = [6, 7]
basis = ["xkf-2019-82", "qgnj-2024-4"]
confidence = "H"
source = "国务院办公厅2019—2026年节假日安排通知，取自 holidays 0.109，并与 chinesecalendar 1.11.0 核对"
"""
GUANGXI = """# Made by tools/calendar_rows.py; do not edit by hand.

id = "cn-gx"
title = { zh = "广西工作日历", en = "Guangxi working-day calendar" }
extends = "cn"
zone = "Asia/Shanghai"
divisions = ["45"]
published_from = 2019-01-01
published_until = 2027-01-01
basis = ["gx-sys-fj"]
confidence = "GK"
source = "广西壮族自治区少数民族习惯节日放假办法：三月三，两天；日期为推算，属常识，待核"
note = { zh = "只计农历三月初三及次日两天；前后各一周为待确认日：补假、调休以自治区当年通知为准，未收录。", en = "Only lunar 3/3 and the day after; a week on either side is uncertain: days in lieu and swapped days, which each year's notice names, are not included." }
"""
RECKONED = (
    "三月三放假日期按农历推算；补假、调休以自治区当年通知为准，本日历未收录。",
    "The days of Sanyuesan are reckoned from the lunar calendar; days in lieu and swapped days are named by the region's notice of each year, which this calendar does not hold.",
)  # fmt: skip
LOCAL = (
    "民族自治地方可以依法规定本民族节日放假，本节点的日历未收录。",
    "An autonomous area may by law have days off for festivals of its own, which no calendar of this node holds.",
)
WEEK = timedelta(days=7)


def days() -> Iterator[date]:
    """Every day of the published years."""
    return (date(YEARS.start, 1, 1) + at * DAY for at in range((PUBLISHED_UNTIL - date(YEARS.start, 1, 1)).days))


def agree(listed: holidays.HolidayBase) -> None:
    """Stop unless both packages call the same days working days."""
    for day in days():
        if listed.is_working_day(day) != chinese_calendar.is_workday(day):
            raise SystemExit(f"holidays and chinesecalendar disagree on {day}")


def offs(listed: holidays.HolidayBase) -> Iterator[tuple[date, date, str]]:
    """Runs of days off that hold a holiday: from, until (exclusive), names. Ordinary weekends are left out."""
    for working, run in groupby(days(), listed.is_working_day):
        span = list(run)
        if not working and any(day in listed for day in span):
            yield span[0], span[-1] + DAY, "、".join(names(listed, span))


def names(listed: holidays.HolidayBase, span: list[date]) -> list[str]:
    """The statutory holidays of a run, in order, each once."""
    text = " ".join(str(listed.get(day) or "") for day in span)
    return sorted((name for name in ENGLISH if name in text), key=text.index)


def make_up_days(listed: holidays.HolidayBase) -> Iterator[date]:
    """Saturdays and Sundays that are worked."""
    return (day for day in days() if day.isoweekday() > 5 and listed.is_working_day(day))


def double_thirds() -> Iterator[date]:
    """三月三 of each year; stop where one cannot be two months after New Year and a month before lunar 4/8."""
    lunar = _ChineseLunisolar()
    for day in DOUBLE_THIRD:
        new_year, _ = lunar.lunar_new_year_date(day.year)
        birthday, _ = lunar.buddha_birthday_date(day.year)
        if new_year is None or birthday is None:
            raise SystemExit(f"no lunar table for {day.year}")
        since, before = (day - new_year).days - 2, (birthday - day).days - 5
        if not (58 <= since <= 60 or 87 <= since <= 90) or before not in (29, 30):
            raise SystemExit(
                f"三月三 of {day.year} cannot be {day}: {since} days after New Year, {before} before month 4"
            )
        yield day


def off(start: date, until: date, title: str, english: str, extra: str = "") -> str:
    """One row of days off."""
    return f'\n[[off]]\nfrom = {start}\nuntil = {until}\ntitle = {{ zh = "{title}", en = "{english}" }}\n{extra}'


def notice(year: int) -> str:
    """The source of a row: the yearly notice."""
    return f'source = "国务院办公厅关于{year}年部分节假日安排的通知"\n'


def both(zh: str, en: str) -> str:
    """A sentence in both languages."""
    return f'{{ zh = "{zh}", en = "{en}" }}'


def autonomous(standards: Path) -> Iterator[str]:
    """Prefixes of the divisions that may set days off for festivals of their own: autonomous regions, prefectures, counties, banners."""
    with (standards / "national/codes/divisions.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if "自治" in row["zh"] and not row["until"]:
                yield row["code"].removesuffix("00").removesuffix("00")


def local(standards: Path) -> str:
    """The row of divisions whose own days the national calendar does not hold."""
    prefixes = sorted(autonomous(standards), key=lambda prefix: (len(prefix), prefix))
    quoted = ", ".join(f'"{one}"' for one in prefixes)
    return f"\n[[local]]\ndivisions = [{quoted}]\nnote = {both(*LOCAL)}\n"


def doubt(day: date) -> str:
    """The row of uncertain days around the two of 三月三."""
    return f"\n[[doubt]]\nfrom = {day - WEEK}\nuntil = {day + 2 * DAY + WEEK}\nnote = {both(*RECKONED)}\n"


def national(standards: Path) -> str:
    """The national calendar as TOML."""
    listed = CN(years=YEARS, language="zh_CN")
    agree(listed)
    text = NATIONAL
    for start, until, title in offs(listed):
        english = " and ".join(ENGLISH[name] for name in title.split("、"))
        text += off(start, until, title, english, notice((until - DAY).year))
    for day in make_up_days(listed):
        text += (
            f'\n[[working]]\non = {day}\ntitle = {{ zh = "调休上班", en = "Make-up working day" }}\n{notice(day.year)}'
        )
    return text + local(standards)


def guangxi() -> str:
    """The Guangxi overlay as TOML."""
    thirds = list(double_thirds())
    rows = [off(day, day + 2 * DAY, "壮族三月三", "Sanyuesan (lunar 3/3)") for day in thirds]
    return GUANGXI + "".join([*rows, *map(doubt, thirds)])


def main(standards: Path) -> None:
    """Write both calendars below ``standards``."""
    for name, text in (("national/calendars/cn", national(standards)), ("guangxi/calendars/cn-gx", guangxi())):
        target = standards / f"{name}.toml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
