"""Make the rows of standards/national/calendars/cn.toml and standards/guangxi/calendars/cn-gx.toml, 2019–2026.

Days off and make-up working days come from ``holidays`` (CN, after the yearly notices of the State Council's General
Office) and are compared day by day with ``chinesecalendar``, which others keep; one day of difference stops the run.
三月三 (the third day of the third lunar month and the day after) is written here and checked against the
same package's lunar tables.

    .venv/bin/python tools/calendar_rows.py standards
"""

from __future__ import annotations

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
basis = ["xkf-2019-82"]
confidence = "H"
source = "State Council General Office notices 2019-2026, through holidays 0.109; compared with chinesecalendar 1.11.0"
"""
GUANGXI = """# Made by tools/calendar_rows.py; do not edit by hand.

id = "cn-gx"
title = { zh = "广西工作日历", en = "Guangxi working-day calendar" }
extends = "cn"
zone = "Asia/Shanghai"
divisions = ["45"]
published_from = 2019-01-01
published_until = 2027-01-01
confidence = "GK"
source = "广西壮族自治区少数民族习惯节日放假办法: 三月三, two days; dates reckoned, general knowledge"
note = { zh = "只计农历三月初三及次日两天；逢周末的补假以自治区当年通知为准，未收录。", en = "Only lunar 3/3 and the day after; days in lieu of a weekend, which each year's notice names, are not included." }
"""


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


def national() -> str:
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
    return text


def guangxi() -> str:
    """The Guangxi overlay as TOML."""
    return GUANGXI + "".join(off(day, day + 2 * DAY, "壮族三月三", "Sanyuesan (lunar 3/3)") for day in double_thirds())


def main(standards: Path) -> None:
    """Write both calendars below ``standards``."""
    for name, text in (("national/calendars/cn", national()), ("guangxi/calendars/cn-gx", guangxi())):
        target = standards / f"{name}.toml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
