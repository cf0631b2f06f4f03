"""Derived answers: what can be asked of an element, and that it answers exactly what the value says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.bus.derived import Question, age, allowed, answerer
from gdbos.bus.grant import Grant, new_grant
from gdbos.errors import Invalid, NoGrant
from gdbos.shipped import shipped
from gdbos.standards import Record, Standards, load

ON = date(2026, 6, 15)
REGISTER = "enterprise.register"
PERSON = "nanning.population.person"


@pytest.fixture(scope="module")
def standards() -> Standards:
    return load([shipped("standards")], {}, ("national", "guangxi", "nanning"))


@pytest.fixture(scope="module")
def person(standards: Standards) -> Record:
    return standards.record(PERSON, ON)


@pytest.fixture(scope="module")
def register(standards: Standards) -> Record:
    return standards.record(REGISTER, ON)


def asks(record: Record, standards: Standards, field: str, test: str, value: Any) -> bool:
    return answerer(Question(field, test), record, standards, "$")(value)


@given(born=st.dates(date(1900, 1, 1), ON), years=st.integers(0, 130))
def test_an_age_is_reached_on_the_birthday(standards: Standards, person: Record, born: date, years: int) -> None:
    birthdays = sum(1 for year in range(born.year + 1, ON.year + 1) if _birthday(born, year) <= ON)
    assert age(born, ON) == birthdays
    assert asks(person, standards, "birth_date", f"age >= {years}", born.isoformat()) == (birthdays >= years)
    assert asks(person, standards, "birth_date", f"age<{years}", born.isoformat()) == (birthdays < years)


def _birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


@given(value=st.dates(), low=st.dates(), high=st.dates())
def test_dates_compare_as_dates(standards: Standards, person: Record, value: date, low: date, high: date) -> None:
    said = asks(person, standards, "birth_date", f"between {low} and {high}", value.isoformat())
    assert said == (low <= value <= high)
    assert asks(person, standards, "birth_date", f"> {low}", value.isoformat()) == (value > low)


@given(value=st.decimals(0, 10**9, places=2), bound=st.integers(0, 10**9))
def test_numbers_compare_as_numbers(standards: Standards, register: Record, value: Decimal, bound: int) -> None:
    field = next(p.field.name for p in register.parts if p.element.form.startswith("n..") and "," in p.element.form)
    assert asks(register, standards, field, f"<= {bound}", str(value)) == (value <= bound)


@pytest.mark.parametrize(
    ("test", "value", "said"),
    [
        ("in 1", "1", True),
        ("in 2, 9", "1", False),
        ("in 9,1", "1", True),
    ],
)
def test_codes_are_asked_by_name(standards: Standards, person: Record, test: str, value: str, said: bool) -> None:
    assert asks(person, standards, "sex", test, value) is said


@pytest.mark.parametrize(
    ("test", "said"),
    [("within 450000", True), ("within 450100", True), ("within 450103", True), ("within 440000", False)],
)
def test_a_division_is_asked_by_the_one_it_lies_in(
    standards: Standards, register: Record, test: str, said: bool
) -> None:
    field = next(p.field.name for p in register.parts if p.codes is not None and p.codes.definition.id == "division")
    assert asks(register, standards, field, test, "450103") is said


@pytest.mark.parametrize(
    ("field", "test"),
    [
        ("name", ">= A"),
        ("name", "in 韦示例"),
        ("citizen_id", "in 450103198503129995"),
        ("address", "within 450100"),
        ("sex", "within 1"),
        ("sex", "in 7"),
        ("sex", "in 1 2"),
        ("sex", "in 1,,2"),
        ("sex", "in"),
        ("birth_date", "age"),
        ("birth_date", "age >= eighteen"),
        ("birth_date", "age >= 18 and age < 60"),
        ("birth_date", "in 1985-03-12"),
        ("birth_date", ">= 1985-02-30"),
        ("birth_date", "age > 18; drop"),
        ("wealth", ">= 1"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(
    standards: Standards, person: Record, field: str, test: str
) -> None:
    with pytest.raises(Invalid) as refused:
        answerer(Question(field, test), person, standards, "$.ask[0].is")
    assert [one.path for one in refused.value.violations] == ["$.ask[0].is"]


def granted(**what: Any) -> Grant:
    return new_grant(body="B", system="s", service="x", provider="P", **what)


ADULT = Question("birth_date", "age>=18")


@pytest.mark.parametrize(
    ("grant", "may"),
    [
        (granted(questions=("birth_date",)), True),
        (granted(questions=("birth_date age >= 18",)), True),
        (granted(questions=("birth_date age >= 21",)), False),
        (granted(questions=("sex",)), False),
        (granted(fields=("birth_date",), clear=("birth_date",)), True),
        (granted(fields=("birth_date",), clear=("*",)), True),
        (granted(fields=("birth_date",)), False),  # asking must not lift the mask
        (granted(clear=("*",)), True),
        (granted(), False),
        (granted(fields=("name",), clear=("*",)), False),
    ],
)
def test_a_grant_says_what_may_be_asked(standards: Standards, person: Record, grant: Grant, may: bool) -> None:
    if may:
        asked = allowed([ADULT], grant, person, standards)
        assert asked.answered({"birth_date": "1985-03-12"}) == {"birth_date age >= 18": True}
        assert asked.answered({}) == {"birth_date age >= 18": None}
    else:
        with pytest.raises(NoGrant, match="age >= 18"):
            allowed([ADULT], grant, person, standards)
