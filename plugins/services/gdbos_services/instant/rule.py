"""Rules by which a matter is decided at once (秒批): documents of the kind ``instant``, read by people and run by zen-engine.

A rule looks at answers by element (``seal-kind`` is written ``seal_kind``) and at nothing else. Every condition must hold, and
the decision table, where there is one, must say ``approve``. What it cannot decide it leaves to an official: no rule refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import zen

from gdbos import Kind, NotFound, Standards, Text

APPROVE = "approve"
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Expression = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that must hold."""

    id: Id
    title: Text
    """What must hold, as an official reads it where it does not."""
    when: Expression
    """In zen's expression language; true where it holds."""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of the decision table: a unary test per column (empty: any value), and what follows."""

    id: Id
    tests: tuple[Annotated[str, msgspec.Meta(max_length=200)], ...]
    outcome: Annotated[str, msgspec.Meta(pattern=r"\A(approve|official)\Z")]
    title: Text = Text("")


class DecisionTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision table: the first row whose tests all hold decides; none: an official does."""

    columns: tuple[Expression, ...]
    rows: tuple[Row, ...]


class InstantRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule document."""

    id: Id
    title: Text
    matter: Id
    version: int
    inputs: tuple[Id, ...]
    """Elements it looks at: their names are recorded with every decision, their values never."""
    conditions: tuple[Condition, ...] = ()
    table: DecisionTable | None = None
    basis: tuple[str, ...] = ()
    note: Text | None = None

    @property
    def name(self) -> str:
        """Id and version, as decisions record it."""
        return f"{self.id}@{self.version}"


class Verdict(msgspec.Struct, frozen=True):
    """What a rule says about one case."""

    approve: bool
    reasons: tuple[Text, ...] = ()
    """Why it is left to an official: conditions by their titles, never values."""


UNREADABLE = Text("规则无法对这些内容求值", "the rule could not be evaluated on these answers")
NO_ROW = Text("决策表没有适用的行", "no row of the decision table applies")


def decide(rule: InstantRule, answers: Mapping[str, Any]) -> Verdict:
    """What ``rule`` says about ``answers`` (by element). Anything unclear is left to an official."""
    facts = {_variable(element): _plain(answers.get(element)) for element in rule.inputs}
    failed = tuple(one.title for one in rule.conditions if not _holds(one.when, facts))
    if failed:
        return Verdict(False, failed)
    return _by_table(rule.table, facts) if rule.table else Verdict(bool(rule.conditions))


def _holds(expression: str, facts: Mapping[str, Any]) -> bool:
    try:
        return zen.evaluate_expression(expression, dict(facts)) is True
    except Exception:  # zen raises RuntimeError, and bare Exception for a number it cannot hold
        return False


def _by_table(table: DecisionTable, facts: Mapping[str, Any]) -> Verdict:
    try:
        found = _compiled(msgspec.json.encode(table)).evaluate(dict(facts))["result"]
    except Exception:  # as above
        return Verdict(False, (UNREADABLE,))
    if found.get("outcome") == APPROVE:
        return Verdict(True)
    row = next((one for one in table.rows if one.id == found.get("row")), None)
    return Verdict(False, (row.title if row and row.title.zh else NO_ROW,))


@lru_cache(maxsize=256)
def _compiled(table: bytes) -> Any:
    return zen.ZenEngine().create_decision(
        msgspec.json.encode(graph(msgspec.json.decode(table, type=DecisionTable))).decode()
    )


def graph(table: DecisionTable) -> dict[str, Any]:
    """The table as zen's decision graph (JDM): request → table → response."""
    columns = [
        {"id": f"in{at}", "name": field, "type": "expression", "field": field} for at, field in enumerate(table.columns)
    ]
    outputs = [{"id": name, "name": name, "type": "expression", "field": name} for name in ("outcome", "row")]
    rows = [
        {"_id": row.id, "outcome": f'"{row.outcome}"', "row": f'"{row.id}"'}
        | {f"in{at}": test for at, test in enumerate(row.tests)}
        for row in table.rows
    ]
    content = {"hitPolicy": "first", "inputs": columns, "outputs": outputs, "rules": rows}
    return {
        "nodes": [
            {"id": "request", "name": "request", "type": "inputNode"},
            {"id": "table", "name": "table", "type": "decisionTableNode", "content": content},
            {"id": "response", "name": "response", "type": "outputNode"},
        ],
        "edges": [
            {"id": "e1", "sourceId": "request", "targetId": "table", "type": "edge"},
            {"id": "e2", "sourceId": "table", "targetId": "response", "type": "edge"},
        ],
    }


def _variable(element: str) -> str:
    return element.replace("-", "_").replace(".", "_")


def _plain(value: Any) -> Any:
    """As zen takes it: decimals as numbers, an absent answer as null."""
    if isinstance(value, Decimal):
        return float(value)
    return msgspec.to_builtins(value)


def faults(rule: InstantRule, standards: Standards) -> Iterable[str]:
    """What is wrong with a rule beyond its shape, one sentence each."""
    if not rule.conditions and rule.table is None:
        yield "has neither conditions nor a table, so it would never decide"
    for element in rule.inputs:
        try:
            standards.element(element)
        except NotFound:
            yield f"inputs name {element}, which is no element"
    for one in rule.conditions:
        if zen.validate_expression(one.when) is not None:
            yield f"condition {one.id} cannot be read: {one.when}"
    yield from _table_faults(rule.table) if rule.table else ()


def _table_faults(table: DecisionTable) -> Iterable[str]:
    for row in table.rows:
        if len(row.tests) != len(table.columns):
            yield f"row {row.id} has {len(row.tests)} tests for {len(table.columns)} columns"
        for test in row.tests:
            if test and not _readable(test):
                yield f"row {row.id} has a test that cannot be read: {test}"


def _readable(test: str) -> bool:
    try:
        zen.compile_unary_expression(test)
    except RuntimeError:
        return False
    return True


def find_rule(standards: Standards, rule_id: str, on: Any) -> InstantRule:
    """The rule in force on a day. :raises NotFound: there is none."""
    found: InstantRule = standards.document(KIND.name, rule_id, on).value
    return found


KIND = Kind("instant", InstantRule, faults)
