"""Deadlines: published vectors, an independent count, and words a clerk can read aloud."""

import os
from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdbos.errors import Invalid
from gdbos.standards import Correction, Deadline, Extension, ExtensionRule, NotPublished, Suspension, accepted_on, due
from gdbos.text import Text

DAY = timedelta(days=1)
VECTORS = [
    (date(2026, 2, 13), 1, date(2026, 2, 14)),
    (date(2026, 2, 13), 5, date(2026, 2, 27)),
    (date(2026, 4, 30), 5, date(2026, 5, 11)),
    (date(2026, 9, 24), 5, date(2026, 10, 9)),
    (date(2026, 9, 30), 3, date(2026, 10, 10)),
    (date(2026, 1, 30), 20, date(2026, 3, 5)),
]


@pytest.fixture
def calendar(standards):
    return standards.calendar()


@pytest.mark.parametrize(("start", "days", "expected"), VECTORS)
def test_published_vectors_hold(calendar, start, days, expected):
    assert due(start, days, calendar).due == expected


spans = st.lists(st.tuples(st.integers(-5, 60), st.integers(1, 30)), max_size=4)
RUNS = 10_000 if os.environ.get("GDBOS_PROVE") else 500


@pytest.mark.timeout(3600)
@settings(max_examples=RUNS)
@given(start=st.dates(date(2019, 1, 1), date(2026, 12, 31)), days=st.integers(1, 60), spans=spans)
def test_an_independent_count_agrees(standards, start, days, spans):
    suspensions = [Suspension(since=start + a * DAY, until=start + (a + length) * DAY) for a, length in spans]
    day, left = start, days
    while left:
        day += DAY
        if day > date(2026, 12, 31):
            with pytest.raises(NotPublished):
                due(start, days, standards.calendar(), suspensions)
            return
        stands = any(one.since <= day < one.until for one in suspensions)
        left -= chinese_calendar.is_workday(day) and not stands
    answer = due(start, days, standards.calendar(), suspensions)
    assert answer.due == day
    skipped = sum((one.until - one.since).days for one in answer.skipped)
    assert (day - start).days == days + skipped


@given(start=st.dates(date(2019, 1, 1), date(2025, 12, 31)), days=st.integers(0, 30), more=st.integers(1, 5))
def test_more_days_are_never_due_earlier_and_a_due_day_is_always_worked(standards, start, days, more):
    calendar = standards.calendar()
    one, other = due(start, days, calendar).due, due(start, days + more, calendar).due
    assert one < other or days == 0
    assert calendar.is_working(one)


@pytest.mark.parametrize("start", [date(2027, 1, 1), date(2030, 6, 1), date(2018, 12, 31)])
def test_years_that_nobody_has_published_are_refused(calendar, start):
    for rule in (0, 1, 20):
        with pytest.raises(NotPublished):
            due(start, rule, calendar)


def test_a_suspension_across_a_make_up_saturday_leaves_it_out(calendar):
    assert due(date(2026, 2, 12), 3, calendar).due == date(2026, 2, 24)
    suspended = [Suspension(since=date(2026, 2, 14), until=date(2026, 2, 15), reason="hearing")]
    assert due(date(2026, 2, 12), 3, calendar, suspended).due == date(2026, 2, 25)


def test_an_open_suspension_has_no_due_day_and_tells_what_is_left(calendar):
    answer = due(date(2026, 6, 1), 20, calendar, [Suspension(since=date(2026, 6, 8))])
    assert (answer.due, answer.remaining) == (None, 16)
    assert "还剩16个工作日" in answer.explanation.zh and "16 working days" in answer.explanation.en


def test_a_rule_is_extended_once_approved_in_time_by_whom_it_names(standards, calendar):
    rule = standards.deadline("decision")
    start = date(2026, 1, 30)
    assert due(start, rule, calendar).due == date(2026, 3, 5)
    extended = due(start, rule, calendar, extensions=[Extension(days=10, approver="head-of-body", on=date(2026, 3, 5))])
    assert (extended.due, extended.days, extended.basis) == (date(2026, 3, 19), 30, ("xkf-42",))


@pytest.mark.parametrize(
    ("suspensions", "extensions", "rule"),
    [
        ([], [Extension(days=11, approver="head-of-body")], "range"),
        ([], [Extension(days=6, approver="head-of-body"), Extension(days=5, approver="head-of-body")], "range"),
        ([], [Extension(days=10, approver="handler")], "approver"),
        ([], [Extension(days=10, approver="head-of-body", on=date(2026, 3, 6))], "late"),
        ([Suspension(since=date(2026, 2, 2), until=date(2026, 2, 4), reason="holiday")], [], "suspension"),
        ([Suspension(since=date(2026, 2, 2), until=date(2026, 2, 2), reason="hearing")], [], "range"),
    ],
)
def test_what_the_rule_does_not_allow_is_refused(standards, calendar, suspensions, extensions, rule):
    with pytest.raises(Invalid) as invalid:
        due(date(2026, 1, 30), standards.deadline("decision"), calendar, suspensions, extensions)
    assert [one.rule for one in invalid.value.violations] == [rule]


def test_a_rule_without_extension_cannot_be_extended(calendar):
    rule = Deadline(id="x", title=Text("期"), days=3)
    with pytest.raises(Invalid):
        due(date(2026, 6, 1), rule, calendar, extensions=[Extension(days=1)])


