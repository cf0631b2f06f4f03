"""The rules by which matters are decided at once, as Nanning's pack has them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos import Text
from gdbos.own import ITSELF
from gdbos.standards import Standards, load
from gdbos_services.instant.rule import KIND, Condition, DecisionTable, InstantRule, Row, decide, faults, find_rule
from gdbos_services.matters.matter import KIND as MATTERS
from gdbos_services.matters.matter import find

PACKS = Path(__file__).parents[4] / "standards"
ON = date(2026, 2, 9)
USCC = "91450103MADEM00112"
PASSING: dict[str, dict[str, Any]] = {
    "enterprise.seal": {
        "uscc": USCC,
        "enterprise-name": "南宁示例有限公司",
        "seal-kind": ["01", "02"],
        "seal-material": "4",
    },
    "enterprise.tax": {
        "uscc": USCC,
        "taxpayer-kind": "2",
        "accounting-standard": "1",
        "invoice-now": "1",
        "invoice-monthly-count": 25,
        "invoice-limit": 10000,
    },
    "enterprise.social-insurance": {
        "uscc": USCC,
        "insurance-kind": ["10", "20", "40"],
        "insured-staff-count": 3,
        "payroll-monthly-total": 15000.5,
    },
    "enterprise.medical-insurance": {"uscc": USCC, "medical-insurance-kind": ["1"], "insured-staff-count": 3},
    "enterprise.housing-fund": {"uscc": USCC, "fund-unit-rate": 5, "fund-person-rate": 12, "fund-staff-count": 3},
}


@pytest.fixture(scope="module")
def standards() -> Standards:
    kinds = {kind.name: kind.struct for kind in (*ITSELF.kinds, MATTERS, KIND)}
    return load([PACKS], kinds, ["national", "guangxi", "nanning"])


def test_every_rule_of_the_pack_can_be_run_and_is_named_by_its_matter(standards: Standards) -> None:
    rules = [document.value for document in standards.documents(KIND.name, ON)]
    assert {rule.id for rule in rules} == set(PASSING)
    for rule in rules:
        assert list(faults(rule, standards)) == []
        assert find(standards, rule.matter, ON).instant == rule.id
    for left in ("enterprise.registration", "enterprise.bank-account"):
        assert find(standards, left, ON).instant == "", "stays with officials"


@pytest.mark.parametrize("rule", PASSING)
def test_a_usual_application_passes(standards: Standards, rule: str) -> None:
    assert decide(find_rule(standards, rule, ON), PASSING[rule]).approve


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("enterprise.seal", {"seal-kind": ["01", "99"]}),
        ("enterprise.seal", {"seal-kind": []}),
        ("enterprise.seal", {"uscc": "123"}),
        ("enterprise.tax", {"invoice-limit": 100000.01}),
        ("enterprise.tax", {"invoice-monthly-count": 101}),
        ("enterprise.tax", {"taxpayer-kind": "1", "invoice-monthly-count": 51}),
        ("enterprise.social-insurance", {"insurance-kind": ["10", "40"]}),
        ("enterprise.medical-insurance", {"medical-insurance-kind": ["1", "3"]}),
        ("enterprise.housing-fund", {"fund-unit-rate": 4}),
        ("enterprise.housing-fund", {"fund-staff-count": 0}),
    ],
)
def test_what_is_unusual_is_left_to_an_official_with_the_reason(
    standards: Standards, rule: str, changed: dict[str, Any]
) -> None:
    verdict = decide(find_rule(standards, rule, ON), PASSING[rule] | changed)
    assert not verdict.approve
    assert verdict.reasons
    assert all(one.zh and one.en for one in verdict.reasons)


@pytest.mark.parametrize("rule", PASSING)
@given(missing=st.sampled_from(sorted({element for answers in PASSING.values() for element in answers})))
def test_nothing_is_approved_that_lacks_an_input_the_rule_looks_at(
    standards: Standards, rule: str, missing: str
) -> None:
    answers = {key: value for key, value in PASSING[rule].items() if key != missing}
    assert decide(find_rule(standards, rule, ON), answers).approve == (missing not in PASSING[rule])


answers = st.dictionaries(
    st.sampled_from(sorted({element for each in PASSING.values() for element in each})),
    st.none() | st.text(max_size=20) | st.integers() | st.floats(allow_nan=False) | st.lists(st.text(max_size=3)),
)


@pytest.mark.parametrize("rule", PASSING)
@given(answers=answers)
def test_no_answer_breaks_a_rule(standards: Standards, rule: str, answers: dict[str, Any]) -> None:
    verdict = decide(find_rule(standards, rule, ON), answers)
    assert verdict.approve or verdict.reasons


def rule(**parts: Any) -> InstantRule:
    return InstantRule(id="r", title=Text("规则", "rule"), matter="m", version=1, inputs=("uscc",), **parts)


def test_a_rule_that_cannot_be_run_is_refused_with_its_pack(standards: Standards) -> None:
    words = Text("条件", "condition")
    broken = rule(conditions=(Condition(id="c", title=words, when="uscc == ("),))
    assert any("cannot be read" in one for one in faults(broken, standards))
    assert any("never decide" in one for one in faults(rule(), standards))
    table = DecisionTable(
        columns=("uscc",),
        rows=(Row(id="x", tests=("> (",), outcome="approve"), Row(id="y", tests=(), outcome="official")),
    )
    found = list(faults(rule(table=table), standards))
    assert len(found) == 2
    unknown = msgspec_replace(rule(conditions=(Condition(id="c", title=words, when="true"),)))
    assert any("no-such-element" in one for one in faults(unknown, standards))


def msgspec_replace(one: InstantRule) -> InstantRule:
    import msgspec

    return msgspec.structs.replace(one, inputs=("no-such-element",))
