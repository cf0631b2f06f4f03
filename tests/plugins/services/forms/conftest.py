"""The standards of Nanning as the repository ships them, and answers that fit any of its forms."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from gdbos import Standards
from gdbos.bus.service import Service
from gdbos.standards import load
from gdbos_services.forms.form import KIND as FORMS
from gdbos_services.forms.form import Question, Sheet
from gdbos_services.matters.matter import KIND as MATTERS

ROOT = Path(__file__).parents[4]
DAY = date(2026, 5, 6)
OPENING = tuple(
    f"enterprise.{one}"
    for one in ("registration", "seal", "tax", "social-insurance", "medical-insurance", "housing-fund", "bank-account")
)
KINDS = {"matters": MATTERS, "forms": FORMS, "services": Service}


@pytest.fixture(scope="session")
def standards() -> Standards:
    return load([ROOT / "standards"], KINDS, ["national", "guangxi", "nanning"])


citizen_ids = st.builds(
    lambda born, sequence: _checked(f"450103{born:%Y%m%d}{sequence:03d}"),
    st.dates(date(1950, 1, 1), date(2005, 1, 1)),
    st.integers(1, 999),
)
usccs = st.from_regex(re.compile(r"91450100MA[0-9A-HJ-NPQRTUWXY]{7}", re.ASCII), fullmatch=True).map(
    lambda body: body + uscc.calc_check_digit(body)
)


def _checked(body: str) -> str:
    return body + ric.calc_check_digit(body + "0")


def one_answer(question: Question, standards: Standards) -> st.SearchStrategy[Any]:
    """Answers to ``question`` that its element allows."""
    found = _raw(question, standards).map(question.tidy)
    return found.filter(lambda value: not standards.check(question.element, value, DAY, codes=question.codes))


def _raw(question: Question, standards: Standards) -> st.SearchStrategy[Any]:
    element = standards.element(question.element, DAY)
    if question.codes:
        return st.sampled_from([row.code for row in standards.codes(question.codes, DAY)])
    if question.scheme == "citizen-id":
        return citizen_ids
    if question.scheme == "uscc":
        return usccs
    if question.kind == "date":
        return st.dates(date(2020, 1, 1), date(2020, 1, 1) + timedelta(days=9000)).map(date.isoformat)
    if question.kind == "number":
        low, high = int(element.minimum or 0), int(element.maximum if element.maximum is not None else 9)
        return st.integers(low, high)
    if element.pattern:
        return st.from_regex(re.compile(element.pattern, re.ASCII), fullmatch=True)
    letters = "0123456789" if question.form.startswith("n") else "abcXYZ0189"
    if question.form.startswith("any"):
        letters += "南宁聚通 路号"
    exact = 0 if ".." in question.form else question.longest
    return st.text(letters, min_size=exact or 1, max_size=question.longest if exact else min(question.longest, 12))


@st.composite
def valid_answers(draw: st.DrawFn, sheet: Sheet, standards: Standards) -> dict[str, Any]:
    """A complete set of answers to ``sheet``."""
    answers: dict[str, Any] = {}
    for part in sheet.parts:
        rows = draw(st.integers(1, 3)) if part.rows else 1
        for question in part.questions:
            one = one_answer(question, standards)
            if part.rows:
                answers[question.element] = [draw(one) for _ in range(rows)]
            elif question.repeat:
                answers[question.element] = draw(st.lists(one, min_size=1, max_size=2, unique=True))
            elif question.required or draw(st.booleans()):
                answers[question.element] = draw(one)
    return sheet.normalise(answers)
