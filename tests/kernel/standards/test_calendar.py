"""Working days agree with an independent calendar, and what is not published is never guessed."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.standards import NotPublished

FIRST, LAST = date(2019, 1, 1), date(2026, 12, 31)
DAY = timedelta(days=1)
days = st.dates(FIRST, LAST)


def test_every_day_of_eight_years_is_what_an_independent_calendar_says(standards):
    calendar = standards.calendar()
    every = [FIRST + number * DAY for number in range((LAST - FIRST).days + 1)]
    assert [calendar.is_working(day) for day in every] == [chinese_calendar.is_workday(day) for day in every]


@given(days, st.integers(-40, 40))
def test_adding_is_counting_day_by_day(standards, start, count):
    calendar, day, left = standards.calendar(), start, abs(count)
    while left:
        day += DAY if count > 0 else -DAY
        if not FIRST <= day <= LAST:
            with pytest.raises(NotPublished):
                calendar.add(start, count)
            return
        left -= chinese_calendar.is_workday(day)
    assert calendar.add(start, count) == day


@given(days, days)
def test_between_counts_the_days_after_the_first_with_the_last(standards, a, b):
    low, high = min(a, b), max(a, b)
    count = sum(chinese_calendar.is_workday(low + number * DAY) for number in range(1, (high - low).days + 1))
    assert standards.calendar().between(a, b) == (count if a <= b else -count)


@pytest.mark.parametrize("day", [date(2018, 12, 31), date(2027, 1, 1), date(2030, 5, 5)])
def test_a_day_not_published_is_its_own_answer(standards, day):
    for ask in (
        standards.calendar().is_working,
        lambda day: standards.calendar().add(day, 1),
        lambda day: standards.calendar().between(FIRST, day),
    ):
        with pytest.raises(NotPublished):
            ask(day)
    assert not standards.calendar().published(day)


def test_an_answer_beyond_the_published_days_is_refused(standards):
    assert standards.calendar().add(date(2026, 12, 30), 1) == date(2026, 12, 31)
    with pytest.raises(NotPublished) as refused:
        standards.calendar().add(date(2026, 12, 30), 2)
    assert (refused.value.status, refused.value.code) == (409, "not-published")


OVERLAY = 'id = "cn-gx"\nextends = "cn"\ndivisions = ["45"]\n[[off]]\nfrom = 2026-04-20\nuntil = 2026-04-22\ntitle = {zh = "三月三", en = "Sanyuesan"}\n'


def test_a_region_lays_its_holidays_over_the_countrys_for_its_divisions_only(packs):
    packs.national(calendars__gx=OVERLAY)
    standards = packs.load()
    for division in ("45", "450103", "450103001"):
        assert not standards.calendar(division).is_working(date(2026, 4, 20))
        assert standards.calendar(division).title(date(2026, 4, 20)).zh == "三月三"
    assert standards.calendar("430000").is_working(date(2026, 4, 20))
    assert standards.calendar().id == "cn" and standards.calendar("450103").id == "cn-gx"
    assert standards.calendar("450103").is_working(date(2026, 2, 14))


def test_the_nearest_level_speaks(packs):
    city = (
        OVERLAY.replace("cn-gx", "cn-nn")
        .replace('"45"', '"4501"')
        .replace('extends = "cn"', 'extends = "cn-gx"')
        .replace("2026-04-2", "2026-05-2")
    )
    packs.national(calendars__gx=OVERLAY, calendars__nn=city)
    standards = packs.load()
    assert standards.calendar("450103").id == "cn-nn"
    assert not standards.calendar("450103").is_working(date(2026, 5, 20))
    assert not standards.calendar("450103").is_working(date(2026, 4, 20))
    assert standards.calendar("450200").is_working(date(2026, 5, 20))


def test_a_region_published_for_less_time_answers_for_less(packs):
    packs.national(calendars__gx=OVERLAY.replace("divisions", "published_until = 2026-06-01\ndivisions"))
    standards = packs.load()
    with pytest.raises(NotPublished):
        standards.calendar("45").is_working(date(2026, 6, 1))
    assert standards.calendar().is_working(date(2026, 6, 1))
