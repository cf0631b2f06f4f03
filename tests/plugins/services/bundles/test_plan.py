"""Plans: what answers bring in, and what a plan must not be."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos import Invalid, NotFound, Standards
from gdbos.bus.service import Service
from gdbos.standards import load
from gdbos_services.bundles.one_form import one_form
from gdbos_services.bundles.plan import KIND, Choice, Plan, choose, complaints, find, plans
from gdbos_services.forms.form import KIND as FORMS
from gdbos_services.forms.form import part, sheet
from gdbos_services.matters.matter import KIND as MATTERS

ROOT = Path(__file__).parents[4]
DAY = date(2026, 11, 23)
STANDARDS = load(
    [ROOT / "standards"],
    {"bundles": KIND, "matters": MATTERS, "forms": FORMS, "services": Service},
    ["national", "guangxi", "nanning"],
)
PLAN = find(STANDARDS, "enterprise-opening", DAY)
ANSWERS = st.fixed_dictionaries(
    {one.id: st.sampled_from([option.value for option in one.options]) for one in PLAN.guidance}
)


@given(ANSWERS)
def test_whatever_is_chosen_asks_each_element_once_and_needs_only_what_is_chosen(answers: dict[str, str]) -> None:
    choice = choose(PLAN, answers)
    asked = [q.element for part in sheet(STANDARDS, choice.matters, DAY, choice.quiet).parts for q in part.questions]
    assert len(asked) == len(set(asked))
    assert choice.quiet.isdisjoint(asked)
    assert not set(choice.settled) & choice.dropped
    assert set(choice.matters) <= set(PLAN.matters)
    for matter in choice.matters:
        assert set(PLAN.needs(matter)) <= set(choice.matters)


@given(ANSWERS, st.data())
def test_an_answer_left_out_or_invented_is_named(answers: dict[str, str], data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(sorted(answers)))
    for wrong in ({k: v for k, v in answers.items() if k != question}, answers | {question: "no such answer"}):
        with pytest.raises(Invalid) as refused:
            choose(PLAN, wrong)
        assert [one.path for one in refused.value.violations] == [f"$.guidance.{question}"]


def test_what_no_effect_names_is_always_in() -> None:
    nothing = {"employees": "0", "seal": "0", "invoices": "0", "bank": ""}
    assert choose(PLAN, nothing) == Choice(
        matters=("enterprise.registration", "enterprise.tax"),
        settled={"employs-now": "0", "seal-now": "0", "invoice-now": "0"},
        dropped=choose(PLAN, nothing).dropped,
        supplied=("uscc", "established-on"),
    )
    assert "bank-code" in choose(PLAN, nothing).dropped


def test_the_shipped_plan_is_well_and_its_baseline_is_the_sum_of_its_matters(standards: Standards = STANDARDS) -> None:
    assert list(complaints(PLAN, standards)) == []
    assert [one.id for one in plans(standards, DAY)] == ["enterprise-opening"]
    befores = [standards.document("matters", one, DAY).value.before for one in PLAN.matters]
    for measure in ("steps", "materials", "trips", "days"):
        assert sum(getattr(one, measure) for one in befores) == getattr(PLAN.before, measure)


def test_a_plan_that_is_not_in_use_is_not_found() -> None:
    with pytest.raises(NotFound):
        find(STANDARDS, "no-such-plan", DAY)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"matters": ["no.such"]}, "there is no matter no.such"),
        ({"dependencies": [{"matter": "enterprise.seal", "needs": ["enterprise.seal"]}]}, "in a circle"),
        ({"dependencies": [{"matter": "no.such", "needs": []}]}, "no.such is not in the bundle"),
        ({"supplies": [{"element": "no-such", "matter": "enterprise.seal"}]}, "there is no element no-such"),
        ({"supplies": [{"element": "uscc", "matter": "x"}]}, "x is not in the bundle"),
        ({"effects": [{"id": "e", "question": "none", "answers": ["1"]}]}, "there is no question none"),
        ({"effects": [{"id": "e", "question": "seal", "answers": ["9"]}]}, "seal has no answer 9"),
        ({"effects": [{"id": "e", "question": "seal", "answers": ["1"], "matters": ["x"]}]}, "x is not in the bundle"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(change: dict[str, Any], sentence: str) -> None:
    wrong = msgspec.convert({**msgspec.to_builtins(PLAN), **change}, Plan)
    assert any(sentence in one for one in complaints(wrong, STANDARDS))


@given(ANSWERS)
def test_what_guidance_settled_is_asked_or_left_out_and_never_a_condition(answers: dict[str, str]) -> None:
    choice = choose(PLAN, answers)
    form = one_form(STANDARDS, choice, DAY)
    whole = sheet(STANDARDS, choice.matters, DAY, choice.quiet)
    for question in form.questions.values():
        assert not {field for when in question.when for field in when.fields} & set(choice.settled)
    asked = {one.element for one in whole.questions.values() if one.asked(choice.settled)}
    assert asked <= set(form.questions)
    assert {one.element for one in form.questions.values() if one.asked({})} == asked
    for matter in choice.matters:
        everything = dict.fromkeys(whole.known, "1") | choice.settled
        assert part(form, everything, matter) == part(whole, everything, matter)
