"""Nobody approves their own request (四眼原则): every approval asks one question, which knows all of a human's accounts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gdbos.actor import Actor, Link, plugin_actor

ROOT = Path(__file__).parents[2]
SOURCES = [path for part in ("kernel", "plugins") for path in sorted((ROOT / part).rglob("*.py"))]
APPROVALS = {
    "bus/grant.py decide",
    "bus/seal.py confirm",
    "identity/administration.py shut",
    "identity/appointment.py confirm",
    "identity/post.py _refuse_own",
    "ledger/epoch.py confirm",
    "ledger/erasure.py confirm",
    "standards/edition.py _draft",
    "catalogue/mount.py confirm",
    "catalogue/objection.py close",
    "catalogue/resource.py sign_off",
    "sharing/request.py _to_decide",
    "quality/ticket.py close",
    "cases/handling.py extend",
}
"""Every act that decides about what somebody asked for. A new one is seen here by whoever reviews it."""


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.parent.name}/{path.name} {node.name}", node


def is_own_id(node: ast.expr) -> bool:
    """Whether it is ``actor.id`` or ``unit.actor.id``."""
    return isinstance(node, ast.Attribute) and node.attr == "id" and ast.unparse(node.value).split(".")[-1] == "actor"


def test_no_decision_compares_ids_of_accounts_by_itself() -> None:
    """``actor.id == row.asked_by`` forgets the second account, and the post in which somebody stands in."""
    wrong = [
        (name, ast.unparse(found))
        for name, function in functions()
        for found in ast.walk(function)
        if isinstance(found, ast.Compare)
        and any(isinstance(one, ast.Eq | ast.NotEq) for one in found.ops)
        and any(is_own_id(side) for side in (found.left, *found.comparators))
    ]
    assert wrong == []


def test_every_approval_asks_whether_the_request_is_ones_own() -> None:
    asking = {
        name
        for name, function in functions()
        if any(isinstance(one, ast.Attribute) and one.attr == "answers_for" for one in ast.walk(function))
        and any(isinstance(one, ast.Raise) for one in ast.walk(function))
    }
    assert asking == APPROVALS


@pytest.mark.parametrize("asked_by", ["me", "my-other-account", "whose-post-it-is"])
def test_what_one_asked_for_under_any_name_is_ones_own(asked_by: str) -> None:
    chain = (Link("node", "n"), Link("official", "me"), Link("delegation", "d"), Link("holder", "whose-post-it-is"))
    actor = Actor(kind="official", id="me", aliases=("my-other-account",), chain=chain)
    assert actor.answers_for(asked_by)
    for somebody_else in ("another", "d", "n", ""):
        assert not actor.answers_for(somebody_else)
    assert not plugin_actor(asked_by).answers_for(asked_by)
