"""What the console's forms send, as the structs that the API takes, and what is wrong with it as their pages say it."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from litestar.datastructures import FormMultiDict

from gdbos.answers import explained
from gdbos.errors import Invalid, Problem, Violation

S = TypeVar("S", bound=msgspec.Struct)
_PATH = re.compile(r"(?P<message>.*?)(?: - at `(?P<path>\$[^`]*)`)?\Z", re.DOTALL)


class Wrong(msgspec.Struct, frozen=True):
    """Why a form came back."""

    detail: str = ""
    facts: dict[str, Any] = {}
    violations: list[Violation] = []


def filled(form: FormMultiDict) -> dict[str, Any]:
    """The form's filled fields; ``a.b`` is ``b`` within ``a``."""
    found: dict[str, Any] = {}
    for name, value in form.multi_items():
        outer, _, inner = name.partition(".")
        if not isinstance(value, str) or not value.strip():
            continue
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
        match = _PATH.match(str(wrong))
        assert match is not None
        raise Invalid(violations=[explained(match["path"] or "$", match["message"])]) from None


def wrong_of(problem: Problem) -> Wrong:
    """A problem as the page of its form tells it."""
    return Wrong(problem.detail, problem.facts, problem.violations if isinstance(problem, Invalid) else [])