def test_calendar_days_end_on_the_next_working_day(calendar):
    rule = Deadline(id="x", title=Text("期"), days=15, unit="days")
    assert due(date(2026, 9, 16), rule, calendar).due == date(2026, 10, 8)
    assert due(date(2026, 6, 1), rule, calendar).due == date(2026, 6, 16)


def test_on_the_spot_is_the_same_day_or_the_next_that_is_worked(calendar):
    assert due(date(2026, 6, 1), 0, calendar).due == date(2026, 6, 1)
    assert due(date(2026, 10, 1), 0, calendar).due == date(2026, 10, 8)


def test_a_rule_may_count_its_first_day(calendar):
    rule = Deadline(id="x", title=Text("期"), days=1, starts="same-day")
    assert due(date(2026, 6, 1), rule, calendar).due == date(2026, 6, 1)


@pytest.mark.parametrize("days", [-1, 3661])
def test_impossible_lengths_are_refused(calendar, days):
    with pytest.raises(Invalid):
        due(date(2026, 6, 1), days, calendar)


def test_the_explanation_can_be_read_aloud(calendar):
    answer = due(date(2026, 2, 13), 5, calendar)
    assert answer.explanation.zh == (
        "期限共5个工作日,起始日为2026年2月13日(星期五),当日不计入,从2026年2月14日起算。"
        "其间不计:2026年2月15日至2026年2月23日春节。届满日为2026年2月27日(星期五)。"
    )
    assert answer.explanation.en == (
        "The time limit is 5 working days, starting on Friday, 13 February 2026; that day is not counted, "
        "so the first day is 14 February 2026. Not counted: holiday (15 February 2026 to 23 February 2026). "
        "It is due on Friday, 27 February 2026."
    )


def test_a_suspension_and_an_extension_are_told_in_words(calendar):
    extension = ExtensionRule(days=5, approver="head-of-body", title=Text("本机关负责人", "the head of the body"))
    rule = Deadline(id="x", title=Text("审查", "Examination"), days=5, suspends=("hearing",), extension=extension)
    suspended = [Suspension(since=date(2026, 6, 3), until=date(2026, 6, 5), reason="hearing")]
    told = due(
        date(2026, 6, 1),
        rule,
        calendar,
        suspended,
        [Extension(days=5, approver="head-of-body")],
        {"hearing": Text("听证", "hearing")},
    ).explanation
    assert told.zh == (
        "“审查”期限共10个工作日,起始日为2026年6月1日(星期一),当日不计入,从2026年6月2日起算。其中经本机关负责人批准延长5个工作日。"
        "其间不计:2026年6月3日至2026年6月4日计时中止(听证)、周末4天。届满日为2026年6月17日(星期三)。"
    )
    assert "the clock stood still for: hearing (3 June 2026 to 4 June 2026)" in told.en


NOWHERE = Text("")


class TestAcceptance:
    received = date(2026, 2, 13)
    limit = date(2026, 2, 27)

    def ask(self, calendar, corrections, today=date(2026, 3, 20), days=5, law=NOWHERE):
        rule = Deadline(id="x", title=Text("补正"), days=days)
        return accepted_on(self.received, corrections, calendar, today, rule, law)

    def test_silence_is_acceptance_from_the_day_of_receipt(self, calendar):
        answer = self.ask(calendar, [])
        assert (answer.on, answer.deemed, answer.limit) == (self.received, True, self.limit)

    def test_the_days_and_the_law_are_the_rules(self, calendar):
        law = Text("某条例 第7条", "Some Regulation, article 7")
        answer = self.ask(calendar, [], days=1, law=law)
        assert answer.limit == date(2026, 2, 14)
        assert "依照某条例 第7条,自收到" in answer.explanation.zh
        assert "under Some Regulation, article 7, the application" in answer.explanation.en
        assert "依照" not in self.ask(calendar, []).explanation.zh

    def test_until_the_limit_it_is_open(self, calendar):
        answer = self.ask(calendar, [], today=self.limit)
        assert (answer.on, answer.deemed) == (None, False)

    def test_a_late_notice_is_acceptance_from_the_day_of_receipt(self, calendar):
        answer = self.ask(calendar, [Correction(noticed=date(2026, 2, 28), supplied=date(2026, 3, 4))])
        assert (answer.on, answer.deemed) == (self.received, True)

    def test_a_notice_in_time_waits_for_what_is_missing(self, calendar):
        answer = self.ask(calendar, [Correction(noticed=self.limit)])
        assert (answer.on, answer.deemed) == (None, False)
        answer = self.ask(calendar, [Correction(noticed=self.limit, supplied=date(2026, 3, 4))])
        assert (answer.on, answer.deemed) == (date(2026, 3, 4), False)

    def test_a_second_notice_for_something_new_delays_nothing_and_is_flagged(self, calendar):
        first = Correction(noticed=date(2026, 2, 24), supplied=date(2026, 2, 26), items=("a", "b"))
        answer = self.ask(calendar, [first, Correction(noticed=date(2026, 2, 27), items=("c",))])
        assert (answer.on, answer.unlawful) == (date(2026, 2, 26), (1,))
        again = Correction(noticed=date(2026, 2, 27), supplied=date(2026, 3, 3), items=("b",))
        answer = self.ask(calendar, [first, again])
        assert (answer.on, answer.unlawful) == (date(2026, 3, 3), ())
