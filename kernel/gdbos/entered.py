"""What forms of pages send, as the structs that the API takes, and what is wrong with it as their pages say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from litestar.datastructures import FormMultiDict

from gdbos.answers import explained
from gdbos.errors import Invalid, Problem, Violation
from gdbos.text import N_

S = TypeVar("S", bound=msgspec.Struct)
_PATH = re.compile(r"(?P<message>.*?)(?: - at `(?P<path>\$[^`]*)`)?\Z", re.DOTALL)


class Wrong(msgspec.Struct, frozen=True):
    """Why a form came back."""

    detail: str = ""
    facts: dict[str, Any] = {}
    violations: list[Violation] = []


def filled(form: FormMultiDict, lists: Iterable[str] = ()) -> dict[str, Any]:
    """The form's filled fields by the names they have on the page, to be decoded or shown again.

    Those of ``lists`` may come several times and are always there; of the others the last one counts.
    """
    found: dict[str, Any] = {
        name: [one for one in form.getall(name, []) if isinstance(one, str) and one.strip()] for name in lists
    }
    for name, value in form.multi_items():
        if name not in lists and isinstance(value, str) and value.strip():
            found[name] = value.strip()
    return found


def decoded(values: Mapping[str, Any], struct: type[S]) -> S:
    """``values`` as ``struct``, ``a.b`` as ``b`` within ``a``.

    :raises Invalid: naming the first field that is missing or does not fit.
    """
    try:
        return msgspec.convert(_nested(values), struct, strict=False)
    except msgspec.ValidationError as wrong:
        match = _PATH.match(str(wrong))
        assert match is not None
        found = explained(match["path"] or "$", match["message"])
        if found.rule == "required":  # a field has a name of its own on the page
            found = Violation(found.path, found.rule, N_("Fill this in."))
        raise Invalid(violations=[found]) from None


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain names first: what no page of ours sends, an ``a`` beside an ``a.b``, gives way."""
    found = {name: value for name, value in values.items() if "." not in name}
    for name, value in values.items():
        outer, dot, inner = name.partition(".")
        if dot:
            within = found.get(outer)
            found[outer] = (within if isinstance(within, dict) else {}) | {inner: value}
    return found


def wrong_of(problem: Problem) -> Wrong:
    """A problem as the page of its form tells it."""
    return Wrong(problem.detail, problem.facts, problem.violations if isinstance(problem, Invalid) else [])
