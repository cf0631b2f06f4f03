"""What forms send, as the structs that the API takes: one way to decode, one set of rules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.datastructures import FormMultiDict

from gdbos import N_, Invalid, Problem, Violation

S = TypeVar("S", bound=msgspec.Struct)
Asked = Request[Any, Any, Any]
_PLACE = re.compile(r"at `(\$[^`]*)`|field `([A-Za-z_]+)`")


def plain(form: FormMultiDict, lists: Iterable[str] = ()) -> dict[str, Any]:
    """The form's filled fields; ``a.b`` is ``b`` within ``a``, and those of ``lists`` may come several times."""
    found: dict[str, Any] = {name: [one for one in form.getall(name, []) if one] for name in lists}
    for name, value in form.multi_items():
        if name in found or not isinstance(value, str) or not value.strip():
            continue
        outer, _, inner = name.partition(".")
        if inner:
            found.setdefault(outer, {})[inner] = value.strip()
        else:
            found[name] = value.strip()
    return found


def decoded(values: dict[str, Any], struct: type[S]) -> S:
    """``values`` as ``struct``. :raises Invalid: naming the first field that is missing or does not fit."""
    try:
        return msgspec.convert(values, struct, strict=False)
    except msgspec.ValidationError as wrong:
        match = _PLACE.search(str(wrong))
        path = (match[1] or f"$.{match[2]}") if match else "$"
        detail = N_("This answer is missing, or it does not fit what the field takes.")
        raise Invalid(violations=[Violation(path, "shape", detail)]) from None


class Wrong(msgspec.Struct, frozen=True):
    """Why a form came back: what pages say above it and beside its fields."""

    detail: str = ""
    facts: dict[str, Any] = {}
    violations: list[Violation] = []


def wrong_of(problem: Problem) -> Wrong:
    """A problem as the page of its form tells it."""
    violations = problem.violations if isinstance(problem, Invalid) else []
    return Wrong(problem.detail, problem.facts, violations)
